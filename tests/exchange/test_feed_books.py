from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import NO_QUOTE, Book, BookSide, Level, Quote
from console.domain.money import Count, Price, format_count, format_price
from console.exchange.books import BrokenBookError, FeedBooks
from console.exchange.messages.ws import OrderbookDelta, OrderbookSnapshot

Sides = dict[BookSide, dict[Price, Count]]

NAMES = {BookSide.BID: "yes", BookSide.ASK: "no"}


def snapshot(bids: dict[int, int], asks: dict[int, int], ticker: str = "T") -> OrderbookSnapshot:
    """Prices in ten-thousandths, sizes in hundredths; an empty side is left out, as the exchange does."""

    def pairs(levels: dict[int, int]) -> list[tuple[str, str]] | None:
        rows = [(format_price(Price(p)), format_count(Count(s))) for p, s in levels.items()]
        return rows or None

    return OrderbookSnapshot(
        market_ticker=ticker, market_id="m", yes_dollars_fp=pairs(bids), no_dollars_fp=pairs(asks)
    )


def delta(side: BookSide, price: int, change: int, ticker: str = "T") -> OrderbookDelta:
    return OrderbookDelta(
        market_ticker=ticker,
        market_id="m",
        price_dollars=format_price(Price(price)),
        delta_fp=format_count(Count(change)),
        side=NAMES[side],
    )


sizes = st.integers(0, 50_000)
bid_levels = st.dictionaries(st.integers(1, 49).map(lambda c: c * 100), sizes)
ask_levels = st.dictionaries(st.integers(50, 99).map(lambda c: c * 100), sizes)
books = st.tuples(bid_levels, ask_levels)


@given(st.lists(books, min_size=1, max_size=6))
def test_a_book_rebuilt_from_changes_is_the_book(states: list[tuple[dict[int, int], dict[int, int]]]) -> None:
    """From each state to the next, told as changes of single levels."""
    feed = FeedBooks()
    bids, asks = states[0]
    quote = feed.snapshot(snapshot(bids, asks))
    for next_bids, next_asks in states[1:]:
        for side, now, then in ((BookSide.BID, bids, next_bids), (BookSide.ASK, asks, next_asks)):
            for price in sorted(now.keys() | then.keys()):
                quote = feed.delta(delta(side, price, then.get(price, 0) - now.get(price, 0))) or quote
        bids, asks = next_bids, next_asks
    whole = Book()
    whole.replace(
        {Price(p): Count(s) for p, s in bids.items()}, {Price(p): Count(s) for p, s in asks.items()}
    )
    rebuilt = feed.book("T")
    assert rebuilt is not None
    for side in BookSide:
        assert rebuilt.levels(side) == whole.levels(side)
    assert quote == whole.quote


def test_only_a_change_of_the_top_is_news() -> None:
    feed = FeedBooks()
    first = feed.snapshot(snapshot({9000: 100}, {9200: 300}))
    assert first == Quote(Level(Price(9000), Count(100)), Level(Price(9200), Count(300)))
    assert feed.delta(delta(BookSide.BID, 8900, 500)) is None
    better = feed.delta(delta(BookSide.BID, 9100, 200))
    assert better == Quote(Level(Price(9100), Count(200)), Level(Price(9200), Count(300)))
    gone = feed.delta(delta(BookSide.ASK, 9200, -300))
    assert gone == Quote(Level(Price(9100), Count(200)), None)


def test_a_book_sent_anew_is_news_even_when_nothing_changed() -> None:
    feed = FeedBooks()
    assert feed.snapshot(snapshot({9000: 100}, {})) == feed.snapshot(snapshot({9000: 100}, {}))


def test_an_empty_book_has_no_quote() -> None:
    assert FeedBooks().snapshot(snapshot({}, {})) == NO_QUOTE


@pytest.mark.parametrize("seq", [3, 5, 7, 1])
def test_a_message_that_is_not_the_next_one_breaks_the_subscription(seq: int) -> None:
    feed = FeedBooks()
    feed.count(1, 2)
    feed.count(2, 9)
    feed.count(1, 3)
    with pytest.raises(BrokenBookError, match=f"subscription 1 went from message 3 to {seq}"):
        feed.count(1, seq)


def test_each_subscription_counts_by_itself() -> None:
    feed = FeedBooks()
    for seq in range(5):
        feed.count(1, 10 + seq)
        feed.count(2, 20 + seq)
    with pytest.raises(BrokenBookError, match="subscription 2 went from message 24 to 15"):
        feed.count(2, 15)


def test_prices_on_the_other_scale_show_as_a_crossed_book_and_are_refused() -> None:
    """A NO bid at 8c is a YES ask at 92c; taken unconverted it would be an ask at 8c."""
    with pytest.raises(BrokenBookError, match="another scale"):
        FeedBooks().snapshot(snapshot({9000: 100}, {800: 300}))


def test_a_book_that_crosses_for_a_moment_has_no_quote_until_it_does_not() -> None:
    feed = FeedBooks()
    feed.snapshot(snapshot({9000: 100}, {9200: 300}))
    assert feed.delta(delta(BookSide.BID, 9200, 100)) == NO_QUOTE
    after = feed.delta(delta(BookSide.ASK, 9200, -300))
    assert after == Quote(Level(Price(9200), Count(100)), None)


def test_a_change_without_a_book_and_one_that_takes_too_much_break_it() -> None:
    feed = FeedBooks()
    with pytest.raises(BrokenBookError, match="came before its book"):
        feed.delta(delta(BookSide.BID, 9000, 100))
    feed.snapshot(snapshot({9000: 100}, {}))
    with pytest.raises(BrokenBookError, match="takes more"):
        feed.delta(delta(BookSide.BID, 9000, -101))
