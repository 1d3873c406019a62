"""``trades_log.csv``: a line a trade, appended when it ends, for spreadsheets and other programs."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.domain.time_units import NS_PER_HOUR, NS_PER_S
from console.monitoring.execution import sample_of
from console.monitoring.slippage import CENTIBPS_PER_BPS
from console.monitoring.trades import Trade


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade that ended, as the file has it: prices in cents, money in dollars, the time in UTC.

    ``slippage_bps`` is of its fills against the touch, by contracts; what is not known is empty. ``trade_id``
    is that of its first fill, empty for a trade that was not the engine's.
    """

    timestamp: str
    ticker: str
    side: str
    action: str
    contracts: float
    entry_price: float
    exit_price: float
    gross_pnl: float
    net_pnl: float
    fee: float
    slippage_bps: float | None
    holding_period_hours: float
    market_family: str
    strategy: str
    trade_id: str = ""


COLUMNS = TradeRow.__struct_fields__


def row_of(trade: Trade) -> TradeRow:
    """The line of a trade that has ended."""
    first, ended_ns = trade.fills[0], trade.ended_ns
    assert ended_ns is not None
    assert trade.gross is not None
    assert trade.net is not None
    return TradeRow(
        timestamp=utc_text(ended_ns),
        ticker=trade.market.ticker,
        side=trade.side.outcome.lower(),
        action="buy",
        contracts=trade.contracts / COUNT_PER_CONTRACT,
        entry_price=trade.paid / trade.contracts / PRICE_PER_CENT,
        exit_price=(trade.paid + trade.realised) / trade.contracts / PRICE_PER_CENT,
        gross_pnl=trade.gross / CASH_PER_DOLLAR,
        net_pnl=trade.net / CASH_PER_DOLLAR,
        fee=trade.fees / CASH_PER_DOLLAR,
        slippage_bps=_slippage_bps(trade),
        holding_period_hours=(ended_ns - trade.opened_ns) / NS_PER_HOUR,
        market_family=trade.market.series_ticker,
        strategy=first.intent.strategy,
        trade_id=f"{first.fill.fill_id}:{trade.side.outcome}",
    )


def utc_text(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _slippage_bps(trade: Trade) -> float | None:
    samples = [sample for record in trade.fills if (sample := sample_of(record)) is not None]
    contracts = sum(sample.contracts for sample in samples)
    weighted = sum(sample.touch_centibps * sample.contracts for sample in samples)
    return weighted / contracts / CENTIBPS_PER_BPS if contracts else None
