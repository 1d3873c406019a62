"""A run whose guard is gone, as its engine sees it."""

from __future__ import annotations

from engine_builders import FAVOURITE, Desk, submits
from switch_stories import quick
from test_picture import picture

from console.domain.commands import Resume
from console.domain.engine_events import GuardSeen
from console.domain.trading_state import TradingState

GONE = "the guard ended: start again"


def state_of(desk: Desk) -> TradingState:
    return desk.engine.account.latches.state


def test_the_pause_cannot_be_lifted_while_nobody_guards_and_can_once_somebody_does() -> None:
    desk = quick()
    desk.take(GuardSeen(at_ns=desk.now_ns, absence=GONE))
    desk.tick()
    desk.take(Resume(at_ns=desk.now_ns, latch="guard", reason="try"))
    assert state_of(desk) is TradingState.PAUSED
    assert desk.engine.resume_refusal("guard", desk.now_ns) == GONE
    desk.take(GuardSeen(at_ns=desk.now_ns))
    desk.tick()
    assert state_of(desk) is TradingState.PAUSED, "nobody but the operator ends it"
    desk.take(Resume(at_ns=desk.now_ns, latch="guard", reason="it is back"))
    assert state_of(desk) is TradingState.RUNNING
    desk.prove()
    desk.show(FAVOURITE)
    assert submits(desk.actions)


def test_the_screen_says_in_words_that_nobody_guards() -> None:
    desk = quick()
    desk.take(GuardSeen(at_ns=desk.now_ns, absence=GONE))
    desk.tick()
    seen = picture(desk)
    row = next(each for each in seen.switches if each.key == "guard")
    assert (row.reading, row.threshold) == ("gone", "watching")
    assert seen.alerts[-1].text == f"PAUSED guard: {GONE}"
