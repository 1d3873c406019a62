"""Sizes where none were recorded, drawn as the practice exchange draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from recorded import QuoteRow, TradeRow, both_ways, cash_of, market, setup, timeline
from worlds import cuts, quote_rows, trade_rows, world, worlds

from console.backtest.modelled_depth import ModelledDepth
from console.backtest.run import run
from console.history.columns import Quotes


def sized(rows: Sequence[QuoteRow], series: str = "KXBTC15M", seed: int = 0, *cut_at: int) -> Quotes:
    markets = [msgspec.structs.replace(market(n), series_ticker=series) for n in range(2)]
    model = ModelledDepth(seed, markets)
    parts = [model.sized(each.quotes) for each in timeline(markets, rows, cuts=cut_at).slices()]
    return Quotes(
        *(np.concatenate(columns) for columns in zip(*(vars(p).values() for p in parts), strict=True))
    )


def test_a_size_stays_while_its_price_stands_and_is_drawn_anew_with_the_next() -> None:
    rows = [
        (1, 0, 92, 94, -1, -1),
        (2, 1, 92, 94, -1, -1),
        (3, 0, 92, 95, -1, -1),
        (4, 0, 91, 95, -1, -1),
        (5, 0, 92, 95, -1, -1),
    ]
    bids, asks = sized(rows).bid_size.tolist(), sized(rows).ask_size.tolist()
    assert bids[0] == bids[2]
    assert len({bids[0], bids[1], bids[3], bids[4]}) == 4
    assert asks[2] == asks[3] == asks[4]
    assert asks[0] not in {bids[0], asks[1], asks[2]}
    assert all(size >= 100 and size % 100 == 0 for size in bids + asks)
    assert sized(rows, seed=1).bid_size.tolist() != bids
    # Wherever the recording is cut.
    assert sized(rows, "KXBTC15M", 0, 2, 3, 4, 5).bid_size.tolist() == bids


def test_what_was_recorded_is_kept() -> None:
    quotes = sized([(1, 0, 92, 94, 7, -1), (2, 0, 92, 94, -1, 0)])
    assert quotes.bid_size[0] == 700
    assert quotes.ask_size[1] == 0
    assert quotes.bid_size[1] > 0 < quotes.ask_size[0]


@pytest.mark.parametrize(
    ("bid", "series", "median", "sigma"),
    [
        (50, "KXBTC15M", math.exp(5.7), 1.75),
        (93, "KXBTC15M", math.exp(6.5), 1.55),
        (50, "KXETH15M", 104.6, 1.75),
    ],
)
def test_sizes_follow_the_law_of_their_price_and_series(
    bid: int, series: str, median: float, sigma: float
) -> None:
    rows = [(second, 0, bid - second % 2, 99, -1, -1) for second in range(4_000)]
    drawn = np.log(sized(rows, series).bid_size[::2] / 100)
    assert math.isclose(float(np.median(drawn)), math.log(median), abs_tol=0.12)
    assert math.isclose(float(drawn.std()), sigma, rel_tol=0.05)


def test_orders_fill_up_to_what_was_drawn() -> None:
    recording = timeline([market(0)], [(1, 0, 92, 93, -1, -1), (2, 0, 92, 93, -1, -1)])
    (shown,) = {
        size
        for each in recording.slices()
        for size in ModelledDepth(3, recording.markets).sized(each.quotes).ask_size.tolist()
    }
    for result in both_ways(setup(modelled_depth=True, seed=3), recording):
        assert 0 < sum(record.fill.count for record in result.fills) <= shown


@settings(max_examples=40, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows, cut_at=cuts)
def test_neither_skipping_nor_cutting_changes_what_is_drawn(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow], cut_at: list[int]
) -> None:
    unsized = [(*row[:4], -1, -1 if row[5] % 2 else row[5]) for row in quotes]
    made, whole = world(drawn, unsized, trades, [])
    _, cut = world(drawn, unsized, trades, cut_at)
    if whole is not None and cut is not None:
        made = replace(made, modelled_depth=True)
        every_row, skipping = both_ways(made, whole)
        assert every_row.journal_hash == skipping.journal_hash == run(made, cut).journal_hash
        assert cash_of(skipping) == skipping.cash
