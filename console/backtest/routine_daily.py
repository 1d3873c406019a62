"""The daily routine: trades, summary, kill switches, slippage, realised against expected edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from console.backtest.plots import equity_figure
from console.backtest.routine import (
    Chart,
    Reviewed,
    Step,
    Table,
    Verdict,
    nothing,
)
from console.backtest.routine_edge import edge_step
from console.backtest.routine_slippage import slippage_step
from console.backtest.routine_switches import kill_switches
from console.backtest.words import UNKNOWN, dollars, percent, some
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash, format_cash
from console.monitoring.documents import Document, document_of, iso
from console.monitoring.figures import PeriodFigures
from console.monitoring.trades import Ending, Trade
from console.risk.switches.daily_loss import daily_loss_limit


def daily(of: Reviewed) -> tuple[Step, ...]:
    """The guide's five daily tasks."""
    return (
        all_trades(of),
        summary(of),
        kill_switches(of),
        slippage_step(of),
        edge_step(of, "edge", "Track realised edge against expected edge"),
    )


def all_trades(of: Reviewed) -> Step:
    name, task = "trades", "Review all trades"
    it = of.figures
    if it is None or not it.trades:
        return nothing(name, task)
    ended = [trade for trade in it.trades if trade.ending is not Ending.OPEN]
    lost = sum((trade.net or 0) < 0 for trade in ended)
    net = Cash(sum(trade.net or 0 for trade in ended))
    still_open = len(it.trades) - len(ended)
    return Step(
        id=name,
        task=task,
        verdict=Verdict.FINE if ended else Verdict.UNSURE,
        found=f"{some(len(ended), 'trade')} ended, {lost:,} of them at a loss, together {dollars(net)} after "
        f"fees; {still_open:,} open",
        tables=(_trades_table(of, it.trades),),
        figures={
            "ended": len(ended),
            "lost": lost,
            "open": still_open,
            "net_pnl": format_cash(net),
            "trades": [_trade_document(trade) for trade in it.trades],
        },
    )


def _trades_table(of: Reviewed, trades: Sequence[Trade]) -> Table:
    return Table(
        headings=("market", "side", "how", "ended", "contr.", "price", "fees", "net"),
        words=(0, 1, 2, 3),
        rows=tuple(
            (
                trade.market.ticker,
                trade.side.outcome,
                trade.ending.value,
                "-" if trade.ended_ns is None else of.minute(trade.ended_ns)[-len("00:00") :],
                f"{trade.contracts / COUNT_PER_CONTRACT:,.0f}",
                f"{trade.entry / PRICE_PER_CENT:.1f}c",
                dollars(trade.fees),
                dollars(trade.net),
            )
            for trade in sorted(trades, key=lambda each: (each.ended_ns is None, each.ended_ns or 0))
        ),
    )


def _trade_document(trade: Trade) -> dict[str, object]:
    return {
        "ticker": trade.market.ticker,
        "event": trade.market.event_ticker,
        "group": trade.market.group,
        "strategy": trade.fills[0].intent.strategy,
        "side": trade.side.outcome,
        "ending": trade.ending.value,
        "opened": iso(trade.opened_ns),
        "ended": None if trade.ended_ns is None else iso(trade.ended_ns),
        "contracts": trade.contracts / COUNT_PER_CONTRACT,
        "paid": format_cash(trade.paid),
        "fees": format_cash(trade.fees),
        "gross_pnl": None if trade.gross is None else format_cash(trade.gross),
        "net_pnl": None if trade.net is None else format_cash(trade.net),
    }


def summary(of: Reviewed) -> Step:
    name, task = "summary", "Check the daily summary"
    it, records = of.figures, of.records
    if it is None or records is None or not it.trades:
        return nothing(name, task)
    money = it.performance
    limit = daily_loss_limit(of.settings.risk, records.capital)
    net = money.total_pnl
    lost = None if net is None else max(0, -net)
    fall = money.max_drawdown
    used = "how much was is not known" if lost is None else f"{_used(lost, limit)} of that was"
    found = (
        f"net {dollars(net)} after fees of {dollars(money.total_fees)}; {dollars(limit)} may be lost, {used}"
    )
    rows = [
        ("net P&L at marks", dollars(net), f"of {dollars(records.capital)} at the start"),
        ("realised, before fees", dollars(money.realised), ""),
        ("unrealised, at marks", dollars(money.unrealised), some(money.open_trades, "open trade")),
        ("fees", dollars(-money.total_fees), f"{percent(money.fee_share)} of gross profit"),
        ("trades ended", f"{money.trades:,}", f"{percent(money.win_rate)} made money"),
        ("deepest fall", dollars(-fall.fall), f"{percent(fall.of_high, 2)} of the high"),
        *_judged_rows(it),
    ]
    rows += (
        (f"{ratio.role} fills", percent(ratio.of_contracts), f"of contracts in {some(ratio.orders, 'order')}")
        for ratio in it.fill_ratios
    )
    warns = of.settings.monitoring.alert_at_loss_share * limit
    verdict = Verdict.UNSURE if lost is None else Verdict.LOOK if lost >= warns else Verdict.FINE
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(Table(headings=("", "figure", ""), rows=tuple(rows), words=(0, 2)),),
        figures=_summary_document(it, records.capital, limit),
        charts=(Chart(name="equity", draw=partial(equity_figure, records)),),
    )


def _summary_document(it: PeriodFigures, capital: Cash, limit: Cash) -> Document:
    money = it.performance
    return {
        "net_pnl": None if money.total_pnl is None else format_cash(money.total_pnl),
        "capital": format_cash(capital),
        "loss_limit": format_cash(limit),
        "fees": format_cash(money.total_fees),
        "fee_pct_of_pnl": money.fee_pct_of_pnl,
        "win_rate": money.win_rate,
        "trades": money.trades,
        "open_trades": money.open_trades,
        "max_drawdown": format_cash(money.max_drawdown.fall),
        "hit_rate": None if it.judged is None else document_of(it.judged),
        "fill_ratios": [document_of(ratio) for ratio in it.fill_ratios],
    }


def _used(lost: int, limit: int) -> str:
    return percent(lost / limit) if limit else UNKNOWN


def _judged_rows(it: PeriodFigures) -> list[tuple[str, str, str]]:
    judged = it.judged
    if judged is None:
        return []
    return [
        (
            "contracts won",
            percent(judged.hit_rate),
            f"breaks even at {percent(judged.break_even)}; {some(judged.n_events, 'event')}",
        ),
        (
            "losses per 100 contracts",
            f"{judged.losses_per_100:.2f}",
            f"{judged.expected_losses_per_100:.2f} expected",
        ),
    ]
