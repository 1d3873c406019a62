"""What another process needs to halt a run that may not answer: a small file, replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class RunFileError(Exception):
    """The file holds something else; the text names it."""


class RunFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run's exchange, key and orders; ``groups`` is its order group on each shard.

    It stays when the run dies, and is removed when a run ends with nothing of ours left at the exchange.
    """

    pid: int
    environment: str
    rest: str
    ws: str
    key_id: str
    private_key_path: str
    client_id_prefix: str
    started_ns: int
    groups: dict[int, str] = {}


def read_run_file(path: Path) -> RunFile | None:
    """The run described there, None without a file; raises RunFileError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunFile)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise RunFileError(f"run file {path} cannot be read: {error}") from None


def write_run_file(path: Path, run: RunFile) -> None:
    """Replace the file; it is on disk when this returns. Raises OSError."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(run))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
