"""Files that a command is asked to write beside what it prints: refused before the work, written after it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.commands.errors import ExitCode, UserError
from console.config.files import replace_file


def check_output(option: str, file: Path) -> None:
    """Raises UserError where a file could not be written later on, as far as that is known now."""
    with _told(option, file):
        if file.exists() and not file.is_file():
            raise FileExistsError(errno.EEXIST, "it is there and is no file")
        folder = next(each for each in file.absolute().parents if each.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def check_picture(file: Path) -> None:
    """The same of one that ``--png`` asks for, and whether it can be drawn."""
    from console.backtest.plots import blank_figure

    with drawn(file):
        blank_figure()
    check_output("--png", file)


def write_output(option: str, file: Path, content: str) -> None:
    """All of it or what was there, in its folder, which is made; what a link names is written.

    Raises UserError.
    """
    with _told(option, file):
        replace_file(Path(os.path.realpath(file)), content.encode(errors="backslashreplace"))


@contextmanager
def drawn(where: Path) -> Iterator[None]:
    """Draw within the block; raises UserError in place of what a drawing may raise."""
    from console.backtest.plots import NoPlotsError

    try:
        with _told("--png", where):
            yield
    except NoPlotsError:
        raise UserError("--png needs matplotlib: pip install 'kconsole[report]'", ExitCode.USAGE) from None


@contextmanager
def _told(option: str, where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{option} {where} cannot be written: {error.strerror}") from None
