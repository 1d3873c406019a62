"""What is held is worth the same to one who reads columns and to an engine that was shown every quote."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from console.backtest.display import quote_of
from console.backtest.marks import Marks
from console.domain.market import Ticker
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.domain.position import Position
from console.engine.markets import Markets
from console.history.columns import Quotes
from console.risk.groups import Grouping

MARKETS = 3
TICKERS: list[Ticker] = [f"M{place}" for place in range(MARKETS)]

stretches = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, MARKETS - 1),
            st.sampled_from([0, 1, 4_000, 9_999]),
            st.sampled_from([2, 4_300, PRICE_PER_DOLLAR]),
        ),
        max_size=12,
    ),
    min_size=1,
    max_size=4,
)
positions = st.dictionaries(st.integers(0, MARKETS - 1), st.sampled_from([-(10**10), -300, 100, 10**10]))


def columns(rows: list[tuple[int, int, int]]) -> Quotes:
    market, bid, ask = (np.array([row[column] for row in rows], dtype=np.int32) for column in range(3))
    ones = np.ones(len(rows), dtype=np.int32)
    return Quotes(
        np.arange(len(rows), dtype=np.int64), market, bid.astype(np.int16), ask.astype(np.int16), ones, ones
    )


@given(recorded=stretches, held=positions, steps=st.integers(1, 5))
def test_columns_mark_what_is_held_as_quotes_do(
    recorded: list[list[tuple[int, int, int]]], held: dict[int, int], steps: int
) -> None:
    marks, shown = Marks(MARKETS), Markets(Grouping({}))
    places = np.array([*held], dtype=np.int64)
    contracts = np.array([*held.values()], dtype=np.int64)
    by_ticker = {TICKERS[place]: Position(Count(count)) for place, count in held.items()}
    for rows in recorded:
        marks.enter(columns(rows))
        for begin in range(0, len(rows) + 1, steps):
            marks.take(begin)
            assert marks.worth(places, contracts) == shown.worth(by_ticker)
            for place, bid, ask in rows[begin : begin + steps]:
                quote = quote_of(Price(bid), Price(ask), Count(1), Count(1))
                shown.take_quote(TICKERS[place], quote)
        marks.take(len(rows))
        assert marks.worth(places, contracts) == shown.worth(by_ticker)
