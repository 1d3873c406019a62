"""How soon a resting order fills, against what was measured on recorded order books."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from console.domain.book import BookSide
from console.domain.money import Count, Price
from console.practice.model import Scales
from console.practice.player import Part, Shift, play_market
from console.practice.tape import Displayed, Printed, Swept, TapeEntry
from console.simulation.execution import Execution, NewOrder
from console.simulation.matching import MatchingBook

RECORDED = Path(__file__).parents[3] / "shared" / "data"
S = 1_000_000_000
JOIN_EVERY_NS, WATCHED_NS = 7 * S, 60 * S
EVERY_NTH = 8
WITHIN_S = (1, 5, 10, 30, 60)
# Shares of 100-lots that joined the best level, by the price of the outcome bought, filled within WITHIN_S.
MEASURED = {
    (9_000, 9_700): (0.28, 0.64, 0.72, 0.81, 0.83),
    (6_000, 9_000): (0.23, 0.62, 0.72, 0.81, 0.84),
}


def recorded_parts() -> list[Part]:
    """Some of the markets the model was fitted to, their recorded sizes and prints left to it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from console.history.clean import clean
    from console.history.load import load
    from console.practice.recording import Window, recorded_markets

    history = load(RECORDED)
    dataset = pc.take(history.markets["dataset"], history.quotes["market"])
    quotes = history.quotes.filter(pc.equal(dataset, pa.scalar("btc15m_l2")))
    history = replace(history, quotes=quotes, trades=history.trades.slice(0, 0))
    parts = []
    for market in recorded_markets(history, clean(history)[0])[::EVERY_NTH]:
        start_ns = market.quotes["ts_ns"][0].as_py()
        shift = Shift(start_ns, start_ns, Fraction(1))
        part = market.part(Window(start_ns, market.close_ns), 0, 1, shift)
        unsized = [replace(row, bid_size=None, ask_size=None) for row in part.quotes]
        parts.append(replace(part, quotes=unsized, scales=Scales(1.0, 1.0)))
    return parts


def apply(book: MatchingBook, entry: TapeEntry) -> list[Execution]:
    match entry:
        case Displayed():
            return book.display(entry.bids, entry.asks)
        case Printed():
            shown = book.shown(entry.taker_side.opposite).get(entry.price, Count(0))
            return book.print(entry.price, min(entry.count, shown), entry.taker_side)
        case Swept():
            return book.sweep(entry.side, entry.price)
    return []


def times_to_fill(part: Part) -> dict[tuple[int, int], list[float]]:
    """Seconds until each order that joined was filled whole, by its price; infinite for one that was not."""
    book = MatchingBook()
    joined: dict[str, tuple[tuple[int, int], int]] = {}
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    next_join_ns = part.listed_ns + JOIN_EVERY_NS
    for entry in play_market(part, Shift(part.listed_ns, part.listed_ns, Fraction(1)), 11):
        while next_join_ns <= min(entry.at_ns, part.close_ns - WATCHED_NS):
            for side in BookSide:
                _join(book, side, f"{side}{next_join_ns}", joined, next_join_ns)
            next_join_ns += JOIN_EVERY_NS
        for order_id in {execution.order_id for execution in apply(book, entry)}:
            if book.resting(order_id) is None:
                band, at_ns = joined.pop(order_id)
                found[band].append((entry.at_ns - at_ns) / S)
        for order_id, (band, at_ns) in list(joined.items()):
            if entry.at_ns - at_ns > WATCHED_NS:
                book.cancel(order_id)
                del joined[order_id]
                found[band].append(float("inf"))
    return found


def _join(
    book: MatchingBook,
    side: BookSide,
    order_id: str,
    joined: dict[str, tuple[tuple[int, int], int]],
    now_ns: int,
) -> None:
    levels = book.displayed(side)
    if not levels:
        return
    price: Price = max(levels) if side is BookSide.BID else min(levels)
    band = next((b for b in MEASURED if b[0] <= side.price_paid(price) < b[1]), None)
    if band is not None:
        order = NewOrder(order_id=order_id, side=side, price=price, count=Count(10_000), post_only=True)
        if book.submit(order).resting:
            joined[order_id] = band, now_ns


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs the recorded order books of ../shared")
def test_resting_orders_fill_about_as_soon_as_in_the_recordings() -> None:
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for part in recorded_parts():
        for band, times in times_to_fill(part).items():
            found[band] += times
    for band, measured in MEASURED.items():
        times = found[band]
        assert len(times) > 150
        ours = [sum(time <= limit for time in times) / len(times) for limit in WITHIN_S]
        assert ours == pytest.approx(measured, abs=0.06)
