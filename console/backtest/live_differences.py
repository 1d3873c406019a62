"""A run beside what it comes to when it is run again: which decisions and fills differ, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from console.backtest.against_live import RunAgain
from console.backtest.agenda import NEVER_NS
from console.backtest.live_reasons import Why
from console.backtest.live_runs import TradedOrder
from console.backtest.recorded_tops import RecordedTops
from console.domain.account_events import DENIED, NEVER_PLACED
from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price, cost, format_cash, format_count, format_price
from console.domain.order import OrderStatus
from console.domain.time_units import NS_PER_S
from console.monitoring.slippage import CENTIBPS_PER_BPS, slippage_of

if TYPE_CHECKING:
    from console.history.timeline import Timeline

MarketValues = Mapping[Ticker, tuple[Price, bool]]
"""What a YES of each market is worth, and whether it was paid so."""


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """One side of the comparison, of one market or all.

    ``price`` is what a contract cost on average, whichever outcome. ``pnl`` is that of the fills alone, each
    held to what its market paid or to its last quote, after fees; None where one has no worth. ``denied`` by
    the gate or a limit at the last moment, ``rejected`` by the exchange. ``slippage_bps`` is against the
    touch at the decision, by contracts.
    """

    orders: int
    filled_orders: int
    contracts: Count
    price: Price | None
    slippage_bps: float | None
    fees: Cash
    pnl: Cash | None
    denied: int
    rejected: int
    unknown: int


class MarketSides(msgspec.Struct, frozen=True):
    """One market; ``is_settled`` tells whether ``yes_value`` was paid or is its last mid."""

    ticker: Ticker
    live: Traded
    replay: Traded
    yes_value: Price | None
    is_settled: bool


class Difference(msgspec.Struct, frozen=True):
    """``kind`` is decision, fill or fee; ``live`` or ``replay`` is empty where that side did nothing."""

    at_ns: int
    ticker: Ticker
    kind: str
    live: str
    replay: str
    reason: str


class Compared(msgspec.Struct, frozen=True):
    """One run: how many decisions are the same, and what is not.

    ``paid`` is what markets paid as the recording has it, and ``quoted`` what a YES was worth at the last
    quote of those that were traded.
    """

    same: int
    different: int
    differences: tuple[Difference, ...]
    paid: dict[Ticker, Price]
    quoted: dict[Ticker, Price]


def compared(again: RunAgain, timeline: Timeline) -> Compared:
    """What differs between a run and the same run again, in order of time.

    Raises HistoryError when a file was changed.
    """
    tickers = {order.intent.ticker for order in (*again.live, *again.again)}
    tops = RecordedTops(timeline, tickers)
    window_ns = int(again.settings.strategy_flb.scan_interval * NS_PER_S) + NS_PER_S
    pairs = _pairs(again.live, again.again, window_ns)
    why, same, found = Why(again, tops), 0, list[Difference]()
    for live, replay in pairs:
        differences = _of_pair(live, replay, why)
        decided = [each for each in differences if each.kind == "decision"]
        same += not decided
        found += differences
        for each in differences:
            why.note(each.at_ns, each.ticker)
    last = ((ticker, worth(tops.at(ticker, NEVER_NS))) for ticker in tickers)
    results = ((ticker, timeline.outcomes[ticker].yes_value) for ticker in tickers & {*timeline.outcomes})
    return Compared(
        same=same,
        different=len(pairs) - same,
        differences=tuple(found),
        paid={ticker: value for ticker, value in results if value is not None},
        quoted={ticker: value for ticker, value in last if value is not None},
    )


def traded(orders: Iterable[TradedOrder], values: MarketValues) -> Traded:
    """The figures of some orders."""
    orders = list(orders)
    fills = [(fill, order.intent) for order in orders for fill in order.fills]
    contracts = sum(fill.count for fill, _ in fills)
    paid = sum(cost(fill.side.price_paid(fill.price), fill.count) for fill, _ in fills)
    measured = [sample for fill, intent in fills if (sample := slippage_of(fill, intent.quote)) is not None]
    weight = sum(sample.contracts for sample in measured)
    slipped = sum(sample.touch_centibps * sample.contracts for sample in measured)
    fees = sum(fill.fee for fill, _ in fills)
    is_worth_known = all(fill.ticker in values for fill, _ in fills)
    return Traded(
        orders=len(orders),
        filled_orders=sum(bool(order.fills) for order in orders),
        contracts=Count(contracts),
        price=Price(round(paid / contracts)) if contracts else None,
        slippage_bps=slipped / weight / CENTIBPS_PER_BPS if weight else None,
        fees=Cash(fees),
        pnl=Cash(
            sum(
                fill.side.sign * (values[fill.ticker][0] - fill.price) * fill.count - fill.fee
                for fill, _ in fills
            )
        )
        if is_worth_known
        else None,
        denied=sum(order.code in (DENIED, NEVER_PLACED) for order in orders),
        rejected=sum(bool(order.code) and order.code not in (DENIED, NEVER_PLACED) for order in orders),
        unknown=sum(order.order.status is OrderStatus.UNKNOWN for order in orders),
    )


def markets_traded(agains: Iterable[RunAgain], values: MarketValues) -> tuple[MarketSides, ...]:
    """Every market in which either side made an order, by ticker."""
    live: dict[Ticker, list[TradedOrder]] = {}
    replay: dict[Ticker, list[TradedOrder]] = {}
    for again in agains:
        for side, orders in ((live, again.live), (replay, again.again)):
            for order in orders:
                side.setdefault(order.intent.ticker, []).append(order)
    found = []
    for ticker in sorted({*live, *replay}):
        value, is_settled = values.get(ticker, (None, False))
        of_live, of_replay = (traded(side.get(ticker, ()), values) for side in (live, replay))
        found.append(MarketSides(ticker, of_live, of_replay, value, is_settled))
    return tuple(found)


def worth(quote: Quote | None) -> Price | None:
    """What a YES is worth at a quote: between its sides, or at the one that there is."""
    if quote is None:
        return None
    if quote.bid is not None and quote.ask is not None:
        return Price((quote.bid.price + quote.ask.price) // 2)
    level = quote.bid or quote.ask
    return None if level is None else level.price


# --- pairs of decisions ---------------------------------------------------------------------------------

_Pair = tuple[TradedOrder | None, TradedOrder | None]
_Say = Callable[[TradedOrder], str]


def _pairs(live: list[TradedOrder], replay: list[TradedOrder], window_ns: int) -> list[_Pair]:
    """Each decision with that of the other side nearest to it in the same market and direction, if any."""
    left = list(replay)
    pairs: list[_Pair] = []
    for order in live:
        near = [each for each in left if _is_alike(order, each, window_ns)]
        found = min(near, key=lambda each: abs(each.decided_ns - order.decided_ns), default=None)
        if found is not None:
            left.remove(found)
        pairs.append((order, found))
    pairs += ((None, order) for order in left)
    return sorted(pairs, key=lambda pair: min(each.decided_ns for each in pair if each is not None))


def _is_alike(one: TradedOrder, other: TradedOrder, window_ns: int) -> bool:
    a, b = one.intent, other.intent
    same_kind = (a.ticker, a.side, a.strategy) == (b.ticker, b.side, b.strategy)
    return same_kind and abs(one.decided_ns - other.decided_ns) <= window_ns


def _of_pair(live: TradedOrder | None, replay: TradedOrder | None, why: Why) -> list[Difference]:
    if live is None or replay is None:
        order = live or replay
        assert order is not None
        reason = why.only_live(order) if replay is None else why.only_replay(order)
        return [_difference("decision", live, replay, _wanted, reason)]
    found = []
    if (live.intent.price, live.intent.count) != (replay.intent.price, replay.intent.count):
        found.append(_difference("decision", live, replay, _wanted, why.other_order(live, replay)))
    if _filled(live) != _filled(replay):
        found.append(_difference("fill", live, replay, _filled, why.other_fill(live, replay)))
    elif live.fees != replay.fees:
        found.append(_difference("fee", live, replay, _charged, why.other_fee(live, replay)))
    return found


def _difference(
    kind: str, live: TradedOrder | None, replay: TradedOrder | None, say: _Say, reason: str
) -> Difference:
    order = live or replay
    assert order is not None
    return Difference(
        order.decided_ns,
        order.intent.ticker,
        kind,
        "" if live is None else say(live),
        "" if replay is None else say(replay),
        reason,
    )


def _wanted(order: TradedOrder) -> str:
    intent = order.intent
    verb = "close with" if intent.reduce_only else "buy"
    price = format_price(intent.side.price_paid(intent.price))
    return f"{verb} {format_count(intent.count)} {intent.side.outcome} at {price}"


def _filled(order: TradedOrder) -> str:
    if not order.fills:
        return f"nothing filled, {order.order.status.value}"
    paid = sum(fill.side.price_paid(fill.price) * fill.count for fill in order.fills)
    price = format_price(Price(round(paid / order.filled)))
    return f"filled {format_count(order.filled)} of {format_count(order.intent.count)} at {price}"


def _charged(order: TradedOrder) -> str:
    return f"charged {format_cash(order.fees)} $"
