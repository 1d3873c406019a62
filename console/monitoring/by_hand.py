"""Trades that are recorded by hand, which no journal has."""

from __future__ import annotations

import math

import msgspec

from console.domain.book import BookSide
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PRICE_PER_CENT,
    Cash,
    Count,
    Price,
    cost,
)
from console.domain.time_units import NS_PER_HOUR
from console.monitoring.records import UNKNOWN, MarketRecord
from console.monitoring.trades import Ending, Trade
from console.monitoring.trades_csv import TradeRow

_SIDES = {side.outcome.lower(): side for side in BookSide}
_CENTS_PER_DOLLAR = 100


def check(row: TradeRow) -> None:
    """Raise ValueError for what no trade can be."""
    for name, value in msgspec.structs.asdict(row).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} {value} is not a finite number")
    if row.side.lower() not in _SIDES:
        raise ValueError(f"side {row.side!r} is neither of {' and '.join(_SIDES)}")
    if not 0 <= row.entry_price < _CENTS_PER_DOLLAR:
        raise ValueError(f"entry_price {row.entry_price} is not from 0 to below {_CENTS_PER_DOLLAR} cents")
    if round(row.contracts * COUNT_PER_CONTRACT) <= 0:
        raise ValueError(f"contracts {row.contracts} is not a number above 0")


def trade_of(row: TradeRow, ended_ns: int) -> Trade:
    """A trade recorded by hand; which event it was of, and what was expected, nobody said."""
    side = _SIDES[row.side.lower()]
    count = Count(round(row.contracts * COUNT_PER_CONTRACT))
    paid = cost(Price(round(row.entry_price * PRICE_PER_CENT)), count)
    gross, net = round(row.gross_pnl * CASH_PER_DOLLAR), round(row.net_pnl * CASH_PER_DOLLAR)
    fee = round(row.fee * CASH_PER_DOLLAR)
    market = MarketRecord(
        ticker=row.ticker,
        event_ticker=row.ticker,
        series_ticker=row.market_family,
        category=UNKNOWN,
        group=row.market_family,
        close_ns=None,
        settled_ns=None,
        yes_value=None,
        is_drawn=False,
        position=Count(0),
        mark=None,
    )
    return Trade(
        market=market,
        side=side,
        opened_ns=ended_ns - round(row.holding_period_hours * NS_PER_HOUR),
        ended_ns=ended_ns,
        ending=Ending.CLOSED,
        contracts=count,
        maker_contracts=Count(0),
        paid=paid,
        expected=paid,
        buying_charges=Cash(fee),
        fees=Cash(fee),
        slippage=Cash(gross - net - fee),
        realised=Cash(gross),
        unrealised=Cash(0),
        fills=(),
    )
