"""Records as pandas frames: dollars and cents as floats, times in UTC; unknown is NaN or NaT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.monitoring.equity import curve
from console.monitoring.execution import sample_of
from console.monitoring.performance import role_of
from console.monitoring.records import FillRecord, Records
from console.monitoring.slippage import CENTIBPS_PER_BPS
from console.monitoring.trades import Trade, trades_of

if TYPE_CHECKING:
    import pandas as pd

    Cell = str | int | float | bool | None


def trades_frame(records: Records) -> pd.DataFrame:
    """A row a trade, in order of the first fills; ``slippage_bps`` of its fills, by contracts."""
    return _frame([_trade(trade) for trade in trades_of(records)], "opened", "ended")


def equity_frame(records: Records) -> pd.DataFrame:
    """Equity at every mark by time, the highest until then, and how far below it, in dollars."""
    import pandas as pd

    points = curve(records)
    times = pd.DatetimeIndex([at_ns for at_ns, _ in points], tz="UTC", name="at")
    frame = pd.DataFrame({"equity": [equity / CASH_PER_DOLLAR for _, equity in points]}, index=times)
    frame["high"] = frame["equity"].cummax()
    frame["drawdown"] = frame["high"] - frame["equity"]
    return frame


def _trade(trade: Trade) -> dict[str, Cell]:
    market = trade.market
    return {
        "ticker": market.ticker,
        "event": market.event_ticker,
        "series": market.series_ticker,
        "category": market.category,
        "group": market.group,
        "side": trade.side.outcome,
        "role": role_of(trade).split()[0],
        "opened": trade.opened_ns,
        "ended": trade.ended_ns,
        "ending": trade.ending.value,
        "contracts": trade.contracts / COUNT_PER_CONTRACT,
        "entry_cents": trade.paid / trade.contracts / PRICE_PER_CENT,
        "paid": trade.paid / CASH_PER_DOLLAR,
        "gross_pnl": _dollars(trade.gross),
        "fees": trade.fees / CASH_PER_DOLLAR,
        "slippage_cost": trade.slippage / CASH_PER_DOLLAR,
        "net_pnl": _dollars(trade.net),
        "slippage_bps": _slippage_bps(trade.fills),
        "is_drawn": market.is_drawn,
    }


def _slippage_bps(fills: Iterable[FillRecord]) -> float | None:
    samples = [sample for record in fills if (sample := sample_of(record)) is not None]
    contracts = sum(sample.contracts for sample in samples)
    weighted = sum(sample.touch_centibps * sample.contracts for sample in samples)
    return weighted / contracts / CENTIBPS_PER_BPS if contracts else None


def _dollars(cash: int | None) -> float | None:
    return None if cash is None else cash / CASH_PER_DOLLAR


def _frame(rows: list[dict[str, Cell]], *times: str) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    for column in times:
        if column in frame:
            frame[column] = pd.to_datetime(frame[column].astype("Int64"), unit="ns", utc=True)
    return frame
