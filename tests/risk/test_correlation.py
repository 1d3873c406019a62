from __future__ import annotations

import math
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from console.risk.correlation import MIN_OVERLAP, calculate_market_returns, identify_correlated_markets

START = datetime(2026, 2, 25, 17, 0, tzinfo=UTC)
NAN = float("nan")


def noise(seed: int, length: int = 200) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(0, 1) for _ in range(length)]


def moved_like(shape: list[float], seed: int, weight: float = 0.2) -> list[float]:
    return [value + weight * other for value, other in zip(shape, noise(seed, len(shape)), strict=True)]


COMMON = noise(1)
OTHER = noise(2)


def test_markets_that_move_together_are_one_group_and_the_rest_none() -> None:
    returns = pd.DataFrame(
        {
            "RAIN-B": moved_like(COMMON, 11),
            "COIN-B": moved_like(OTHER, 12),
            "ALONE": noise(3),
            "RAIN-A": moved_like(COMMON, 13),
            "COIN-A": moved_like(OTHER, 14),
        }
    )
    assert identify_correlated_markets(returns, correlation_threshold=0.5) == {
        "group_1": ["COIN-A", "COIN-B"],
        "group_2": ["RAIN-A", "RAIN-B"],
    }


def test_a_correlation_at_the_threshold_does_not_join_and_one_above_does() -> None:
    # Two series of +1 and -1 that disagree in 10 of 40 places, as often up as down, correlate by exactly 0.5.
    one = [1.0, -1.0] * 20
    half = [-value if place < 10 else value for place, value in enumerate(one)]
    returns = pd.DataFrame({"A": one, "B": half})
    assert identify_correlated_markets(returns, 0.5) == {}
    assert identify_correlated_markets(returns, 0.499999) == {"group_1": ["A", "B"]}
    assert identify_correlated_markets(returns, 0.500001) == {}


def test_a_chain_of_correlations_is_one_group() -> None:
    middle = [one + other for one, other in zip(COMMON, OTHER, strict=True)]
    returns = pd.DataFrame({"LEFT": COMMON, "MIDDLE": middle, "RIGHT": OTHER})
    assert identify_correlated_markets(returns.drop(columns="MIDDLE")) == {}
    assert identify_correlated_markets(returns) == {"group_1": ["LEFT", "MIDDLE", "RIGHT"]}


def test_markets_that_mirror_each_other_are_not_joined() -> None:
    assert identify_correlated_markets(pd.DataFrame({"A": COMMON, "B": [-v for v in COMMON]})) == {}


def test_gaps_and_constant_columns_neither_crash_nor_join() -> None:
    gappy = [NAN if place % 3 == 0 else value for place, value in enumerate(COMMON)]
    returns = pd.DataFrame(
        {
            "A": COMMON,
            "B": gappy,
            "FLAT": [0.1] * len(COMMON),
            "FLAT-TOO": [0.1] * len(COMMON),
            "EMPTY": [None] * len(COMMON),
            "ENDLESS": [math.inf] * len(COMMON),
        }
    )
    assert identify_correlated_markets(returns) == {"group_1": ["A", "B"]}


@pytest.mark.parametrize(("overlap", "groups"), [(MIN_OVERLAP - 1, 0), (MIN_OVERLAP, 1)])
def test_too_short_an_overlap_proves_nothing(overlap: int, groups: int) -> None:
    late = [NAN] * (len(COMMON) - overlap) + COMMON[-overlap:]
    assert len(identify_correlated_markets(pd.DataFrame({"A": COMMON, "B": late}))) == groups


def test_series_of_unequal_length_are_aligned_by_time() -> None:
    times = [START + timedelta(minutes=minute) for minute in range(len(COMMON))]
    pairs = list(zip(times, COMMON, strict=True))
    with_gap: list[tuple[datetime, float | None]] = [*pairs[50:120], (times[120], None)]
    groups = identify_correlated_markets(
        {"A": pairs, "B": with_gap, "C": pd.Series(COMMON[:60], index=pd.Index(times[:60]))}
    )
    assert groups == {"group_1": ["A", "B", "C"]}
    shifted = [(at + timedelta(seconds=1), value) for at, value in pairs]
    assert identify_correlated_markets({"A": pairs, "B": shifted}) == {}


def test_of_two_returns_told_for_one_time_the_last_counts() -> None:
    times = [START + timedelta(minutes=minute) for minute in range(30)]
    right = list(zip(times, COMMON[:30], strict=True))
    wrong_first = [(at, -value) for at, value in right]
    series = pd.Series([-1.0, *COMMON[:30]], index=pd.Index([times[0], *times]))
    for told in ([*wrong_first, *right], series):
        assert identify_correlated_markets({"A": right, "B": told}) == {"group_1": ["A", "B"]}


