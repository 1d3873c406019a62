"""What can be lost at worst: of one market, of an event, of a correlated group, of everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, cost
from console.domain.order import Order, OrderReport
from console.domain.position import Position
from console.risk.groups import Place


class WorstCase(msgspec.Struct, frozen=True):
    """The loss if everything goes wrong: of what is held, and with every open order filled against us."""

    held: Cash = Cash(0)
    with_orders: Cash = Cash(0)

    def plus(self, other: WorstCase) -> WorstCase:
        return WorstCase(Cash(self.held + other.held), Cash(self.with_orders + other.with_orders))

    def changed(self, before: WorstCase, after: WorstCase) -> WorstCase:
        """The sum once one of its parts is another."""
        return WorstCase(
            Cash(self.held - before.held + after.held),
            Cash(self.with_orders - before.with_orders + after.with_orders),
        )


NOTHING = WorstCase()


class Losses(msgspec.Struct, frozen=True):
    """One market's loss by outcome; a gain is negative."""

    if_no: Cash = Cash(0)
    if_yes: Cash = Cash(0)

    @property
    def worst(self) -> Cash:
        # Asked for of every market of a place at every fill, and a call of max takes longer than all of this.
        worse = self.if_no if self.if_no > self.if_yes else self.if_yes
        return worse if worse > 0 else Cash(0)


class MarketExposure(msgspec.Struct, frozen=True):
    """One market's losses: of what is held, and with the orders filled that lose in an outcome.

    Held contracts count at what was paid for them, so an order that only reduces them adds no loss beyond
    them. Fees are not in it.
    """

    held: Losses = Losses()
    with_orders: Losses = Losses()

    @property
    def worst(self) -> WorstCase:
        return WorstCase(self.held.worst, self.with_orders.worst)


class Largest(msgspec.Struct, frozen=True):
    """The market, event or group with the most at stake."""

    name: str
    value: Cash


class Stake(msgspec.Struct, frozen=True):
    """What is at stake where a trade would be made, without it.

    ``at_worst`` is that of the market, then of the part of its group that is its event; ``if_lost`` is the
    loss of that part in the outcomes in which the trade loses too, a gain being negative.
    """

    at_worst: Cash
    if_lost: Cash


class Exposure(msgspec.Struct, frozen=True):
    """Worst cases by market, by event, by group and in total.

    The worst of all markets are added up, but of an event that says that at most one of its markets ends in
    YES (and of which the markets are in one group) only the outcomes that can happen together count.
    ``reserved`` is the cost of every open order if all of them fill. ``largest_group`` is the worst case of
    the group with the most at stake. ``legs`` are the markets with anything at stake, place by place.
    """

    # The sums first: where two differ, they are told apart by them.
    total: WorstCase
    reserved: Cash
    largest_group: Cash
    markets: Mapping[Ticker, MarketExposure]
    events: Mapping[str, WorstCase]
    groups: Mapping[str, WorstCase]
    places: Mapping[Ticker, Place]
    legs: Mapping[Place, Mapping[Ticker, MarketExposure]]

    @classmethod
    def of(
        cls,
        positions: Mapping[Ticker, Position],
        orders: Iterable[Order],
        places: Mapping[Ticker, Place],
        external: Iterable[OrderReport] = (),
    ) -> Exposure:
        """Add up positions and orders that may still fill, those whose outcome is unknown included.

        ``external`` are resting orders that are not ours. A market missing from ``places`` is a group and an
        event of its own, under its ticker.
        """
        reserved: dict[tuple[Ticker, BookSide], int] = {}
        for ticker, side, at_most in reservations(orders, external):
            reserved[ticker, side] = reserved.get((ticker, side), 0) + at_most
        tickers = {t for t, p in positions.items() if p.contracts} | {
            t for (t, _), r in reserved.items() if r
        }
        markets = {
            ticker: market_exposure(
                positions.get(ticker, Position()),
                bids=reserved.get((ticker, BookSide.BID), 0),
                asks=reserved.get((ticker, BookSide.ASK), 0),
            )
            for ticker in sorted(tickers)
        }
        legs: dict[Place, dict[Ticker, MarketExposure]] = {}
        for ticker, market in markets.items():
            legs.setdefault(places.get(ticker) or Place.alone(ticker), {})[ticker] = market
        by_event: dict[str, WorstCase] = {}
        by_group: dict[str, WorstCase] = {}
        total = NOTHING
        for place, members in legs.items():
            worst = worst_of_legs(members.values(), place)
            by_event[place.event] = by_event.get(place.event, NOTHING).plus(worst)
            by_group[place.group] = by_group.get(place.group, NOTHING).plus(worst)
            total = total.plus(worst)
        return cls(
            total=total,
            reserved=Cash(sum(reserved.values())),
            largest_group=most_at_stake(by_group),
            markets=markets,
            events=by_event,
            groups=by_group,
            places=places,
            legs=legs,
        )

    def place(self, ticker: Ticker) -> Place:
        return self.places.get(ticker) or Place.alone(ticker)

    def market(self, ticker: Ticker) -> MarketExposure:
        return self.markets.get(ticker, MarketExposure())

    def event(self, event_ticker: str) -> WorstCase:
        return self.events.get(event_ticker, NOTHING)

    def group(self, name: str) -> WorstCase:
        return self.groups.get(name, NOTHING)

    def stake_of_market(self, ticker: Ticker, side: BookSide) -> Stake:
        """What a trade of ``side`` meets in its own market."""
        market = self.market(ticker)
        return Stake(market.worst.with_orders, _if_lost(market.with_orders, side))

    def stake_of_event(self, ticker: Ticker, side: BookSide) -> Stake:
        """What a trade of ``side`` meets among the markets of its event that are of its group."""
        place, own = self.place(ticker), self.stake_of_market(ticker, side)
        legs = self.legs.get(place, {})
        others = [leg.with_orders for other, leg in legs.items() if other != ticker]
        if not place.is_exclusive:
            rest = sum(losses.worst for losses in others)
            return Stake(Cash(own.at_worst + rest), Cash(own.if_lost + rest))
        everything = [*others, self.market(ticker).with_orders]
        if side.sign > 0:
            if_lost = own.if_lost + _exclusive_loss(others)
        else:
            if_lost = own.if_lost + sum(losses.if_no for losses in others)
        return Stake(Cash(max(0, _exclusive_loss(everything))), Cash(if_lost))

    def worst_market(self, *, held_only: bool = False) -> Largest | None:
        """The market with the largest worst case; None when nothing is at stake."""
        return _largest({ticker: market.worst for ticker, market in self.markets.items()}, held_only)

    def worst_event(self, *, held_only: bool = False) -> Largest | None:
        """The event with the largest worst case; None when nothing is at stake."""
        return _largest(self.events, held_only)

    def worst_group(self, *, held_only: bool = False) -> Largest | None:
        """The group with the largest worst case; None when nothing is at stake."""
        return _largest(self.groups, held_only)


