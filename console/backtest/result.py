"""What a backtest leaves: records to report from, without the recording; all of it can be pickled."""

from __future__ import annotations

from console.domain.money import Cash
from console.monitoring.records import Records
from console.monitoring.why_not import FunnelRow


class Result(Records, frozen=True, kw_only=True):
    """One run.

    ``dispatched`` counts the rows that went through the engine; ``denied`` what limits denied, by limit.
    ``dropped`` and ``noted`` are the recording's own counts, ``prints`` its trades.
    """

    rows: int
    dispatched: int
    events: int
    markets: int
    cash: Cash
    fees: Cash
    denied: dict[str, int]
    why_not: tuple[FunnelRow, ...]
    renewals: int
    prints: int
    dropped: dict[str, int]
    noted: dict[str, int]
    journal_hash: str
    stopped_by: str | None = None
