"""Flattening: what closing a position would bring, and the orders that close all of them."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain.book import Quote
from console.domain.fees import KalshiFees, UnknownFeeTypeError
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import COUNT_PER_CONTRACT, Cash, Count, cost, format_count
from console.domain.order import Order, OrderIntent, TimeInForce
from console.domain.position import Position
from console.engine.account import Account
from console.engine.account_views import NO_EXIT, ExitView
from console.engine.markets import Markets

FLATTEN = "flatten"
"""Name of the latch that a flatten leaves, and the strategy of its orders."""

FRUITLESS_ROUNDS = 20
"""Rounds in a row without a contract less after which a flatten gives up: about ten seconds."""

_NO_BID = "no bid"
_NOT_OPEN = "the market is not open"
_FINAL = (_NO_BID, _NOT_OPEN)


def exit_view(position: Position, market: Market | None, quote: Quote | None) -> ExitView:
    """What selling a whole position at the best price now would bring; unknown where a figure is missing.

    ``quote`` is None without a live book. The fee is the exchange's for one execution.
    """
    size = Count(abs(position.contracts))
    side = position.side.opposite
    level = None if quote is None else quote.touch(side)
    if quote is None or level is None:
        return NO_EXIT
    proceeds = cost(position.side.price_paid(level.price), size)
    twice_mid = quote.twice_mid_of(position.side)
    slippage = None if twice_mid is None else Cash(twice_mid * size // 2 - proceeds)
    fee = None
    if market is not None and market.fees is not None:
        try:
            fee = KalshiFees().on_trade(market.fees, level.price, size, is_taker=True)
        except UnknownFeeTypeError:
            fee = None
    return ExitView(position.side.price_paid(level.price), level.size, proceeds, fee, slippage)


class Flattening:
    """One flatten under way: which order closes the next slice of each position, and when it is over."""

    def __init__(self, slice_contracts: int) -> None:
        self._slice = Count(slice_contracts * COUNT_PER_CONTRACT)
        self._least: int | None = None
        self._fruitless = 0
        self._obstacles: dict[Ticker, str] = {}

    def exits(
        self, account: Account, markets: Markets, exchange: ExchangeStatusRead | None, at_ns: int
    ) -> list[OrderIntent]:
        """Orders for this round, without ids; every one only reduces what is held."""
        held = account.held
        left = sum(abs(position.contracts) for position in held.values())
        self._fruitless = 0 if self._least is None or left < self._least else self._fruitless + 1
        self._least = left if self._least is None else min(left, self._least)
        # Only exits count: of what was sent before, the halt has seen that nothing rests.
        working = {o.intent.ticker: o for o in account.open_orders if o.intent.reduce_only}
        self._obstacles.clear()
        exits = []
        for ticker, position in held.items():
            obstacle = obstacle_to_exit(ticker, markets, exchange, working, at_ns)
            quote = markets.quote(ticker)
            level = quote.touch(position.side.opposite)
            if obstacle is not None or level is None:
                self._obstacles[ticker] = obstacle or _NO_BID
                continue
            exits.append(exit_order(ticker, position, quote, markets, slice_of=self._slice, strategy=FLATTEN))
        return exits

    def ending(self, held: Mapping[Ticker, Position]) -> str | None:
        """Why there is nothing more to do, told after ``exits``; None while there is."""
        if not held:
            return "no position is left"
        gives_up = self._fruitless >= FRUITLESS_ROUNDS
        waits = held.keys() - self._obstacles.keys() or set(self._obstacles.values()) - set(_FINAL)
        if waits and not gives_up:
            return None
        kept = (
            f"{ticker} {format_count(Count(abs(position.contracts)))} "
            f"{position.side.outcome}, {self._obstacles.get(ticker, 'nobody takes it')}"
            for ticker, position in held.items()
        )
        return f"not flat: {'; '.join(kept)}"


def exit_order(
    ticker: Ticker, position: Position, quote: Quote, markets: Markets, *, slice_of: Count, strategy: str
) -> OrderIntent:
    """The order, without an id, that closes the next slice at the best price there is; there must be one."""
    side = position.side.opposite
    level, market = quote.touch(side), markets.get(ticker)
    assert level is not None
    return OrderIntent(
        client_order_id="",
        ticker=ticker,
        side=side,
        price=level.price,
        count=Count(min(abs(position.contracts), slice_of)),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=quote,
        win_probability=side.price_paid(level.price),
        strategy=strategy,
        # It never rests, and a group that stops must not stop what only reduces.
        group_id=None,
        reduce_only=True,
        exchange_index=market.exchange_index if market else 0,
    )


def obstacle_to_exit(
    ticker: Ticker,
    markets: Markets,
    exchange: ExchangeStatusRead | None,
    working: Mapping[Ticker, Order],
    at_ns: int,
) -> str | None:
    """Why a position cannot be sold now; ``working`` has the orders it would have to wait for."""
    market = markets.get(ticker)
    if ticker in working:
        return f"the last order is {working[ticker].status.value}"
    if market is None:
        return "the market is not known"
    if not market.is_open(at_ns):
        return _NOT_OPEN
    if exchange is None or not (exchange.exchange_active and exchange.trading_active):
        return "the exchange has paused trading"
    return None if markets.is_live(ticker) else "its book is not live"
