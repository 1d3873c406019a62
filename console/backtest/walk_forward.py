"""Thresholds chosen on the past and traded in what followed, window after window of the calendar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from console.backtest.timeline_parts import Stretch, first_rows_ns
from console.domain.time_units import NS_PER_DAY
from console.history.timeline import Timeline


@dataclass(frozen=True)
class Life:
    """From an event's first row to the time when the last of its markets had paid out."""

    first_ns: int
    settled_ns: int


@dataclass(frozen=True)
class Window:
    """A training and the test after it; each is of the events that lived wholly within it.

    So nothing chosen on one has seen the other. ``purged`` counts events that lived across a boundary, or
    ended too shortly before the test.
    """

    train: Stretch
    test: Stretch
    purged: int

    @property
    def can_trade(self) -> bool:
        """Whether both have an event."""
        return bool(self.train.events and self.test.events)


def lives_of(timeline: Timeline) -> dict[str, Life]:
    """The life of each event that has rows; raises HistoryError when a file was changed."""
    first_ns = first_rows_ns(timeline)
    lives: dict[str, list[Life]] = defaultdict(list)
    for market in timeline.markets:
        if market.ticker in first_ns:
            settles_ns = timeline.outcomes[market.ticker].settles_ns
            lives[market.event_ticker].append(Life(first_ns[market.ticker], settles_ns))
    return {
        event: Life(min(life.first_ns for life in each), max(life.settled_ns for life in each))
        for event, each in lives.items()
    }


def windows_of(lives: Mapping[str, Life], train_ns: int, test_ns: int, embargo_ns: int = 0) -> list[Window]:
    """Every whole window from the first midnight (UTC) to the last, each a test later than the one before.

    A training ends ``embargo_ns`` before its test: events so close in time may have one cause.
    """
    begin_ns = min(life.first_ns for life in lives.values()) // NS_PER_DAY * NS_PER_DAY
    end_ns = -(-max(life.settled_ns for life in lives.values()) // NS_PER_DAY) * NS_PER_DAY
    starts = range(begin_ns, end_ns - train_ns - test_ns + 1, test_ns)
    trained_ns = max(0, train_ns - embargo_ns)
    return [
        _window(lives, (start, start + trained_ns), (start + train_ns, start + train_ns + test_ns))
        for start in starts
    ]


def _window(lives: Mapping[str, Life], training_ns: tuple[int, int], testing_ns: tuple[int, int]) -> Window:
    train, test = _within(lives, *training_ns), _within(lives, *testing_ns)
    since_ns, until_ns = training_ns[0], testing_ns[1]
    alive = {
        event for event, life in lives.items() if life.first_ns < until_ns and life.settled_ns > since_ns
    }
    return Window(Stretch(*training_ns, train), Stretch(*testing_ns, test), len(alive - train - test))


def _within(lives: Mapping[str, Life], begin_ns: int, end_ns: int) -> frozenset[str]:
    return frozenset(
        event
        for event, life in lives.items()
        if begin_ns <= life.first_ns < end_ns and life.settled_ns <= end_ns
    )
