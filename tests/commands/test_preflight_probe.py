"""The order that tries the gate goes to a market that trades, whenever it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from console.commands.preflight.arena import Arena
from console.commands.preflight.probe import Probe
from console.domain.account_events import OrderAcked
from console.domain.market import Market, MarketStatus
from console.domain.order import OrderIntent
from console.domain.ports import Universe, Venue
from console.domain.time_units import NS_PER_S
from console.engine.gate import Gate, Sentinel
from console.engine.plan import Plan


def market(ticker: str, opens_s: int, closes_s: int, status: MarketStatus = MarketStatus.ACTIVE) -> Market:
    now_ns = time.time_ns()
    return Market(
        ticker=ticker,
        event_ticker=ticker,
        series_ticker="KX",
        category="Crypto",
        title="",
        open_ns=now_ns + opens_s * NS_PER_S,
        close_ns=now_ns + closes_s * NS_PER_S,
        status=status,
        fees=None,
    )


@dataclass
class BetweenTimes:
    """An exchange that lists no market at first, and then three of which one trades for a while."""

    asked: int = 0
    sent: list[OrderIntent] = field(default_factory=list)

    async def markets(self, _universe: Universe) -> Sequence[Market]:
        self.asked += 1
        ending, coming = market("KX-ENDING", -60, 2), market("KX-COMING", 2, 600, MarketStatus.INITIALIZED)
        return [] if self.asked == 1 else [ending, coming, market("KX-OPEN", -60, 60)]

    async def submit(self, intent: OrderIntent) -> OrderAcked:
        self.sent.append(intent)
        return OrderAcked(at_ns=0, client_order_id=intent.client_order_id, order_id="o")

    async def close(self) -> None:
        pass

    def has_seen(self, client_order_id: str) -> bool:
        return any(intent.client_order_id == client_order_id for intent in self.sent)


@dataclass
class AnyPlan:
    make_venue: Callable[[Gate], Venue]


def test_it_waits_for_a_market_that_is_open_and_stays_so(tmp_path: Path) -> None:
    exchange = BetweenTimes()
    plan = AnyPlan(lambda _gate: cast(Venue, exchange))
    probe = Probe(cast(Arena, exchange))
    probe.around(cast(Plan, plan)).make_venue(Gate(Sentinel(tmp_path / "halt")))
    probe.must_pass("between the markets of two times")
    assert [intent.ticker for intent in exchange.sent] == ["KX-OPEN"]
