"""A dialog for one text of a form, checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.tui.cells import Tone, put
from console.tui.dialogs import LiveText, text_of
from console.tui.views.replay_form import Field


class FieldDialog(ModalScreen[str | None]):
    """Its result is the text, or None; ``check`` raises ValueError with one sentence."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel", show=False)]  # noqa: RUF012 - Textual's

    def __init__(self, field: Field, text: str, check: Callable[[str], object]) -> None:
        super().__init__()
        self._field = field
        self._text = text
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = f"Replay: {self._field.label}"
            box.border_subtitle = "enter takes it, esc keeps what was"
            yield Static(text_of([put(self._field.hint)], self.app.theme_variables))
            yield Input(self._text, id="value", max_length=500)
            yield LiveText(id="check")

    def _problem(self, text: str) -> str | None:
        try:
            self._check(text)
        except ValueError as error:
            return str(error)
        return None

    def on_input_changed(self, event: Input.Changed) -> None:
        problem = self._problem(event.value.strip())
        line = put("● ready", Tone.GAIN) if problem is None else put(f"■ {problem}", Tone.LOSS)
        self.query_one("#check", LiveText).say(text_of([line], self.app.theme_variables))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._problem(event.value.strip()) is None:
            self.dismiss(event.value.strip())
