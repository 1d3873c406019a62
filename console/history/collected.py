"""Which folders a home has collected, for those who offer recordings."""

from __future__ import annotations

from pathlib import Path

import msgspec

from console.config.files import replace_file

_REGISTER = "collected.json"


class Collected(msgspec.Struct, frozen=True):
    """A folder that was collected, its series and its period (nanoseconds UTC)."""

    folder: str
    series: tuple[str, ...]
    since_ns: int
    until_ns: int


def collected_in(home: Path) -> tuple[Collected, ...]:
    """Those that are still there, the newest first; none where the register cannot be read."""
    try:
        found = msgspec.json.decode((home / _REGISTER).read_bytes(), type=tuple[Collected, ...])
        return tuple(each for each in found if (Path(each.folder) / "markets.parquet").exists())
    except (OSError, msgspec.MsgspecError):
        return ()


def register(home: Path, collected: Collected) -> None:
    """Put a folder first among those of a home; raises OSError."""
    others = (each for each in collected_in(home) if each.folder != collected.folder)
    replace_file(home / _REGISTER, msgspec.json.format(msgspec.json.encode((collected, *others))))
