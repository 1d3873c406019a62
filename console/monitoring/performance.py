"""What a run earned and what it paid for that, altogether and by kind of market."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from console.domain.money import Cash
from console.monitoring.clusters import BPS, ClusteredInterval, ClusterSums, Sureness, sureness_of
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.equity import Curve, Drawdown, curve_of
from console.monitoring.records import Records
from console.monitoring.trades import Trade

MOST_FEES_SHARE = 0.20
"""The guide's: fees above it of gross profit are flagged."""

_UNSURE = Sureness(pnl=None, bps=None, p_value=None)


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Money and rates of one run.

    ``total_pnl`` is equity at marks less capital, None when something open has no mark; ``realised`` and
    ``unrealised`` are before fees and slippage. What others traded on the account is in ``total_pnl`` and in
    nothing else. ``fee_pct_of_pnl`` is the share of the trades' fees in their profit before charges, None
    without such profit. Basis points are of ``paid``, the price of all contracts bought.
    ``trades`` have ended; the ``win_rate`` is of those that made money, results drawn by a seed left out.
    The intervals, of dollars and of bps, and the two-sided p-value of no profit are None with fewer than two
    events and days.
    """

    total_pnl: Cash | None
    realised: Cash
    unrealised: Cash | None
    total_fees: Cash
    slippage_cost: Cash
    paid: Cash
    trades: int
    open_trades: int
    win_rate: float | None
    fee_pct_of_pnl: float | None
    net_bps: float | None
    fee_bps: float | None
    pnl_interval: ClusteredInterval | None
    bps_interval: ClusteredInterval | None
    p_value: float | None
    sharpe_ratio: float | None
    days: int
    max_drawdown: Drawdown

    @property
    def fee_share(self) -> float | None:
        """Fees of gross profit, of 1."""
        return None if self.fee_pct_of_pnl is None else self.fee_pct_of_pnl / 100


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The trades of one kind; ``unmarked`` of them are open at a price that is not known.

    ``net_pnl`` and ``net_bps`` are of the others, None without any.
    """

    name: str
    trades: int
    unmarked: int
    events: int
    paid: Cash
    fees: Cash
    slippage: Cash
    net_pnl: Cash | None
    net_bps: float | None


class PartSums:
    """What a ``Part`` is made from, of trades that may be taken away again."""

    def __init__(self) -> None:
        self.trades = self.won = self._unmarked = 0
        self._paid = self._known_paid = self._fees = self._slippage = self._net = 0
        self._events: dict[str, int] = {}

    def add(self, trade: Trade, net: Cash | None, sign: int = 1) -> None:
        """``net`` is the trade's."""
        paid = sign * trade.paid
        self.trades += sign
        self._paid += paid
        self._fees += sign * trade.fees
        self._slippage += sign * trade.slippage
        if net is None:
            self._unmarked += sign
        else:
            self._net += sign * net
            self._known_paid += paid
            self.won += sign * (net > 0)
        event, events = trade.market.event_ticker, self._events
        n = events.get(event, 0) + sign
        if n:
            events[event] = n
        else:
            del events[event]

    def part(self, name: str) -> Part:
        net = None if self.trades and self.trades == self._unmarked else Cash(self._net)
        return Part(
            name=name,
            trades=self.trades,
            unmarked=self._unmarked,
            events=len(self._events),
            paid=Cash(self._paid),
            fees=Cash(self._fees),
            slippage=Cash(self._slippage),
            net_pnl=net,
            net_bps=_bps(net, Cash(self._known_paid)),
        )


