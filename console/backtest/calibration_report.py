"""What a calibration says, declares and warns of, as a document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from console.backtest.calibrate import Calibration, Row
from console.backtest.estimates import ORDER_CONTRACTS
from console.backtest.observations import WIDEST_SPREAD, Observations
from console.domain.money import PRICE_PER_CENT
from console.domain.time_units import NS_PER_DAY
from console.monitoring.statistics import FEW_OF_A_KIND
from console.strategies.edge_table import EdgeTable

Document = dict[str, Any]

_FEW_DAYS = 30


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said of one recording; ``data`` is its folder."""

    data: str
    observations: Observations
    calibration: Calibration
    table: EdgeTable | None

    def declarations(self) -> dict[str, str]:
        """What numbers must say of themselves before they are compared with others."""
        period = self.observations.period
        months, categories = self._mix()
        return {
            "unit": "prices in cents, edges in points (cents a contract that pays a dollar), return in % of "
            "stake",
            "weight": "a displayed price once in each market, side and group, where first seen; every trade "
            "once",
            "price": "the ask for YES and a dollar less the bid for NO, of quotes and, in a dataset without "
            "quotes, at the end of candles; the price of the trade",
            "side_and_role": "both outcomes, by the price paid for each; taker and maker apart",
            "fees": "edge is before, net after Kalshi's schedule: taker 7 % x P(1-P), maker 1.75 %, which "
            f"many series do not charge; rounded up once an order of {ORDER_CONTRACTS}",
            "standard_error": "95 %, bootstrap of whole events, 2,000 draws of a fixed seed; made as wide as "
            f"Wilson's below {FEW_OF_A_KIND} won or lost events",
            "mix": f"events by category: {_counts(categories)}; by month: {_counts(months)}",
            "horizon": "every row before the recorded close, which may have come early"
            + (f"; {period[0]:%Y-%m-%d %H:%M} to {period[1]:%Y-%m-%d %H:%M} UTC" if period else ""),
            "filters": f"quotes crossed, locked or over {WIDEST_SPREAD // PRICE_PER_CENT}c wide, rows after "
            "the close and markets without a result are left out; no filter of volume or lifetime",
            "n_events": f"{sum(categories.values())} events; strikes of one event are one draw",
        }

    def warnings(self) -> list[str]:
        """Why the numbers may be worth less than they look."""
        coverage, said = self.observations.coverage, []
        if not coverage.markets:
            said.append("no market that has a result has a price: nothing was measured")
        if coverage.estimated_results:
            said.append(
                f"{coverage.estimated_results:,} of {coverage.markets:,} results were read off prices "
                "(result_source says derived or inferred): they flatter win rates; the edge table leaves "
                "them out"
            )
        if coverage.results_against_last_quote:
            said.append(
                f"{coverage.results_against_last_quote:,} results contradict a last quote that was all but "
                "sure"
            )
        if not coverage.trades:
            said.append("no trades are recorded: what makers earn is not measured")
        short = [row for row in self.calibration.buckets if _is_short(row)]
        if short:
            said.append(
                f"{len(short):,} of {len(self.calibration.buckets):,} buckets have fewer events than it "
                "takes to see the published edge: they prove nothing either way"
            )
        days = self._days()
        if 0 < days < _FEW_DAYS:
            on = "one day" if days == 1 else f"{days} days"
            said.append(f"all markets closed on {on}: events of a day may move together")
        return said

    def document(self) -> Document:
        coverage = msgspec.to_builtins(self.observations.coverage)
        period = self.observations.period
        return {
            "data": self.data,
            "from": period[0].isoformat() if period else None,
            "to": period[1].isoformat() if period else None,
            "declared": self.declarations(),
            "warnings": self.warnings(),
            "coverage": coverage,
            "buckets": _documents(self.calibration.buckets),
            "by_category": _documents(self.calibration.by_category),
            "by_time_to_close": _documents(self.calibration.by_time_to_close),
            "by_cent": _documents(self.calibration.by_cent),
            "edge_table": None if self.table is None else msgspec.to_builtins(self.table),
        }

    def _mix(self) -> tuple[Counter[str], Counter[str]]:
        """How many events closed in each month, and were of each category."""
        import numpy as np

        it, markets = self.observations, self.observations.markets_seen
        _, first = np.unique(it.event[markets], return_index=True)
        months = it.close_ns[markets[first]].view("datetime64[ns]").astype("datetime64[M]").astype(str)
        return Counter(months.tolist()), Counter(it.category[markets[first]].tolist())

    def _days(self) -> int:
        import numpy as np

        return len(np.unique(self.observations.close_ns[self.observations.markets_seen] // NS_PER_DAY))


def _is_short(row: Row) -> bool:
    return row.events_needed is not None and row.estimate.effective_events < row.events_needed


def _documents(rows: Iterable[Row]) -> list[Document]:
    """Each row as one flat object."""
    documents = []
    for row in rows:
        document: Document = msgspec.to_builtins(row)
        documents.append(document | document.pop("estimate"))
    return documents


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"
