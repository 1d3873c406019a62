"""Exposure that is asked for again and again: only what changed since is added up anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from console.domain.book import BookSide
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
    reservations,
    worst_of_legs,
)
from console.risk.groups import Place

_FLAT = Position()


class _Input(NamedTuple):
    """All that one market's exposure depends on."""

    position: Position
    bids: int
    asks: int
    place: Place


class _Sums(dict[str, WorstCase]):
    """Worst cases added up by name, for as long as anything has that name."""

    def __init__(self) -> None:
        super().__init__()
        self._members: dict[str, int] = {}

    def replace(self, name: str, before: WorstCase | None, after: WorstCase | None) -> None:
        members = self._members.get(name, 0) + (after is not None) - (before is not None)
        self._members[name] = members
        if members:
            self[name] = self.get(name, NOTHING).minus(before or NOTHING).plus(after or NOTHING)
        else:
            self.pop(name, None)


class RunningExposure:
    """Gives what ``Exposure.of`` gives."""

    def __init__(self) -> None:
        self._inputs: dict[Ticker, _Input] = {}
        self._markets: dict[Ticker, MarketExposure] = {}
        self._legs: dict[Place, dict[Ticker, MarketExposure]] = {}
        self._worst: dict[Place, WorstCase] = {}
        self._events, self._groups = _Sums(), _Sums()
        self._total = NOTHING
        self._last: Exposure | None = None

    def of(
        self,
        positions: Mapping[Ticker, Position],
        orders: Iterable[Order],
        places: Mapping[Ticker, Place],
        external: Iterable[OrderReport] = (),
    ) -> Exposure:
        """As ``Exposure.of``."""
        reserved: dict[tuple[Ticker, BookSide], int] = {}
        for ticker, side, at_most in reservations(orders, external):
            reserved[ticker, side] = reserved.get((ticker, side), 0) + at_most
        changed = self._changes(positions, reserved, places)
        for place in {place for ticker, now in changed.items() for place in self._move(ticker, now)}:
            self._add_up(place)
        total_reserved = Cash(sum(reserved.values()))
        last = self._last
        if last is None or changed or last.reserved != total_reserved or last.places is not places:
            last = self._last = Exposure(
                dict(self._markets),
                dict(self._events),
                dict(self._groups),
                self._total,
                total_reserved,
                places,
            )
        return last

    def _changes(
        self,
        positions: Mapping[Ticker, Position],
        reserved: Mapping[tuple[Ticker, BookSide], int],
        places: Mapping[Ticker, Place],
    ) -> dict[Ticker, _Input | None]:
        """The markets that are not as they were, as they are now: None where nothing is at stake."""
        ordered = {ticker for (ticker, _), at_most in reserved.items() if at_most}
        changes: dict[Ticker, _Input | None] = {}
        for ticker, before in self._inputs.items():
            # Positions are replaced when they change, and most have not.
            is_same = positions.get(ticker) is before.position and not before.bids and not before.asks
            if not is_same or (places.get(ticker) or Place.alone(ticker)) != before.place:
                changes[ticker] = None
        for ticker, position in positions.items():
            if position.contracts and (ticker not in self._inputs or ticker in changes):
                ordered.add(ticker)
        for ticker in ordered:
            changes[ticker] = _Input(
                positions.get(ticker, _FLAT),
                reserved.get((ticker, BookSide.BID), 0),
                reserved.get((ticker, BookSide.ASK), 0),
                places.get(ticker) or Place.alone(ticker),
            )
        return {ticker: now for ticker, now in changes.items() if self._inputs.get(ticker) != now}

    def _move(self, ticker: Ticker, after: _Input | None) -> set[Place]:
        """Take one market as it is now; the places where something changed."""
        before = self._inputs.pop(ticker, None)
        touched = set()
        if before is not None:
            touched.add(before.place)
            del self._legs[before.place][ticker], self._markets[ticker]
        if after is not None:
            touched.add(after.place)
            exposure = market_exposure(after.position, after.bids, after.asks)
            self._inputs[ticker] = after
            self._markets[ticker] = exposure
            self._legs.setdefault(after.place, {})[ticker] = exposure
        return touched

    def _add_up(self, place: Place) -> None:
        legs, before = self._legs[place], self._worst.pop(place, None)
        after = worst_of_legs([*legs.values()], place) if legs else None
        if after is None:
            del self._legs[place]
        else:
            self._worst[place] = after
        self._events.replace(place.event, before, after)
        self._groups.replace(place.group, before, after)
        self._total = self._total.minus(before or NOTHING).plus(after or NOTHING)
