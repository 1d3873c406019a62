"""Whether the edges that a run trades by have seen the results it is tested on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from console.backtest.words import percent
from console.config.trading_settings import EdgeSettings
from console.domain.time_units import NS_PER_S
from console.strategies.edge_table import EdgeTable

_PUBLISHED_UNTIL = datetime(2025, 11, 25, tzinfo=UTC)
"""Where the trades end on which the published marks rest."""


def in_sample(
    settings: EdgeSettings, table: EdgeTable | None, first_ns: int, last_ns: int, what: str
) -> Iterator[str]:
    """A sentence if they have; without a measured table it is the published marks that are traded by."""
    if settings.model != "table":
        return
    first, last = _time(first_ns), _time(last_ns)
    if table is not None and table.data_from <= last and first <= table.data_to:
        seen = min(last, table.data_to) - max(first, table.data_from)
        share = seen / (last - first) if last > first else 1.0
        yield (
            f"the edge table rests on data from {table.data_from:%Y-%m-%d} to {table.data_to:%Y-%m-%d}, "
            f"{percent(share, 0)} of the time of {what}: it has seen the results it is tested on, use a "
            "table of earlier data"
        )
    elif table is None and first < _PUBLISHED_UNTIL:
        yield (
            f"the published marks rest on all of Kalshi's trades up to {_PUBLISHED_UNTIL:%Y-%m-%d}, and "
            f"{what} began before: they have seen those results"
        )


def _time(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC)
