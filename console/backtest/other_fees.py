"""What the other fee model would have charged for the same fills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from console.domain.fees import (
    AccountPrecision,
    FeeAccumulator,
    FeeModel,
    UnknownFeeTypeError,
    model_fee,
)
from console.domain.market import FeeTerms, Ticker
from console.domain.money import Cash, Count
from console.domain.position import cash_change_of_fill
from console.monitoring.records import FillRecord
from console.monitoring.trades import Ending, Trade

TermsAt = Callable[[Ticker, int], FeeTerms | None]
"""The exchange's terms for a market at a time; None where they are not known."""


class FeeModels(msgspec.Struct, frozen=True, kw_only=True):
    """What each model charges for the fills of one run, which made its decisions by one of them.

    ``kalshi`` is None when some market's terms are not known. A share of profits counts what has ended.
    """

    charged: str
    kalshi: Cash | None
    profit: Cash


def kalshi_fees(fills: Iterable[FillRecord], terms_at: TermsAt, precision: AccountPrecision) -> Cash | None:
    """The exchange's schedule, rounded order by order; None when terms are not known."""
    held: defaultdict[Ticker, int] = defaultdict(int)
    rounding: dict[str, FeeAccumulator] = {}
    total = 0
    for record in fills:
        fill = record.fill
        terms = terms_at(fill.ticker, fill.at_ns)
        if terms is None:
            return None
        try:
            trade_fee = model_fee(terms, fill.price, fill.count, is_taker=fill.is_taker)
        except UnknownFeeTypeError:
            return None
        revenue = cash_change_of_fill(Count(held[fill.ticker]), fill.side, fill.price, fill.count, Cash(0))
        before = rounding.get(fill.order_id, FeeAccumulator())
        fee, rounding[fill.order_id] = before.charge(revenue, trade_fee, precision)
        held[fill.ticker] += fill.side.sign * fill.count
        total += fee
    return Cash(total)


def profit_fees(trades: Iterable[Trade], model: FeeModel) -> Cash:
    """A share of the profit that each market made, once none of it is open."""
    profits: defaultdict[Ticker, int] = defaultdict(int)
    unfinished = set()
    for trade in trades:
        profits[trade.market.ticker] += trade.gross or 0
        if trade.ending is Ending.OPEN:
            unfinished.add(trade.market.ticker)
    return Cash(sum(model.on_profit(Cash(p)) for ticker, p in profits.items() if ticker not in unfinished))
