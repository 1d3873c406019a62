"""What the operator asks of the engine: each key's command, and the dialog that asks first where one does.

Dialogs are imported when they are opened: the first drawing needs none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import App
from textual.notifications import SeverityLevel

from console.config.schema import Settings
from console.domain.commands import (
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
from console.risk.latches import DISARMED
from console.tui.driver import TerminalDriver
from console.tui.edges import MeasuredEdges, measured_edges
from console.tui.formatting import cents
from console.tui.keymap import key_of, sound_keymap
from console.tui.pane import Row
from console.tui.picture import Picture, read
from console.tui.quit_choice import QuitChoice
from console.tui.sanitize import inert

if TYPE_CHECKING:
    from console.tui.views.confirm import ClosePreview
    from console.tui.views.thresholds import Changes

_MOST_ALIKE = 3


class TradingApp(App[QuitChoice], inherit_bindings=False):
    """The console without its screen: it looks at the engine and sends it commands."""

    def __init__(
        self,
        engine: EngineHandle,
        settings: Settings,
        *,
        home: Path,
        wall_ns: Callable[[], int],
        is_readonly: bool,
        is_ansi: bool | None,
    ) -> None:
        super().__init__(driver_class=TerminalDriver, ansi_color=is_ansi)
        self._engine = engine
        self._settings = settings
        self._home = home
        self._wall_ns = wall_ns
        self._is_readonly = is_readonly
        self._edges: MeasuredEdges = {}
        self._keymap, self._keymap_problems = sound_keymap(settings.ui.keymap)

    @abstractmethod
    def row(self) -> Row | None:
        """The row under the cursor."""

    def _load_edges(self) -> None:
        self._edges = measured_edges(self._settings.edge, self._home, self._wall_ns())

    def _look(self) -> Picture:
        return read(self._engine, self._settings, self._wall_ns(), keymap=self._keymap, edges=self._edges)

    def _key(self, action: str) -> str:
        return key_of(action, self._keymap)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """As Textual's, but a key that repeats does not bury what else is said under one sentence."""
        if sum(each.message == message for each in self._notifications) < _MOST_ALIKE:
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def _toast(self, text: str, severity: Literal["information", "warning"] = "information") -> None:
        self.notify(inert(text), severity=severity, markup=False)

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

    def _settings_in_force(self) -> Settings:
        snapshot = self._engine.snapshot()
        return self._settings if snapshot is None else snapshot.settings

    def _change_settings(self, verb: str, changes: Changes, reason: str) -> None:
        command = ChangeSettings(at_ns=self._wall_ns(), changes=changes, reason=reason)
        if self._is_refused():
            return
        self._engine.send(command)
        silence = self._silence()
        # An engine that answers tells itself what became of it.
        if silence is not None:
            asked = ", ".join(f"{key} → {text}" for key, text in changes)
            self._toast(f"{verb.lower()} asked, but {silence}: {asked}", "warning")

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
        row = self.row()
        if self._is_refused():
            return
        if row is None or row.order is None:
            key = self._key("pane_1")
            self._toast(f"the cursor is not on an order of ours; {key} and the arrows go to one", "warning")
            return
        command = CancelOrder(at_ns=self._wall_ns(), client_order_id=row.order)
        stop = self._key("stop_trading")
        said = f"cancel of this order asked; the strategy may place another, {stop} stops its market"
        self._send(command, said)

    def action_close_position(self) -> None:
        from console.tui.typed_dialog import TypedDialog
        from console.tui.views.confirm import ClosePreview

        row = self.row()
        if self._is_refused():
            return
        if row is None or row.ticker is None:
            key = self._key("pane_1")
            self._toast(f"the cursor is not on a position; {key} and the arrows go to one", "warning")
            return
        preview = ClosePreview(row.ticker, lambda: self._look().snapshot, self._key)
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
        from console.tui.dialogs import StopDialog
        from console.tui.views.confirm import series_of

        row = self.row()
        if self._is_refused():
            return
        if row is None or row.ticker is None:
            keys = f"{self._key('pane_1')} or {self._key('pane_5')}"
            self._toast(f"the cursor is not on a market; {keys} and the arrows go to one", "warning")
            return
        snapshot = self._look().snapshot
        series = "" if snapshot is None else series_of(row.ticker, snapshot)
        self.push_screen(StopDialog(row.ticker, series, self._key("resume")), self._send_stop)

    def _send_stop(self, scope: str | None) -> None:
        if scope is not None:
            self._send(StopTrading(at_ns=self._wall_ns(), scope=scope), f"stop asked: {scope}")

    def action_flatten(self) -> None:
        from console.tui.typed_dialog import TypedDialog
        from console.tui.views.confirm import flatten_lines

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
        from console.tui.typed_dialog import TypedDialog
        from console.tui.views.confirm import arm_lines
        from console.tui.views.preflight import preflight_of

        snapshot = self._look().snapshot
        if self._is_refused():
            return
        if snapshot is None or all(latch.id != DISARMED for latch in snapshot.latches):
            self._toast("nothing to arm: it is not disarmed")
            return
        # Practice, and a dry run, may be armed without: no money is in them.
        is_at_exchange = snapshot.environment != "practice" and not snapshot.dry_run
        preflight = preflight_of(self._home, snapshot.environment, self._wall_ns) if is_at_exchange else None
        dialog = TypedDialog(
            "Arm",
            snapshot.environment,
            lines=lambda: arm_lines(self._look().snapshot, preflight),
            refusal=lambda: self._engine.resume_refusal(DISARMED),
            asks_reason=True,
        )
        self.push_screen(dialog, self._send_arm)

    def _send_arm(self, reason: str | None) -> None:
        if reason is not None:
            self._send(Arm(at_ns=self._wall_ns(), reason=reason), "arming asked")

    def action_resume(self) -> None:
        from console.tui.dialogs import ResumeDialog

        if self._is_refused():
            return
        snapshot = self._look().snapshot
        raised = () if snapshot is None else snapshot.latches
        # Arming asks for more than a reason.
        latches = tuple(latch for latch in raised if latch.id != DISARMED)
        if not latches:
            arms = f" but {DISARMED}, and {self._key('arm')} arms" if raised else ""
            self._toast(f"nothing to resume: no latch is raised{arms}")
            return
        self.push_screen(ResumeDialog(latches, self._engine.resume_refusal), self._send_resume)

    def _send_resume(self, answer: tuple[str, str] | None) -> None:
        if answer is not None:
            latch, reason = answer
            command = Resume(at_ns=self._wall_ns(), latch=latch, reason=reason)
            self._send(command, f"resume asked: clear {latch}")
