"""``mark_outs.csv``: where prices went after our fills, noted live, because no journal has quotes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from console.monitoring.records import MARK_OUT_NS

FILE_NAME = "mark_outs.csv"


class NotedMarkOut(msgspec.Struct, frozen=True, kw_only=True):
    """Twice the mid of a fill's market ``MARK_OUT_NS[horizon]`` after it."""

    horizon: int
    twice_mid: int
    fill_id: str


COLUMNS = NotedMarkOut.__struct_fields__


def read_mark_outs(folder: Path) -> dict[str, tuple[int | None, ...]]:
    """What was noted in a folder of exports, by fill; nothing where there is no file. Raises OSError.

    A line that is not one of ours is passed over: the file may have been edited.
    """
    try:
        text = (folder / FILE_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    # Not as CSV: a quote that somebody left open would take in all that follows.
    rows = ([cell.strip('"') for cell in line.split(",")] for line in text.splitlines())
    return by_fill(noted for row in rows if (noted := _parsed(row)) is not None)


def by_fill(noted: Iterable[NotedMarkOut]) -> dict[str, tuple[int | None, ...]]:
    """Of each fill those of all horizons, None where nobody looked or there was no mid."""
    found: dict[str, list[int | None]] = {}
    for each in noted:
        found.setdefault(each.fill_id, [None] * len(MARK_OUT_NS))[each.horizon] = each.twice_mid
    return {fill_id: tuple(mids) for fill_id, mids in found.items()}


def _parsed(row: list[str]) -> NotedMarkOut | None:
    try:
        horizon, twice_mid, fill_id = row
        noted = NotedMarkOut(horizon=int(horizon), twice_mid=int(twice_mid), fill_id=fill_id)
    except ValueError:
        return None
    return noted if 0 <= noted.horizon < len(MARK_OUT_NS) else None
