"""What the event backtester is told, in cents, dollars, whole contracts and dates, as exact domain values."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Protocol, TypeVar

from console.backtest.fee_schedules import FeeSchedules
from console.backtest.setup import FeeSource
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import AccountPrecision, ProfitFees
from console.domain.grid import PriceGrid, PriceRange
from console.domain.market import FeeTerms, Market, MarketStatus, Ticker
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    Cash,
    Count,
    Price,
    complement,
)

NEVER_NS = 2**63 - 1
_EVERY_PRICE = PriceGrid((PriceRange(Price(0), PAYOUT, Price(1)),))
_NOTHING_AT_TRADES = FeeTerms("quadratic", 0)
_FINEST = 10
_RATE_UNITS = 10_000
_NOISE = Decimal("1e-6")
"""Of a unit: what arithmetic in floats leaves of 92.3 cents."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Number = int | float | str | Decimal
Given = TypeVar("Given")


class OrderSide(enum.StrEnum):
    """The outcome that is bought or sold."""

    YES = "yes"
    NO = "no"


class OrderAction(enum.StrEnum):
    """A sale only reduces what is held of its outcome."""

    BUY = "buy"
    SELL = "sell"


class Snapshot(Protocol):
    """A row with names, such as a dict or a pandas Series."""

    def get(self, key: str, /) -> Any: ...  # noqa: ANN401


@dataclass(frozen=True)
class FeeSchedule:
    """The exchange's own fees, by series and date; with ``profit_fee_rate`` that share of profits instead.

    A share of profits is charged on winners when their market resolves. Other terms than the shipped ones
    come from ``source``. Raises ValueError for a rate that is no share in ten-thousandths.
    """

    profit_fee_rate: float | Decimal | None = None
    precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER
    source: FeeSource | None = None

    def __post_init__(self) -> None:
        if self.profit_fee_rate is not None:
            self._rate(self.profit_fee_rate)

    @staticmethod
    def _rate(rate: float | Decimal) -> int:
        scaled = _exact(rate, _RATE_UNITS, "profit_fee_rate")
        if not 0 <= scaled <= _RATE_UNITS:
            raise ValueError(f"profit_fee_rate is {rate}, not a share from 0 to 1")
        return scaled

    @property
    def profit_fees(self) -> ProfitFees | None:
        return None if self.profit_fee_rate is None else ProfitFees(self._rate(self.profit_fee_rate))

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        """What trades are charged then; None where that is not known."""
        if self.profit_fee_rate is not None:
            return _NOTHING_AT_TRADES
        return self._terms.terms(market, at_ns)

    @cached_property
    def _terms(self) -> FeeSource:
        return FeeSchedules.load() if self.source is None else self.source


def book_side(side: OrderSide, action: OrderAction) -> BookSide:
    """Buying YES and selling NO are a bid, selling YES and buying NO an ask."""
    return BookSide.BID if (side is OrderSide.YES) is (action is OrderAction.BUY) else BookSide.ASK


def market_of(ticker: Ticker) -> Market:
    """A market of which only the ticker is known: its series and event are the parts before the dashes."""
    return Market(
        ticker=ticker,
        event_ticker=ticker.rpartition("-")[0] or ticker,
        series_ticker=ticker.partition("-")[0],
        category="",
        title="",
        open_ns=-NEVER_NS,
        close_ns=NEVER_NS,
        status=MarketStatus.ACTIVE,
        fees=None,
        grid=_EVERY_PRICE,
    )


def quote_from(snapshot: Snapshot | Quote, assumed_depth: Count) -> Quote:
    """The best prices in a snapshot: ``yes_bid``, ``yes_ask`` in cents, and their sizes in contracts.

    Sizes are ``yes_bid_size`` and ``yes_ask_size``, or ``bid_size`` and ``ask_size`` as in tick files. An
    empty side is 0 or 100, or not a number, or None. A size that is absent or not a number is
    ``assumed_depth``. Raises ValueError.
    """
    if isinstance(snapshot, Quote):
        return snapshot
    return Quote(
        _level(snapshot, "yes_bid", 0, assumed_depth), _level(snapshot, "yes_ask", PAYOUT, assumed_depth)
    )


