"""Signs of life between two processes, and for how long there were none."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.heartbeats import Beat, Heartbeats, Pulse

SECOND = 1_000_000_000


def test_what_one_process_beats_another_counts(tmp_path: Path) -> None:
    ours = Heartbeats.create(tmp_path / "heartbeats")
    child = os.fork()
    if child == 0:
        theirs = Heartbeats.open(tmp_path / "heartbeats")
        for _ in range(3):
            theirs.beat(Beat.GUARD)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [ours.count(whose) for whose in Beat] == [0, 0, 3]


def test_a_new_run_starts_at_zero_and_the_guard_of_the_old_one_learns_of_it(tmp_path: Path) -> None:
    path = tmp_path / "heartbeats"
    Heartbeats.create(path).beat(Beat.ENGINE)
    guard = Heartbeats.open(path)
    before = guard.are_replaced
    second = Heartbeats.create(path)
    assert (before, guard.are_replaced) == (False, True)
    assert (guard.count(Beat.ENGINE), second.count(Beat.ENGINE)) == (1, 0)


def test_a_folder_that_is_gone_is_no_new_run(tmp_path: Path) -> None:
    guard = Heartbeats.create(tmp_path / "heartbeats")
    (tmp_path / "heartbeats").unlink()
    assert not guard.are_replaced


def test_they_are_for_the_user_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "heartbeats"
    Heartbeats.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        Heartbeats.open(path)


def test_standing_still_is_measured_from_the_newest_change() -> None:
    pulse = Pulse()
    still = [pulse.look(count, at * SECOND) for at, count in enumerate((1, 2, 2, 2, 3, 3))]
    assert still == [0, 0, SECOND, 2 * SECOND, 0, SECOND]


def test_what_has_not_begun_or_was_stopped_never_stands_still() -> None:
    pulse = Pulse()
    assert [pulse.look(count, at * SECOND) for at, count in enumerate((0, 0, 4, 4, 0, 0))] == [
        0, 0, 0, SECOND, 0, 0,
    ]  # fmt: skip


@given(slept_s=st.integers(5, 10**6))
def test_a_machine_that_slept_finds_nobody_dead(slept_s: int) -> None:
    """Both stood still and neither saw the other do so: one late look must not add up to a stall."""
    pulse = Pulse()
    pulse.look(1, 0)
    pulse.look(1, SECOND)
    assert pulse.look(1, (1 + slept_s) * SECOND) < 5 * SECOND


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3 * SECOND)), min_size=1))
def test_it_never_exceeds_the_time_that_passed_since_the_change(looks: list[tuple[int, int]]) -> None:
    pulse, now_ns, changed_ns, last = Pulse(), 0, 0, 0
    for count, passed_ns in looks:
        now_ns += passed_ns
        if count != last:
            changed_ns, last = now_ns, count
        assert 0 <= pulse.look(count, now_ns) <= now_ns - changed_ns
