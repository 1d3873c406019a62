"""What the exchange charges for a trade, exactly, and the simpler rule of 7 % of profit.

Sources: Kalshi's fee schedule (``fee = roundup(M x k x C x P x (1 - P))`` on every execution) and its page
on fee rounding (each fill's fee to a millionth of a dollar, the balance to the account's precision, the
difference collected per order and given back in whole units).
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

from console.domain.market import FeeTerms
from console.domain.money import PRICE_PER_DOLLAR, Cash, Count, Price, cost

_RATE_UNITS = 10_000
_TAKER_RATE = 700
_MAKER_RATES = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 175,
    "quadratic_with_combo_maker_fees": 350,
}
# rate x multiplier x price x price x count comes in 1e-18 dollars; cash is 1e-6.
_MODEL_UNITS_PER_CASH = 10**12


class UnknownFeeTypeError(ValueError):
    """The exchange charges by a rule we do not know, so no net edge may be quoted."""


class AccountPrecision(enum.IntEnum):
    """The step of an account's balance, in millionths of a dollar."""

    DIRECT_MEMBER = 100
    BROKER_CLEARED = 10_000


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def model_fee(terms: FeeTerms, price: Price, count: Count, *, is_taker: bool) -> Cash:
    """The unrounded schedule, raised to a millionth of a dollar; raises UnknownFeeTypeError.

    P(1 - P) is the same for YES and NO, so the YES price serves both.
    """
    if terms.fee_type not in _MAKER_RATES:
        raise UnknownFeeTypeError(f"fee type {terms.fee_type!r} is not one this version knows")
    rate = _TAKER_RATE if is_taker else _MAKER_RATES[terms.fee_type]
    exact = terms.multiplier * rate * count * price * (PRICE_PER_DOLLAR - price)
    return Cash(_ceil_div(exact, _MODEL_UNITS_PER_CASH))


class FeeAccumulator(msgspec.Struct, frozen=True):
    """What rounding has taken from one order and not yet given back, across its fills."""

    owed: Cash = Cash(0)

    def charge(
        self, revenue: Cash, trade_fee: Cash, precision: AccountPrecision
    ) -> tuple[Cash, FeeAccumulator]:
        """The net fee of a fill and the accumulator after it.

        ``revenue`` is the cash the fill brings before fees, negative for a purchase. The net fee is never
        negative.
        """
        unrounded = revenue - trade_fee
        rounding = unrounded % precision
        owed = self.owed + rounding
        rebate = min(owed, trade_fee + rounding) // precision * precision
        return Cash(trade_fee + rounding - rebate), FeeAccumulator(Cash(owed - rebate))


class FeeModel(Protocol):
    """What a strategy asks before it trades: the fee of a fill, and of its outcome."""

    def on_trade(self, terms: FeeTerms, price: Price, count: Count, *, is_taker: bool) -> Cash:
        """The fee charged when a trade happens, won or lost."""

    def on_profit(self, profit: Cash) -> Cash:
        """The fee charged when a position closes with ``profit``."""


class KalshiFees:
    """The exchange's own schedule: charged at every execution, nothing at settlement."""

    def __init__(self, precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER) -> None:
        self._precision = precision

    def on_trade(self, terms: FeeTerms, price: Price, count: Count, *, is_taker: bool) -> Cash:
        trade_fee = model_fee(terms, price, count, is_taker=is_taker)
        fee, _ = FeeAccumulator().charge(Cash(-cost(price, count)), trade_fee, self._precision)
        return fee

    def on_profit(self, profit: Cash) -> Cash:
        return Cash(0)


class ProfitFees:
    """A share of the profit, on winners only, rounded up to a millionth of a dollar.

    ``rate`` is in ten-thousandths: 700 is 7 %.
    """

    def __init__(self, rate: int = _TAKER_RATE) -> None:
        self._rate = rate

    def on_trade(self, terms: FeeTerms, price: Price, count: Count, *, is_taker: bool) -> Cash:
        return Cash(0)

    def on_profit(self, profit: Cash) -> Cash:
        return Cash(_ceil_div(max(0, profit) * self._rate, _RATE_UNITS))
