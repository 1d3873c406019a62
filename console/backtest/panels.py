"""Prices at which outcomes could be bought or were, as columns beside whether they won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_DOLLAR
from console.domain.time_units import NS_PER_MINUTE
from console.strategies.edge import Role

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from console.history.columns import Quotes, Trades

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

PriceSource = Literal["quote", "trade"]
"""A displayed price at which a taker could have bought, or the print of a trade."""

WON = 1
"""The result of a market whose YES won; any other lost."""

_HOUR = 60
_DAY = 24 * _HOUR

BANDS = (
    ("under 5 min", 0),
    ("5 to 15 min", 5),
    ("15 min to 1 h", 15),
    ("1 to 6 h", _HOUR),
    ("6 h to 1 day", 6 * _HOUR),
    ("1 to 7 days", _DAY),
    ("7 days or more", 7 * _DAY),
)
"""Time to close: name and first minute of each band, which ends where the next begins."""


@dataclass(frozen=True)
class Panel:
    """Prices of outcomes, by one role from one source, in order of time, as columns.

    ``market`` is a place in the timeline's markets; ``price`` and ``count`` are exact. Markets without a
    result are not in it. A displayed price stands once for its market, side, cent and time to close, where it
    was first seen.
    """

    role: Role
    source: PriceSource
    market: Ints
    is_yes: Bools
    price: Ints
    count: Ints
    won: Bools
    ts_ns: Ints

    def rows(self, which: Ints | Bools) -> Panel:
        return Panel(
            self.role,
            self.source,
            market=self.market[which],
            is_yes=self.is_yes[which],
            price=self.price[which],
            count=self.count[which],
            won=self.won[which],
            ts_ns=self.ts_ns[which],
        )


def band_rows(left_ns: Ints) -> Ints:
    """The row in ``BANDS`` of each time to close, which must not be negative."""
    import numpy as np

    begins = np.asarray([minute * NS_PER_MINUTE for _, minute in BANDS])
    return np.searchsorted(begins, left_ns, side="right").astype(np.int64) - 1


def no_prices(role: Role, source: PriceSource) -> Panel:
    import numpy as np

    ints, flags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return Panel(role, source, market=ints, is_yes=flags, price=ints, count=ints, won=flags, ts_ns=ints)


def joined(parts: Sequence[Panel]) -> Panel:
    import numpy as np

    columns = ("market", "is_yes", "price", "count", "won", "ts_ns")
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in columns)
    return Panel(parts[0].role, parts[0].source, *joined)


def displayed(quotes: Quotes, which: Ints, result: Ints) -> Panel:
    """What a taker could have bought: YES at the ask and NO at a dollar less the bid, where one stood."""
    import numpy as np

    market, bid, ask, ts_ns = (
        column[which].astype(np.int64) for column in (quotes.market, quotes.bid, quotes.ask, quotes.ts_ns)
    )
    won_yes = result[market] == WON
    # One after the other, so that the rows stay in order of time.
    price = np.column_stack([ask, PRICE_PER_DOLLAR - bid]).ravel()
    both = Panel(
        role="taker",
        source="quote",
        market=np.repeat(market, 2),
        is_yes=np.tile(np.array([True, False]), len(market)),
        price=price,
        count=np.full(len(price), COUNT_PER_CONTRACT, dtype=np.int64),
        won=np.column_stack([won_yes, ~won_yes]).ravel(),
        ts_ns=np.repeat(ts_ns, 2),
    )
    return both.rows(price < PRICE_PER_DOLLAR)


def printed(trades: Trades, which: Ints, result: Ints) -> tuple[Panel, Panel, Panel]:
    """Both parties of every trade, each at the price it paid."""
    import numpy as np

    market, yes_price, count, ts_ns = (
        column[which].astype(np.int64) for column in (trades.market, trades.price, trades.count, trades.ts_ns)
    )
    won_yes = result[market] == WON
    takes_yes = trades.buys_yes[which]

    def party(role: Role, is_yes: Bools) -> Panel:
        price = np.where(is_yes, yes_price, PRICE_PER_DOLLAR - yes_price)
        return Panel(role, "trade", market, is_yes, price, count, won_yes == is_yes, ts_ns)

    maker = party("maker_yes", ~takes_yes)
    return (
        party("taker", takes_yes),
        maker.rows(maker.is_yes),
        replace(maker, role="maker_no").rows(~maker.is_yes),
    )