def _level(snapshot: Snapshot, name: str, empty: int, assumed_depth: Count) -> Level | None:
    if not hasattr(snapshot, "get"):
        raise ValueError(f"a market snapshot is a dict or a row with yes_bid and yes_ask, not {snapshot!r}")
    if name not in (snapshot if isinstance(snapshot, Mapping) else getattr(snapshot, "index", ())):
        raise ValueError(f"the market snapshot has no {name}; give it in cents, 0 or 100 where nobody offers")
    cents, size = snapshot.get(name), snapshot.get(f"{name}_size")
    size = snapshot.get(f"{name}_size".removeprefix("yes_")) if size is None else size
    if _is_unknown(cents):
        return None
    price = price_from(cents, name)
    if price == empty:
        return None
    count = assumed_depth if _is_unknown(size) else Count(_exact(size, COUNT_PER_CONTRACT, f"{name}_size"))
    if count < 0:
        raise ValueError(f"{name}_size is {size}, not a number of contracts")
    return Level(price, count)


def price_from(cents: Number, name: str) -> Price:
    """A price from 0 to 100 cents; raises ValueError."""
    price = _exact(cents, PRICE_PER_CENT, name)
    if not 0 <= price <= PAYOUT:
        raise ValueError(f"{name} is {cents}, not from 0 to 100 cents")
    if price < PRICE_PER_CENT and price % _FINEST:
        # Nothing trades so low in steps below a tenth of a cent, but dollars would look like this.
        raise ValueError(f"{name} is {cents}, which looks like dollars; prices are cents")
    return Price(price)


def yes_price(side: OrderSide, price: Price) -> Price:
    """The YES price at which an outcome has its own."""
    return price if side is OrderSide.YES else complement(price)


def ticker_from(ticker: object) -> Ticker:
    """Raises ValueError."""
    if not isinstance(ticker, str) or not ticker:
        raise ValueError(f"ticker is {ticker!r}, not the name of a market")
    return ticker


def given(value: Given | None, kind: Callable[[], Given], name: str) -> Given:
    """The value, or one of its kind as it is by default; raises ValueError for another kind."""
    default = kind()
    if value is not None and not isinstance(value, type(default)):
        raise ValueError(f"{name} is {value!r}, not a {type(default).__name__}")
    return default if value is None else value


def count_from(contracts: Number) -> Count:
    """Contracts above 0; raises ValueError."""
    count = _exact(contracts, COUNT_PER_CONTRACT, "contracts")
    if count <= 0:
        raise ValueError(f"contracts is {contracts}, not above 0")
    return Count(count)


def cash_from(dollars: Number, name: str) -> Cash:
    """Dollars above 0; raises ValueError."""
    cash = _exact(dollars, CASH_PER_DOLLAR, name)
    if cash <= 0:
        raise ValueError(f"{name} is {dollars}, not above 0")
    return Cash(cash)


def ns_from(time: object, name: str) -> int:
    """A time without a zone is UTC, never the machine's. Raises ValueError."""
    if not isinstance(time, datetime) or _is_unknown(time):
        raise ValueError(f"{name} is {time!r}, not a time")
    since = (time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def ms_from(milliseconds: object, name: str) -> int:
    """Nanoseconds; raises ValueError."""
    if not isinstance(milliseconds, int | float) or not math.isfinite(milliseconds):
        raise ValueError(f"{name} is {milliseconds!r}, not a number")
    return round(milliseconds * 1_000_000)


def yes_value_from(resolution: str | Number) -> Price:
    """What a YES paid: all, nothing, or so many cents. Raises ValueError."""
    if isinstance(resolution, str) and resolution.lower() in ("yes", "no"):
        return PAYOUT if resolution.lower() == "yes" else Price(0)
    try:
        value = price_from(resolution, "resolution")
    except ValueError:
        raise ValueError(f"resolution is {resolution!r}, not yes, no or the cents that YES paid") from None
    if 0 < value <= PRICE_PER_CENT:
        raise ValueError(
            f"resolution is {resolution!r}, which looks like dollars: say yes, or its payout in cents"
        )
    return value


def _is_unknown(value: object) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:
        # pandas' NA is neither.
        return True


def _exact(value: Number, units: int, name: str) -> int:
    try:
        scaled = Decimal(str(value)) * units
    except InvalidOperation:
        scaled = Decimal("nan")
    if not scaled.is_finite() or abs(scaled - round(scaled)) > _NOISE:
        raise ValueError(f"{name} is {value}, not a number of at most {len(str(units)) - 1} decimals")
    return round(scaled)
