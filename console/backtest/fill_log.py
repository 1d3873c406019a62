"""Every execution of a run with the decision behind it and the market around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from console.backtest.display import Display
from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Fill, OrderIntent
from console.monitoring.records import MARK_OUT_NS, Decision, FillRecord

if TYPE_CHECKING:
    from console.history.markets import Outcome
    from console.simulation.execution import Execution


class FillLog:
    """Notes fills as they happen, and later where the market went."""

    def __init__(
        self,
        display: Display,
        places: Mapping[Ticker, int],
        outcomes: Mapping[Ticker, Outcome],
    ) -> None:
        self.records: list[FillRecord] = []
        self.decisions: list[Decision] = []
        self._display = display
        self._places = places
        self._outcomes = outcomes
        self._decisions: dict[str, tuple[int, int]] = {}
        self._mark_outs: list[tuple[int, int, int]] = []
        self._twice_mids: list[list[int | None]] = []

    def decide(self, intent: OrderIntent, at_ns: int, age_ns: int) -> None:
        """An order is sent; its market's quote is this old as we know it."""
        self.decisions.append(Decision(at_ns, intent))
        self._decisions[intent.client_order_id] = (at_ns, age_ns)

    def note(
        self, intent: OrderIntent, fill: Fill, execution: Execution, slippage: Cash, quote: Quote, age_ns: int
    ) -> None:
        decided_ns, age_at_decision_ns = self._decisions[intent.client_order_id]
        self._mark_outs += [
            (fill.at_ns + after_ns, len(self.records), number) for number, after_ns in enumerate(MARK_OUT_NS)
        ]
        self._twice_mids.append([None] * len(MARK_OUT_NS))
        self.records.append(
            FillRecord(
                fill=fill,
                intent=intent,
                decided_ns=decided_ns,
                age_at_decision_ns=age_at_decision_ns,
                quote_at_fill=quote,
                age_at_fill_ns=age_ns,
                slippage=slippage,
                is_printed=execution.is_printed,
                twice_mids=(None,) * len(MARK_OUT_NS),
            )
        )

    def mark_out_before(self, end_ns: int) -> None:
        """Note where markets went after fills up to a time, to which the stretch on display reaches."""
        due = [mark_out for mark_out in self._mark_outs if mark_out[0] < end_ns]
        self._mark_outs = [mark_out for mark_out in self._mark_outs if mark_out[0] >= end_ns]
        tickers = [self.records[index].fill.ticker for _, index, _ in due]
        twice_mids_then = self._display.twice_mids(
            [self._places[ticker] for ticker in tickers], [at_ns for at_ns, _, _ in due]
        )
        for (at_ns, index, number), ticker, twice_mid in zip(due, tickers, twice_mids_then, strict=True):
            if at_ns < self._outcomes[ticker].close_ns:
                self._twice_mids[index][number] = twice_mid
        for index in {index for _, index, _ in due}:
            twice_mids = tuple(self._twice_mids[index])
            self.records[index] = msgspec.structs.replace(self.records[index], twice_mids=twice_mids)
