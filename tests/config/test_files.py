"""Files that are replaced as a whole."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.config.files import replace_file


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of this process may not grow beyond it, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_does_not_fit_leaves_what_was_there_and_nothing_besides(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    replace_file(path, b"before")
    with room_for(1_000), pytest.raises(OSError, match="File too large"):
        replace_file(path, bytes(2_000))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="it is there and is no file"):
        replace_file(path, b"page")
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path", ["", ".", "..", "/"])
def test_a_folder_is_not_replaced(path: str) -> None:
    with pytest.raises(OSError, match="it is there and is no file"):
        replace_file(Path(path), b"page")
