"""Closing single positions: which orders sell what is held, at a price or better, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from console.domain.engine_events import ClockTicked
from console.domain.market import Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import COUNT_PER_CONTRACT, Count, Price, format_count, format_price
from console.domain.order import OrderIntent
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.flatten import exit_order, obstacle_to_exit
from console.engine.markets import Markets

CLOSE = "close"
"""The strategy of its orders."""

PATIENCE_NS = 15_000_000_000
"""How long a price, a book or a cancel is waited for before a closing is given up."""


@dataclass(slots=True)
class _Closing:
    least_price: Price
    ends_ns: int | None = None


@dataclass(frozen=True)
class Ending:
    """A closing is over; ``left`` is what is still held."""

    ticker: Ticker
    left: Count
    reason: str


class Closings:
    """The positions that are being closed; a restart forgets them, and the stop of their market stays."""

    def __init__(self, slice_contracts: int) -> None:
        self._slice = Count(slice_contracts * COUNT_PER_CONTRACT)
        self._under_way: dict[Ticker, _Closing] = {}

    def begin(self, ticker: Ticker, least_price: Price) -> None:
        """Close a position from now on; asked again it has the new price, and its time begins anew."""
        self._under_way[ticker] = _Closing(least_price)

    def next_step(
        self,
        account: Account,
        markets: Markets,
        exchange: ExchangeStatusRead | None,
        tick: ClockTicked,
    ) -> tuple[list[OrderIntent], list[Ending]]:
        """The orders to send now, without ids, and what has ended; each order waits for the one before."""
        orders: list[OrderIntent] = []
        endings: list[Ending] = []
        for ticker, closing in list(self._under_way.items()):
            if closing.ends_ns is None:
                closing.ends_ns = tick.monotonic_ns + PATIENCE_NS
            position, quote = account.position(ticker), markets.quote(ticker)
            obstacle = self._obstacle(ticker, closing, account, markets, exchange, tick.at_ns)
            is_halted = account.latches.state is TradingState.HALTED
            if not position.contracts or is_halted or (obstacle and tick.monotonic_ns >= closing.ends_ns):
                del self._under_way[ticker]
                why = "halted" if is_halted else obstacle or ""
                endings.append(Ending(ticker, Count(abs(position.contracts)), why))
            elif obstacle is None:
                orders.append(
                    exit_order(ticker, position, quote, markets, slice_of=self._slice, strategy=CLOSE)
                )
        return orders, endings

    @staticmethod
    def _obstacle(
        ticker: Ticker,
        closing: _Closing,
        account: Account,
        markets: Markets,
        exchange: ExchangeStatusRead | None,
        at_ns: int,
    ) -> str | None:
        working = dict(zip([ticker], account.working.get(ticker, {}).values(), strict=False))
        obstacle = obstacle_to_exit(ticker, markets, exchange, working, at_ns)
        if obstacle is not None:
            return obstacle
        held = account.position(ticker).side
        level = markets.quote(ticker).touch(held.opposite)
        if level is None:
            return "no bid"
        price = held.price_paid(level.price)
        if price < closing.least_price:
            return f"the bid is {format_price(price)}, below {format_price(closing.least_price)}"
        return None


def ending_text(ending: Ending) -> str:
    if not ending.left:
        return f"{ending.ticker} is closed"
    return f"{ending.ticker} not closed, {format_count(ending.left)} left: {ending.reason}"
