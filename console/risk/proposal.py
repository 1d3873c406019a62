"""A trade that a strategy would make, and the account and market that it meets."""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import COUNT_PER_CONTRACT, Cash, Count, Price, cost
from console.risk.exposure import Exposure

ONE_CONTRACT = Count(COUNT_PER_CONTRACT)


class Proposal(msgspec.Struct, frozen=True):
    """A trade that a strategy would make, before its size.

    ``price`` is a YES price; ``win_probability`` is that of the outcome bought, as a price. ``displayed`` is
    the size an order of a taker meets; a maker has none. One that ``closes`` gives up what is held on the
    other side instead, at once or not at all, and is not sized.
    """

    ticker: Ticker
    side: BookSide
    price: Price
    win_probability: Price
    fee_per_contract: Cash | None
    is_taker: bool
    displayed: Count | None
    strategy: str
    closes: bool = False

    @property
    def paid(self) -> Price:
        """The price of the outcome bought."""
        return self.side.price_paid(self.price)

    @property
    def cost_per_contract(self) -> Cash:
        """What one contract costs before fees."""
        return cost(self.paid, ONE_CONTRACT)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The account and the market as they are when a trade is sized; what is not known is None.

    ``cash`` is the account's before open orders reserve any of it, ``high_water`` the highest equity there
    has been. ``twice_mid`` is of the outcome bought. ``orders_in_minute`` counts what was sent in the last
    60 s, whatever became of it.
    """

    equity: Cash | None
    high_water: Cash | None
    cash: Cash | None
    exposure: Exposure
    twice_mid: int | None
    orders_in_minute: int
