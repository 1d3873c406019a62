"""A dialog for what must not happen by one wrong key: it shows what will, and may ask for a typed word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from console.tui.cells import Line, Tone, put
from console.tui.dialogs import LiveText, text_of

_REDRAW_S = 0.5


class TypedDialog(ModalScreen[str | None]):
    """Asks for ``word``, if there is one, and with ``asks_reason`` for a reason; its result is that, or None.

    ``lines`` and ``refusal`` are asked again while it is open and before it ends.
    """

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel", show=False)]  # noqa: RUF012 - Textual's
    AUTO_FOCUS = "#no"

    def __init__(
        self,
        title: str,
        word: str | None,
        *,
        lines: Callable[[], Sequence[Line]],
        refusal: Callable[[], str | None],
        asks_reason: bool,
    ) -> None:
        super().__init__()
        self._title = title
        self._word = word
        self._lines_now = lines
        self._refusal = refusal
        self._asks_reason = asks_reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            with VerticalScroll(id="preview"):
                yield LiveText(id="shown")
            yield LiveText(id="check")
            if self._word is not None:
                yield Input(placeholder=f"type {self._word}", id="word", max_length=20)
            if self._asks_reason:
                yield Input(placeholder="reason (required)", id="reason", max_length=200)
            with Horizontal(classes="buttons"):
                yield Button("Cancel  (Esc)", id="no", compact=True)
                yield Button(self._title, id="yes", variant="warning", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.set_interval(_REDRAW_S, self._check)
        self._check()

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip() if self._asks_reason else ""

    def _missing(self) -> tuple[str, Tone]:
        refusal = self._refusal()
        if refusal is not None:
            return f"■ refused now: {refusal}", Tone.LOSS
        if self._word is not None and self.query_one("#word", Input).value.strip() != self._word:
            return f"● tab to the field and type {self._word}", Tone.WARN
        if self._asks_reason and not self._reason:
            return "● a reason is needed", Tone.WARN
        return "", Tone.GAIN

    def _check(self) -> None:
        """Draw what will happen now, and what is still missing."""
        variables = self.app.theme_variables
        self.query_one("#shown", LiveText).say(text_of(self._lines_now(), variables))
        preview = self.query_one("#preview", VerticalScroll)
        preview.can_focus = preview.max_scroll_y > 0
        missing, tone = self._missing()
        self.query_one("#yes", Button).disabled = bool(missing)
        self.query_one("#check", LiveText).say(text_of([put(missing or "● ready", tone)], variables))

    def on_input_changed(self) -> None:
        self._check()

    def on_input_submitted(self) -> None:
        self._confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._confirm()
        else:
            self.dismiss(None)

    def _confirm(self) -> None:
        if self.query_one("#yes", Button).disabled or self._missing()[0]:
            self._check()
        else:
            # Not drawn anew: what is confirmed is what was on the screen.
            self.dismiss(self._reason)
