"""The main screen: header, five panes, the side panel, filter and footer."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from console.backtest.replay import ReplayRequest
from console.engine.snapshot import AlertView
from console.tui.actions import CONSOLE_ACTIONS
from console.tui.bars import FooterBar, HeaderBar
from console.tui.dialogs import Page
from console.tui.key_action import bindings
from console.tui.keymap import key_of
from console.tui.pane import Pane, Query, Row
from console.tui.picture import Picture
from console.tui.updates import NarrowCompositor
from console.tui.views import (
    alerts,
    day,
    health,
    limits,
    positions,
    slippage,
    switches,
    trade_log,
    why_not,
)
from console.tui.views.log import LogPane
from console.tui.views.replay import ReplayPane
from console.tui.views.replay_screen import ReplayScreen
from console.tui.views.thresholds import ThresholdsPane

LEAST_WIDTH, LEAST_HEIGHT = 60, 16


class FilterInput(Input):
    """The filter of a list; escape clears it."""

    BINDINGS = [Binding("escape", "screen.clear_filter", show=False)]  # noqa: RUF012 - Textual's declaration


class MainScreen(ReplayScreen):
    """What the operator looks at; it shows pictures and knows nothing of where they come from."""

    BINDINGS = [*bindings(CONSOLE_ACTIONS, "screen.")]  # noqa: RUF012 - Textual's declaration
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's declaration
        (0, "-too-narrow"),
        (LEAST_WIDTH, "-narrowest"),
        (76, "-narrow"),
        (110, "-wide"),
        (200, "-very-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's declaration
        (0, "-too-low"),
        (LEAST_HEIGHT, "-lowest"),
        (22, "-low"),
        (32, "-high"),
    ]

    def __init__(
        self,
        keymap: Mapping[str, str],
        thresholds: ThresholdsPane,
        replay: ReplayPane,
        run_log: LogPane,
        *,
        is_readonly: bool,
    ) -> None:
        super().__init__(key_of("watch_live", keymap))
        self._compositor = NarrowCompositor()
        self._header = HeaderBar(is_readonly=is_readonly)
        self._footer = FooterBar(keymap)
        self._halt_key = key_of("halt", keymap)
        self._filter = FilterInput(placeholder="filter: enter keeps it, escape clears it", id="filter")
        self._too_small = Static(id="too-small", markup=False)
        self.positions = Pane(positions.VIEW, id="positions")
        self.limits = Pane(limits.VIEW, id="limits")
        self.switches = Pane(switches.VIEW, id="switches")
        self.slippage = Pane(slippage.VIEW, id="slippage")
        self.trade_log = Pane(trade_log.VIEW, id="log")
        self.why_not = Pane(why_not.VIEW, id="why-not", classes="side")
        self.alerts = Pane(alerts.VIEW, id="alerts", classes="side")
        self.health = Pane(health.VIEW, id="health", classes="side")
        self.day = Pane(day.VIEW, id="day", classes="side")
        self.thresholds = thresholds
        self.replay = replay
        self.run_log = run_log
        self._side: Pane | None = None
        self._filtered = self.trade_log
        self._zoomed: Pane | None = None
        self._shown: tuple[Picture, AlertView | None] | None = None

    @property
    def panes(self) -> tuple[Pane, ...]:
        """In the order of their numbers, the side panel last."""
        numbered = (self.positions, self.limits, self.switches, self.slippage, self.trade_log)
        tabs = (self.why_not, self.day, self.alerts, self.health, self.thresholds, self.replay, self.run_log)
        return (*numbered, *tabs)

    def compose(self) -> ComposeResult:
        yield self._header
        yield self.replay_bar
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self.positions
                yield self.trade_log
            with Vertical(id="right"):
                yield self.limits
                yield self.switches
                yield self.slippage
            with Vertical(id="side"):
                yield self.why_not
                yield self.day
                yield self.alerts
                yield self.health
                yield self.thresholds
                yield self.replay
                yield self.run_log
        yield self._filter
        yield self._footer
        yield self._too_small

    def on_mount(self) -> None:
        self.positions.focus()

    def on_resize(self) -> None:
        least, actual = f"{LEAST_WIDTH}x{LEAST_HEIGHT}", f"{self.size.width}x{self.size.height}"
        self._too_small.update(f"kconsole needs {least}, this is {actual}; {self._halt_key} still halts")

    def show(self, picture: Picture, critical: AlertView | None) -> None:
        """Draw a picture, and the critical alert that nobody has acknowledged."""
        self._shown = picture, critical
        self._header.show(picture, critical)
        watched = self._watched(picture)
        for pane in self.panes:
            pane.is_replay = watched is not None and pane in self._replayed
            pane.show(watched if watched is not None and pane.is_replay else picture)
        self.replay_bar.show(self.playback)
        self._footer.show(self.row(), is_watching=self.is_watching)

    def redraw(self) -> None:
        if self._shown is not None:
            self.show(*self._shown)

    # --- watching a replay --------------------------------------------------------------------------

    @property
    def _replayed(self) -> tuple[Pane, ...]:
        """What shows a watched replay; the rest goes on showing the engine."""
        return (*self.panes[:5], self.why_not, self.day)

    def _watched(self, picture: Picture) -> Picture | None:
        """What these show, a moment later; None while nothing is watched."""
        if self.playback is None:
            return None
        if self.playback.failure is not None:
            self.replay.fail(self.playback.failure)
            self.end_watching()
            return None
        self.playback.advance()
        return self.playback.picture(picture)

    def watch_replay(self, request: ReplayRequest) -> None:
        """Show a replay in the panes; raises OSError when it cannot be begun."""
        self.begin_watching(request)
        self._zoom(None)
        self._open_side(None)
        self.set_focus(self.positions)

    # --- panes --------------------------------------------------------------------------------------

    def action_focus_pane(self, number: int) -> None:
        pane = self.panes[number - 1]
        if self._zoomed is not None:
            self._zoom(pane)
        elif not pane.display or not pane.region:
            self._open_side(None)
        self.set_focus(pane)

    def action_zoom(self) -> None:
        self._zoom(self.focused if self._zoomed is None and isinstance(self.focused, Pane) else None)

    def action_unzoom(self) -> None:
        """One step back: from a zoomed pane, else from the side panel, else from a replay."""
        if self._zoomed is None and self._side is not None:
            self._open_side(None)
            self.set_focus(self.positions)
        elif self._zoomed is None:
            self.end_watching()
        self._zoom(None)

    def _zoom(self, pane: Pane | None) -> None:
        """Give the whole body to one pane, or to all of them again."""
        self._zoomed = pane
        self.set_class(pane is not None, "-zoomed")
        for widget in self.query("#body, #body *"):
            widget.set_class(pane is not None and widget in pane.ancestors_with_self, "-zoom")

    def action_side(self, name: str) -> None:
        """Show a tab of the side panel; again takes it away."""
        tab = self.query_one(f"#{name}", Pane)
        self._zoom(None)
        self._open_side(None if tab is self._side else tab)
        self.set_focus(self._side or self.positions)

    def _open_side(self, tab: Pane | None) -> None:
        self._side = tab
        self.set_class(tab is not None, "-side")
        for each in self.query(".side"):
            each.set_class(each is tab, "-open")

    def row(self) -> Row | None:
        """The row under the cursor of the focused pane."""
        return self.focused.cursor_row() if isinstance(self.focused, Pane) else None

    def action_detail(self) -> None:
        row = self.row()
        if row is None:
            self.action_zoom()
        else:
            is_replay = isinstance(self.focused, Pane) and self.focused.is_replay
            self.app.push_screen(Page("Row of the replay" if is_replay else "Row", row.detail))

    def action_copy_row(self) -> None:
        text = self.focused.cursor_text() if isinstance(self.focused, Pane) else None
        if text is None:
            self.notify("no row to copy")
        else:
            is_replay = isinstance(self.focused, Pane) and self.focused.is_replay
            self.app.copy_to_clipboard(f"REPLAY\t{text}" if is_replay else text)
            self.notify("row of the replay copied" if is_replay else "row copied")

    # --- lists --------------------------------------------------------------------------------------

    def _list_in_use(self) -> Pane:
        """The list a filter or an order is for: the focused one, else the trade log."""
        focused = self.focused
        return focused if isinstance(focused, Pane) and focused.view.is_filtered else self.trade_log

    def action_sort(self) -> None:
        pane = self._list_in_use()
        asked = pane.query_asked
        pane.ask(Query(asked.text, (asked.order + 1) % max(1, len(pane.view.orders))))

    def action_filter(self) -> None:
        self._filtered = self._list_in_use()
        self._filter.add_class("-open")
        self._filter.value = self._filtered.query_asked.text
        # At once, as all of these: what is typed next is for the field.
        self.set_focus(self._filter)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filtered.ask(Query(event.value, self._filtered.query_asked.order))

    def on_input_submitted(self) -> None:
        self._close_filter()

    def action_clear_filter(self) -> None:
        self._filter.value = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self._filter.remove_class("-open")
        self.set_focus(self._filtered)
