"""What a walk forward says of its windows, on 80 columns."""

from __future__ import annotations

from console.backtest.timeline_parts import Stretch
from console.backtest.walk_forward import Window
from console.backtest.walk_forward_report import Walked, WalkForward
from console.domain.time_units import NS_PER_DAY, NS_PER_HOUR

BEGIN_NS = 20_000 * NS_PER_DAY
EVENT = frozenset({"KX-1"})


def walked(
    day: float, *, trained_on: frozenset[str] = EVENT, events: frozenset[str] = EVENT, embargo_ns: int = 0
) -> Walked:
    begin_ns = BEGIN_NS + round(day * NS_PER_DAY)
    window = Window(
        Stretch(begin_ns - NS_PER_DAY, begin_ns - embargo_ns, trained_on),
        Stretch(begin_ns, begin_ns + NS_PER_DAY, events),
        purged=2,
    )
    return Walked(window=window, pair=None, trained=None, tested=None, other_runs=0)


def text(*windows: Walked) -> list[str]:
    return list(WalkForward(windows=windows, tried=4, against=()).text())


def test_a_long_gap_of_the_recording_is_one_line_and_every_window_still_counts_as_failed() -> None:
    none = frozenset[str]()
    gap = [walked(day, trained_on=none, events=none) for day in range(1, 171)]
    said = text(walked(0), *gap, walked(171, trained_on=none))
    assert [line for line in said if line.startswith("! FAILED")] == [
        "! FAILED: no pair traded in the training",
        "! FAILED, 171 windows: no event lived wholly within the training",
    ]
    assert len(said) < 12
    assert said[4].startswith("2024-10-05 2025-03-25       1    342   none")
    assert any("172 of 172 windows traded nothing" in line for line in said)


def test_windows_shorter_than_a_day_show_their_hours() -> None:
    (row,) = [line for line in text(walked(0.5)) if line.startswith("2024")]
    assert row.startswith("2024-10-04T12 10-05T12 ")
    assert len(row) <= 80


def test_the_embargo_that_was_kept_is_told_and_so_is_what_it_leaves_of_the_training() -> None:
    assert text(walked(0))[0] == "each window: training 1 day, embargo 0 hours, test 1 day"
    kept = text(walked(0, embargo_ns=NS_PER_HOUR))[0]
    assert kept == "each window: training 23 hours, embargo 1 hour, test 1 day"
