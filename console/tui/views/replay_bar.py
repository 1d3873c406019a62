"""The lines over the panes while a replay is watched: that it is one, where it is, and how it goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from textual import events

from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.snapshot import Snapshot
from console.tui import formatting as fmt
from console.tui.canvas import Canvas
from console.tui.cells import Line, Tone, bar, between, fitting, left, middle, put, width_of
from console.tui.sanitize import inert
from console.tui.views.common import signed
from console.tui.views.replay_playback import Place, Playback

_MOST_WORDS = 0.6
"""Of the second line; what is left is the bar."""


class ReplayBar(Canvas):
    """Says REPLAY, in words; a click on its bar goes there.

    ``leave_key`` goes back to live, ``back_key`` takes down why a replay ended.
    """

    def __init__(self, leave_key: str, back_key: str, seek_share: Callable[[float], None]) -> None:
        super().__init__(id="replay-bar")
        self._leave_key = leave_key
        self._back_key = back_key
        self._seek_share = seek_share
        self._playback: Playback | None = None
        self._ended_why: str | None = None
        self._bar_width = 0

    def show(self, playback: Playback | None, ended_why: str | None) -> None:
        """Take what is watched, None while nothing is, and why the last one ended."""
        self._playback, self._ended_why = playback, ended_why
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        if self._playback is None:
            return () if self._ended_why is None else self._ended(self._ended_why, width)
        place = self._playback.place()
        lines = [left(self._first(self._playback, place, width), width)]
        if place is not None:
            lines.append(self._second(place, width, is_complete=self._playback.is_complete))
        return lines

    def _first(self, playback: Playback, place: Place | None, width: int) -> Line:
        badge, leave = put(" REPLAY ", Tone.BADGE_WARN), put(f"{self._leave_key} live ", Tone.STRONG)
        if place is None:
            opening = (*badge, *put(f" opening {playback.name}", Tone.STRONG))
            return between(opening, leave, width)
        profit = None if place.snapshot.equity is None else place.snapshot.equity - playback.capital
        parts = [
            (0, badge),
            (0, _going(playback, place)),
            (1, put(_utc(place.at_ns), Tone.STRONG)),
            (4, put(f"{fmt.clock(place.at_ns)} ET", Tone.MUTED)),
            (2, (*put("P&L "), *signed(profit))),
            (3, _state(place.snapshot)),
            (5, put(f"equity {fmt.dollars(place.snapshot.equity)}", Tone.MUTED)),
            (6, put(playback.name, Tone.MUTED)),
        ]
        return between(fitting(parts, width - width_of(leave) - 1), leave, width)

    def _second(self, place: Place, width: int, *, is_complete: bool) -> Line:
        more = "" if is_complete else "+"
        here, read = place.share(place.at_ns), place.share(place.read_ns)
        parts = [
            (0, put(f"{here:4.0%}", Tone.STRONG)),
            (1, put(f"trade {place.trade} of {place.trades}{more}")),
            (
                2,
                put(
                    f"breach {place.breach} of {place.breaches}{more}",
                    Tone.WARN if place.breach else Tone.PLAIN,
                ),
            ),
            (3, put("" if is_complete else f"run to {read:.0%}", Tone.MUTED)),
        ]
        words = fitting(parts, int(_MOST_WORDS * width))
        self._bar_width = width - width_of(words) - 3
        return (*put(" "), *bar(here, read, self._bar_width, Tone.WARN, ()), *put(" "), *words, *put(" "))

    def _ended(self, why: str, width: int) -> Sequence[Line]:
        said = (
            *put(" REPLAY ENDED ", Tone.BADGE_WARN),
            *put(" the panes show the engine again", Tone.STRONG),
        )
        cause = put(f" {middle(inert(why), width - 2)}", Tone.WARN)
        goes_on = put(f" {self._back_key} goes on ", Tone.STRONG)
        return [between(said, goes_on, width), left(cause, width)]

    def on_click(self, event: events.Click) -> None:
        place = event.x - 1
        if event.y == 1 and 0 <= place < self._bar_width:
            self._seek_share(place / max(1, self._bar_width - 1))


def _going(playback: Playback, place: Place) -> Line:
    speed = "max" if playback.speed is None else f"{playback.speed}x"
    if place.at_ns > place.read_ns:
        return put(f"… {speed}, runs up to here", Tone.WARN)
    if playback.is_playing:
        return put(f"▶ {speed}", Tone.ACCENT)
    return put(f"‖ paused, {speed}", Tone.STRONG)


def _state(snapshot: Snapshot) -> Line:
    words = snapshot.state.name.replace("_", "-")
    return put(words, Tone.MUTED if snapshot.state is TradingState.RUNNING else Tone.WARN)


def _utc(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // NS_PER_S, dt.UTC):%Y-%m-%d %H:%M:%SZ}"
