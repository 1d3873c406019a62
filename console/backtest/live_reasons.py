"""Why a run comes out otherwise when it is run again, as far as journal and recording can tell."""

from __future__ import annotations

from collections.abc import Iterable

from console.backtest.against_live import RunAgain
from console.backtest.live_runs import TradedOrder
from console.backtest.recorded_tops import RecordedTops
from console.domain.account_events import DENIED, NEVER_PLACED
from console.domain.book import BookSide, Quote
from console.domain.commands import CancelAllOrders, CancelOrder
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import format_count, format_price
from console.domain.order import OrderStatus, TimeInForce
from console.domain.time_units import NS_PER_MS, NS_PER_S
from console.engine.closing import CLOSE
from console.engine.flatten import FLATTEN
from console.monitoring.documents import iso
from console.risk.latches import latch_id

NOT_TOLD = "not told by journal or recording"

_OF_OPERATOR = {CLOSE: "the operator closed the position", FLATTEN: "the operator flattened"}
_NEAR_NS = 5 * NS_PER_S


class Why:
    """Reasons for one run's differences, which are asked for in order of time and noted after that."""

    def __init__(self, again: RunAgain, tops: RecordedTops) -> None:
        self._again = again
        self._tops = tops
        self._of_market: dict[Ticker, int] = {}
        self._first_ns: int | None = None
        self._scans_ns = {e.at_ns for e in again.run.events if isinstance(e, EquityMarked)}

    def note(self, at_ns: int, ticker: Ticker) -> None:
        """Something differed: what comes later may follow from it."""
        self._of_market.setdefault(ticker, at_ns)
        self._first_ns = at_ns if self._first_ns is None else self._first_ns

    def only_live(self, order: TradedOrder) -> str:
        """Why only the run as it was made an order."""
        intent, at_ns, again = order.intent, order.decided_ns, self._again
        if intent.strategy in _OF_OPERATOR:
            return f"by hand: {_OF_OPERATOR[intent.strategy]}"
        recorded = self._tops.at(intent.ticker, at_ns)
        if _touches(recorded) != _touches(intent.quote):
            return (
                f"a gap in the recording: live it was quoted {_said(intent.quote)}, "
                f"recorded {_said(recorded)}"
            )
        denial = next(
            (e for e in reversed(again.denied) if e.ticker == intent.ticker and e.at_ns <= at_ns + _NEAR_NS),
            None,
        )
        latched = _latched(again.again_events, at_ns)
        return (
            (f"the replay was latched: {latched}" if latched else "")
            or self._follows(intent.ticker)
            or (f"denied in the replay: {denial.text}{self._turn(order)}" if denial else "")
            or self._occupied(again.again, order, "in the replay")
            or self._may_follow()
        )

    def only_replay(self, order: TradedOrder) -> str:
        """Why only the run again made an order."""
        at_ns, again = order.decided_ns, self._again
        if at_ns < again.run.opening.at_ns:
            return "the run did not trade yet: it was starting"
        latched = _latched((*again.run.opening.state, *again.run.events), at_ns)
        unknown = [
            each
            for each in again.live
            if each.order.status is OrderStatus.UNKNOWN and each.intent.ticker == order.intent.ticker
        ]
        return (
            (f"live was latched: {latched}" if latched else "")
            or self._follows(order.intent.ticker)
            or ("an order of unknown outcome blocked the market live" if unknown else "")
            or self._occupied(again.live, order, "live")
            or self._may_follow("; live a limit may have denied it, which no journal keeps")
        )

    def other_order(self, live: TradedOrder, replay: TradedOrder) -> str:
        """Why the same decision asks for another price or count."""
        if _touches(live.intent.quote) != _touches(replay.intent.quote):
            later_ms = (replay.decided_ns - live.decided_ns) / NS_PER_MS
            return (
                f"decided at another quote, {later_ms:+,.0f} ms: live {_said(live.intent.quote)}, "
                f"in the replay {_said(replay.intent.quote)}"
            )
        follows = self._follows(live.intent.ticker)
        if follows or self._first_ns is not None:
            return follows or self._may_follow("; equity or what was at stake differed")
        return f"equity or what was at stake differed{self._turn(live) or self._turn(replay)}"

    def other_fill(self, live: TradedOrder, replay: TradedOrder) -> str:
        """Why the same order fills otherwise."""
        if live.code in (DENIED, NEVER_PLACED):
            return f"live it was not sent: {live.order.reason}"
        if live.code or replay.code:
            where, code = ("live", live.code) if live.code else ("in the replay", replay.code)
            return f"rejected {where}: {code}"
        if live.order.status is OrderStatus.UNKNOWN:
            return "its outcome is unknown live"
        if live.intent.count != replay.intent.count:
            return "the orders ask for different counts"
        if live.intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED:
            return self._rested(live, replay)
        return self._taken(live)

    def other_fee(self, live: TradedOrder, replay: TradedOrder) -> str:
        """Why the same fill is charged otherwise."""
        if {fill.is_taker for fill in live.fills} != {fill.is_taker for fill in replay.fills}:
            return "one was charged as a taker, the other as a maker"
        if len(live.fills) != len(replay.fills):
            return f"rounded once a fill: {len(live.fills)} live, {len(replay.fills)} in the replay"
        return "the exchange charged by other terms than the journal has of this market"

    def _taken(self, live: TradedOrder) -> str:
        """A book that moves while an order is on its way."""
        if live.answered_ns is None:
            return "live it was never answered"
        side, trip_ms = live.intent.side, (live.answered_ns - live.decided_ns) / NS_PER_MS
        then = self._tops.at(live.intent.ticker, live.answered_ns)
        before, after = (None if quote is None else quote.touch(side) for quote in (live.intent.quote, then))
        if before != after:
            return (
                f"latency: in the {trip_ms:,.0f} ms until its answer the book went from "
                f"{_said(live.intent.quote)} to {_said(then)}, and when it was met is not known exactly"
            )
        return f"what stood behind the best price, or changed within {trip_ms:,.0f} ms unrecorded"

    def _rested(self, live: TradedOrder, replay: TradedOrder) -> str:
        cancelled = next(
            (
                event
                for event in self._again.run.events
                if isinstance(event, CancelAllOrders | CancelOrder)
                and live.decided_ns <= event.at_ns <= (live.ended_ns or event.at_ns)
            ),
            None,
        )
        if cancelled is not None and not live.order.status.is_terminal:
            return "by hand: the operator cancelled it"
        if live.filled > replay.filled:
            return "queue: only trades are taken to move an order up, and live others' cancels did too"
        return "queue: in the replay it stood further in front, or rested for longer"

    def _turn(self, order: TradedOrder) -> str:
        """At a scan several markets want what room a limit leaves."""
        if order.decided_ns not in self._scans_ns:
            return ""
        return "; at a scan the market that was listed first is looked at first, and no recording has that"

    def _follows(self, ticker: Ticker) -> str:
        since_ns = self._of_market.get(ticker)
        return "" if since_ns is None else f"follows from what differed here at {_clock(since_ns)}"

    def _may_follow(self, otherwise: str = "") -> str:
        if self._first_ns is None:
            return NOT_TOLD + otherwise
        return f"may follow from what differed first, at {_clock(self._first_ns)}{otherwise}"

    def _occupied(self, orders: Iterable[TradedOrder], order: TradedOrder, where: str) -> str:
        """An order or a position that stood in the way of another."""
        own = [each for each in orders if each.intent.ticker == order.intent.ticker]
        at_ns = order.decided_ns
        if any(each.decided_ns <= at_ns < (each.ended_ns or at_ns + 1) for each in own):
            return f"an order was at work in the market {where}"
        held = sum(fill.side.sign * fill.count for each in own for fill in each.fills if fill.at_ns <= at_ns)
        return f"the market was held {where}" if held else ""


def _latched(events: Iterable[JournaledEvent], at_ns: int) -> str:
    """The latches in force for everything or a part at a time."""
    active: dict[str, LatchRaised] = {}
    for event in events:
        if event.at_ns > at_ns:
            continue
        if isinstance(event, LatchRaised):
            active[latch_id(event.name, event.scope)] = event
        elif isinstance(event, LatchCleared):
            active.pop(latch_id(event.name, event.scope), None)
    return ", ".join(f"{event.level.name} {name}" for name, event in active.items())


def _touches(quote: Quote | None) -> tuple[int | None, int | None]:
    bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
    return (None if bid is None else bid.price, None if ask is None else ask.price)


def _said(quote: Quote | None) -> str:
    if quote is None:
        return "not at all"
    sides = (quote.touch(BookSide.ASK), quote.touch(BookSide.BID))
    return " / ".join(
        "none" if level is None else f"{format_count(level.size)} at {format_price(level.price)}"
        for level in sides
    )


def _clock(at_ns: int) -> str:
    return iso(at_ns)[11:19]
