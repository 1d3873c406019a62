"""What could be, and was, lost at once: markets of a group that go wrong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.position import Position
from console.monitoring.equity import day_of
from console.monitoring.records import FillRecord, Records
from console.monitoring.trades import Trade


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


def correlated_loss(records: Records, trades: Sequence[Trade]) -> CorrelatedLoss:
    """Stress by group and worst day by group; the groups are those of the risk limits."""
    group_of = {market.ticker: market.group for market in records.traded}
    return CorrelatedLoss(
        peak=_peak(records, group_of),
        everything=_peak(records, dict.fromkeys(group_of, "all groups")),
        worst_day=_worst_day(trades),
    )


def _peak(records: Records, group_of: dict[Ticker, str]) -> Peak | None:
    paid: defaultdict[str, int] = defaultdict(int)
    held: defaultdict[str, set[Ticker]] = defaultdict(set)
    positions: dict[Ticker, Position] = {}
    most: Peak | None = None
    for at_ns, ticker, record in _changes(records):
        before = positions.get(ticker, Position())
        if record is None:
            after = Position()
        else:
            fill = record.fill
            after = before.filled(fill.side, fill.price, fill.count, Cash(0))
        positions[ticker] = after
        group = group_of[ticker]
        paid[group] += after.paid - before.paid
        (held[group].add if after.contracts else held[group].discard)(ticker)
        if at_ns >= records.first_ns and paid[group] > (0 if most is None else most.loss):
            loss = Cash(paid[group])
            of_capital = loss / records.capital
            most = Peak(group=group, at_ns=at_ns, markets=len(held[group]), loss=loss, of_capital=of_capital)
    return most


def _changes(records: Records) -> Iterator[tuple[int, Ticker, FillRecord | None]]:
    """Fills and settlements in order of time, fills first: what pays out then is at stake until then."""
    fills = [(record.fill.at_ns, record.fill.ticker, record) for record in records.fills]
    settled = [(m.settled_ns, m.ticker, None) for m in records.traded if m.settled_ns is not None]
    yield from sorted([*fills, *settled], key=lambda change: (change[0], change[2] is None))


def _worst_day(trades: Sequence[Trade]) -> WorstDay | None:
    ended: defaultdict[tuple[str, date], list[Trade]] = defaultdict(list)
    for trade in trades:
        if trade.ended_ns is not None:
            ended[trade.market.group, day_of(trade.ended_ns)].append(trade)
    nets = {key: sum(trade.net or 0 for trade in members) for key, members in ended.items()}
    if not nets or min(nets.values()) >= 0:
        return None
    worst = min(nets, key=lambda key: (nets[key], key))
    return WorstDay(group=worst[0], day=worst[1], trades=len(ended[worst]), net=Cash(nets[worst]))
