"""What the guard makes of what it sees, look by look."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.guard import NOTHING, Duty, Line, Seen, Watch

SECOND = 1_000_000_000


class Story:
    """A guard that looks once a second at what the test says."""

    def __init__(self, *, latches_death: bool = False) -> None:
        self.watch = Watch(latches_death=latches_death)
        self.now_s = 0
        self.engine = self.screen = 1
        self.line = Line.OPEN
        self.is_confirmed = False
        self.is_replaced = False
        self.moot: str | None = None
        self.duties: list[tuple[int, Duty]] = []

    def look(self, seconds: int = 1, *, engine: bool = True, screen: bool = True) -> list[tuple[int, Duty]]:
        """Look so often, while these parts move; what was called for, with the second of it."""
        self.duties = []
        for _ in range(seconds):
            self.now_s += 1
            self.engine += engine
            self.screen += screen
            duty = self.watch.look(
                Seen(
                    monotonic_ns=self.now_s * SECOND,
                    line=self.line,
                    engine=self.engine,
                    screen=self.screen,
                    is_replaced=self.is_replaced,
                    is_confirmed=self.is_confirmed,
                    moot=self.moot,
                )
            )
            if duty != NOTHING:
                self.duties.append((self.now_s, duty))
        return self.duties


def test_a_run_that_moves_is_left_alone() -> None:
    assert Story().look(100) == []


@pytest.mark.parametrize("part", ["engine", "screen"])
def test_a_part_that_stands_still_is_cancelled_and_latched_at_5_s_asked_to_end_at_15_and_killed_at_20(
    part: str,
) -> None:
    story = Story()
    story.look(10)
    for _ in range(20):
        story.look(engine=part != "engine", screen=part != "screen")
        passed_s = story.now_s - 10
        if passed_s == 5:
            duty = story.duties[0][1]
            assert duty.halt is not None
            assert part in duty.halt
            assert duty.latches
        elif passed_s in (15, 20):
            expected = signal.SIGTERM if passed_s == 15 else signal.SIGKILL
            assert story.duties[0][1] == Duty(signal=expected)
        else:
            assert story.duties == [], passed_s


def test_a_run_that_starts_or_has_no_screen_is_not_taken_for_one_that_hangs() -> None:
    story = Story()
    story.engine = story.screen = 0
    assert story.look(60, engine=False, screen=False) == []
    story.engine = 1
    assert story.look(60, screen=False) == []


def test_a_run_that_moves_again_has_its_own_halt_and_is_cancelled_again_when_it_stalls_again() -> None:
    story = Story()
    story.look()
    story.look(6, engine=False)
    assert [duty for _, duty in story.look(3)] == [Duty(relents=True)]
    again = story.look(6, engine=False)
    assert [duty.halt is not None and duty.latches for _, duty in again] == [True]


def test_a_guard_that_was_stopped_itself_accuses_nobody() -> None:
    story = Story()
    story.look(3)
    story.now_s += 3600
    assert story.look(1, engine=False, screen=False) == []
    assert story.look(10) == []


@pytest.mark.parametrize("latches", [True, False])
def test_a_death_is_cancelled_at_once_and_latched_where_it_must_not_be_traded_on(latches: bool) -> None:
    story = Story(latches_death=latches)
    story.look(2)
    story.line = Line.BROKEN
    ((_, duty),) = story.look()
    assert (duty.halt, duty.latches) == ("guard: the console died", latches)
    assert story.look(100) == []


@pytest.mark.parametrize("line", [Line.BROKEN, Line.ENDED])
def test_a_run_that_is_over_is_pursued_until_none_of_ours_has_rested_for_a_while(line: Line) -> None:
    story = Story()
    story.line = line
    story.look(30)
    story.is_confirmed = True
    assert story.look(10) == []
    story.is_confirmed = False
    assert story.look(10) == [], "an order that came to rest late is pursued anew"
    story.is_confirmed = True
    ((ended_s, duty),) = story.look(17)[:1]
    assert duty.ended == "no order of ours rests"
    assert ended_s == 51 + 15


def test_what_ended_without_proof_is_cancelled_and_never_latched() -> None:
    story = Story(latches_death=True)
    story.line = Line.ENDED
    ((_, duty),) = story.look()
    assert duty.halt is not None
    assert not duty.latches


@pytest.mark.parametrize("line", [Line.BROKEN, Line.ENDED])
def test_where_nothing_is_left_it_ends_without_a_word(line: Line) -> None:
    story = Story(latches_death=True)
    story.line, story.moot = line, "nothing there"
    assert [duty for _, duty in story.look()] == [Duty(ended="nothing there")]


@pytest.mark.parametrize("line", list(Line))
def test_it_makes_room_for_another_run_whatever_it_is_doing(line: Line) -> None:
    story = Story()
    story.line = line
    story.look(8, engine=False)
    story.is_replaced = True
    ((_, duty),) = story.look()
    assert duty.ended is not None
    assert duty.halt is None


def test_a_run_may_take_its_time_to_end_but_not_for_ever() -> None:
    story = Story()
    story.look(5)
    story.line = Line.ENDING
    assert story.look(60, engine=False, screen=False) == []
    (first, *_) = story.look(5, engine=False, screen=False)
    assert first[1].halt is not None
    assert "did not end" in first[1].halt


def test_a_pursuit_without_answer_ends_when_no_order_can_be_left() -> None:
    story = Story()
    story.line = Line.BROKEN
    story.look()
    duties = story.look(26 * 3600)
    assert {duty.ended for _, duty in duties} == {"no order of ours can be so old"}


Steps = st.lists(
    st.tuples(st.sampled_from(list(Line)), st.booleans(), st.booleans(), st.booleans()), max_size=80
)


@given(Steps, st.booleans())
def test_whatever_it_sees_a_latch_comes_with_its_cancels_and_a_dead_run_is_never_signalled(
    steps: Iterable[tuple[Line, bool, bool, bool]], latches: bool
) -> None:
    story = Story(latches_death=latches)
    for line, engine, screen, confirmed in steps:
        story.line, story.is_confirmed = line, confirmed
        for _, duty in story.look(engine=engine, screen=screen):
            assert duty.halt is not None or not duty.latches
            assert duty.signal is None or line in (Line.OPEN, Line.ENDING)
            assert duty.ended is None or line in (Line.ENDED, Line.BROKEN)
