"""Dialogs: what loosens or ends something asks first, with the harmless answer focused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from console.engine.limit_views import LatchView
from console.risk.latches import market_scope, series_scope
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, join, put
from console.tui.picture import Picture
from console.tui.quit_choice import QuitChoice
from console.tui.sanitize import inert
from console.tui.themes import style_of

_RECHECK_S = 0.5


def text_of(lines: Sequence[Line], variables: dict[str, str]) -> Text:
    """Lines as one Rich text without markup."""
    text = Text()
    for line in lines:
        for span in line:
            text.append(span.text, style_of(span.tone, variables))
        text.append("\n")
    text.rstrip()
    return text


class LiveText(Static):
    """Text that is asked for again and again; it is laid out anew, and the screen drawn, when it changed."""

    _said: Text | None = None

    def say(self, text: Text) -> None:
        if text != self._said:
            self._said = text
            self.update(text)


_CANCEL = "Cancel the orders and quit"


class QuitDialog(ModalScreen[QuitChoice | None]):
    """Asks what happens to resting orders; escape stays. ``is_watching`` a replay, whose they are not."""

    BINDINGS = [  # noqa: RUF012 - Textual's declaration
        Binding("escape", "dismiss(None)", "Stay", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(self, look: Callable[[], Picture], *, is_watching: bool) -> None:
        super().__init__()
        self._look = look
        self._is_watching = is_watching

    def _exposed(self) -> str:
        """What is at stake, and how far that may be believed."""
        picture = self._look()
        snapshot = picture.snapshot
        if snapshot is None:
            return "The engine has not said yet which orders rest."
        orders, held = len(snapshot.resting), len(snapshot.positions)
        text = f"Orders that rest or may rest: {orders}. Positions: {held}{'; they stay' if held else ''}."
        if self._is_watching:
            text = f"Of the {snapshot.environment.upper()} engine, not the replay:\n{text}"
        if picture.is_engine_stopped:
            text += f"\nThe engine does not answer: this is {fmt.age(picture.age_ns)} old."
        return text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Quit"
            yield LiveText(Text(self._exposed()), id="exposed")
            yield Button(id="cancel", variant="primary", compact=True)
            yield Button("Leave them resting and quit", id="leave", compact=True)
            yield Button("Stay  (Esc)", id="stay", compact=True)

    def on_mount(self) -> None:
        self._tell()
        self.set_interval(_RECHECK_S, self._tell)

    def _tell(self) -> None:
        self.query_one("#exposed", LiveText).say(Text(self._exposed()))
        picture = self._look()
        is_known = picture.snapshot is not None and not picture.is_engine_stopped
        rests = not is_known or bool(picture.snapshot and picture.snapshot.resting)
        self.query_one("#cancel", Button).label = f"{_CANCEL if rests else 'Quit'}  (Enter)"
        self.query_one("#leave", Button).display = rests

    def on_button_pressed(self, event: Button.Pressed) -> None:
        choices = {"cancel": QuitChoice.CANCEL_ORDERS, "leave": QuitChoice.LEAVE_RESTING}
        self.dismiss(choices.get(event.button.id or ""))


class StopDialog(ModalScreen[str | None]):
    """Asks how much to stop trading; its result is the scope of the latch, or None.

    ``resume_key`` ends it.
    """

    BINDINGS = QuitDialog.BINDINGS
    AUTO_FOCUS = "#market"

    def __init__(self, ticker: str, series: str, resume_key: str) -> None:
        super().__init__()
        self._resume_key = resume_key
        self._ticker = ticker
        self._series = series

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Stop trading"
            said = "Entry orders are cancelled and none are made; exits stay."
            yield Static(Text(f"{said} {self._resume_key} ends it."))
            market = Text(f"Stop {inert(self._ticker)}  (Enter)")
            yield Button(market, id="market", variant="primary", compact=True)
            if self._series:
                yield Button(Text(f"Stop every market of {inert(self._series)}"), id="series", compact=True)
            yield Button("Trade on  (Esc)", id="stay", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        scopes = {"market": market_scope(self._ticker), "series": series_scope(self._series)}
        self.dismiss(scopes.get(event.button.id or ""))


class ResumeDialog(ModalScreen[tuple[str, str] | None]):
    """Clears one latch: shows each with its cause, asks for a reason, re-checks what forbids it.

    Its result is the latch's id and the reason, or None.
    """

    BINDINGS = [  # noqa: RUF012 - Textual's declaration
        Binding("escape", "dismiss(None)", "Cancel", show=False),
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", show=False),
    ]
    AUTO_FOCUS = "#no"

    def __init__(self, latches: Sequence[LatchView], refusal: Callable[[str], str | None]) -> None:
        super().__init__()
        self._latches = latches
        self._refusal = refusal

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Resume"
            yield Static(Text("One latch is cleared; the state is what the others leave."))
            yield OptionList(*(Option(self._described(latch)) for latch in self._latches), id="latch")
            yield LiveText(id="check")
            yield Input(placeholder="reason (required)", id="reason", max_length=200)
            with Horizontal(classes="buttons"):
                yield Button("Cancel  (Esc)", id="no", compact=True)
                yield Button("Resume", id="yes", variant="warning", compact=True, disabled=True)

    def on_mount(self) -> None:
        latches = self.query_one("#latch", OptionList)
        latches.highlighted = 0
        # Up and down choose from wherever the focus is, so that tab leads to the reason.
        latches.can_focus = False
        self.set_interval(_RECHECK_S, self._check)
        self._check()

    def _described(self, latch: LatchView) -> Text:
        head = join(
            [
                put(latch.level.name.replace("_", "-"), Tone.LOSS),
                put(latch.id, Tone.STRONG),
                put(f"since {fmt.clock(latch.since_ns)} by {latch.source}", Tone.MUTED),
            ]
        )
        return text_of([head, put(f"  {latch.reason or 'no cause was given'}")], self.app.theme_variables)

    @property
    def _chosen(self) -> LatchView:
        return self._latches[self.query_one("#latch", OptionList).highlighted or 0]

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip()

    def _check(self) -> None:
        """Ask the engine again whether the latch may be cleared, and say what is still missing."""
        name = self._chosen.id
        refusal = self._refusal(name)
        self.query_one("#yes", Button).disabled = refusal is not None or not self._reason
        if refusal is not None:
            line = put(f"■ refused now: {refusal}", Tone.LOSS)
        elif not self._reason:
            choose = "; up and down choose another" if len(self._latches) > 1 else ""
            line = put(f"● {name} may be cleared; tab to the reason and type one{choose}", Tone.WARN)
        else:
            line = put(f"● {name} may be cleared", Tone.GAIN)
        self.query_one("#check", LiveText).say(text_of([line], self.app.theme_variables))

    def action_choose(self, latches: int) -> None:
        """Take the latch that is so many further down."""
        chosen = self.query_one("#latch", OptionList)
        chosen.highlighted = min(len(self._latches) - 1, max(0, (chosen.highlighted or 0) + latches))

    def on_input_changed(self) -> None:
        self._check()

    def on_option_list_option_highlighted(self) -> None:
        self._check()

    def on_input_submitted(self) -> None:
        self._resume()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._resume()
        else:
            self.dismiss(None)

    def _resume(self) -> None:
        self._check()
        if not self.query_one("#yes", Button).disabled:
            self.dismiss((self._chosen.id, self._reason))


class Page(ModalScreen[None]):
    """A page to read and scroll; ``look`` is asked again while it is open: None once that has gone."""

    BINDINGS = [  # noqa: RUF012 - Textual's declaration
        Binding("escape,q,enter,question_mark,f1", "dismiss(None)", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    @staticmethod
    def room(width: int) -> int:
        """Of a line, on a screen of this width: what frame, padding and scroll bar leave."""
        return min(104, 94 * width // 100) - 8

    def __init__(self, title: str, look: Callable[[], Sequence[Line] | None]) -> None:
        super().__init__()
        self._title = inert(title)
        self._look = look

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog page") as box:
            box.border_title = self._title
            box.border_subtitle = "esc closes"
            yield LiveText(text_of(self._look() or (), self.app.theme_variables))

    def on_mount(self) -> None:
        self.set_interval(_RECHECK_S, self._follow)

    def _follow(self) -> None:
        """Show what it says now."""
        box, lines = self.query_one(VerticalScroll), self._look()
        box.border_title = self._title if lines is not None else f"{self._title}, gone: as it was last"
        if lines is not None:
            self.query_one(LiveText).say(text_of(lines, self.app.theme_variables))

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
