"""Metrics in short, for a person: by price bucket, and of a day."""

from __future__ import annotations

from typing import Any

import msgspec

from console.domain.fees import FeeModel
from console.domain.money import CASH_PER_DOLLAR, Count
from console.monitoring.buckets import BUCKETS
from console.monitoring.clusters import BPS
from console.monitoring.execution import slippage
from console.monitoring.figures import Figures
from console.monitoring.hit_rates import BucketRow, BucketSums
from console.monitoring.performance import part
from console.monitoring.records import FillRecord
from console.monitoring.trades import Trade

_UNKNOWN = "n/a"


def bucket_summary(ended: BucketSums, fee_model: FeeModel) -> dict[str, dict[str, Any]]:
    """Each bucket by its name; a rate that is not known reads ``n/a``.

    ``win_rate`` is of trades that made money; ``net_bps`` and ``fee_drag_bps`` are of what was paid.
    """
    rows = {row.name: row for row in ended.rows(fee_model)}
    return {
        bucket.name: {"price_range": bucket.cents, **_row(rows.get(bucket.name), ended.won(bucket.name))}
        for bucket in BUCKETS
    }


def _row(row: BucketRow | None, won: int) -> dict[str, Any]:
    if row is None:
        return {"trades": 0, "win_rate": _UNKNOWN, "net_bps": _UNKNOWN, "fee_drag_bps": _UNKNOWN}
    money = row.money
    return {
        "trades": money.trades,
        "win_rate": _percent(won / money.trades),
        "net_bps": _figure(money.net_bps),
        "fee_drag_bps": _figure(BPS * money.fees / money.paid if money.paid else None),
    }


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a day: its trades, those that were taken by hand with their bps, and its fills."""

    day: str
    trades: tuple[Trade, ...]
    fills: tuple[FillRecord, ...]
    noted_bps: tuple[tuple[float, Count], ...]
    capital: float


def daily_summary(today: Today, ended: BucketSums, figures: Figures | None, fee_model: FeeModel) -> list[str]:
    """Lines of at most 80 columns; ``ended`` and ``figures`` are of all trades."""
    it = part("", today.trades)
    gross = sum(trade.gross or 0 for trade in today.trades)
    won = sum((trade.net or 0) > 0 for trade in today.trades)
    drag = it.fees / gross if gross > 0 else None
    made = (it.net_pnl or 0) / CASH_PER_DOLLAR / today.capital if today.capital else None
    lines = [
        f"DAILY SUMMARY {today.day}",
        f"  trades ended   {it.trades:>12,}  {_percent(won / it.trades if it.trades else None)} made money",
        f"  gross P&L      {_dollars(gross):>12}",
        f"  fees           {_dollars(-it.fees):>12}  {_percent(drag)} of gross",
        f"  net P&L        {_dollars(it.net_pnl or 0):>12}  {_percent(made, 2)} of ${today.capital:,.2f}",
        *_slippage(today),
    ]
    if figures is not None:
        lines += _of_all(figures)
    lines.append(f"  {'BY PRICE, all trades':22} {'trades':>7} {'won':>8} {'net bps':>9} {'fee bps':>9}")
    for name, row in bucket_summary(ended, fee_model).items():
        if row["trades"]:
            label = f"{name} {row['price_range']}"
            lines.append(
                f"  {label:22} {row['trades']:>7,} {row['win_rate']:>8} {row['net_bps']:>9} "
                f"{row['fee_drag_bps']:>9}"
            )
    return lines


def _slippage(today: Today) -> list[str]:
    """Of the day's fills, makers and takers apart, and of trades taken by hand."""
    of_fills = slippage(today.fills, 0)
    lines = [
        f"  {name} slippage {_figure(role.touch.mean):>12}  bps of the touch, p95 {_figure(role.touch.p95)}, "
        f"n = {role.touch.n:,}"
        for name, role in (("taker", of_fills.taker), ("maker", of_fills.maker))
        if role.touch.n
    ]
    contracts = sum(count for _, count in today.noted_bps)
    if contracts:
        mean = sum(bps * count for bps, count in today.noted_bps) / contracts
        lines.append(f"  slippage       {_figure(mean):>12}  bps as recorded, n = {len(today.noted_bps):,}")
    return lines or [f"  slippage       {_UNKNOWN:>12}  no fill of the day to measure"]


def _of_all(figures: Figures) -> list[str]:
    lines = []
    for ratio in figures.fill_ratios:
        lines.append(
            f"  {ratio.role} fills    {_percent(ratio.of_contracts):>12}  of contracts ordered, "
            f"{ratio.filled_orders:,} of {ratio.orders:,} orders"
        )
    total = figures.edge.total
    if total is not None:
        lines.append(
            f"  edge realised  {total.realised_cents:>+12.2f}  cents a contract, expected "
            f"{total.expected_cents:+.2f}, {total.n_events:,} events"
        )
    return lines


def _figure(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f}"


def _percent(share: float | None, places: int = 1) -> str:
    return _UNKNOWN if share is None else f"{100 * share:.{places}f}%"


def _dollars(cash: int) -> str:
    return f"{'-' if cash < 0 else ''}${abs(cash) / CASH_PER_DOLLAR:,.2f}"
