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
from typing import Literal

from rich.console import RenderableType
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from console.config.load import Loaded
from console.config.logs import error_text
from console.config.schema import Settings
from console.domain.actions import AlertLevel
from console.domain.events import (
    Arm,
    CancelAllOrders,
    CancelOrder,
    ChangeSettings,
    ClosePosition,
    Disarm,
    Flatten,
    OperatorCommand,
    PauseEntries,
    ReduceOnly,
    Resume,
    StopTrading,
)
from console.engine.handle import EngineHandle
from console.engine.snapshot import AlertView
from console.engine.verbs import DISARMED
from console.tui.actions import CONSOLE_ACTIONS, bindings, keys_of, sound_keymap
from console.tui.dialogs import Page, QuitChoice, QuitDialog, ResumeDialog, StopDialog
from console.tui.driver import TerminalDriver
from console.tui.formatting import cents
from console.tui.main_screen import MainScreen
from console.tui.pages import help_lines
from console.tui.picture import Picture, read
from console.tui.plain_text import AsciiFilter
from console.tui.sanitize import inert
from console.tui.themes import KCONSOLE, OWN_THEMES, variables_for
from console.tui.typed_dialog import TypedDialog
from console.tui.views.confirm import ClosePreview, arm_lines, flatten_lines, series_of
from console.tui.views.replay import ReplayPane
from console.tui.views.thresholds import Changes, ThresholdsPane

log = logging.getLogger(__name__)

_HALT = next(action for action in CONSOLE_ACTIONS if action.id == "halt")