def most_at_stake(worst: Mapping[str, WorstCase]) -> Cash:
    """The largest worst case with orders; nothing where there is none."""
    return max([case.with_orders for case in worst.values()], default=Cash(0))


def reservations(
    orders: Iterable[Order], external: Iterable[OrderReport]
) -> Iterator[tuple[Ticker, BookSide, Cash]]:
    """What every order could still cost, by market and side."""
    for order in orders:
        yield order.intent.ticker, order.intent.side, order.reserved
    for report in external:
        yield report.ticker, report.side, cost(report.side.price_paid(report.price), report.remaining)


def market_exposure(position: Position, bids: int, asks: int) -> MarketExposure:
    """One market's losses, with what open orders of each side may still cost."""
    # Whatever fills, the contracts held pay a dollar each when they win: paired off before, or at the end.
    if_wins = Cash(position.paid - cost(PAYOUT, Count(abs(position.contracts))))
    is_no = position.contracts < 0
    held = Losses(if_wins, position.paid) if is_no else Losses(position.paid, if_wins)
    if not bids and not asks:
        return MarketExposure(held, held)
    return MarketExposure(held, Losses(Cash(held.if_no + bids), Cash(held.if_yes + asks)))


def _if_lost(losses: Losses, side: BookSide) -> Cash:
    """The loss in the outcome in which a trade of ``side`` loses."""
    return losses.if_no if side.sign > 0 else losses.if_yes


def worst_of_legs(legs: Collection[MarketExposure], place: Place) -> WorstCase:
    """The worst case of the markets of one place together."""
    if not place.is_exclusive:
        return WorstCase(
            Cash(sum([leg.held.worst for leg in legs])), Cash(sum([leg.with_orders.worst for leg in legs]))
        )
    held, with_orders = [leg.held for leg in legs], [leg.with_orders for leg in legs]
    return WorstCase(Cash(max(0, _exclusive_loss(held))), Cash(max(0, _exclusive_loss(with_orders))))


def _exclusive_loss(legs: list[Losses]) -> int:
    """The worst loss when all end in NO, or one in YES and the others in NO; a gain is negative."""
    all_no = sum(leg.if_no for leg in legs)
    return max([all_no, *(all_no - leg.if_no + leg.if_yes for leg in legs)])


def _largest(worst: Mapping[str, WorstCase], held_only: bool) -> Largest | None:
    values = {name: case.held if held_only else case.with_orders for name, case in worst.items()}
    name = max(sorted(values), key=lambda n: values[n], default=None)
    return None if name is None or values[name] <= 0 else Largest(name, values[name])
