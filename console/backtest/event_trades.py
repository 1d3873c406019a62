"""What the event backtester tells: trades, their table and the metrics, in cents and dollars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from console.backtest.result import Result
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash
from console.domain.time_units import NS_PER_HOUR, NS_PER_US
from console.monitoring.performance import performance
from console.monitoring.records import FillRecord
from console.monitoring.trades import Ending, Trade, trades_of

if TYPE_CHECKING:
    import pandas as pd

_BPS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class ClosedTrade:
    """A position in one market from its first contract until none was held; in cents and dollars.

    ``contracts`` were bought in all, at ``entry_price`` on average; ``exit_price`` is what each of them
    brought. ``slippage`` is what the model charged; ``slippage_bps`` has with it what was paid above the
    touch at the decision, of the touch, entry and exits together.
    """

    ticker: str
    side: str
    action: str
    contracts: float
    entry_price: float
    exit_price: float
    entry_time: datetime
    exit_time: datetime
    holding_period_hours: float
    ended_by: str
    gross_pnl: float
    fee: float
    slippage: float
    net_pnl: float
    slippage_bps: float


class Metrics(TypedDict):
    """Dollars, fractions of one and basis points, after fees; None is not known.

    ``total_pnl`` and ``final_equity`` have open positions at what they could be closed for, and are unknown
    when one could not be. ``fee_pct_of_pnl`` is in percent of the profit before charges, nan without such
    profit. ``total_trades`` have ended, ``win_rate`` of them made money. ``sharpe_ratio`` is of daily
    returns, by the root of 365. ``max_drawdown`` is the deepest fall of equity at marks, and
    ``max_drawdown_pct`` that as a share of its high.
    """

    total_pnl: float | None
    final_equity: float | None
    gross_pnl: float | None
    total_fees: float
    fee_pct_of_pnl: float
    slippage_cost: float
    total_trades: int
    open_trades: int
    win_rate: float | None
    net_bps: float | None
    fee_bps: float | None
    sharpe_ratio: float | None
    max_drawdown: float
    max_drawdown_pct: float
    orders: dict[str, int]


def closed_trades(result: Result) -> list[ClosedTrade]:
    """Those that ended, in order of their beginning."""
    return [_closed(trade) for trade in trades_of(result) if trade.ending is not Ending.OPEN]


def trades_frame(trades: Iterable[ClosedTrade]) -> pd.DataFrame:
    """A row a trade; the columns are there without any."""
    import pandas as pd

    kinds = {"str": "object", "float": "float64", "datetime": "datetime64[us, UTC]"}
    table = pd.DataFrame([asdict(trade) for trade in trades], columns=[f.name for f in fields(ClosedTrade)])
    return table.astype({f.name: kinds[str(f.type)] for f in fields(ClosedTrade)})


def metrics_of(result: Result) -> Metrics:
    """The figures of a run."""
    it = performance(result, trades_of(result))
    charges = it.total_fees + it.slippage_cost
    return Metrics(
        total_pnl=_dollars(it.total_pnl),
        final_equity=_dollars(result.final_equity),
        gross_pnl=None if it.total_pnl is None else (it.total_pnl + charges) / CASH_PER_DOLLAR,
        total_fees=it.total_fees / CASH_PER_DOLLAR,
        fee_pct_of_pnl=float("nan") if it.fee_pct_of_pnl is None else it.fee_pct_of_pnl,
        slippage_cost=it.slippage_cost / CASH_PER_DOLLAR,
        total_trades=it.trades,
        open_trades=it.open_trades,
        win_rate=it.win_rate,
        net_bps=it.net_bps,
        fee_bps=it.fee_bps,
        sharpe_ratio=it.sharpe_ratio,
        max_drawdown=it.max_drawdown.fall / CASH_PER_DOLLAR,
        max_drawdown_pct=it.max_drawdown.of_high,
        orders=result.orders,
    )


def _closed(trade: Trade) -> ClosedTrade:
    assert trade.ended_ns is not None
    assert trade.gross is not None
    assert trade.net is not None
    brought = trade.paid + trade.gross
    return ClosedTrade(
        ticker=trade.market.ticker,
        side=trade.side.outcome.lower(),
        action="buy",
        contracts=trade.contracts / COUNT_PER_CONTRACT,
        entry_price=trade.paid / trade.contracts / PRICE_PER_CENT,
        exit_price=brought / trade.contracts / PRICE_PER_CENT,
        entry_time=time_of(trade.opened_ns),
        exit_time=time_of(trade.ended_ns),
        holding_period_hours=(trade.ended_ns - trade.opened_ns) / NS_PER_HOUR,
        ended_by=trade.ending.value,
        gross_pnl=trade.gross / CASH_PER_DOLLAR,
        fee=trade.fees / CASH_PER_DOLLAR,
        slippage=trade.slippage / CASH_PER_DOLLAR,
        net_pnl=trade.net / CASH_PER_DOLLAR,
        slippage_bps=_slippage_bps(trade.fills),
    )


def _slippage_bps(fills: Iterable[FillRecord]) -> float:
    """Of the touch at each decision, weighted by contracts."""
    above = touched = 0
    for record in fills:
        fill = record.fill
        touch = record.intent.quote.touch(fill.side)
        if touch is not None:
            at_touch = fill.side.price_paid(touch.price) * fill.count
            above += fill.side.price_paid(fill.price) * fill.count - at_touch + record.slippage
            touched += at_touch
    return _BPS * above / touched if touched else float("nan")


def time_of(at_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_ns // NS_PER_US)


def _dollars(cash: Cash | None) -> float | None:
    return None if cash is None else cash / CASH_PER_DOLLAR
