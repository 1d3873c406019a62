"""Exact integer money, and its parsing from and formatting to the exchange's decimal strings."""

from __future__ import annotations

import re
from typing import NewType

Price = NewType("Price", int)
"""Ten-thousandths of a dollar: 0.9250 $ is 9250."""

Count = NewType("Count", int)
"""Hundredths of a contract: 3 contracts are 300."""

Cash = NewType("Cash", int)
"""Millionths of a dollar, so that price x count is cash exactly."""

PRICE_PER_DOLLAR = 10_000
PRICE_PER_CENT = 100
COUNT_PER_CONTRACT = 100
CASH_PER_DOLLAR = 1_000_000
CASH_PER_CENT = 10_000

PAYOUT = Price(PRICE_PER_DOLLAR)
"""What one contract pays when it wins."""

_DECIMAL = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,12}))?", re.ASCII)


class MoneyError(ValueError):
    """A string is not an exact amount in the unit asked for."""


def _parse(text: str, places: int, what: str) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise MoneyError(f"{what} {text!r} is not a plain decimal number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > places and fraction[places:].strip("0"):
        raise MoneyError(f"{what} {text!r} has more than {places} decimals")
    scaled = int(whole + fraction[:places].ljust(places, "0"))
    return -scaled if sign else scaled


def _format(value: int, places: int) -> str:
    whole, fraction = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{fraction:0{places}d}"


def parse_price(text: str) -> Price:
    """Read a price of 0 to 1 dollar, such as ``"0.9250"``; raises MoneyError."""
    price = _parse(text, 4, "price")
    if not 0 <= price <= PRICE_PER_DOLLAR:
        raise MoneyError(f"price {text!r} is not between 0 and 1 dollar")
    return Price(price)


def parse_count(text: str) -> Count:
    """Read a signed number of contracts, such as ``"10.00"``; raises MoneyError."""
    return Count(_parse(text, 2, "count"))


def parse_cash(text: str) -> Cash:
    """Read a signed dollar amount of up to six decimals; raises MoneyError."""
    return Cash(_parse(text, 6, "amount"))


def format_price(price: Price) -> str:
    """Dollars with four decimals: ``"0.9250"``."""
    return _format(price, 4)


def format_count(count: Count) -> str:
    """Contracts with two decimals: ``"10.00"``."""
    return _format(count, 2)


def format_cash(cash: Cash) -> str:
    """Dollars with six decimals: ``"0.006300"``."""
    return _format(cash, 6)


def complement(price: Price) -> Price:
    """The price of the other side: a YES at 92c is a NO at 8c."""
    return Price(PRICE_PER_DOLLAR - price)


def cost(price: Price, count: Count) -> Cash:
    """Price times count, exactly."""
    return Cash(price * count)
