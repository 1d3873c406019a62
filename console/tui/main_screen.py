"""The main screen: header, five panes, the side panel, filter and footer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import AwaitMount, Widget
from textual.widgets import Input, Static

from console.config.redaction import error_text
from console.engine.log_views import AlertView
from console.tui.actions import CONSOLE_ACTIONS
from console.tui.bars import FooterBar, HeaderBar
from console.tui.cells import Line
from console.tui.key_action import bindings
from console.tui.keymap import key_of
from console.tui.pane import Pane, Query, Row
from console.tui.picture import Picture
from console.tui.views import limits, positions, slippage, switches, trade_log
from console.tui.views.replay_screen import ReplayScreen

if TYPE_CHECKING:
    from console.backtest.replay import ReplayRequest
    from console.tui.tabs import Tabs

log = logging.getLogger(__name__)

LEAST_WIDTH, LEAST_HEIGHT = 60, 16


class FilterInput(Input):
    """The filter of a list; escape clears it."""

    BINDINGS = [Binding("escape", "screen.clear_filter", show=False)]  # noqa: RUF012 - Textual's declaration


class MainScreen(ReplayScreen):
    """What the operator looks at; it shows pictures and knows nothing of where they come from.

    ``make_tabs`` is asked for the side panel's tabs once the rest was drawn.
    """

    BINDINGS = [*bindings(CONSOLE_ACTIONS, "screen.")]  # noqa: RUF012 - Textual's declaration

    def __init__(
        self,
        keymap: Mapping[str, str],
        make_tabs: Callable[[], Tabs],
        *,
        is_readonly: bool,
    ) -> None:
        super().__init__(key_of("watch_live", keymap), key_of("unzoom", keymap))
        self._make_tabs = make_tabs
        self._tabs: Tabs | None = None
        self._tabs_failure = ""
        self._completing: AwaitMount | None = None
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
        self._side_panel = Vertical(id="side")
        self._side: Pane | None = None
        self._filtered = self.trade_log
        self._zoomed: Pane | None = None
        self._shown: tuple[Picture, AlertView | None] | None = None
        self._watched: Picture | None = None
        self._undrawn: dict[Pane, None] = {}

    @property
    def tabs(self) -> Tabs:
        """The side panel's, once they are there."""
        assert self._tabs is not None
        return self._tabs

    @property
    def numbered(self) -> tuple[Pane, ...]:
        """The panes that have a number, in its order."""
        return (self.positions, self.limits, self.switches, self.slippage, self.trade_log)

    @property
    def panes(self) -> tuple[Pane, ...]:
        """All there are by now, the side panel's last."""
        return self.numbered if self._tabs is None else (*self.numbered, *self._tabs)

    def compose(self) -> ComposeResult:
        yield self._header
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield self.positions
                yield self.trade_log
            with Vertical(id="right"):
                yield self.limits
                yield self.switches
                yield self.slippage
            yield self._side_panel
        yield self._footer
        yield self._too_small

    def on_mount(self) -> None:
        self.positions.focus()

    async def complete(self) -> None:
        """Mount, unless it was, what the first drawing does not need."""
        if not self.is_attached:
            return
        if self._completing is None:
            self._completing = AwaitMount(self, self._mount_rest())
            self.redraw()
        if not self._filter.is_mounted:
            await self._completing

    def _mount_rest(self) -> Sequence[Widget]:
        """A tab whose files are lost or do not fit costs the tabs, not the screen and what is traded."""
        self.mount(self._filter, before=self._footer)
        try:
            tabs, replay_bar = self._make_tabs(), self.replay_bar
        except Exception as error:
            log.critical("the tabs cannot be loaded", exc_info=error)
            self._tabs_failure = f"the tabs cannot be loaded: {error_text(error)}"
            self._tell_of_tabs()
            return [self._filter]
        self._tabs = tabs
        self.mount(replay_bar, after=self._header)
        self._side_panel.mount(*tabs)
        return [replay_bar, *tabs, self._filter]

    def _tell_of_tabs(self) -> None:
        self.notify(self._tabs_failure, severity="error", markup=False)

    def on_resize(self) -> None:
        least, actual = f"{LEAST_WIDTH}x{LEAST_HEIGHT}", f"{self.size.width}x{self.size.height}"
        self._too_small.update(f"kconsole needs {least}, this is {actual}; {self._halt_key} still halts")

    def show(self, picture: Picture, critical: AlertView | None) -> None:
        """Draw a picture, and the critical alert that nobody has acknowledged."""
        self._begin_showing(picture, critical)
        for pane in list(self._undrawn):
            self._draw(pane)
        self._end_showing()

    def show_in_turns(self, picture: Picture, critical: AlertView | None) -> None:
        """As ``show``, but keys are taken between a pane and the next."""
        is_drawing = bool(self._undrawn)
        self._begin_showing(picture, critical)
        for pane in [each for each in self._undrawn if not each.size]:
            # Nothing is drawn of it before it is laid out, and then this.
            self._draw(pane)
        if not is_drawing:
            self.call_later(self._draw_in_turns)

    def _begin_showing(self, picture: Picture, critical: AlertView | None) -> None:
        """Draw the state in force; panes that still wait to be drawn keep their place."""
        self._shown = picture, critical
        self._header.show(picture, critical, is_watching=self.is_watching)
        self._watched = self._watch(picture)
        self._undrawn |= dict.fromkeys(self.panes)

    async def _draw_in_turns(self) -> None:
        while self._undrawn:
            self._draw(next(iter(self._undrawn)))
            await asyncio.sleep(0)
        self._end_showing()

    def _draw(self, pane: Pane) -> None:
        assert self._shown is not None
        del self._undrawn[pane]
        watched, (picture, _) = self._watched, self._shown
        pane.is_replay = watched is not None and pane in self._replayed
        pane.is_beside_replay = watched is not None and pane in self._of_the_engine
        pane.show(watched if watched is not None and pane.is_replay else picture)

    def _end_showing(self) -> None:
        if self._tabs is not None:
            self.replay_bar.show(self.playback, self.ended_why)
        self._footer.show(self.row(), is_watching=self.is_watching)

    def redraw(self) -> None:
        if self._shown is not None:
            self.show(*self._shown)

    def redraw_in_turns(self) -> None:
        if self._shown is not None:
            self.show_in_turns(*self._shown)

    # --- watching a replay --------------------------------------------------------------------------

    @property
    def _replayed(self) -> tuple[Pane, ...]:
        """What shows a watched replay; the rest goes on showing the engine."""
        return (*self.numbered, self.tabs.why_not, self.tabs.day)

    @property
    def _of_the_engine(self) -> tuple[Pane, ...]:
        """What goes on showing the engine meanwhile, and says so."""
        return (self.tabs.alerts, self.tabs.health, self.tabs.thresholds, self.tabs.run_log)

    def _watch(self, picture: Picture) -> Picture | None:
        """What these show, a moment later; None while nothing is watched."""
        if self.playback is None:
            return None
        if self.playback.failure is not None:
            self.tabs.replay.fail(self.playback.failure)
            self.say_ended(self.playback.failure)
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
        pane = self.numbered[number - 1]
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
        if self._tabs is None:
            self._tell_of_tabs()
            return
        tab = self.query_one(f"#{name}", Pane)
        self._zoom(None)
        self._open_side(None if tab is self._side else tab)
        if tab is self.tabs.replay and self.ended_why is not None:
            # It says the same, in full.
            self.end_watching()
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
        from console.tui.dialogs import Page

        pane = self.focused
        if not isinstance(pane, Pane) or pane.cursor_row() is None:
            self.action_zoom()
            return
        key, is_replay = pane.cursor_key, pane.is_replay

        def look() -> Sequence[Line] | None:
            row = pane.row_of(key) if pane.is_replay is is_replay else None
            return None if row is None else row.detail

        self.app.push_screen(Page("Row of the replay" if is_replay else "Row", look))

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
