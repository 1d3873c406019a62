from __future__ import annotations

import itertools
import tomllib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from history_builders import OPEN, Row, market, quote, write

from console.backtest.market_groups import MarketGroups, find_groups
from console.backtest.market_groups_text import groups_text
from console.backtest.returns import returns_together, sample_mids
from console.history.folder import open_folder
from console.risk.correlation import MIN_OVERLAP, identify_correlated_markets

STEPS = 80


def walk(seed: int, common: int | None = None) -> list[float]:
    """A bid that wanders in cents, with the steps of another seed for the most part."""
    own = np.random.default_rng(seed).integers(-2, 3, STEPS)
    shared = own if common is None else 3 * np.random.default_rng(common).integers(-2, 3, STEPS) + own
    bids: list[float] = (1 + (shared.cumsum() - shared.cumsum().min()) / 4).round(1).tolist()
    return bids


def quotes_of(ticker: str, bids: list[float], start: int = 0) -> list[Row]:
    return [
        quote((start + step) * 10, bid, bid + 2 - bid % 1, ticker=ticker) for step, bid in enumerate(bids)
    ]


def record(folder: Path, bids: dict[str, tuple[int, list[float]]], **changes: Row) -> Path:
    """Markets by ticker, each with the step at which its quotes begin; in events of their own."""
    markets = [
        market(ticker=name, event_ticker=f"E-{name}", category=f"C-{name}") | changes.get(name, {})
        for name in bids
    ]
    rows = [row for name, (start, prices) in bids.items() for row in quotes_of(name, prices, start)]
    return write(folder, markets=markets, quotes=sorted(rows, key=lambda row: row["ts"]))


