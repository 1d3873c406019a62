"""Price grids admit the exchange's prices and no other; a book keeps the best of each side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import Book, BookSide, Level, Quote
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid
from console.domain.money import Count, Price

grids = st.sampled_from([WHOLE_CENTS, TAPERED_DECI_CENTS])
prices = st.integers(0, 10_000).map(Price)


@pytest.mark.parametrize(
    ("grid", "price", "tradable"),
    [
        (WHOLE_CENTS, 9_200, True),
        (WHOLE_CENTS, 9_250, False),
        (WHOLE_CENTS, 0, False),
        (WHOLE_CENTS, 10_000, False),
        (TAPERED_DECI_CENTS, 9_250, True),
        (TAPERED_DECI_CENTS, 5_050, False),
        (TAPERED_DECI_CENTS, 1_000, True),
        (TAPERED_DECI_CENTS, 9_990, True),
    ],
)
def test_a_price_trades_only_on_the_grid(grid: PriceGrid, price: int, tradable: bool) -> None:
    assert grid.contains(Price(price)) is tradable


@given(grids, prices)
def test_rounding_lands_on_the_nearest_tradable_price(grid: PriceGrid, price: Price) -> None:
    below, above = grid.floor(price), grid.ceil(price)
    tradable = [Price(p) for p in range(1, 10_000) if grid.contains(Price(p))]
    assert below == max((p for p in tradable if p <= price), default=None)
    assert above == min((p for p in tradable if p >= price), default=None)


@given(st.lists(st.tuples(st.sampled_from(list(BookSide)), st.integers(1, 99), st.integers(-50, 50))))
def test_a_level_holds_the_sum_of_its_changes_until_it_empties(
    deltas: list[tuple[BookSide, int, int]],
) -> None:
    book = Book()
    expected: dict[tuple[BookSide, int], int] = {}
    for side, price, delta in deltas:
        book.add(side, Price(price), Count(delta))
        size = expected.get((side, price), 0) + delta
        expected[side, price] = max(0, size)
    for (side, price), size in expected.items():
        assert book.size_at(side, Price(price)) == size
    bids = [p for (s, p), size in expected.items() if s is BookSide.BID and size]
    assert (book.quote.bid.price if book.quote.bid else None) == max(bids, default=None)


def test_the_side_bought_decides_what_a_trade_costs() -> None:
    assert BookSide.BID.price_paid(Price(9_200)) == 9_200
    assert BookSide.ASK.price_paid(Price(800)) == 9_200


def test_an_order_takes_the_other_side_and_joins_its_own() -> None:
    quote = Quote(Level(Price(9_000), Count(5)), Level(Price(9_100), Count(7)))
    assert quote.touch(BookSide.BID) == quote.ask
    assert quote.join(BookSide.BID) == quote.bid
    assert quote.twice_mid == 18_100
