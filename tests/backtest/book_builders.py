"""Books recorded by hand: from what a market displayed at each time the rows that tell it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from recorded import BookRow, QuoteRow

Sizes = dict[int, int]
"""Contracts by YES price in cents."""


class Shown(NamedTuple):
    """All that a market displayed from a time on; told whole if ``anew``, else by what changed."""

    second: float
    place: int
    bids: Sizes
    asks: Sizes
    anew: bool = False


def book_rows(shown: Iterable[Shown]) -> list[BookRow]:
    """The first of each market is told whole; an empty book is told by what is gone."""
    rows: list[BookRow] = []
    told: dict[int, tuple[Sizes, Sizes]] = {}
    for each in sorted(shown, key=lambda each: each.second):
        clears = (each.anew or each.place not in told) and bool(each.bids or each.asks)
        before = ({}, {}) if clears else told.get(each.place, ({}, {}))
        for is_bid, old, new in ((True, before[0], each.bids), (False, before[1], each.asks)):
            for price in sorted(old.keys() | new.keys()):
                change = new.get(price, 0) - old.get(price, 0)
                if change:
                    rows.append((each.second, each.place, is_bid, price, change, clears))
                    clears = False
        if before != (each.bids, each.asks):
            told[each.place] = each.bids, each.asks
    return rows


def one_level(quotes: Iterable[QuoteRow]) -> list[Shown]:
    """Books that display no more than quotes did."""
    return [
        Shown(second, place, {bid: bid_size} if bid else {}, {ask: ask_size} if ask < 100 else {})
        for second, place, bid, ask, bid_size, ask_size in quotes
    ]
