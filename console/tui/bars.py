"""The header, and the footer with the keys that can be pressed now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events

from console.engine.log_views import AlertView
from console.tui.actions import CONSOLE_ACTIONS
from console.tui.canvas import Canvas
from console.tui.cells import Line, Span, Tone, left, put, width_of
from console.tui.key_action import KeyAction
from console.tui.keymap import keys_of
from console.tui.pane import Row
from console.tui.pane_actions import WATCH_ACTIONS
from console.tui.picture import Picture
from console.tui.views.header import header_lines


class HeaderBar(Canvas):
    """State, money and freshness; grows by a line while something urgent does not fit."""

    def __init__(self, *, is_readonly: bool) -> None:
        super().__init__(id="header")
        self._is_readonly = is_readonly
        self._picture: Picture | None = None
        self._critical: AlertView | None = None
        self._is_watching = False

    def show(self, picture: Picture, critical: AlertView | None, *, is_watching: bool) -> None:
        """Take a new picture and the alert that nobody has acknowledged."""
        self._picture, self._is_watching = picture, is_watching
        self._critical = critical
        self.set_class(picture.is_alarming, "-alarm")
        self.redraw()
        if self.size and len(self._lines) != self.size.height:
            self.styles.height = len(self._lines)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        if self._picture is None:
            return ()
        return header_lines(
            self._picture,
            width,
            self._critical,
            is_readonly=self._is_readonly,
            is_watching=self._is_watching,
        )


class FooterBar(Canvas):
    """Keys and their words, as many as fit, in the order of the table of actions."""

    def __init__(self, keymap: Mapping[str, str]) -> None:
        super().__init__(id="footer")
        labelled = [action for action in (*WATCH_ACTIONS, *CONSOLE_ACTIONS) if action.label]
        labelled.sort(key=lambda action: action.id != "halt")
        self._all = [(action, keys_of(action, keymap)[0]) for action in labelled]
        self._row: Row | None = None
        self._is_watching = False
        self._places: list[tuple[int, int, KeyAction]] = []

    def show(self, row: Row | None, *, is_watching: bool) -> None:
        """Show the keys that can be pressed now, those for the row under the cursor among them."""
        self._row, self._is_watching = row, is_watching
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        spans: list[Span] = [Span(" ", Tone.PLAIN)]
        self._places = []
        for action, key in self._fitting(width):
            if self._places:
                spans.append(Span("  ", Tone.PLAIN))
            start = width_of(tuple(spans))
            key_tone, word_tone = (
                (Tone.BADGE_HALT, Tone.LOSS) if action.id == "halt" else (Tone.FOCUS, Tone.PLAIN)
            )
            pad = " " if action.id == "halt" else ""
            spans += [*put(f"{pad}{key}{pad}", key_tone if pad else Tone.ACCENT), Span(" ", Tone.PLAIN)]
            spans += put(action.label, word_tone)
            self._places.append((start, width_of(tuple(spans)), action))
        return [left(tuple(spans), width)]

    def _fitting(self, width: int) -> list[tuple[KeyAction, str]]:
        """What is not kept goes first, from the end of the table."""
        shown = [pair for pair in self._all if self._is_possible(pair[0])]
        while len(shown) > 1 and sum(len(k) + len(a.label) + 3 for a, k in shown) + 1 > width:
            optional = [pair for pair in shown if pair[0].id not in _KEPT]
            shown.remove(optional[-1] if optional else shown[-1])
        return shown

    def _is_possible(self, action: KeyAction) -> bool:
        """While a replay is watched, of the keys that ask something of the engine only the halt is."""
        if action.while_watching:
            return self._is_watching
        if self._is_watching and action.id != "halt" and action.group.startswith("Trading"):
            return False
        if action.id not in _OF_A_ROW:
            return True
        if self._row is None:
            return False
        return (self._row.order if action.id == "cancel_order" else self._row.ticker) is not None

    async def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end:
                await self.run_action(action.action)


_KEPT = {"halt", "pause", "resume", "help", "quit", "watch_live", "watch_play", "watch_seek"}
_OF_A_ROW = {"cancel_order", "close_position", "stop_trading"}
