"""The console's Textual application: fed by an engine handle, it draws pictures and sends commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from rich.console import RenderableType
from textual import events
from textual.app import SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import AwaitMount
from textual.widgets import Input

from console.config.load import Loaded
from console.config.redaction import error_text
from console.domain.actions import AlertLevel
from console.engine.handle import EngineHandle
from console.engine.snapshot import AlertView
from console.tui.actions import CONSOLE_ACTIONS
from console.tui.dialogs import Page, QuitChoice, QuitDialog
from console.tui.driver import TerminalDriver
from console.tui.key_action import bindings
from console.tui.keymap import keys_of
from console.tui.main_screen import MainScreen
from console.tui.pages import help_lines
from console.tui.pane import Row
from console.tui.pane_actions import WATCH_ACTIONS
from console.tui.picture import Picture
from console.tui.plain_text import AsciiFilter
from console.tui.themes import KCONSOLE, OWN_THEMES, variables_for
from console.tui.trading import TradingApp
from console.tui.views.log import LogPane
from console.tui.views.replay import ReplayPane
from console.tui.views.thresholds import ThresholdsPane

log = logging.getLogger(__name__)

_HALT = next(action for action in CONSOLE_ACTIONS if action.id == "halt")


class ConsoleApp(TradingApp, inherit_bindings=False):
    """The operator's screen; its result says what becomes of resting orders.

    ``failure`` says, once it has ended, which exception ended it. ``home`` is where measured edges stand,
    ``wall_ns`` is UTC nanoseconds.
    """

    CSS_PATH = "console.tcss"
    TITLE = "kconsole"
    BINDINGS = [*bindings(CONSOLE_ACTIONS, "app.")]  # noqa: RUF012 - Textual's declaration

    def __init__(
        self,
        engine: EngineHandle,
        loaded: Loaded,
        *,
        home: Path,
        wall_ns: Callable[[], int] = time.time_ns,
        is_readonly: bool = False,
        is_ascii: bool = False,
    ) -> None:
        super().__init__(
            engine,
            loaded.settings,
            home=home,
            wall_ns=wall_ns,
            is_readonly=is_readonly,
            is_ansi=True if "NO_COLOR" in os.environ else None,
        )
        self.failure: str | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._end_code: int | None = None
        self._ascii_filters = [AsciiFilter()] if is_ascii else []
        thresholds = ThresholdsPane(loaded, apply=self._change_settings, is_refused=self._is_refused)
        replay = ReplayPane(self._settings_in_force, home)
        replay.proposed, replay.propose = thresholds.proposed_settings, thresholds.propose
        self._main = MainScreen(self._keymap, thresholds, replay, LogPane(home), is_readonly=is_readonly)
        replay.begin_watching = self._main.watch_replay
        self._alerts_seen: int | None = None
        self._latches_seen: frozenset[str] | None = None
        self._critical: AlertView | None = None

    # --- the screen ---------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """As Textual's, but a key has acted before the next, which may be for a field it opens."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            if not self.screen.is_mounted:
                # A dialog that was just opened takes the focus when it is.
                await AwaitMount(self.screen, [self.screen])
            if not isinstance(self.focused, Input) and await self._acts(event.key):
                return
        await super().on_event(event)

    async def _acts(self, key: str) -> bool:
        return await self._check_bindings(key, priority=True) or await self._check_bindings(key)

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
        for theme in OWN_THEMES:
            self.register_theme(theme)
        wanted = self._settings.ui.theme
        self.theme = wanted if wanted in self.available_themes else KCONSOLE.name
        self.set_keymap(self._keymap)
        problems = list(self._keymap_problems)
        if wanted != self.theme:
            names = ", ".join(sorted(self.available_themes))
            problems.append(f"ui.theme: there is no theme {wanted!r}; use one of {names}")
        for problem in problems:
            self._toast(problem, "warning")
        self._running_loop = asyncio.get_running_loop()
        if self._end_code is not None:
            self._leave(self._end_code)
        self.set_interval(1 / self._settings.ui.refresh_hz, self._tick)
        self.call_after_refresh(self._tick)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables_for(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._ascii_filters]

    def _tick(self) -> None:
        """Draw what the engine says now."""
        picture = self._look()
        self._note_alerts(picture)
        self._ring_for_latches(picture)
        self._main.show(picture, self._critical)
        self._engine.note_screen()

    def _note_alerts(self, picture: Picture) -> None:
        """Toast what is new; a halt or a breach rings and stays until it is acknowledged."""
        if picture.snapshot is None:
            return
        alerts = picture.snapshot.alerts
        switches = {switch.key for switch in picture.snapshot.switches}
        for alert in alerts:
            is_new = self._alerts_seen is None or alert.sequence > self._alerts_seen
            is_breach = alert.kind in switches and self._alerts_seen is not None
            if is_new and (alert.level is AlertLevel.CRITICAL or is_breach):
                self._critical = alert
                self.bell()
            elif is_new and self._alerts_seen is not None:
                # Beside a replay's panes it must not be taken for the replay's.
                whose = "live: " if self._main.is_watching else ""
                self._toast(
                    f"{whose}{alert.text}", "warning" if alert.level is AlertLevel.WARNING else "information"
                )
        self._alerts_seen = max((alert.sequence for alert in alerts), default=self._alerts_seen or 0)

    def _ring_for_latches(self, picture: Picture) -> None:
        """Ring when a switch trips or a latch is raised otherwise, whatever its level."""
        if picture.snapshot is None:
            return
        latched = frozenset(latch.id for latch in picture.snapshot.latches)
        if self._latches_seen is not None and latched - self._latches_seen:
            self.bell()
        self._latches_seen = latched

    # --- halting ------------------------------------------------------------------------------------

    def _build_driver(
        self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None
    ) -> Driver:
        driver = super()._build_driver(headless, inline, mouse, size)
        if isinstance(driver, TerminalDriver):
            keys = self._keymap.get(_HALT.id, _HALT.keys).split(",")
            driver.take_urgent([key.strip() for key in keys], self._halt_at_once)
        return driver

    def _halt_at_once(self) -> None:
        """Halt from the thread that reads the keys, however busy the screen is."""
        self._engine.halt("operator")
        self.call_later(self._tick)

    def action_halt(self) -> None:
        self._engine.halt("operator")
        self._tick()

    # --- leaving ------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        if any(isinstance(screen, QuitDialog) for screen in self.screen_stack):
            return
        self.push_screen(QuitDialog(self._look()), self._quit)

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
        self._critical = None
        self._main.action_side("alerts")

    def action_help(self) -> None:
        self.push_screen(Page("Help", help_lines(self._keymap, is_watching=self._main.is_watching)))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        actions = (*WATCH_ACTIONS, *CONSOLE_ACTIONS) if self._main.is_watching else CONSOLE_ACTIONS
        for action in actions:
            if action.id not in ("palette", "halt_main", "quit_anywhere"):
                keys = ", ".join(keys_of(action, self._keymap))
                title = f"{'▲ ' if action.danger else ''}{action.description}"
                yield SystemCommand(title, f"key: {keys}", partial(self.run_action, action.action))
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as SVG", self.deliver_screenshot)

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
