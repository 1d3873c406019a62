"""SQLite's write-ahead log, looked at for commits that were synced and are damaged now.

SQLite ends its reading at the first damaged frame and takes what comes before for everything, which is right
for the last transaction alone: a later one is written only after the one before it was synced. Format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from console.engine.journal_chain import JournalCorruptError

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = (0x377F0682, 0x377F0683)


class WalCommits(NamedTuple):
    """Which frames of the log end a transaction, by number from 1, and how many frames there are."""

    ends: tuple[int, ...] = ()
    frames: int = 0

    def check(self, valid_frames: int) -> None:
        """Raise JournalCorruptError when SQLite read fewer transactions than were synced."""
        if any(valid_frames < end < self.frames for end in self.ends):
            raise JournalCorruptError(
                f"its write-ahead log is damaged after frame {max(0, valid_frames)} of {self.frames}"
            )


def read_wal_commits(journal: Path) -> WalCommits:
    """What the log beside a journal holds, before SQLite opens it; raises JournalCorruptError, OSError."""
    try:
        content = wal_of(journal).read_bytes()
    except FileNotFoundError:
        return WalCommits()
    if len(content) < _HEADER.size + _FRAME.size:
        return WalCommits()
    magic, _, page_size, _, *salts, _, _ = header = _HEADER.unpack_from(content)
    if magic not in _MAGIC or header[6:] != _checksum(content[:24], magic):
        raise JournalCorruptError("its write-ahead log has a damaged header")
    ends, frames = [], 0
    for number, start in enumerate(
        range(_HEADER.size, len(content) - _FRAME.size, _FRAME.size + page_size), 1
    ):
        _, pages_after_commit, *frame_salts, _, _ = _FRAME.unpack_from(content, start)
        if frame_salts == salts:
            frames = number
            if pages_after_commit:
                ends.append(number)
    return WalCommits(tuple(ends), frames)


def wal_of(journal: Path) -> Path:
    return journal.with_name(journal.name + "-wal")


def shared_memory_of(journal: Path) -> Path:
    return journal.with_name(journal.name + "-shm")


def _checksum(header: bytes, magic: int) -> tuple[int, int]:
    order = ">" if magic & 1 else "<"
    words = struct.unpack(f"{order}6I", header)
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
