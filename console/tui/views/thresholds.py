"""The Thresholds tab: every setting with its value in force, and the operator's edits before they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding

from console.config.catalogue import CATALOGUE, SettingSpec, SettingValue
from console.config.changes import changed
from console.config.errors import ConfigError
from console.config.load import Loaded
from console.config.schema import Settings
from console.config.values import checked, from_text
from console.domain.engine_events import SettingsChanged
from console.engine.settings_preview import Preview, preview
from console.engine.snapshot import Snapshot
from console.tui.cells import EMPTY, Line, Span, Tone, left, put
from console.tui.dialogs import Page
from console.tui.key_action import bindings
from console.tui.pane import Content, Pane, Query, View
from console.tui.pane_actions import THRESHOLD_ACTIONS
from console.tui.picture import Picture
from console.tui.views.common import WAITING, data_age
from console.tui.views.thresholds_dialogs import EditDialog, ReviewDialog
from console.tui.views.thresholds_history import clock, history_lines, undoable
from console.tui.views.thresholds_rows import ORDERS, Form, columns_for

Changes = tuple[tuple[str, str], ...]
"""Each a setting's key with the text of another value."""

_BY_CHANGE = ORDERS.index("change")
_DETAILS = 7
_LEAST_ROWS = 5


class ThresholdsPane(Pane):
    """Edits are kept here until they are applied; nothing changes before the engine has taken them."""

    OPENING = "edit"
    BINDINGS = [  # noqa: RUF012 - Textual's declaration
        # By the id of what it stands for here, so that both move together.
        Binding("enter", OPENING, show=False, id="detail"),
        *bindings(THRESHOLD_ACTIONS),
    ]

    def __init__(
        self, loaded: Loaded, *, apply: Callable[[str, Changes, str], None], is_refused: Callable[[], bool]
    ) -> None:
        view = View(
            action="thresholds", name="Thresholds", content=self._content, orders=ORDERS, is_filtered=True
        )
        super().__init__(view, id="thresholds", classes="side")
        self._loaded = loaded
        self._apply = apply
        self._is_refused = is_refused
        self._edits: dict[str, str] = {}

    def show(self, picture: Picture) -> None:
        """As any pane, and let go of edits that are in force."""
        if picture.snapshot is not None and self._edits:
            in_force = picture.snapshot.settings
            self._edits = {
                key: text
                for key, text in self._edits.items()
                if _value(key, text) != CATALOGUE[key].value_in(in_force)
            }
        super().show(picture)

    @property
    def _snapshot(self) -> Snapshot | None:
        return None if self._picture is None else self._picture.snapshot

    def _form(self, snapshot: Snapshot) -> Form:
        return Form(self._loaded, snapshot, self._edits, self.key)

    def proposed_settings(self) -> Settings | None:
        """The settings in force with the edits made here; None while there are none or they do not fit."""
        snapshot = self._snapshot
        if snapshot is None or not self._edits:
            return None
        try:
            return changed(snapshot.settings, self._edits.items())
        except ConfigError:
            return None

    def propose(self, changes: Changes) -> None:
        """Take what was tested as edits, and show them, but for those that cannot be changed in this run.

        Nothing is applied.
        """
        if self._snapshot is None:
            return
        form = self._form(self._snapshot)
        others = [key for key in self._edits if key not in dict(changes)]
        if others:
            self.notify(f"edited too, and not tested: {', '.join(others)}", severity="warning", markup=False)
        for key, text in changes:
            fixed = form.fixed(CATALOGUE[key])
            if fixed is None:
                self._edits[key] = text
            else:
                self.notify(f"{key} {fixed}", severity="warning", markup=False)
        self._cursor_key = next(iter(self._edits), None)
        self.ask(Query(order=_BY_CHANGE))

    # --- editing ------------------------------------------------------------------------------------

    def _spec(self) -> SettingSpec | None:
        """The setting under the cursor."""
        return CATALOGUE.get(self.cursor_key or "")

    def action_edit(self) -> None:
        """Ask for another value of the setting under the cursor."""
        spec, snapshot = self._spec(), self._snapshot
        if spec is None or snapshot is None:
            return
        form = self._form(snapshot)
        fixed = form.fixed(spec)
        if fixed is not None:
            self.notify(f"{spec.key} {fixed}", severity="warning", markup=False)
            return
        text = self._edits.get(spec.key, form.in_force(spec))
        dialog = EditDialog(spec, text, lambda value: form.effect(spec, value))
        self.app.push_screen(dialog, lambda value: self._take_edit(spec, value))

    def _take_edit(self, spec: SettingSpec, text: str | None) -> None:
        if text is not None:
            self._edits[spec.key] = text
            self._show_again()

    def action_drop(self) -> None:
        """Let go of the edit under the cursor."""
        if self._edits.pop(self.cursor_key or "", None) is not None:
            self._show_again()

    def _show_again(self) -> None:
        if self._picture is not None:
            self.show(self._picture)

    # --- applying -----------------------------------------------------------------------------------

    def action_review(self) -> None:
        """Show what the edits would change, and apply them."""
        if self._edits:
            self._review("Apply", tuple(self._edits.items()))
        else:
            key = self.key("detail")
            self.notify(f"nothing is edited: {key} edits the setting under the cursor", markup=False)

    @property
    def _made(self) -> Sequence[SettingsChanged]:
        return self._snapshot.edits if self._snapshot is not None else ()

    def action_undo(self) -> None:
        """Bring back what was in force before the newest change that is, as a change of its own."""
        done = undoable(self._made).done
        if not done:
            self.notify("nothing to undo: no change is in force")
            return
        changes = tuple((change.key, change.old) for change in done[-1].changes)
        self._review("Undo", changes, done[-1], f"{len(done) - 1} more can be undone")

    def action_redo(self) -> None:
        """Bring again what was undone last, as a change of its own."""
        undone = undoable(self._made).undone
        if not undone:
            self.notify("nothing to redo: the newest change was no undo")
            return
        changes = tuple((change.key, change.new) for change in undone[-1].changes)
        self._review("Redo", changes, undone[-1], f"{len(undone) - 1} more can be redone")

    def _review(
        self, verb: str, changes: Changes, made: SettingsChanged | None = None, others: str = ""
    ) -> None:
        """Ask whether to make changes, which take back or bring again one that was ``made``."""
        if self._is_refused():
            return
        try:
            asks = self._look(changes).loosens
        except ConfigError as error:
            self.notify(str(error), severity="warning", markup=False)
            return

        of = "" if made is None else f"{verb.lower()} of {clock(made)}"

        def answered(reason: str | None) -> None:
            if reason is not None:
                self._apply(verb, changes, ": ".join(filter(None, (of, reason))))

        about = (
            []
            if made is None
            else [
                put(f"The change of {clock(made)} by {made.source}: {made.reason}"),
                put(others, Tone.MUTED),
            ]
        )
        dialog = ReviewDialog(verb, lambda: self._look(changes), about, asks=asks)
        self.app.push_screen(dialog, answered)

    def _look(self, changes: Changes) -> Preview:
        """What would change now; raises ConfigError when it may not."""
        picture, snapshot = self._picture, self._snapshot
        if picture is None or snapshot is None or picture.is_engine_stopped:
            raise ConfigError("the engine does not answer")
        # First: an edit of another version may name what this one does not have.
        after = changed(snapshot.settings, changes)
        for key, _ in changes:
            pin = self._loaded.pin(key)
            if pin is not None:
                raise ConfigError(f"{key} {pin}")
        return preview(snapshot, after)

    def action_edits(self) -> None:
        """Every change that was ever applied."""
        self.app.push_screen(Page("Edits", lambda: history_lines(self._made)))

    # --- drawing ------------------------------------------------------------------------------------

    @property
    def _visible_rows(self) -> int:
        return max(0, super()._visible_rows - _details(self.size.height))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """As any pane, with all about the setting under the cursor at its foot."""
        details, snapshot = _details(height), self._snapshot
        lines = list(super().draw(width, height - details))
        if not details or width < 4 or snapshot is None:
            return lines
        inner = width - 4
        shown = [left(line, inner) for line in self._form(snapshot).details(self._spec(), inner)][
            : details - 1
        ]
        shown += [left(EMPTY, inner)] * (details - 1 - len(shown))
        side, space = Span("│", self._frame_tone), Span(" ", Tone.PLAIN)
        framed = [(side, space, *line, space, side) for line in shown]
        return [*lines[:-1], self._edge("├", "┤", width), *framed, lines[-1]]

    def _content(self, picture: Picture, width: int, height: int, query: Query) -> Content:
        snapshot = picture.snapshot
        if snapshot is None:
            return Content(message=WAITING, age=data_age(None))
        form = self._form(snapshot)
        keys = list(form.keys(query))
        reviews = f"{len(self._edits)} edited, {self.key('review')} reviews"
        edited = put(reviews, Tone.WARN) if self._edits else EMPTY
        unkept = put(f"{len(snapshot.unkept_settings)} for this run only", Tone.WARN)
        return Content(
            summary=[edited, unkept if snapshot.unkept_settings else EMPTY, put(snapshot.settings_hash[:8])],
            age=data_age(picture.age_ns),
            columns=columns_for(width),
            keys=keys,
            cells=lambda index: form.cells(keys[index]),
            message="no setting has that in its name or description",
        )


def _details(height: int) -> int:
    """Lines at the foot, where there is room for them."""
    return max(0, min(_DETAILS, height - 3 - _LEAST_ROWS))


def _value(key: str, text: str) -> SettingValue:
    """What an edit, which was checked when it was made, stands for."""
    return checked(CATALOGUE[key], from_text(CATALOGUE[key], text))
