"""What can be lost at worst: of one market, of a correlated group, of everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, cost
from console.domain.order import Order
from console.domain.position import Position


class WorstCase(msgspec.Struct, frozen=True):
    """The loss if everything goes wrong: of what is held, and with every open order filled against us."""

    held: Cash = Cash(0)
    with_orders: Cash = Cash(0)

    def plus(self, other: WorstCase) -> WorstCase:
        return WorstCase(Cash(self.held + other.held), Cash(self.with_orders + other.with_orders))


NOTHING = WorstCase()


class MarketExposure(msgspec.Struct, frozen=True):
    """One market's loss by outcome, each with the orders filled that lose then; a gain is negative.

    Held contracts count at what was paid for them, so an order that only reduces them adds no loss beyond
    them. Fees are not in it.
    """

    held: Cash = Cash(0)
    if_no: Cash = Cash(0)
    if_yes: Cash = Cash(0)

    def loss_of(self, side: BookSide) -> Cash:
        """The loss in the outcome in which a trade of ``side`` loses."""
        return self.if_no if side is BookSide.BID else self.if_yes

    @property
    def worst(self) -> WorstCase:
        return WorstCase(self.held, Cash(max(0, self.if_no, self.if_yes)))


class Largest(msgspec.Struct, frozen=True):
    """The market or group with the most at stake."""

    name: str
    value: Cash


class Exposure(msgspec.Struct, frozen=True):
    """Worst cases by market and by group and in total; the worst of all markets are added up.

    ``reserved`` is the cost of every open order if all of them fill.
    """

    markets: Mapping[Ticker, MarketExposure]
    groups: Mapping[str, WorstCase]
    total: WorstCase
    reserved: Cash

    @classmethod
    def of(
        cls, positions: Mapping[Ticker, Position], orders: Iterable[Order], groups: Mapping[Ticker, str]
    ) -> Exposure:
        """Add up positions and orders that may still fill, those whose outcome is unknown included.

        A market missing from ``groups`` is a group of its own, under its ticker.
        """
        reserved: dict[tuple[Ticker, BookSide], int] = {}
        for order in orders:
            key = (order.intent.ticker, order.intent.side)
            reserved[key] = reserved.get(key, 0) + order.reserved
        tickers = {t for t, p in positions.items() if p.contracts} | {
            t for (t, _), r in reserved.items() if r
        }
        markets = {
            ticker: _market_exposure(
                positions.get(ticker, Position()),
                bids=reserved.get((ticker, BookSide.BID), 0),
                asks=reserved.get((ticker, BookSide.ASK), 0),
            )
            for ticker in sorted(tickers)
        }
        by_group: dict[str, WorstCase] = {}
        total = NOTHING
        for ticker, market in markets.items():
            group = groups.get(ticker, ticker)
            by_group[group] = by_group.get(group, NOTHING).plus(market.worst)
            total = total.plus(market.worst)
        return cls(markets, by_group, total, Cash(sum(reserved.values())))

    def market(self, ticker: Ticker) -> MarketExposure:
        return self.markets.get(ticker, MarketExposure())

    def group(self, name: str) -> WorstCase:
        return self.groups.get(name, NOTHING)

    def worst_market(self, *, held_only: bool = False) -> Largest | None:
        """The market with the largest worst case; None when nothing is at stake."""
        return _largest({ticker: market.worst for ticker, market in self.markets.items()}, held_only)

    def worst_group(self, *, held_only: bool = False) -> Largest | None:
        """The group with the largest worst case; None when nothing is at stake."""
        return _largest(self.groups, held_only)


def _market_exposure(position: Position, bids: int, asks: int) -> MarketExposure:
    # Whatever fills, the contracts held pay a dollar each when they win: paired off before, or at the end.
    if_wins = position.paid - cost(PAYOUT, Count(abs(position.contracts)))
    if_no, if_yes = (position.paid, if_wins) if position.contracts >= 0 else (if_wins, position.paid)
    return MarketExposure(held=position.paid, if_no=Cash(if_no + bids), if_yes=Cash(if_yes + asks))


def _largest(worst: Mapping[str, WorstCase], held_only: bool) -> Largest | None:
    values = {name: case.held if held_only else case.with_orders for name, case in worst.items()}
    name = max(sorted(values), key=lambda n: values[n], default=None)
    return None if name is None or values[name] <= 0 else Largest(name, values[name])
