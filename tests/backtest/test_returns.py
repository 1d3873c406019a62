from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from history_builders import OPEN, Row, candle, market, quote, trade, write

from console.backtest import returns
from console.backtest.returns import Mids, returns_together, sample_mids
from console.history.folder import open_folder
from console.history.schema import HistoryError

A, B = "KXA-1", "KXA-2"
TICK_0 = int(OPEN.timestamp()) // 10


def sampled(folder: Path, quotes: list[Row], every_s: int | None = 10) -> tuple[Mids, list[pd.DataFrame]]:
    markets = [market(ticker=name) for name in sorted({row["ticker"] for row in quotes})]
    timeline = open_folder(write(folder, 3, markets=markets, quotes=quotes), in_memory_rows=0)
    mids = sample_mids(timeline, every_s)
    return mids, list(returns_together(mids, [each.ticker for each in timeline.markets]))


def cents(column: pd.Series[float]) -> list[float | None]:
    """Returns of a column as cents of the mid, None where there is none."""
    return [None if math.isnan(value) else value / 200 for value in column]


def test_a_return_is_the_change_of_the_last_mid_known_at_each_tick(tmp_path: Path) -> None:
    quotes = [quote(0, 40, 42), quote(3, 10, 12), quote(9, 44, 46), quote(10, 45, 47), quote(11, 50, 52)]
    _, (table,) = sampled(tmp_path, quotes)
    # The quote at second 10 is known at tick 1, the one at second 11 only at tick 2.
    assert [tick - TICK_0 for tick in table.index] == [1, 2]
    assert cents(table[A]) == [5.0, 5.0]


def test_no_price_is_filled_in_before_the_first_quote_nor_after_the_last(tmp_path: Path) -> None:
    early = [quote(second, 40 + second / 10, 60) for second in range(0, 60, 10)]
    late = [quote(second, 40, 60, ticker=B) for second in range(30, 100, 10)]
    _, (table,) = sampled(tmp_path, sorted([*early, *late], key=lambda row: row["ts"]))
    assert cents(table[A]) == [0.5] * 5 + [None] * 4
    assert cents(table[B]) == [None] * 3 + [0.0] * 6


def test_while_a_side_is_empty_there_is_no_return_and_nothing_stands_in_for_it(tmp_path: Path) -> None:
    empty = [quote(0, 40, 42), quote(10, 41, 43), quote(20, 0, 43), quote(40, 50, 52), quote(50, 51, 53)]
    clock = [quote(second, 10, 20, ticker=B) for second in range(0, 60, 10)]
    _, (table,) = sampled(tmp_path, sorted([*empty, *clock], key=lambda row: row["ts"]))
    assert cents(table[A]) == [1.0, None, None, None, 1.0]


def test_a_later_quote_changes_no_earlier_return(tmp_path: Path) -> None:
    source = np.random.default_rng(3)
    quotes = [quote(float(second), int(source.integers(10, 50)), 60) for second in range(0, 600, 7)]
    (tmp_path / "all").mkdir()
    (tmp_path / "cut").mkdir()
    _, (whole,) = sampled(tmp_path / "all", quotes)
    _, (cut,) = sampled(tmp_path / "cut", quotes[:40])
    pd.testing.assert_frame_equal(whole.iloc[: len(cut) - 1], cut.iloc[:-1])


def test_the_returns_are_those_that_pandas_resamples(tmp_path: Path) -> None:
    source = np.random.default_rng(4)
    quotes = [
        quote(float(second), int(source.integers(10, 50)), 60, ticker=str(source.choice([A, B])))
        for second in range(0, 800, 3)
    ]
    _, (table,) = sampled(tmp_path, quotes)
    frame = pd.DataFrame(quotes)
    frame["mid"] = (frame["yes_bid"] + frame["yes_ask"]) / 2
    expected = (
        frame.pivot_table(index="ts", columns="ticker", values="mid", aggfunc="last")
        .resample("10s", closed="right", label="right")
        .last()
        .ffill()
        .diff()
    )
    for ticker in (A, B):
        both = min(len(table), len(expected) - 1)
        measured = (table[ticker] / 200).to_numpy()[:both]
        known = ~np.isnan(measured)
        assert known.sum() > both - 4
        np.testing.assert_array_equal(measured[known], expected[ticker].to_numpy()[1 : both + 1][known])


def test_markets_that_were_never_quoted_together_are_not_put_into_one_table(tmp_path: Path) -> None:
    first = [quote(second, 40, 60) for second in range(0, 100, 10)]
    second = [quote(second, 40, 60, ticker=B) for second in range(200, 300, 10)]
    _, tables = sampled(tmp_path, [*first, *second])
    assert [list(table.columns) for table in tables] == [[A], [B]]


def test_candles_serve_where_there_are_no_quotes(tmp_path: Path) -> None:
    folder = write(tmp_path, markets=[market()], candles=[candle(60, 40, 42), candle(120, 44, 46)])
    timeline = open_folder(folder)
    (table,) = returns_together(sample_mids(timeline, 60), [A])
    assert cents(table[A]) == [4.0]


@pytest.mark.parametrize(("seconds", "every_s"), [(39, 1), (399, 1), (400, 10), (800, 10)])
def test_the_clock_is_the_longest_that_half_of_the_markets_live_through(
    tmp_path: Path, seconds: int, every_s: int
) -> None:
    mids, _ = sampled(tmp_path, [quote(0, 40, 60), quote(seconds, 41, 60)], every_s=None)
    assert mids.every_s == every_s


def test_without_a_quote_there_is_nothing_to_sample(tmp_path: Path) -> None:
    timeline = open_folder(write(tmp_path, markets=[market()], trades=[trade()]))
    with pytest.raises(HistoryError, match="no market was quoted"):
        sample_mids(timeline)


def test_more_than_memory_should_hold_is_refused_and_told_how_to_ask_for_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotes = [quote(second, 40, 60) for second in range(0, 100, 10)]
    monkeypatch.setattr(returns, "MOST_SAMPLES", 9)
    with pytest.raises(HistoryError, match=r"9 prices at steps of 10 s are too much .* --series"):
        sampled(tmp_path, quotes)
    monkeypatch.setattr(returns, "MOST_SAMPLES", 19)
    other = [row | {"ticker": B} for row in quotes[:9]]
    with pytest.raises(HistoryError, match="2 markets, quoted at 10 times, at steps of 10 s"):
        sampled(tmp_path, sorted([*quotes, *other], key=lambda row: row["ts"]))


def test_a_tick_that_two_slices_share_has_the_later_price(tmp_path: Path) -> None:
    # Row groups of three rows: the tick of seconds 11 to 20 is read in two of them.
    quotes = [quote(float(second), 10 + second, 60) for second in range(0, 41, 2)]
    _, (table,) = sampled(tmp_path, quotes)
    assert cents(table[A]) == [5.0] * 4
    assert quotes[-1]["ts"] - OPEN == timedelta(seconds=40)
