"""What could be, and was, lost at once: markets of a group that go wrong together."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import msgspec

from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Fill
from console.domain.position import Position
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.records import Records
from console.monitoring.trades import Trade

ALL_GROUPS = "all groups"

_FLAT, _FREE = Position(), Cash(0)


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """When most was paid for what one group held at once, which is lost if every market goes against us."""

    group: str
    at_ns: int
    markets: int
    loss: Cash
    of_capital: float


class WorstDay(msgspec.Struct, frozen=True, kw_only=True):
    """The day on which the trades of a group that ended then lost most, net."""

    group: str
    day: date
    trades: int
    net: Cash


class CorrelatedLoss(msgspec.Struct, frozen=True, kw_only=True):
    """``everything`` is the peak over all groups together; None where nothing was bought or nothing lost."""

    peak: Peak | None
    everything: Peak | None
    worst_day: WorstDay | None


def correlated_loss_of(stakes: Stakes, worst: WorstDays, capital: Cash) -> CorrelatedLoss:
    in_one, in_all = stakes.most()
    return CorrelatedLoss(
        peak=_peak(in_one, capital),
        everything=_peak(in_all, capital),
        worst_day=worst.worst(),
    )


class Change(msgspec.Struct, frozen=True):
    """A fill, or without one the end of what a market has at stake."""

    at_ns: int
    ticker: Ticker
    fill: Fill | None

    @property
    def order(self) -> tuple[int, bool]:
        """By time, fills first: what pays out then is at stake until then."""
        return self.at_ns, self.fill is None


def changes_of(records: Records) -> list[Change]:
    """Fills, settlements and what an account left behind, in their order."""
    changes = [Change(record.fill.at_ns, record.fill.ticker, record.fill) for record in records.fills]
    for market in records.traded:
        over_ns = market.left_ns if market.settled_ns is None else market.settled_ns
        if over_ns is not None:
            changes.append(Change(over_ns, market.ticker, None))
    return sorted(changes, key=lambda change: change.order)


class _Most(msgspec.Struct):
    """The most that was at stake at once until now."""

    group: str = ""
    at_ns: int = 0
    markets: int = 0
    loss: int = 0


class Stakes:
    """What was paid for what groups hold, change by change in their order, and the most since a time."""

    def __init__(self, first_ns: int) -> None:
        self._first_ns = first_ns
        self._positions: dict[Ticker, Position] = {}
        self._paid: defaultdict[str, int] = defaultdict(int)
        self._held: defaultdict[str, set[Ticker]] = defaultdict(set)
        self._has_begun = False
        self._in_one, self._in_all = _Most(), _Most()

    def most(self) -> tuple[_Most, _Most]:
        """In one group, and in all together."""
        return (self._in_one, self._in_all) if self._has_begun else self._at_first()

    def take(self, change: Change, group: str) -> None:
        if not self._has_begun and change.at_ns >= self._first_ns:
            self._has_begun = True
            self._in_one, self._in_all = self._at_first()
        before, fill = self._positions.get(change.ticker, _FLAT), change.fill
        after = _FLAT if fill is None else before.filled(fill.side, fill.price, fill.count, _FREE)
        if after is before:
            return
        if after.contracts:
            self._positions[change.ticker] = after
        else:
            self._positions.pop(change.ticker, None)
        paid = after.paid - before.paid
        for name in (group, ALL_GROUPS):
            held = self._held[name]
            self._paid[name] += paid
            (held.add if after.contracts else held.discard)(change.ticker)
            if self._has_begun:
                self._look_at(name, change.at_ns, self._in_all if name == ALL_GROUPS else self._in_one)

    def _at_first(self) -> tuple[_Most, _Most]:
        """What is held when the time begins is at stake in it."""
        in_one, in_all = _Most(), _Most()
        for name in self._paid:
            self._look_at(name, self._first_ns, in_all if name == ALL_GROUPS else in_one)
        return in_one, in_all

    def _look_at(self, name: str, at_ns: int, most: _Most) -> None:
        paid = self._paid[name]
        if paid > most.loss:
            most.group, most.at_ns, most.markets, most.loss = name, at_ns, len(self._held[name]), paid


class WorstDays:
    """What the trades of a group made that ended on a day, which may be taken away again."""

    def __init__(self, days: Days = UTC_DAYS) -> None:
        self._day_of = days.number_of
        self._of: dict[tuple[str, int], list[int]] = {}

    def add(self, trade: Trade, net: Cash | None, sign: int = 1) -> None:
        """``net`` is the trade's; of one that is open nothing."""
        if trade.ended_ns is None:
            return
        key = trade.market.group, self._day_of(trade.ended_ns)
        sums = self._of.setdefault(key, [0, 0])
        sums[0] += sign
        sums[1] += sign * (net or 0)
        if not sums[0]:
            del self._of[key]

    def worst(self) -> WorstDay | None:
        """None where nothing lost."""
        net, (group, day), trades = min(
            ((net, key, trades) for key, (trades, net) in self._of.items()), default=(0, ("", 1), 0)
        )
        if net >= 0:
            return None
        return WorstDay(group=group, day=date.fromordinal(day), trades=trades, net=Cash(net))


def _peak(most: _Most, capital: Cash) -> Peak | None:
    if not most.loss:
        return None
    return Peak(
        group=most.group,
        at_ns=most.at_ns,
        markets=most.markets,
        loss=Cash(most.loss),
        of_capital=most.loss / capital,
    )
