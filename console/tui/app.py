"""The console's Textual application: fed by an engine handle, it draws pictures and sends commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from textual import events
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import AwaitMount, Widget
from textual.widgets import Input

from console.config.load import Loaded
from console.config.redaction import error_text
from console.engine.handle import EngineHandle
from console.tui.actions import CONSOLE_ACTIONS
from console.tui.attention import Attention
from console.tui.driver import TerminalDriver
from console.tui.key_action import bindings
from console.tui.keymap import keys_of
from console.tui.main_screen import LEAST_HEIGHT, LEAST_WIDTH, MainScreen
from console.tui.message_order import heard_by
from console.tui.pages import help_lines
from console.tui.pane import Row
from console.tui.pane_actions import WATCH_ACTIONS
from console.tui.picture import LATE_NS
from console.tui.plain_text import AsciiFilter
from console.tui.quit_choice import QuitChoice
from console.tui.sanitize import inert
from console.tui.screenshot import save_screenshot
from console.tui.themes import KCONSOLE, OWN_THEMES, theme_problem, variables_for
from console.tui.trading import TradingApp

if TYPE_CHECKING:
    from console.tui.tabs import Tabs

log = logging.getLogger(__name__)

_MOST_SILENT_S = 1
_TO_DRAW_S = 0.02
_LOOKED_EVERY_S = 0.25
_FLOODED = "keys came faster than anyone types, as of a pasted text; those beyond were dropped"
_LONG_S = 30
"""For what is said once, and not of something that was just pressed."""
_HALT = next(action for action in CONSOLE_ACTIONS if action.id == "halt")


class ConsoleApp(TradingApp, inherit_bindings=False):
    """The operator's screen; its result says what becomes of resting orders.

    ``failure`` says, once it has ended, which exception ended it. ``home`` is where measured edges stand,
    ``wall_ns`` is UTC nanoseconds, ``on_drawn`` is called after the first drawing.
    """

    CSS_PATH = "console.tcss"
    TITLE = "kconsole"
    BINDINGS = [*bindings(CONSOLE_ACTIONS, "app.")]  # noqa: RUF012 - Textual's declaration
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
        engine: EngineHandle,
        loaded: Loaded,
        *,
        home: Path,
        wall_ns: Callable[[], int] = time.time_ns,
        is_readonly: bool = False,
        is_ascii: bool = False,
        on_drawn: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(
            engine,
            loaded.settings,
            home=home,
            wall_ns=wall_ns,
            is_readonly=is_readonly,
            is_ansi=True if "NO_COLOR" in os.environ else None,
        )
        self._theme_problem = self._begin_in(loaded.settings.ui.theme)
        self.failure: str | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._end_code: int | None = None
        self._ascii_filters = [AsciiFilter()] if is_ascii else []
        self._loaded = loaded
        self._on_drawn = on_drawn
        self._main = MainScreen(self._keymap, self._make_tabs, is_readonly=is_readonly)
        self._attention = Attention(lambda: self.bell(), self._toast)
        self._ticked_s = math.inf
        self._was_silent = False

    # --- the screen ---------------------------------------------------------------------------------

    def _begin_in(self, wanted: str) -> str | None:
        """Begin in this theme, or in our own and say why: one set later has every stylesheet parsed again."""
        for theme in OWN_THEMES:
            self.register_theme(theme)
        problem = theme_problem(wanted)
        self.set_reactive(App.theme, wanted if problem is None else KCONSOLE.name)
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())
        return problem

    def _make_tabs(self) -> Tabs:
        from console.tui.tabs import make_tabs

        return make_tabs(
            self._loaded,
            self._home,
            in_force=self._settings_in_force,
            apply=self._change_settings,
            is_refused=self._is_refused,
            watch=self._main.watch_replay,
        )

    async def on_event(self, event: events.Event) -> None:
        """As Textual's, but a key or a click has acted before the next, which may be for what it opens."""
        if isinstance(event, events.InputEvent):
            await self._main.complete()
        if isinstance(event, events.Key) and not event.is_forwarded:
            if not self.screen.is_mounted:
                # A dialog that was just opened takes the focus when it is.
                await AwaitMount(self.screen, [self.screen])
            if time.monotonic() - self._ticked_s > _MOST_SILENT_S:
                # Behind many keys at once, such as a pasted text: the guard would take it for frozen.
                self._tick()
                await asyncio.sleep(_TO_DRAW_S)
            if not isinstance(self.focused, Input):
                if await self._acts(event.key):
                    return
            elif not event.is_printable and await self._acts_in(self.focused, event.key):
                return
        await super().on_event(event)
        if isinstance(event, events.MouseUp) and self._mouse_down_widget is not None:
            await self._heard_upwards(self._mouse_down_widget)

    async def _acts(self, key: str) -> bool:
        return await self._check_bindings(key, priority=True) or await self._check_bindings(key)

    async def _acts_in(self, field: Input, key: str) -> bool:
        """As ``_acts``, once what was typed before it is in the field, until all that it led to is over."""
        if await self._check_bindings(key, priority=True):
            return True
        await heard_by(field)
        if not await self._check_bindings(key):
            return False
        await self._heard_upwards(field)
        return True

    async def _heard_upwards(self, widget: Widget) -> None:
        """Wait until what it was sent, and what that made it say to those around it, is over."""
        for node in widget.ancestors_with_self:
            if node is not self:
                await heard_by(node)

    def get_default_screen(self) -> MainScreen:
        return self._main

    def row(self) -> Row | None:
        return self._main.row()

    def _is_refused(self) -> bool:
        if not self._main.is_watching:
            return super()._is_refused()
        self._toast(
            f"a replay is watched: nothing was sent; {self._key('watch_live')} goes back to live, "
            f"{self._key('halt')} halts the live engine",
            "warning",
        )
        return True

    def on_mount(self) -> None:
        self.set_keymap(self._keymap)
        for text in (*self._keymap_problems, *filter(None, [self._theme_problem])):
            self.notify(inert(text), severity="warning", timeout=_LONG_S, markup=False)
            log.warning(text)
        self._running_loop = asyncio.get_running_loop()
        if self._end_code is not None:
            self._leave(self._end_code)
        self.set_interval(1 / self._settings.ui.refresh_hz, self._tick)
        self.set_interval(_LOOKED_EVERY_S, self._note_silence)
        self._tick()
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        """Load what the first drawing did without."""
        self._load_edges()
        self._tick()
        await self._main.complete()
        if self._on_drawn is not None:
            self._on_drawn()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables_for(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._ascii_filters]

    def _tick(self) -> None:
        """Draw what the engine says now."""
        self._ticked_s = time.monotonic()
        picture = self._look()
        self._attention.note(picture, is_watching=self._main.is_watching)
        self._was_silent = self._is_silent()
        self._main.show_in_turns(picture, self._attention.critical)
        self._engine.note_screen()

    def _note_silence(self) -> None:
        """Draw when the engine falls silent or speaks again, however seldom else."""
        if self._is_silent() is not self._was_silent:
            self._tick()

    def _is_silent(self) -> bool:
        return self._engine.failure() is not None or self._engine.heartbeat_age_ns() > LATE_NS

    # --- halting ------------------------------------------------------------------------------------

    def _build_driver(
        self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None
    ) -> Driver:
        driver = super()._build_driver(headless, inline, mouse, size)
        if isinstance(driver, TerminalDriver):
            keys = self._keymap.get(_HALT.id, _HALT.keys).split(",")
            driver.take_urgent([key.strip() for key in keys], self._halt_at_once)
            driver.tell_of_flood(partial(self.call_later, self._tell_of_flood))
        return driver

    def _tell_of_flood(self) -> None:
        # The screen is behind by the keys that it was given, and draws this only then.
        self.notify(_FLOODED, severity="warning", timeout=_LONG_S)

    def _halt_at_once(self) -> None:
        """Halt from the thread that reads the keys, however busy the screen is."""
        self._engine.halt("operator")
        self.call_later(self._tick)

    def action_halt(self) -> None:
        self._engine.halt("operator")
        self._tick()

    # --- leaving ------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        from console.tui.dialogs import QuitDialog

        if any(isinstance(screen, QuitDialog) for screen in self.screen_stack):
            return
        self.push_screen(QuitDialog(self._look, is_watching=self._main.is_watching), self._quit)

    def _quit(self, choice: QuitChoice | None) -> None:
        if choice is not None:
            self.exit(choice)

    def end(self, return_code: int) -> None:
        """Leave the screen, now or once it runs; may be called from any thread."""
        self._end_code = return_code
        if self._running_loop is not None:
            # The loop may close between a look at it and the call.
            with contextlib.suppress(RuntimeError):
                self._running_loop.call_soon_threadsafe(self._leave, return_code)

    def _leave(self, return_code: int) -> None:
        self.exit(QuitChoice.CANCEL_ORDERS, return_code=return_code)

    # --- reading ------------------------------------------------------------------------------------

    def action_alerts(self) -> None:
        self._attention.acknowledge()
        self._main.action_side("alerts")

    def action_help(self) -> None:
        from console.tui.dialogs import Page

        lines = help_lines(self._keymap, Page.room(self.size.width), is_watching=self._main.is_watching)
        self.push_screen(Page("Help", lambda: lines))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        actions = (*WATCH_ACTIONS, *CONSOLE_ACTIONS) if self._main.is_watching else CONSOLE_ACTIONS
        for action in actions:
            if action.id not in ("palette", "halt_main", "quit_anywhere"):
                keys = ", ".join(keys_of(action, self._keymap))
                title = f"{'▲ ' if action.danger else ''}{action.description}"
                yield SystemCommand(title, f"key: {keys}", partial(self.run_action, action.action))
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as SVG", self._save_screenshot)

    def _save_screenshot(self) -> None:
        try:
            path = save_screenshot(
                self.export_screenshot(), self._home, self._wall_ns(), is_replay=self._main.is_watching
            )
        except OSError as error:
            self._toast(f"the screenshot cannot be saved: {error}", "warning")
        else:
            self._toast(f"saved as {path}")

    # --- failing ------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """As Textual's, but the engine is halted first, and the log is told instead of the terminal."""
        if self.failure is None:
            self.failure = f"the screen failed: {error_text(error)}"
            self._engine.halt(self.failure)
        log.critical("the screen failed", exc_info=error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual prints local variables here, which can hold secrets."""
        self.bell()
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        self._fatal_error()
