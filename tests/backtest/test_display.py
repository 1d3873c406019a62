"""What a recording displayed when: many questions at once are answered as one by one."""

from __future__ import annotations

import gc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from recorded import market, setup, timeline

from console.backtest.display import Display, quote_of
from console.backtest.run import run
from console.domain.book import BookSide, Level
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.history.columns import Quotes

MARKETS = 4

# Few prices and sizes, so that they come back; both sides may be empty, and a size not known.
rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, MARKETS - 1),
        st.sampled_from([0, 4_000, 4_100]),
        st.sampled_from([4_200, 4_300, PRICE_PER_DOLLAR]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=30,
)
levels = st.lists(st.builds(Level, st.sampled_from([4_000, 4_100, 4_200]), st.integers(1, 2)), max_size=2)


def stretch(rows: list[tuple[int, ...]], since_ns: int) -> Quotes:
    waits, *columns = [[row[column] for row in rows] for column in range(6)]
    kinds = (np.int32, np.int16, np.int16, np.int32, np.int32)
    arrays = [np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)]
    return Quotes(since_ns + np.cumsum(np.array(waits, dtype=np.int64)), *arrays)


@given(earlier=rows, later=rows, asked=st.lists(st.tuples(st.integers(0, MARKETS - 1), st.integers(0, 150))))
def test_the_middles_of_many_moments_are_those_of_each(
    earlier: list[tuple[int, ...]], later: list[tuple[int, ...]], asked: list[tuple[int, int]]
) -> None:
    display = Display(MARKETS)
    display.enter(stretch(earlier, 0))
    display.enter(stretch(later, 100))
    one_by_one = [display.at(place, at_ns) for place, at_ns in asked]
    places, times = [place for place, _ in asked], [at_ns for _, at_ns in asked]
    assert display.twice_mids(places, times) == [
        None if shown is None else shown.quote.twice_mid for shown in one_by_one
    ]


@given(rows=rows, place=st.integers(0, MARKETS - 1), begin=st.integers(0, 30), bids=levels, asks=levels)
def test_a_level_is_other_where_its_size_is_or_where_it_would_be_better_than_the_best(
    rows: list[tuple[int, ...]], place: int, begin: int, bids: list[Level], asks: list[Level]
) -> None:
    display = Display(MARKETS)
    display.enter(stretch(rows, 0))

    def is_other(row: tuple[int, ...]) -> bool:
        _, _, bid, ask, bid_size, ask_size = row
        quote = quote_of(Price(bid), Price(ask), Count(bid_size), Count(ask_size))
        for side, watched in ((BookSide.BID, bids), (BookSide.ASK, asks)):
            best = quote.join(side)
            for level in watched if best else ():
                assert best is not None
                if side.sign * (level.price - best.price) > 0:
                    return True
                if level.price == best.price and best.size and best.size != level.size:
                    return True
        return False

    until = len(rows)
    found = [number for number in range(begin, until) if rows[number][1] == place and is_other(rows[number])]
    assert display.first_other(place, (begin, until), bids, asks) == next(iter(found), None)
    for end in found[:1]:
        assert display.first_other(place, (begin, end), bids, asks) is None


def test_a_run_leaves_the_search_for_garbage_as_it_found_it() -> None:
    recording = timeline([market(1)], [(0.0, 0, 92, 93, 50, 50), (1.0, 0, 92, 94, 50, 50)])
    before, during = gc.get_threshold(), set[int]()
    run(setup(), recording, lambda _done, _of: during.add(gc.get_threshold()[0]))
    assert gc.get_threshold() == before
    assert during == {100_000}
