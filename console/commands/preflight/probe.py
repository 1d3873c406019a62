"""Orders sent past the core, its latches and the order groups, so that the gate alone can stop them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace

from console.commands.preflight.arena import PATIENCE_S, Arena, TimeUpError
from console.domain.account_events import OrderAcked, OrderRejected
from console.domain.book import NO_QUOTE, BookSide
from console.domain.market import Market
from console.domain.money import PRICE_PER_CENT, Count, Price
from console.domain.order import OrderIntent, TimeInForce
from console.domain.ports import SubmitOutcome, Universe, Venue
from console.domain.time_units import NS_PER_S
from console.engine.gate import Gate
from console.engine.plan import Plan

_CONTRACT = Count(100)
_CLOSED = "the gate is closed"
_LASTS_NS = 4 * NS_PER_S
_LOOK_S = 0.2
_NUMBERS = itertools.count(1)


class Probe:
    """Knows the gate of a running engine, and how its connector is made."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._make_venue: Callable[[Gate], Venue]
        self._gate: Gate

    def around(self, plan: Plan) -> Plan:
        """The same plan; its gate is known once the engine has begun."""
        self._make_venue = plan.make_venue

        def make_venue(gate: Gate) -> Venue:
            self._gate = gate
            return plan.make_venue(gate)

        return replace(plan, make_venue=make_venue)

    def must_pass(self, when: str) -> None:
        """Raise TimeUpError unless an order gets to the exchange: else nothing is shown when one does not."""
        name, outcome = self._send(self._gate)
        if not isinstance(outcome, OrderAcked) or not self._arena.has_seen(name):
            raise TimeUpError(f"no order passes the gate {when}: {_words(outcome)}")

    def must_stop(self, when: str, gate: Gate | None = None) -> None:
        """Raise TimeUpError unless this gate, or the engine's, keeps an order from leaving."""
        name, outcome = self._send(gate or self._gate)
        if self._arena.has_seen(name):
            raise TimeUpError(f"an order passed the gate {when}")
        if not isinstance(outcome, OrderRejected) or _CLOSED not in outcome.message:
            raise TimeUpError(f"an order was stopped {when}, but not by the gate: {_words(outcome)}")

    def _send(self, gate: Gate) -> tuple[str, SubmitOutcome]:
        name = f"preflight-{next(_NUMBERS)}"
        return name, asyncio.run(self._sent(name, gate))

    async def _sent(self, name: str, gate: Gate) -> SubmitOutcome:
        """An order that neither fills nor rests."""
        venue = self._make_venue(gate)
        try:
            market = await _open_market(venue)
            return await venue.submit(
                OrderIntent(
                    client_order_id=name,
                    ticker=market.ticker,
                    side=BookSide.BID,
                    price=Price(PRICE_PER_CENT),
                    count=_CONTRACT,
                    time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
                    quote=NO_QUOTE,
                    win_probability=Price(PRICE_PER_CENT),
                    strategy="preflight",
                    exchange_index=market.exchange_index,
                )
            )
        finally:
            await venue.close()


async def _open_market(venue: Venue) -> Market:
    """One that trades for a while; between those of one time and of the next there may be none.

    Raises TimeUpError.
    """
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        now_ns = time.time_ns()
        for market in await venue.markets(Universe()):
            if market.is_open(now_ns) and market.is_open(now_ns + _LASTS_NS):
                return market
        await asyncio.sleep(_LOOK_S)
    raise TimeUpError(f"not seen within {PATIENCE_S:.0f} s: a market that is open")


def _words(outcome: SubmitOutcome) -> str:
    if isinstance(outcome, OrderAcked):
        return "it was acknowledged"
    return outcome.message if isinstance(outcome, OrderRejected) else outcome.reason
