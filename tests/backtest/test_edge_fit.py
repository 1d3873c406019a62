"""The edge table that a recording gives, and how far few events move it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import write

from console.backtest.edge_fit import fit, prior_events, shrunk
from console.backtest.estimates import Estimate
from console.backtest.observations import observe
from console.history.folder import open_folder
from console.strategies.edge_table import EdgeCell, EdgeTable


def estimate(edge: float, events: float, price: float = 95) -> Estimate:
    return Estimate(
        n_observations=1,
        n_contracts=1,
        n_markets=1,
        n_events=1,
        effective_events=events,
        win_rate=(price + edge) / 100,
        win_rate_ci=None,
        mean_price=price,
        edge=edge,
        ci=None,
        fee=0,
        net_edge=edge,
        break_even=price / 100,
        return_pct=0,
        net_return_pct=0,
        losses_per_100=0,
    )


def fitted(folder: Path) -> EdgeTable | None:
    return fit(observe(open_folder(folder)), "here")


def cell(table: EdgeTable | None, bucket: str, role: str) -> EdgeCell:
    assert table is not None
    (found,) = [each for each in table.cells if (each.bucket, each.role) == (bucket, role)]
    return found


def test_the_published_mark_counts_for_the_events_that_part_categories() -> None:
    assert prior_events(0.95) == pytest.approx(291, abs=1)
    assert prior_events(0.5) == pytest.approx(1_534, abs=1)


def test_without_events_the_published_mark_is_used() -> None:
    assert shrunk(1.65, estimate(-40.0, 1e-9)) == pytest.approx(1.65, abs=1e-3)


def test_with_endless_events_the_measured_edge_is_used() -> None:
    assert shrunk(1.65, estimate(0.4, 1e12)) == pytest.approx(0.4, abs=1e-3)


@given(st.floats(-3, 3), st.floats(-5, 5), st.floats(1e-6, 1e6))
def test_what_is_used_is_never_above_both_the_published_and_the_measured_edge(
    published: float, measured: float, events: float
) -> None:
    assert shrunk(published, estimate(measured, events)) <= max(published, measured) + 1e-9


def test_a_lucky_streak_of_sixty_events_does_not_raise_the_edge(tmp_path: Path) -> None:
    markets = [(f"M{n}", f"E{n}", "Crypto", "yes") for n in range(60)]
    quotes = [("10:00", f"M{n}", 94.0, 95.0) for n in range(60)]
    found = cell(fitted(write(tmp_path, markets, quotes=quotes)), "favorite_extreme", "taker")
    assert (found.published, found.measured, found.events) == (-30, 500, 60)
    assert found.used < found.published


def test_results_read_off_prices_and_markets_without_a_category_are_not_learnt_from(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    quotes = [("10:00", "A", 94.0, 95.0)]
    read_off = write(
        tmp_path / "a", [("A", "E", "Crypto", "yes")], quotes=quotes, result_source="inferred: final quote"
    )
    assert fitted(read_off) is None
    assert fitted(write(tmp_path / "b", [("A", "E", "", "yes")], quotes=quotes)) is None


def test_the_source_of_more_events_speaks_for_a_cell(tmp_path: Path) -> None:
    markets = [(f"M{n}", f"E{n}", "Crypto", "yes") for n in range(5)]
    quotes = [("10:00", "M0", 94.0, 95.0)]
    trades = [("10:00", f"M{n}", 96.0, 1.0, "yes") for n in range(5)]
    table = fitted(write(tmp_path, markets, quotes=quotes, trades=trades))
    assert cell(table, "favorite_extreme", "taker").measured == 400
    assert cell(table, "longshot_extreme", "maker_no").events == 5


def test_the_table_names_its_data_and_survives_being_written(tmp_path: Path) -> None:
    markets = [("A", "E", "Crypto", "yes"), ("B", "F", "Sports", "no")]
    table = fitted(write(tmp_path, markets, quotes=[("10:00", "A", 94, 95), ("11:00", "B", 94, 95)]))
    assert table is not None
    # What came of a market is not known before its payout, which is 15 seconds after the close.
    assert (table.data, f"{table.data_from:%H:%M:%S}", f"{table.data_to:%H:%M:%S}") == (
        "here",
        "10:00:00",
        "12:00:15",
    )
    assert {each.category for each in table.cells} == {"Crypto", "Sports"}
    assert msgspec.json.decode(msgspec.json.encode(table), type=EdgeTable) == table
