"""What the engine shows of its account: what is held, what rests, and how the day went."""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus


class ExitView(msgspec.Struct, frozen=True):
    """Selling a whole position at the best price there is: what is not known is None.

    ``price`` is that of the outcome held, ``displayed`` the size there; ``slippage`` is what the middle would
    bring more, ``proceeds`` are before the fee.
    """

    price: Price | None
    displayed: Count | None
    proceeds: Cash | None
    fee: Cash | None
    slippage: Cash | None


NO_EXIT = ExitView(None, None, None, None, None)


class PositionView(msgspec.Struct, frozen=True):
    """A held position; prices are those of the outcome held. Of an external one not all was bought by us.

    ``expected`` is the probability of winning that it was entered at, as a price, ``entered_ns`` when first
    and ``as_maker`` how many of what we ``bought`` was bought resting; None where we did not.
    """

    ticker: Ticker
    side: BookSide
    contracts: Count
    average_price: Price
    mark: Price | None
    unrealised: Cash | None
    realised: Cash
    fees: Cash
    worst_case: Cash
    group: str
    close_ns: int | None
    exit: ExitView = NO_EXIT
    is_external: bool = False
    series: str = ""
    title: str = ""
    expected: Price | None = None
    category: str = ""
    entered_ns: int | None = None
    bought: Count | None = None
    as_maker: Count | None = None


class RestingView(msgspec.Struct, frozen=True):
    """An order that may still fill; its price is that of the outcome it buys."""

    client_order_id: str
    order_id: str | None
    ticker: Ticker
    side: BookSide
    price: Price
    leaves: Count
    count: Count
    status: OrderStatus
    sent_ns: int
    close_ns: int | None
    series: str = ""
    title: str = ""


class ExternalView(msgspec.Struct, frozen=True):
    """A resting order of the account that is not ours; its price is that of the outcome it buys."""

    order_id: str
    ticker: Ticker
    side: BookSide
    price: Price
    leaves: Count


class CurvePoint(msgspec.Struct, frozen=True):
    """The day's profit or loss, with open positions at their marks."""

    at_ns: int
    profit: Cash


class Outcomes(msgspec.Struct, frozen=True):
    """How the markets ended that we held to the end, one position a trade.

    ``expected`` and ``paid`` are sums of prices: of the probability of winning that each entry was made at,
    and of the average price paid, so that ``paid`` is where one breaks even before fees. Those of an event
    are one draw: ``squares`` sums the squares of their numbers, ``variance`` that of what they pay, in prices
    squared, if it is what was expected.
    """

    trades: int = 0
    won: int = 0
    expected: int = 0
    paid: int = 0
    events: int = 0
    squares: int = 0
    variance: int = 0

    @property
    def effective_events(self) -> float:
        """How many equally large events they are worth."""
        return self.trades**2 / self.squares if self.squares else 0.0
