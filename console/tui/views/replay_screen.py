"""The part of the main screen that watches a replay; what it shows came from a file and goes nowhere.

What a replay needs is imported when there is one, so that the first drawing does not wait for it.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.widgets import Input

from console.tui.key_action import bindings
from console.tui.pane_actions import WATCH_ACTIONS
from console.tui.updates import NarrowScreen

if TYPE_CHECKING:
    from console.backtest.replay import ReplayRequest
    from console.tui.views.replay_bar import ReplayBar
    from console.tui.views.replay_playback import Playback

_DRAWN_EVERY_S = 0.05
_PREFIX = "watch_"
"""Of every action here: they can be taken only while a replay is watched."""


class ReplayScreen(NarrowScreen):
    """Base of the main screen: the keys of a watched replay, and its bar."""

    BINDINGS = [*bindings(WATCH_ACTIONS)]  # noqa: RUF012 - Textual's declaration

    def __init__(self, leave_key: str, back_key: str) -> None:
        super().__init__()
        self.playback: Playback | None = None
        self.ended_why: str | None = None
        self._leave_key = leave_key
        self._back_key = back_key
        self._drawing: Timer | None = None
        self._drawn_s = 0.0

    @cached_property
    def replay_bar(self) -> ReplayBar:
        """Over the panes while a replay is watched."""
        from console.tui.views.replay_bar import ReplayBar

        return ReplayBar(self._leave_key, self._back_key, self._seek_share)

    @property
    def is_watching(self) -> bool:
        """Whether panes show a replay instead of the engine."""
        return self.playback is not None

    @abstractmethod
    def redraw(self) -> None:
        """Show at once what has changed."""

    @abstractmethod
    def redraw_in_turns(self) -> None:
        """Show soon what has changed; keys do not wait for all of it."""

    def _draw_soon(self) -> None:
        """Show what a key has changed, but not all that keys at a faster pace have."""
        if self._drawing is None:
            since_s = time.monotonic() - self._drawn_s
            if since_s >= _DRAWN_EVERY_S:
                self._draw_now()
            else:
                self._drawing = self.set_timer(_DRAWN_EVERY_S - since_s, self._draw_now)

    def _draw_now(self) -> None:
        self._drawing = None
        self.redraw_in_turns()
        self._drawn_s = time.monotonic()

    def begin_watching(self, request: ReplayRequest) -> None:
        """Run a replay and show it; raises OSError when no process can be started."""
        from console.backtest.replay_watch import WatchedReplay
        from console.tui.views.replay_playback import Playback

        self.end_watching()
        self.playback = Playback(WatchedReplay(request))
        self._mark()

    def end_watching(self) -> None:
        """Show the engine again, and no longer why a replay ended."""
        if self.playback is not None or self.ended_why is not None:
            self._close()
            self.ended_why = None
            self._mark()

    def say_ended(self, why: str) -> None:
        """Show the engine again, and over the panes why, until the operator goes on."""
        self._close()
        self.ended_why = why
        self._mark()

    def _close(self) -> None:
        if self.playback is not None:
            self.playback.close()
            self.playback = None

    def _mark(self) -> None:
        self.set_class(self.is_watching, "-watching")
        self.set_class(self.ended_why is not None, "-watch-ended")
        self.call_after_refresh(self.redraw)
        self.redraw()

    def on_unmount(self) -> None:
        self._close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key of a watched replay is another pane's or none while nothing is watched, or text is typed."""
        if action.startswith(_PREFIX):
            return self.is_watching and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    # --- the keys -----------------------------------------------------------------------------------

    def action_watch_live(self) -> None:
        self.end_watching()

    def action_watch_play(self) -> None:
        if self.playback is not None:
            self.playback.play()
            self._draw_soon()

    def action_watch_step(self, steps: int) -> None:
        if self.playback is not None:
            self.playback.step(steps)
            self._draw_soon()

    def action_watch_speed(self, steps: int) -> None:
        if self.playback is not None:
            self.playback.change_speed(steps)
            self._draw_soon()

    def action_watch_end(self, direction: int) -> None:
        self._seek_share(max(0.0, direction))

    def _seek_share(self, share: float) -> None:
        if self.playback is not None:
            self.playback.seek_share(share)
            self._draw_soon()

    def action_watch_trade(self, direction: int) -> None:
        if self.playback is not None:
            found = self.playback.next_trade() if direction > 0 else self.playback.previous_trade()
            self._told(found, "no later trade" if direction > 0 else "no earlier trade", direction)

    def action_watch_breach(self) -> None:
        if self.playback is not None:
            self._told(self.playback.next_breach(), "no later breach of a limit, and no halt", 1)

    def _told(self, is_found: bool, otherwise: str, direction: int) -> None:
        assert self.playback is not None
        if not is_found:
            so_far = " in what has been run so far" if direction > 0 and not self.playback.is_complete else ""
            self.notify(f"the replay has {otherwise}{so_far}", markup=False)
        self._draw_soon()

    def action_watch_seek(self) -> None:
        """Ask for a place; the answer goes nowhere once the replay has ended."""
        from console.tui.views.replay_field import FieldDialog
        from console.tui.views.replay_seek import SEEK, read_place

        place = None if self.playback is None else self.playback.place()
        if place is None:
            return
        at_ns, first_ns, end_ns = place.at_ns, place.first_ns, place.end_ns

        def sought(text: str) -> int:
            return read_place(text, at_ns, first_ns, end_ns)

        def go(text: str | None) -> None:
            if text is not None and self.playback is not None:
                self.playback.seek(sought(text))
                self._draw_soon()

        self.app.push_screen(FieldDialog(SEEK, "", sought), go)
