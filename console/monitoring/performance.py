"""What a run earned and what it paid for that, altogether and by kind of market."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from console.domain.money import Cash
from console.monitoring.clusters import BPS, ClusteredInterval, Sureness, sureness
from console.monitoring.equity import Drawdown, days, drawdown, sharpe_ratio
from console.monitoring.records import Records
from console.monitoring.trades import Ending, Trade

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


def performance(records: Records, trades: Sequence[Trade]) -> Performance:
    """The whole run; ``trades`` are its trades."""
    total = None if records.final_equity is None else Cash(records.final_equity - records.capital)
    fees = fees_charged(records)
    slippage = Cash(sum(record.slippage for record in records.fills_in_period))
    paid = Cash(sum(trade.paid for trade in trades))
    ended = [trade for trade in trades if trade.ending is not Ending.OPEN]
    net, gross = _sum(trade.net for trade in trades), _sum(trade.gross for trade in trades) or 0
    of_trades = Cash(sum(trade.fees for trade in trades))
    sure = sureness(records, trades) if trades and net is not None else _UNSURE
    return Performance(
        total_pnl=total,
        realised=Cash(sum(trade.realised for trade in trades)),
        unrealised=_sum(trade.unrealised for trade in trades),
        total_fees=fees,
        slippage_cost=slippage,
        paid=paid,
        trades=len(ended),
        open_trades=len(trades) - len(ended),
        win_rate=_share_won(ended),
        fee_pct_of_pnl=100 * of_trades / gross if gross > 0 else None,
        net_bps=_bps(net, paid),
        fee_bps=_bps(of_trades, paid),
        pnl_interval=sure.pnl,
        bps_interval=sure.bps,
        p_value=sure.p_value,
        sharpe_ratio=sharpe_ratio(records),
        days=len(days(records)),
        max_drawdown=drawdown(records),
    )


def fees_charged(records: Records) -> Cash:
    """What the exchange was paid in the period, without the slippage model's cost."""
    at_fills = sum(record.fill.fee - record.slippage for record in records.fills_in_period)
    in_period = (
        each for each in records.traded if each.settled_ns is None or each.settled_ns >= records.first_ns
    )
    return Cash(at_fills + sum(market.profit_fee for market in in_period))


def parts(trades: Iterable[Trade], name_of: Callable[[Trade], str]) -> list[Part]:
    """The trades by a name, the one that lost most first, unknown ones last."""
    named: defaultdict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        named[name_of(trade)].append(trade)
    found = [part(name, members) for name, members in named.items()]
    return sorted(found, key=lambda each: (each.net_pnl is None, each.net_pnl or 0, each.name))


def part(name: str, trades: Sequence[Trade]) -> Part:
    known = [trade for trade in trades if trade.net is not None]
    net = None if trades and not known else _sum(trade.net for trade in known)
    return Part(
        name=name,
        trades=len(trades),
        unmarked=len(trades) - len(known),
        events=len({trade.market.event_ticker for trade in trades}),
        paid=Cash(sum(trade.paid for trade in trades)),
        fees=Cash(sum(trade.fees for trade in trades)),
        slippage=Cash(sum(trade.slippage for trade in trades)),
        net_pnl=net,
        net_bps=_bps(net, Cash(sum(trade.paid for trade in known))),
    )


def role_of(trade: Trade) -> str:
    """Who bought it, and what: ``maker NO``; ``mixed`` where orders both rested and took."""
    role = "mixed" if 0 < trade.maker_contracts < trade.contracts else "maker"
    return f"{role if trade.maker_contracts else 'taker'} {trade.side.outcome}"


def _share_won(ended: Sequence[Trade]) -> float | None:
    told = [trade for trade in ended if not trade.is_drawn]
    return sum((trade.net or 0) > 0 for trade in told) / len(told) if told else None


def _sum(amounts: Iterable[Cash | None]) -> Cash | None:
    """None as soon as one of them is not known."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return Cash(total)


def _bps(amount: Cash | None, paid: Cash) -> float | None:
    return BPS * amount / paid if amount is not None and paid else None
