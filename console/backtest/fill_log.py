"""Every execution of a run with the decision behind it and the market around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from console.backtest.agenda import Agenda, Phase
from console.backtest.display import Display
from console.backtest.result import MARK_OUT_NS, Decision, FillRecord
from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Fill, OrderIntent

if TYPE_CHECKING:
    from console.history.markets import Outcome
    from console.simulation.matching import Execution


class FillLog:
    """Notes fills as they happen, and later where the market went."""

    def __init__(
        self,
        display: Display,
        agenda: Agenda,
        places: Mapping[Ticker, int],
        outcomes: Mapping[Ticker, Outcome],
    ) -> None:
        self.records: list[FillRecord] = []
        self.decisions: list[Decision] = []
        self._display = display
        self._agenda = agenda
        self._places = places
        self._outcomes = outcomes
        self._decisions: dict[str, tuple[int, int]] = {}

    def decide(self, intent: OrderIntent, at_ns: int, age_ns: int) -> None:
        """An order is sent; its market's quote is this old as we know it."""
        self.decisions.append(Decision(at_ns, intent))
        self._decisions[intent.client_order_id] = (at_ns, age_ns)

    def note(
        self, intent: OrderIntent, fill: Fill, execution: Execution, slippage: Cash, quote: Quote, age_ns: int
    ) -> None:
        decided_ns, age_at_decision_ns = self._decisions[intent.client_order_id]
        for number, after_ns in enumerate(MARK_OUT_NS):
            self._agenda.add(
                fill.at_ns + after_ns, Phase.MARK, partial(self._mark, len(self.records), number)
            )
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

    def _mark(self, index: int, number: int, at_ns: int) -> None:
        record = self.records[index]
        ticker = record.fill.ticker
        shown = self._display.at(self._places[ticker], at_ns)
        if shown is None or at_ns >= self._outcomes[ticker].close_ns:
            return
        mids: Sequence[int | None] = record.twice_mids
        marked = (*mids[:number], shown.quote.twice_mid, *mids[number + 1 :])
        self.records[index] = msgspec.structs.replace(record, twice_mids=marked)
