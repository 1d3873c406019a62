"""What the practice exchange's markets do by themselves: the entries a tape is made of.

A tape is an endless, time-ordered iterator of entries, already shifted to the wall clock; the exchange lays
them on its order books and our orders meet them there.
"""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide, Level
from console.domain.market import Market, Outcome, Ticker
from console.domain.money import Count, Price


class Entry(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of every entry; ``at_ns`` is wall time, UTC."""

    at_ns: int


class Listed(Entry, frozen=True):
    """A market appears; it trades from its ``open_ns`` to its ``close_ns``."""

    market: Market
    strike: float | None = None


class Displayed(Entry, frozen=True):
    """The whole book of everybody else, best level first; it replaces what was displayed."""

    ticker: Ticker
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Printed(Entry, frozen=True):
    """Somebody takes ``count`` at ``price`` from the side opposite to ``taker_side``.

    A ``modelled`` one takes no more than is shown there.
    """

    ticker: Ticker
    price: Price
    count: Count
    taker_side: BookSide
    modelled: bool = False


class Swept(Entry, frozen=True):
    """The level ``price`` of ``side`` is consumed whole: orders of ours resting there or better fill in full.

    With ``by_print`` it was traded away and a print of ``count`` is told; else the others cancelled.
    """

    ticker: Ticker
    side: BookSide
    price: Price
    count: Count
    by_print: bool


class Closed(Entry, frozen=True):
    """Trading ended; orders left are cancelled."""

    ticker: Ticker


class Settled(Entry, frozen=True):
    """The market pays; ``simulated`` says that the result was drawn, not recorded."""

    ticker: Ticker
    result: Outcome
    simulated: bool


TapeEntry = Listed | Displayed | Printed | Swept | Closed | Settled
