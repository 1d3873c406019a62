"""Windows of the calendar: what is trained on was over before the test began."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from favourites import record
from history_builders import OPEN, market, ns, quote, write
from hypothesis import given
from hypothesis import strategies as st

from console.backtest.timeline_parts import Stretch, TimelinePart
from console.backtest.walk_forward import Life, Window, lives_of, windows_of
from console.domain.time_units import NS_PER_DAY
from console.history.folder import open_folder

LIVES = st.dictionaries(
    st.text("ABCDEF", min_size=1, max_size=3),
    st.tuples(st.integers(0, 40 * 24), st.integers(0, 20 * 24)).map(
        lambda hours: Life(hours[0] * NS_PER_DAY // 24, sum(hours) * NS_PER_DAY // 24)
    ),
    min_size=1,
)
LENGTHS = st.integers(6, 20 * 24).map(lambda hours: hours * NS_PER_DAY // 24)


def bounds(stretch: Stretch) -> tuple[int, int]:
    assert stretch.since_ns is not None
    assert stretch.until_ns is not None
    return stretch.since_ns, stretch.until_ns


def events(stretch: Stretch) -> frozenset[str]:
    assert stretch.events is not None
    return stretch.events


@given(LIVES, LENGTHS, LENGTHS, st.just(0) | LENGTHS)
def test_no_event_of_a_training_was_alive_when_the_test_began_nor_an_embargo_before(
    lives: dict[str, Life], train_ns: int, test_ns: int, embargo_ns: int
) -> None:
    for window in windows_of(lives, train_ns, test_ns, embargo_ns):
        begins, _ = bounds(window.test)
        assert all(lives[event].settled_ns <= begins - embargo_ns for event in events(window.train))
        assert all(lives[event].first_ns >= begins for event in events(window.test))


@given(LIVES, LENGTHS, LENGTHS)
def test_windows_follow_one_another_and_no_event_is_tested_twice(
    lives: dict[str, Life], train_ns: int, test_ns: int
) -> None:
    windows = windows_of(lives, train_ns, test_ns)
    last_ns = max(life.settled_ns for life in lives.values())
    for window in windows:
        begin, until = bounds(window.test)
        assert until - begin == test_ns
        assert bounds(window.train) == (begin - train_ns, begin)
        assert until < last_ns + NS_PER_DAY
    for one, other in pairwise(windows):
        assert bounds(one.test)[1] == bounds(other.test)[0]
        assert not events(one.test) & events(other.test)


@given(LIVES, LENGTHS, LENGTHS)
def test_an_event_of_a_window_is_in_training_or_test_or_counted_as_purged(
    lives: dict[str, Life], train_ns: int, test_ns: int
) -> None:
    for window in windows_of(lives, train_ns, test_ns):
        begin, until = bounds(window.train)[0], bounds(window.test)[1]
        within = {e for e, life in lives.items() if begin < life.first_ns and life.settled_ns < until}
        across = within - events(window.train) - events(window.test)
        assert len(across) <= window.purged <= len(lives)


def day(number: float) -> int:
    return int(number * NS_PER_DAY)


def test_an_event_across_the_boundary_is_purged_from_both_sides() -> None:
    lives = {
        "early": Life(day(0), day(1)),
        "resolved too late": Life(day(0.5), day(2.1)),
        "late": Life(day(2.5), day(3)),
        "not over at the end": Life(day(3.5), day(4.2)),
    }
    window = windows_of(lives, day(2), day(2))[0]
    assert window == Window(
        Stretch(day(0), day(2), frozenset({"early"})), Stretch(day(2), day(4), frozenset({"late"})), 2
    )
    window = windows_of(lives, day(2), day(2), day(1.5))[0]
    assert window == Window(
        Stretch(day(0), day(0.5), frozenset()), Stretch(day(2), day(4), frozenset({"late"})), 3
    )


def test_there_is_no_window_in_too_short_a_recording() -> None:
    assert windows_of({"A": Life(day(0), day(3))}, day(2), day(2)) == []
    assert len(windows_of({"A": Life(day(0), day(3))}, day(2), day(1))) == 1


def test_an_event_lives_until_the_last_of_its_markets_has_paid_out(tmp_path: Path) -> None:
    markets = [
        market(ticker="A1", event_ticker="A"),
        market(ticker="A2", event_ticker="A", settlement_time=OPEN.replace(hour=9)),
        market(ticker="B1", event_ticker="B"),
    ]
    rows = [quote(5, 40, 41, ticker="A2"), quote(9, 40, 41, ticker="A1")]
    timeline = open_folder(write(tmp_path, markets=markets, quotes=rows))
    assert lives_of(timeline) == {"A": Life(ns(5), ns(4 * 3600))}


def test_every_stretch_with_events_has_rows(tmp_path: Path) -> None:
    timeline = open_folder(record(tmp_path / "data", days=4))
    windows = windows_of(lives_of(timeline), day(1), day(1))
    assert len(windows) == 3
    for window in windows:
        for stretch in (window.train, window.test):
            assert len(events(stretch)) == 4
            assert TimelinePart(timeline, stretch).rows == 4 * 59