class ConsoleApp(App[QuitChoice], inherit_bindings=False):
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
        super().__init__(driver_class=TerminalDriver, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.failure: str | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._end_code: int | None = None
        self._engine = engine
        self._settings = loaded.settings
        self._wall_ns = wall_ns
        self._is_readonly = is_readonly
        self._ascii_filters = [AsciiFilter()] if is_ascii else []
        self._keymap_in_force, self._keymap_problems = sound_keymap(loaded.settings.ui.keymap)
        thresholds = ThresholdsPane(loaded, apply=self._change_settings, is_refused=self._is_refused)
        replay = ReplayPane(self._settings_in_force, home)
        replay.proposed, replay.propose = thresholds.proposed_settings, thresholds.propose
        self._main = MainScreen(self._keymap_in_force, thresholds, replay, is_readonly=is_readonly)
        self._alerts_seen: int | None = None
        self._latches_seen: frozenset[str] | None = None
        self._critical: AlertView | None = None

    # --- the screen ---------------------------------------------------------------------------------

    def get_default_screen(self) -> MainScreen:
        return self._main

    def on_mount(self) -> None:
        for theme in OWN_THEMES:
            self.register_theme(theme)
        wanted = self._settings.ui.theme
        self.theme = wanted if wanted in self.available_themes else KCONSOLE.name
        self.set_keymap(self._keymap_in_force)
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

    def _look(self) -> Picture:
        return read(self._engine, self._settings, self._wall_ns())

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
                self._toast(alert.text, "warning" if alert.level is AlertLevel.WARNING else "information")
        self._alerts_seen = max((alert.sequence for alert in alerts), default=self._alerts_seen or 0)

    def _ring_for_latches(self, picture: Picture) -> None:
        """Ring when a switch trips or a latch is raised otherwise, whatever its level."""
        if picture.snapshot is None:
            return
        latched = frozenset(latch.id for latch in picture.snapshot.latches)
        if self._latches_seen is not None and latched - self._latches_seen:
            self.bell()
        self._latches_seen = latched

    def _toast(self, text: str, severity: Literal["information", "warning"] = "information") -> None:
        self.notify(inert(text), severity=severity, markup=False)

    # --- trading ------------------------------------------------------------------------------------

    def _is_refused(self) -> bool:
        """Whether this console may only look; it says so. Halting is always allowed."""
        if self._is_readonly:
            self._toast("read-only: nothing was sent; only a halt is", "warning")
        return self._is_readonly

    def _silence(self) -> str | None:
        """Why nothing can be asked of the engine now."""
        return "the engine does not answer" if self._look().is_engine_stopped else None

    def _send(self, command: OperatorCommand, said: str) -> None:
        if not self._is_refused():
            self._engine.send(command)
            self._toast(said)

    def _build_driver(
        self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None
    ) -> Driver:
        driver = super()._build_driver(headless, inline, mouse, size)
        if isinstance(driver, TerminalDriver):
            keys = self._keymap_in_force.get(_HALT.id, _HALT.keys).split(",")
            driver.take_urgent([key.strip() for key in keys], self._halt_at_once)
        return driver

    def _halt_at_once(self) -> None:
        """Halt from the thread that reads the keys, however busy the screen is."""
        self._engine.halt("operator")
        self.call_later(self._tick)

    def _settings_in_force(self) -> Settings:
        snapshot = self._engine.snapshot()
        return self._settings if snapshot is None else snapshot.settings

    def _change_settings(self, changes: Changes, reason: str) -> None:
        command = ChangeSettings(at_ns=self._wall_ns(), changes=changes, reason=reason)
        self._send(command, f"change asked: {', '.join(key for key, _ in changes)}")

    def action_halt(self) -> None:
        self._engine.halt("operator")
        self._tick()

    def action_pause(self) -> None:
        self._send(PauseEntries(at_ns=self._wall_ns()), "pause asked: entry orders are cancelled, exits stay")

    def action_reduce_only(self) -> None:
        self._send(
            ReduceOnly(at_ns=self._wall_ns()), "reduce-only asked: nothing that increases a position is sent"
        )

    def action_disarm(self) -> None:
        self._send(
            Disarm(at_ns=self._wall_ns()),
            "disarm asked: entry orders are cancelled, none is made until armed",
        )

    def action_cancel_all(self) -> None:
        self._send(CancelAllOrders(at_ns=self._wall_ns()), "cancel of all our resting orders asked")

    def action_cancel_order(self) -> None:
        row = self._main.row()
        if row is None or row.order is None:
            self._toast("the cursor is not on an order of ours; 1 and the arrows go to one", "warning")
            return
        command = CancelOrder(at_ns=self._wall_ns(), client_order_id=row.order)
        self._send(command, "cancel of this order asked; the strategy may place another, S stops its market")

    def action_close_position(self) -> None:
        row = self._main.row()
        if self._is_refused():
            return
        if row is None or row.ticker is None:
            self._toast("the cursor is not on a position; 1 and the arrows go to one", "warning")
            return
        preview = ClosePreview(row.ticker, lambda: self._look().snapshot)
        dialog = TypedDialog(
            "Close",
            None,
            lines=preview.lines,
            refusal=lambda: self._silence() or preview.refusal(),
            asks_reason=False,
        )
        self.push_screen(dialog, partial(self._send_close, row.ticker, preview))

    def _send_close(self, ticker: str, preview: ClosePreview, answer: str | None) -> None:
        if answer is None or preview.price is None:
            return
        command = ClosePosition(at_ns=self._wall_ns(), ticker=ticker, least_price=preview.price)
        self._send(command, f"close asked: {ticker} at {cents(preview.price)}c or better")

    def action_stop_trading(self) -> None:
        row = self._main.row()
        if self._is_refused():
            return
        if row is None or row.ticker is None:
            self._toast("the cursor is not on a market; 1 or 5 and the arrows go to one", "warning")
            return
        snapshot = self._look().snapshot
        series = "" if snapshot is None else series_of(row.ticker, snapshot)
        self.push_screen(StopDialog(row.ticker, series), self._send_stop)

    def _send_stop(self, scope: str | None) -> None:
        if scope is not None:
            self._send(StopTrading(at_ns=self._wall_ns(), scope=scope), f"stop asked: {scope}")

    def action_flatten(self) -> None:
        if not self._is_refused():
            dialog = TypedDialog(
                "Flatten",
                "flatten",
                lines=lambda: flatten_lines(self._look().snapshot),
                refusal=self._silence,
                asks_reason=False,
            )
            self.push_screen(dialog, self._send_flatten)

    def _send_flatten(self, answer: str | None) -> None:
        if answer is not None:
            self._send(Flatten(at_ns=self._wall_ns()), "flatten asked: halts first, then sells what is held")

    def action_arm(self) -> None:
        snapshot = self._look().snapshot
        if self._is_refused():
            return
        if snapshot is None or all(latch.id != DISARMED for latch in snapshot.latches):
            self._toast("nothing to arm: it is not disarmed")
            return
        dialog = TypedDialog(
            "Arm",
            snapshot.environment,
            lines=lambda: arm_lines(self._look().snapshot),
            refusal=lambda: self._engine.resume_refusal(DISARMED),
            asks_reason=True,
        )
        self.push_screen(dialog, self._send_arm)

    def _send_arm(self, reason: str | None) -> None:
        if reason is not None:
            self._send(Arm(at_ns=self._wall_ns(), reason=reason), "arming asked")

    def action_resume(self) -> None:
        if self._is_refused():
            return
        snapshot = self._look().snapshot
        if snapshot is None or not snapshot.latches:
            self._toast("nothing to resume: no latch is raised")
            return
        self.push_screen(ResumeDialog(snapshot.latches, self._engine.resume_refusal), self._send_resume)

    def _send_resume(self, answer: tuple[str, str] | None) -> None:
        if answer is not None:
            latch, reason = answer
            command = Resume(at_ns=self._wall_ns(), latch=latch, reason=reason)
            self._send(command, f"resume asked: clear {latch}")

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
        self.push_screen(Page("Help", help_lines(self._keymap_in_force)))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for action in CONSOLE_ACTIONS:
            if action.id not in ("palette", "halt_main", "quit_anywhere"):
                keys = ", ".join(keys_of(action, self._keymap_in_force))
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
