"""Which rows of a recording a backtest may use, and how many are left out for which reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.domain.money import PRICE_PER_DOLLAR
from console.history.clean import before_close, uncrossed

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Column


@dataclass(frozen=True)
class Period:
    """Rows from ``since_ns`` on and before ``until_ns``; None is no bound."""

    since_ns: int | None = None
    until_ns: int | None = None


ALWAYS = Period()


@dataclass(frozen=True)
class Selection:
    """The markets asked for, by their closes, and the period; what was not asked for is not counted."""

    close_ns: Column
    period: Period = ALWAYS

    def quotes(self, rows: pa.Table, dropped: Counter[str], what: str = "quotes") -> pa.Table:
        """Neither after their market's close nor crossed nor locked."""
        kept, crossed, locked = uncrossed(self.in_time(rows, dropped, what))
        dropped[f"{what} crossed"] += crossed
        dropped[f"{what} locked"] += locked
        return kept

    def trades(self, rows: pa.Table, dropped: Counter[str]) -> pa.Table:
        """Before the close, at a price that can trade; ``buys_yes`` takes the place of ``taker_side``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        in_time = self.in_time(rows, dropped, "trades")
        above = pc.greater(in_time["price"], pa.scalar(0))
        kept = in_time.filter(pc.and_(above, pc.less(in_time["price"], pa.scalar(PRICE_PER_DOLLAR))))
        dropped["trades at a price of nothing or a dollar"] += in_time.num_rows - kept.num_rows
        buys_yes = pc.equal(kept["taker_side"], pa.scalar("yes"))
        return kept.drop_columns(["taker_side"]).append_column("buys_yes", buys_yes)

    def in_time(self, rows: pa.Table, dropped: Counter[str], what: str) -> pa.Table:
        """Asked for and before the close."""
        asked = self.asked(rows)
        kept = before_close(asked, self.close_ns)
        dropped[f"{what} after the close"] += asked.num_rows - kept.num_rows
        return kept

    def asked(self, rows: pa.Table) -> pa.Table:
        """Of the markets and the period asked for."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = rows.filter(pc.greater_equal(rows["market"], pa.scalar(0)))
        if self.period.since_ns is not None:
            rows = rows.filter(pc.greater_equal(rows["ts_ns"], pa.scalar(self.period.since_ns)))
        if self.period.until_ns is not None:
            rows = rows.filter(pc.less(rows["ts_ns"], pa.scalar(self.period.until_ns)))
        return rows