def groups_of(folder: Path, threshold: float = 0.5) -> MarketGroups:
    return find_groups(open_folder(folder), str(folder), threshold, 10)


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Two pairs of markets that move together, one that does not, one that never moves, one short."""
    walks = {
        "A1": (0, walk(11, common=1)),
        "A2": (0, walk(12, common=1)),
        "B1": (0, walk(13, common=2)),
        "B2": (0, walk(14, common=2)),
        "ALONE": (0, walk(3)),
        "FLAT": (0, [50.0] * STEPS),
        "SHORT": (0, walk(11, common=1)[:MIN_OVERLAP]),
    }
    return record(tmp_path, walks)


def test_markets_that_moved_together_are_found_and_the_rest_counted(planted: Path) -> None:
    found = groups_of(planted)
    assert found.groups == {"group_1": ["A1", "A2"], "group_2": ["B1", "B2"]}
    assert (found.markets.quoted, found.markets.short, found.markets.constant) == (7, 1, 1)
    assert (found.pairs.total, found.pairs.measured, found.pairs.above_threshold) == (21, 10, 2)
    assert found.pairs.too_little_data == found.pairs.assumed_independent == 11


def test_it_is_what_pandas_and_the_guides_function_find(planted: Path) -> None:
    found = groups_of(planted)
    frame = (
        pd.DataFrame(
            {
                name: [row["yes_bid"] + row["yes_ask"] for row in quotes_of(name, bids)]
                for name, bids in (
                    ("A1", walk(11, common=1)),
                    ("A2", walk(12, common=1)),
                    ("B1", walk(13, common=2)),
                    ("B2", walk(14, common=2)),
                    ("ALONE", walk(3)),
                )
            }
        )
        .diff()
        .iloc[1:]
    )
    expected = frame.corr()
    for pair in found.strongest:
        assert pair.correlation == pytest.approx(
            float(
                expected.to_numpy()[expected.index.get_loc(pair.one), expected.columns.get_loc(pair.other)]
            ),
            abs=1e-9,
        )
        assert pair.returns == STEPS - 1
    assert len(found.strongest) == 10
    strengths = [abs(pair.correlation) for pair in found.strongest]
    assert strengths == sorted(strengths, reverse=True)
    assert found.groups == identify_correlated_markets(frame)
    timeline = open_folder(planted)
    (table,) = returns_together(sample_mids(timeline, 10), [each.ticker for each in timeline.markets])
    assert found.groups == identify_correlated_markets(table)


def test_a_pair_with_too_little_data_is_assumed_by_event_or_by_category_and_close(tmp_path: Path) -> None:
    short = {name: (0, walk(seed)[:5]) for seed, name in enumerate(["P", "Q", "R", "S", "T"])}
    later = OPEN + timedelta(hours=1)
    folder = record(
        tmp_path,
        short,
        P={"event_ticker": "ONE", "category": "Crypto"},
        Q={"event_ticker": "ONE", "category": "Crypto"},
        R={"event_ticker": "TWO", "category": "Crypto"},
        S={"event_ticker": "THREE", "category": "Crypto", "close_time": later},
        T={"event_ticker": "FOUR", "category": "Sports"},
    )
    found = groups_of(folder)
    assert found.groups == {}
    assert (found.pairs.measured, found.pairs.too_little_data) == (0, 10)
    assert (found.pairs.assumed_together, found.pairs.assumed_independent) == (3, 7)


def test_a_pair_that_was_measured_is_not_assumed(tmp_path: Path) -> None:
    one: Row = {"event_ticker": "ONE", "category": "Crypto"}
    walks = {"P": (0, walk(21)), "Q": (0, walk(22)), "LATE": (100, walk(23))}
    found = groups_of(
        record(tmp_path, walks, P=one, Q=one, LATE=one | {"close_time": OPEN + timedelta(days=1)})
    )
    assert found.groups == {}
    assert (found.pairs.measured, found.pairs.assumed_together) == (1, 2)


def test_groups_of_different_days_are_numbered_through(tmp_path: Path) -> None:
    day: Row = {"close_time": OPEN + timedelta(days=1)}
    walks = {
        "Z1": (0, walk(31, common=5)),
        "Z2": (0, walk(32, common=5)),
        "A1": (200, walk(33, common=6)),
        "A2": (200, walk(34, common=6)),
    }
    found = groups_of(record(tmp_path, walks, A1=day, A2=day))
    assert found.groups == {"group_1": ["A1", "A2"], "group_2": ["Z1", "Z2"]}


def test_the_threshold_decides(planted: Path) -> None:
    strongest = groups_of(planted).strongest[0]
    assert groups_of(planted, strongest.correlation).groups == {}
    assert groups_of(planted, strongest.correlation - 1e-6).groups == {
        "group_1": [strongest.one, strongest.other]
    }


def test_the_pins_are_what_a_configuration_file_says(planted: Path) -> None:
    found = groups_of(planted)
    assert tomllib.loads("\n".join(found.pins())) == {"risk": {"groups": found.groups}}
    assert tomllib.loads(found.document()["toml"])["risk"]["groups"] == found.groups


def test_markets_that_mirror_each_other_are_told_but_not_joined(tmp_path: Path) -> None:
    rising = walk(41)
    falling = [float(90 - int(bid)) for bid in rising]
    found = groups_of(
        record(tmp_path, {"UP": (0, [float(int(bid)) for bid in rising]), "DOWN": (0, falling)})
    )
    assert found.groups == {}
    assert found.pairs.below_negative_threshold == 1
    assert found.strongest[0].correlation == -1.0


def test_as_many_pairs_against_each_other_as_together_are_called_chance(tmp_path: Path) -> None:
    up = [float(int(bid)) for bid in walk(51)]
    opposite = [90 - bid for bid in up]
    walks = {"U1": (0, up), "U2": (0, up), "D1": (0, opposite)}
    text = "\n".join(groups_text(groups_of(record(tmp_path, walks))))
    assert "nearly as many pairs moved against each other" in text


def test_the_text_fits_80_columns_even_with_long_tickers(tmp_path: Path) -> None:
    names = [f"KXMVESPORTSMULTIGAMEEXTENDED-S2025C1-{number}" for number in range(3)]
    walks = {name: (0, walk(60 + number, common=6)) for number, name in enumerate(names)}
    found = groups_of(record(tmp_path, walks))
    lines = list(groups_text(found))
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    for one, other in itertools.combinations(names, 2):
        place = lines.index(one, lines.index("]"))
        assert any(line.startswith(f"  {other} ") for line in lines[place:])
