"""Exposure that is asked for again and again: only what changed since is added up anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Order, OrderReport
from console.domain.position import Position
from console.risk.exposure import (
    NOTHING,
    Exposure,
    MarketExposure,
    WorstCase,
    market_exposure,
    most_at_stake,
    reservations,
    worst_of_legs,
)
from console.risk.groups import Place
from console.risk.layered_dict import LayeredDict

_FLAT = Position()
_NO_ORDERS: Mapping[str, Order] = {}


class _Input(NamedTuple):
    """All that one market's exposure depends on; the costs of its open orders are by side."""

    position: Position
    bids: int
    asks: int
    place: Place

    @property
    def is_nothing(self) -> bool:
        return not (self.position.contracts or self.bids or self.asks)


class _Sums:
    """Worst cases added up by name, for as long as anything has that name."""

    def __init__(self) -> None:
        self.by_name = LayeredDict[str, WorstCase]()
        self._members: dict[str, int] = {}
        self._largest: Cash | None = Cash(0)

    @property
    def largest(self) -> Cash:
        """The most that is at stake under one name, with orders; looked for anew once that became less."""
        if self._largest is None:
            self._largest = most_at_stake(self.by_name.as_dict())
        return self._largest

    def replace(self, name: str, before: WorstCase | None, after: WorstCase | None) -> None:
        members = self._members.get(name, 0) + (after is not None) - (before is not None)
        was = self.by_name.get(name, NOTHING)
        now = was.changed(before or NOTHING, after or NOTHING)
        if members:
            self._members[name], self.by_name[name] = members, now
        elif self._members.pop(name, None):
            del self.by_name[name]
        if self._largest is not None and now.with_orders >= self._largest:
            self._largest = now.with_orders
        elif was.with_orders == self._largest:
            self._largest = None


class RunningExposure:
    """Gives what ``Exposure.of`` gives."""

    def __init__(self) -> None:
        self._inputs: dict[Ticker, _Input] = {}
        self._markets = LayeredDict[Ticker, MarketExposure]()
        self._legs = LayeredDict[Place, dict[Ticker, MarketExposure]]()
        self._worst: dict[Place, WorstCase] = {}
        self._events, self._groups = _Sums(), _Sums()
        self._total = NOTHING
        self._reserved = 0
        self._external: dict[Ticker, list[OrderReport]] = {}
        self._last: Exposure | None = None

    def of(
        self,
        positions: Mapping[Ticker, Position],
        working: Mapping[Ticker, Mapping[str, Order]],
        places: Mapping[Ticker, Place],
        external: Collection[OrderReport] = (),
        changed: Collection[Ticker] | None = None,
    ) -> Exposure:
        """As ``Exposure.of``, with our orders that may still fill by market.

        ``changed`` are the markets of which a position or an order of ours changed since; None where any may
        have, or places or external orders did.
        """
        if changed is None:
            self._external = {}
            for report in external:
                self._external.setdefault(report.ticker, []).append(report)
            changed = dict.fromkeys([*self._inputs, *sorted(positions), *working, *self._external])
        touched: set[Place] = set()
        for ticker in changed:
            place = places.get(ticker) or Place.alone(ticker)
            now = self._input(ticker, positions.get(ticker, _FLAT), working.get(ticker, _NO_ORDERS), place)
            touched |= self._move(ticker, None if now.is_nothing else now)
        for place in touched:
            self._add_up(place)
        if self._last is None or touched or self._last.places is not places:
            self._last = Exposure(
                total=self._total,
                reserved=Cash(self._reserved),
                largest_group=self._groups.largest,
                markets=self._markets.copy(),
                events=self._events.by_name.copy(),
                groups=self._groups.by_name.copy(),
                places=places,
                legs=self._legs.copy(),
            )
        return self._last

    def _input(
        self, ticker: Ticker, position: Position, working: Mapping[str, Order], place: Place
    ) -> _Input:
        external = self._external.get(ticker, ())
        bids = asks = 0
        if working or external:
            for _, side, at_most in reservations(working.values(), external):
                if side.sign > 0:
                    bids += at_most
                else:
                    asks += at_most
        return _Input(position, bids, asks, place)

    def _move(self, ticker: Ticker, after: _Input | None) -> set[Place]:
        """Take one market as it is now, None with nothing at stake; the places where something changed."""
        before = self._inputs.get(ticker)
        if before == after:
            return set()
        touched = set()
        if before is not None:
            touched.add(before.place)
            del self._inputs[ticker], self._markets[ticker]
            # What was given out keeps the legs it had.
            self._legs[before.place] = {t: leg for t, leg in self._legs[before.place].items() if t != ticker}
            self._reserved -= before.bids + before.asks
        if after is not None:
            touched.add(after.place)
            exposure = market_exposure(after.position, after.bids, after.asks)
            self._inputs[ticker] = after
            self._markets[ticker] = exposure
            self._legs[after.place] = {**self._legs.get(after.place, {}), ticker: exposure}
            self._reserved += after.bids + after.asks
        return touched

    def _add_up(self, place: Place) -> None:
        legs, before = self._legs[place], self._worst.pop(place, None)
        after = worst_of_legs(legs.values(), place) if legs else None
        if after is None:
            del self._legs[place]
        else:
            self._worst[place] = after
        self._events.replace(place.event, before, after)
        self._groups.replace(place.group, before, after)
        self._total = self._total.changed(before or NOTHING, after or NOTHING)
