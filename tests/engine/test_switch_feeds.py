"""Each switch through the engine's loop: what trips it, that trading stops, that only its feed does."""

from __future__ import annotations

import pytest
from engine_builders import (
    FAVOURITE,
    A,
    B,
    C,
    engine,
    records,
    replayed,
    submits,
)
from switch_stories import (
    STORIES,
    Story,
    deaf_to,
    quick,
    told,
    trips_of,
)
from test_picture import picture

from console.domain.trading_state import TradingState
from console.engine.limit_views import SwitchState

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED

EVERY_STORY = pytest.mark.parametrize(
    "story", STORIES, ids=lambda story: f"{story.key}-{story.happen.__name__}"
)


@EVERY_STORY
def test_below_its_threshold_nothing_trips(story: Story) -> None:
    assert trips_of(told(story, story.below), story.key) == []


@EVERY_STORY
def test_it_trips_by_the_events_alone_and_nothing_is_entered_any_more(story: Story) -> None:
    trading = told(story, story.trips)
    assert trips_of(trading, story.key) == [(story.level, story.scope)]
    since = len(trading.actions)
    if story.key != "stale_book":
        trading.prove()
    for ticker in (A, B, C):
        trading.show(FAVOURITE, ticker)
        trading.scan()
    assert submits(trading.actions[since:]) == []


@EVERY_STORY
def test_the_screen_and_the_journal_have_it_too(story: Story) -> None:
    trading = told(story, story.trips)
    row = next(each for each in picture(trading).switches if each.key == story.key)
    assert (row.state, row.since_ns is not None) == (SwitchState.TRIPPED, True)
    account, _ = replayed(records(trading.actions))
    assert account.latches.active == trading.engine.account.latches.active


@EVERY_STORY
def test_without_its_feed_it_does_not_trip(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one call that feeds it gone the story above fails: nothing else makes the switch trip."""
    trading = quick(story.style)
    if story.key == "stale_book":
        trading.engine.feed_proved_ns = None
    muted = story.muted or deaf_to(story.fed_by)
    for target, replacement in muted.items():
        monkeypatch.setattr(target, replacement)
    story.happen(trading, story.trips)
    trading.tick()
    trading.scan()
    assert trips_of(trading, story.key) == []


def test_every_switch_has_a_story() -> None:
    rows = engine().risk.rows(engine().account.latches)
    assert {row.key for row in rows} == {story.key for story in STORIES}
