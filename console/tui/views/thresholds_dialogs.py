"""The dialogs of the Thresholds tab: one value to type, and what a change would do before it is applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.config.catalogue import SettingSpec
from console.config.errors import ConfigError
from console.config.values import text_of
from console.engine.settings_preview import Preview
from console.tui.cells import Line, Tone, put
from console.tui.dialogs import LiveText
from console.tui.dialogs import text_of as rich_text

_REDRAW_S = 0.5
_TIGHTENED = "tightened"


def facts_of(spec: SettingSpec) -> str:
    """What a setting may be, its unit and its default."""
    unit = f", {spec.unit}" if spec.unit else ""
    return f"{spec.expected}{unit}; default {text_of(spec, spec.default)}"


class EditDialog(ModalScreen[str | None]):
    """Asks for a setting's value; ``verdict`` says what one would do, or raises ConfigError."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel", show=False)]  # noqa: RUF012 - Textual's

    def __init__(self, spec: SettingSpec, text: str, verdict: Callable[[str], tuple[str, bool]]) -> None:
        super().__init__()
        self._spec = spec
        self._text = text
        self._verdict = verdict

    def compose(self) -> ComposeResult:
        spec = self._spec
        with Vertical(classes="dialog") as box:
            box.border_title = spec.key
            box.border_subtitle = "enter keeps it for the review, esc leaves it"
            yield Static(
                rich_text([put(spec.description), put(facts_of(spec), Tone.MUTED)], self.app.theme_variables)
            )
            yield Input(self._text, id="value", max_length=500)
            yield LiveText(id="check")

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            effect, is_loosening = self._verdict(event.value.strip())
        except ConfigError as error:
            line = put(f"■ {error}", Tone.LOSS)
        else:
            line = put(f"● {effect}", Tone.WARN if is_loosening else Tone.GAIN)
        self.query_one("#check", LiveText).say(rich_text([line], self.app.theme_variables))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            self._verdict(text)
        except ConfigError:
            return
        self.dismiss(text)


class ReviewDialog(ModalScreen[str | None]):
    """Shows old and new and what would change now, under ``about``; its result is the reason, or None.

    What only tightens is applied by Enter; what ``asks`` has Cancel focused and needs a typed reason.
    """

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel", show=False)]  # noqa: RUF012 - Textual's

    def __init__(
        self, verb: str, look: Callable[[], Preview], about: Sequence[Line] = (), *, asks: bool
    ) -> None:
        super().__init__()
        self._verb = verb
        self._look = look
        self._about = about
        self._asks = asks

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = f"{self._verb} settings"
            with VerticalScroll(id="preview"):
                yield LiveText(id="shown")
            yield LiveText(id="check")
            if self._asks:
                yield Input(placeholder="reason (required: this loosens)", id="reason", max_length=200)
            with Horizontal(classes="buttons"):
                yield Button("Cancel  (Esc)", id="no", compact=True)
                yield Button(self._verb, id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no" if self._asks else "#yes").focus()
        self.set_interval(_REDRAW_S, self._check)
        self._check()

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip() if self._asks else _TIGHTENED

    def _check(self) -> str | None:
        """Draw what would change now, and what is still missing; that is returned."""
        variables = self.app.theme_variables
        missing = None if self._reason else "tab to the reason and type one"
        tone = Tone.WARN
        try:
            looked = self._look()
            self.query_one("#shown", LiveText).say(
                rich_text([*self._about, *preview_lines(looked)], variables)
            )
            if not looked.proposed:
                missing = "these values are in force already"
            elif looked.loosens and not self._asks:
                missing = "it loosens by now: close this and review it again"
        except ConfigError as error:
            missing, tone = f"refused now: {error}", Tone.LOSS
        scroll = self.query_one("#preview", VerticalScroll)
        scroll.can_focus = scroll.max_scroll_y > 0
        self.query_one("#yes", Button).disabled = missing is not None
        said = put("● ready", Tone.GAIN) if missing is None else put(f"■ {missing}", tone)
        self.query_one("#check", LiveText).say(rich_text([said], variables))
        return missing

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
        if self._check() is None:
            self.dismiss(self._reason)


def preview_lines(looked: Preview) -> list[Line]:
    """Each setting's old and new value, then what would happen at once."""
    lines: list[Line] = []
    for change in looked.proposed:
        word, tone = ("loosens", Tone.WARN) if change.loosens else ("tightens", Tone.GAIN)
        lines.append(
            (*put(change.key, Tone.STRONG), *put(f"  {change.old} → {change.new}  "), *put(word, tone))
        )
    lines.append(put("At once:", Tone.STRONG))
    lines += [put(f"■ {trip}", Tone.LOSS) for trip in looked.trips]
    lines += [put(f"▲ {breach}", Tone.WARN) for breach in looked.breaches]
    if looked.withdrawn:
        what = "1 order rests" if looked.withdrawn == 1 else f"{looked.withdrawn} orders rest"
        text = f"{what} beyond that and would be cancelled; a quote makes smaller ones where there is room"
        lines.append(put(f"▲ {text}", Tone.WARN))
    if looked.unknown:
        lines.append(put(f"? {looked.unknown}", Tone.WARN))
    elif not (looked.trips or looked.breaches or looked.withdrawn):
        lines.append(put("● no switch trips, no limit is exceeded", Tone.GAIN))
    lines.append(put("What is held stays; entries are judged by the new values.", Tone.MUTED))
    return lines
