"""Numbers, ages and times as an operator reads them. What is not known reads ``n/a``."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from console.domain.money import CASH_PER_CENT, CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.domain.time_units import NS_PER_S

UNKNOWN = "n/a"
EXCHANGE_TIME = ZoneInfo("America/New_York")


def _divide(value: int, step: int) -> int:
    """``value / step``, rounded half away from zero."""
    sign = -1 if value < 0 else 1
    return sign * ((2 * abs(value) + step) // (2 * step))


def dollars(cash: int | None, *, signed: bool = False) -> str:
    """Dollars and cents with thousands commas: ``10,012.41``, or signed ``+12.41``."""
    if cash is None:
        return UNKNOWN
    hundredths = _divide(cash, CASH_PER_CENT)
    sign = "-" if hundredths < 0 else "+" if signed and hundredths > 0 else ""
    whole, fraction = divmod(abs(hundredths), 100)
    return f"{sign}{whole:,}.{fraction:02d}"


def short_dollars(cash: int | None) -> str:
    """Whole dollars from 100 on: a limit rather than an account."""
    if cash is None:
        return UNKNOWN
    if abs(cash) < 100 * CASH_PER_DOLLAR:
        text = dollars(cash)
        return text.removesuffix(".00")
    return f"{_divide(cash, CASH_PER_DOLLAR):,}"


def percent(part: int | None, whole: int | None) -> str:
    """A signed share with two decimals: ``+0.12%``."""
    if part is None or not whole:
        return UNKNOWN
    hundredths = _divide(part * 10_000, whole)
    sign = "-" if hundredths < 0 else "+" if hundredths > 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}%"


def _trimmed(value: int, step: int, places: int) -> str:
    whole, fraction = divmod(abs(value), step)
    digits = f"{fraction:0{places}d}".rstrip("0")
    return f"{'-' if value < 0 else ''}{whole:,}{'.' + digits if digits else ''}"


def cents(price: int | None) -> str:
    """A price in cents with the decimals it needs: ``94``, ``94.2``."""
    return UNKNOWN if price is None else _trimmed(price, PRICE_PER_CENT, 2)


def contracts(count: int | None) -> str:
    """Contracts with the decimals they need: ``60``, ``60.5``."""
    return UNKNOWN if count is None else _trimmed(count, COUNT_PER_CONTRACT, 2)


def bps(centibps: int | None) -> str:
    """Hundredths of a basis point as whole basis points."""
    return UNKNOWN if centibps is None else str(_divide(centibps, 100))


def age(nanoseconds: int | None) -> str:
    """A duration in the unit a person reads: ``0.2s``, ``41s``, ``4m``, ``2h05``, ``3d``."""
    if nanoseconds is None:
        return UNKNOWN
    tenths = max(0, nanoseconds) * 10 // NS_PER_S
    seconds = tenths // 10
    if seconds < 10:
        return f"{seconds}.{tenths % 10}s"
    if seconds < 100:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}"
    return f"{minutes // (24 * 60)}d"


def milliseconds(nanoseconds: int | None) -> str:
    """A round trip: ``3ms``, or seconds from one second on."""
    if nanoseconds is None:
        return UNKNOWN
    thousandths = nanoseconds // 1_000_000
    return f"{thousandths}ms" if thousandths < 1_000 else age(nanoseconds)


def _moment(at_ns: int, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ns // NS_PER_S, zone)


def clock(at_ns: int) -> str:
    """Exchange time of day: ``12:04:31``."""
    return f"{_moment(at_ns, EXCHANGE_TIME):%H:%M:%S}"


def clock_utc(at_ns: int) -> str:
    """UTC time of day: ``17:04:31Z``."""
    return f"{_moment(at_ns, dt.UTC):%H:%M:%SZ}"


def clock_utc_short(at_ns: int) -> str:
    """UTC hours and minutes: ``17:04Z``."""
    return f"{_moment(at_ns, dt.UTC):%H:%MZ}"


def appointment(at_ns: int) -> str:
    """A coming time on the exchange's clock: ``Thu 03:00``."""
    return f"{_moment(at_ns, EXCHANGE_TIME):%a %H:%M}"