def test_the_order_of_columns_changes_nothing() -> None:
    columns = {"B": moved_like(COMMON, 5), "A": COMMON, "D": moved_like(OTHER, 6), "C": OTHER}
    backwards = dict(reversed(columns.items()))
    assert identify_correlated_markets(pd.DataFrame(columns)) == identify_correlated_markets(
        pd.DataFrame(backwards)
    )


def test_nothing_to_compare_is_no_group() -> None:
    assert identify_correlated_markets({}) == {}
    assert identify_correlated_markets(pd.DataFrame({"A": COMMON})) == {}


def test_a_matrix_of_correlations_is_not_taken_for_returns() -> None:
    matrix = pd.DataFrame({"A": COMMON, "B": OTHER}).corr()
    with pytest.raises(ValueError, match="a matrix of correlations, not returns"):
        identify_correlated_markets(matrix)


@pytest.mark.parametrize("threshold", [NAN, 1.01, -1.01])
def test_a_threshold_that_is_no_correlation_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="not a number from -1 to 1"):
        identify_correlated_markets({}, threshold)


def test_returns_that_are_no_numbers_and_tickers_told_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="returns are not numbers"):
        identify_correlated_markets(pd.DataFrame({"A": ["up", "down"]}))
    twice = pd.concat([pd.DataFrame({"A": COMMON}), pd.DataFrame({"A": OTHER})], axis=1)
    with pytest.raises(ValueError, match="two columns of one ticker"):
        identify_correlated_markets(twice)


# --- returns from prices ----------------------------------------------------------------------------


def test_returns_are_changes_of_the_last_price_of_each_bar() -> None:
    seconds = [0, 90, 80, 0, 200]
    history = pd.DataFrame(
        {
            "ts": [START + timedelta(seconds=after) for after in seconds],
            "ticker": ["A", "A", "A", "B", "B"],
            "price": [0.90, 0.93, 0.50, 0.10, 0.08],
        }
    )
    returns = calculate_market_returns(history)
    assert returns["A"].round(6).tolist()[:1] == [0.03]
    assert math.isnan(returns["A"].iloc[-1])  # A's last price was before this bar
    assert returns["B"].round(6).tolist() == [0.0, -0.02]


@pytest.mark.parametrize(
    "columns",
    [
        {"ts": [START, START + timedelta(minutes=5)], "yes_bid": [90, 92], "yes_ask": [92, 96]},
        {"ts": [START, START + timedelta(minutes=5)], "yes_price_cents": [91, 94]},
        {"end_ts": [START, START + timedelta(minutes=5)], "close": [91, 94], "yes_bid": [1, 1]},
        {"timestamp": ["2026-02-25T17:00:00Z", "2026-02-25T17:05:00Z"], "price": [91, 94]},
    ],
)
def test_recorded_quotes_trades_and_candles_all_serve(columns: dict[str, list[object]]) -> None:
    history = pd.DataFrame({"ticker": ["A", "A"], **columns})
    assert calculate_market_returns(history)["A"].tolist() == [3.0]


@pytest.mark.parametrize("unit", [1, 100])
@pytest.mark.parametrize("nothing", [(50, 100), (0, 52), (53, 52)])
def test_a_book_without_a_price_moves_nothing(nothing: tuple[int, int], unit: int) -> None:
    """An empty side is displayed as 0 or 100; its middle would be a move of 24 cents and back."""
    bids, asks = (50, nothing[0], 50), (52, nothing[1], 52)
    history = pd.DataFrame(
        {
            "ts": [START + timedelta(minutes=after) for after in range(3)],
            "ticker": "A",
            "yes_bid": [bid / unit for bid in bids],
            "yes_ask": [ask / unit for ask in asks],
        }
    )
    assert calculate_market_returns(history)["A"].dropna().unique().tolist() == [0.0]


def test_what_is_no_history_is_refused() -> None:
    with pytest.raises(ValueError, match="history is list, not a table"):
        calculate_market_returns([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"column ts holds numbers; make them times by pd\.to_datetime"):
        calculate_market_returns(pd.DataFrame({"ts": [1_700_000_000], "ticker": ["A"], "price": [1]}))


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="no column of time: one of ts, timestamp, end_ts"):
        calculate_market_returns(pd.DataFrame({"ticker": ["A"], "price": [1]}))
    with pytest.raises(ValueError, match="no column ticker"):
        calculate_market_returns(pd.DataFrame({"ts": [START], "price": [1]}))
    with pytest.raises(ValueError, match="no column of price"):
        calculate_market_returns(pd.DataFrame({"ts": [START], "ticker": ["A"]}))


def test_the_module_is_imported_without_pandas() -> None:
    code = "import sys, console.risk.correlation; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