class MoneySums:
    """What a ``Performance`` is made from, of trades that may be taken away again."""

    def __init__(self, days: Days = UTC_DAYS) -> None:
        self._days = days
        self._all = PartSums()
        self._realised = self._unrealised = self._ended = self._told = self._won = 0
        self._by_event, self._by_day = ClusterSums(), ClusterSums()

    def add(self, trade: Trade, net: Cash | None, sign: int = 1) -> None:
        """``net`` is the trade's."""
        self._all.add(trade, net, sign)
        self._realised += sign * trade.realised
        self._unrealised += sign * (trade.unrealised or 0)
        ended_ns = trade.ended_ns
        if ended_ns is not None:
            self._ended += sign
            if not trade.is_drawn:
                self._told += sign
                self._won += sign * ((net or 0) > 0)
        if net is not None:
            day = None if ended_ns is None else self._days.number_of(ended_ns)
            self._by_event.add(trade.market.event_ticker, net, trade.paid, sign)
            self._by_day.add(day, net, trade.paid, sign)

    def performance(self, period: Charged, curve: Curve, *, intervals: bool = True) -> Performance:
        """With what only the period says; without intervals and p-value where nobody shows them."""
        it = self._all.part("")
        is_known = not it.unmarked
        net = Cash(it.net_pnl or 0) if is_known else None
        unrealised = Cash(self._unrealised) if is_known else None
        gross = 0 if unrealised is None else self._realised + unrealised
        sure = _UNSURE
        if intervals and it.trades and is_known:
            last = self._days.number_of(period.last_ns)
            sure = sureness_of(self._by_event.sums(), self._by_day.sums(last=last))
        final = period.final_equity
        return Performance(
            total_pnl=None if final is None else Cash(final - curve.capital),
            realised=Cash(self._realised),
            unrealised=unrealised,
            total_fees=period.fees,
            slippage_cost=period.slippage,
            paid=it.paid,
            trades=self._ended,
            open_trades=it.trades - self._ended,
            win_rate=self._won / self._told if self._told else None,
            fee_pct_of_pnl=100 * it.fees / gross if gross > 0 else None,
            net_bps=_bps(net, it.paid),
            fee_bps=_bps(it.fees, it.paid),
            pnl_interval=sure.pnl,
            bps_interval=sure.bps,
            p_value=sure.p_value,
            sharpe_ratio=None if final is None else curve.sharpe_ratio(),
            days=len(curve.days()),
            max_drawdown=curve.drawdown,
        )


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """What a period says of itself: its end, equity then, and what the exchange and a model charged."""

    last_ns: int
    final_equity: Cash | None
    fees: Cash
    slippage: Cash


def charged_in(records: Records) -> Charged:
    return Charged(
        last_ns=records.last_ns,
        final_equity=records.final_equity,
        fees=fees_charged(records),
        slippage=Cash(sum(record.slippage for record in records.fills_in_period)),
    )


def performance(records: Records, trades: Iterable[Trade], days: Days = UTC_DAYS) -> Performance:
    """The whole run; ``trades`` are its trades."""
    sums = MoneySums(days)
    for trade in trades:
        sums.add(trade, trade.net)
    return sums.performance(charged_in(records), curve_of(records, days))


def fees_charged(records: Records) -> Cash:
    """What the exchange was paid in the period, without the slippage model's cost."""
    at_fills = sum(record.fill.fee - record.slippage for record in records.fills_in_period)
    in_period = (
        each for each in records.traded if each.settled_ns is None or each.settled_ns >= records.first_ns
    )
    return Cash(at_fills + sum(market.profit_fee for market in in_period))


class NamedSums:
    """``PartSums`` by a name of the trades."""

    def __init__(self, name_of: Callable[[Trade], str]) -> None:
        self._name_of = name_of
        self._named: defaultdict[str, PartSums] = defaultdict(PartSums)

    def add(self, trade: Trade, net: Cash | None, sign: int = 1) -> None:
        self._named[self._name_of(trade)].add(trade, net, sign)

    def parts(self) -> list[Part]:
        """The one that lost most first, unknown ones last."""
        found = [sums.part(name) for name, sums in self._named.items() if sums.trades]
        return sorted(found, key=lambda each: (each.net_pnl is None, each.net_pnl or 0, each.name))


def part(name: str, trades: Iterable[Trade]) -> Part:
    sums = PartSums()
    for trade in trades:
        sums.add(trade, trade.net)
    return sums.part(name)


def role_of(trade: Trade) -> str:
    """Who bought it, and what: ``maker NO``; ``mixed`` where orders both rested and took."""
    role = "mixed" if 0 < trade.maker_contracts < trade.contracts else "maker"
    return f"{role if trade.maker_contracts else 'taker'} {trade.side.outcome}"


def _bps(amount: Cash | None, paid: Cash) -> float | None:
    return BPS * amount / paid if amount is not None and paid else None
