"""Metrics in short, for a person: by price bucket, and of a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from console.domain.fees import FeeModel
from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.buckets import BUCKETS, bucket_of
from console.monitoring.clusters import BPS
from console.monitoring.equity import day_of
from console.monitoring.figures import Figures
from console.monitoring.hit_rates import BucketRow, bucket_rows
from console.monitoring.performance import part
from console.monitoring.trades import Trade

_UNKNOWN = "n/a"


def bucket_summary(trades: Sequence[Trade], fee_model: FeeModel) -> dict[str, dict[str, Any]]:
    """Each bucket by its name; a rate that is not known reads ``n/a``.

    ``win_rate`` is of trades that made money; ``net_bps`` and ``fee_drag_bps`` are of what was paid.
    """
    rows = {row.name: row for row in bucket_rows(trades, fee_model)}
    return {
        bucket.name: {"price_range": bucket.cents, **_row(rows.get(bucket.name), _of(trades, bucket.name))}
        for bucket in BUCKETS
    }


def _of(trades: Iterable[Trade], bucket: str) -> list[Trade]:
    return [trade for trade in trades if bucket_of(trade.entry).name == bucket]


def _row(row: BucketRow | None, trades: Sequence[Trade]) -> dict[str, Any]:
    if row is None:
        return {"trades": 0, "win_rate": _UNKNOWN, "net_bps": _UNKNOWN, "fee_drag_bps": _UNKNOWN}
    money = row.money
    return {
        "trades": money.trades,
        "win_rate": _percent(sum((trade.net or 0) > 0 for trade in trades) / len(trades)),
        "net_bps": _figure(money.net_bps),
        "fee_drag_bps": _figure(BPS * money.fees / money.paid if money.paid else None),
    }


def daily_summary(
    trades: Sequence[Trade], figures: Figures | None, capital: float, now_ns: int, fee_model: FeeModel
) -> list[str]:
    """Lines of at most 80 columns."""
    today = day_of(now_ns)
    ended = [trade for trade in trades if trade.ended_ns is not None and day_of(trade.ended_ns) == today]
    it = part("", ended)
    gross = sum(trade.gross or 0 for trade in ended)
    won = sum((trade.net or 0) > 0 for trade in ended)
    drag = it.fees / gross if gross > 0 else None
    made = (it.net_pnl or 0) / CASH_PER_DOLLAR / capital if capital else None
    lines = [
        f"DAILY SUMMARY {today} UTC",
        f"  trades ended   {len(ended):>12,}  {_percent(won / len(ended) if ended else None)} made money",
        f"  gross P&L      {_dollars(gross):>12}",
        f"  fees           {_dollars(-it.fees):>12}  {_percent(drag)} of gross",
        f"  net P&L        {_dollars(it.net_pnl or 0):>12}  {_percent(made, 2)} of ${capital:,.2f}",
    ]
    if figures is not None:
        lines += _of_all(figures)
    lines.append(f"  {'BY PRICE, all trades':22} {'trades':>7} {'won':>8} {'net bps':>9} {'fee bps':>9}")
    for name, row in bucket_summary(trades, fee_model).items():
        if row["trades"]:
            label = f"{name} {row['price_range']}"
            lines.append(
                f"  {label:22} {row['trades']:>7,} {row['win_rate']:>8} {row['net_bps']:>9} "
                f"{row['fee_drag_bps']:>9}"
            )
    return lines


def _of_all(figures: Figures) -> list[str]:
    lines = []
    for ratio in figures.fill_ratios:
        lines.append(
            f"  {ratio.role} fills    {_percent(ratio.of_contracts):>12}  of contracts ordered, "
            f"{ratio.filled_orders:,} of {ratio.orders:,} orders"
        )
    for name, role in (("taker", figures.slippage.taker), ("maker", figures.slippage.maker)):
        if role.touch.n:
            lines.append(
                f"  {name} slippage {_figure(role.touch.mean):>12}  bps of the touch, p95 "
                f"{_figure(role.touch.p95)}, {role.touch.n:,} fills"
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
