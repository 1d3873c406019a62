"""The Replay tab: thresholds tried on recorded markets. It has nothing that could send an order."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from textual.binding import Binding

from console.backtest.replay import ReplayRequest
from console.backtest.replay_child import Failed, Finished, Progress, ReplayChild
from console.config.changes import differences, settings_hash
from console.config.schema import Settings
from console.config.values import text_of
from console.history.collected import collected_in
from console.history.own_days import own_days_in
from console.tui.cells import Line, Tone, bar, left, put, width_of
from console.tui.key_action import bindings
from console.tui.pane import Content, Pane, Query, View
from console.tui.pane_actions import REPLAY_ACTIONS
from console.tui.picture import Picture
from console.tui.sanitize import inert
from console.tui.views.replay_field import FieldDialog
from console.tui.views.replay_form import CHECKS, Field, Form, named_thresholds
from console.tui.views.replay_result import result_lines, warnings_in
from console.tui.views.thresholds import Changes

_LABEL = 11
_RUN = "run"
_TAKE = "take"
_WATCH = "watch"
_FAILURE = "failure"
_SILENT_S = 2.0
"""A child tells its pace more often: one that is older is no longer its pace."""


class ReplayPane(Pane):
    """The form of a replay, how far it is, and what it said."""

    OPENING = "change"
    BINDINGS = [  # noqa: RUF012 - Textual's declaration
        # By the id of what it stands for here, so that both move together.
        Binding("enter", OPENING, show=False, id="detail"),
        *bindings(REPLAY_ACTIONS),
    ]

    def __init__(self, in_force: Callable[[], Settings], home: Path) -> None:
        view = View(action="replay", name="Replay", content=self._content)
        super().__init__(view, id="replay", classes="side")
        self._in_force = in_force
        self._home = home
        self._form = Form(lambda: collected_in(home), lambda: own_days_in(home))
        self._child: ReplayChild | None = None
        self._request: ReplayRequest | None = None
        self._failure: str | None = None
        self._finished: tuple[ReplayRequest, Finished] | None = None
        self._tried: dict[tuple[object, ...], set[str]] = {}
        self._drawn: tuple[tuple[object, ...], list[Line]] | None = None
        self.proposed: Callable[[], Settings | None] = lambda: None
        self.propose: Callable[[Changes], None] = lambda changes: None
        self.begin_watching: Callable[[ReplayRequest], None] = lambda request: None

    def show(self, picture: Picture) -> None:
        """As any pane, and take over what the child has said, seen or not."""
        at_run, was_running = self.cursor_key == _RUN, self._child is not None
        is_new = self._listen()
        super().show(picture)
        if is_new and at_run and _TAKE in self.content.keys:
            self._cursor_key = _TAKE
            self._top = self.content.keys.index(_TAKE)
            self.redraw()
        elif at_run and was_running and self._failure is not None:
            self._show_pressed(_RUN)

    # --- the form -----------------------------------------------------------------------------------

    @property
    def _thresholds(self) -> dict[str, Settings]:
        return named_thresholds(self._in_force(), self.proposed())

    def _field_at_cursor(self) -> Field | None:
        return next((each for each in self._form.fields() if each.key == self.cursor_key), None)

    def action_turn(self, steps: int) -> None:
        """Take the next choice of the row."""
        field = self._field_at_cursor()
        if field is not None and field.is_choice:
            self._form.turn(field.key, steps, self._thresholds)
            self.redraw()

    def action_change(self) -> None:
        """Change the row: the next choice, or a text to type."""
        field = self._field_at_cursor()
        if field is None:
            if self.cursor_key == _RUN:
                self.action_run()
            elif self.cursor_key == _WATCH:
                self.action_watch()
            elif self.cursor_key == _TAKE:
                self.call_later(self.action_take)
        elif field.is_choice:
            self.action_turn(1)
        else:
            dialog = FieldDialog(field, self._form.values[field.key], CHECKS[field.key])
            self.app.push_screen(dialog, lambda text: self._typed(field.key, text))

    def _typed(self, key: str, text: str | None) -> None:
        if text is not None:
            self._form.values[key] = text
            self.redraw()

    # --- running ------------------------------------------------------------------------------------

    def action_run(self) -> None:
        """Run what the form asks for; while it runs, cancel it."""
        if self._child is not None:
            self._end_child()
            self._failure = "cancelled"
        else:
            self._start()
        self._show_pressed(_RUN)

    def _show_pressed(self, key: str) -> None:
        """Go from wherever one was to the row that was meant, and to why nothing came of it."""
        self.redraw()
        failures = [row for row in self.content.keys if row.startswith(_FAILURE)]
        for row in (*failures[-1:], key):
            self.go_to(row)

    def _start(self) -> None:
        with self._failing():
            request = self._requested()
            self._request = msgspec.structs.replace(request, tried=self._note_tried(request))
            self._child = ReplayChild(self._request)

    def action_watch(self) -> None:
        """Show what the form asks for in the panes, from its beginning."""
        with self._failing():
            self.begin_watching(self._requested())
        self._show_pressed(_WATCH)

    def fail(self, text: str) -> None:
        """Say why what was watched is no longer."""
        self._failure = text

    def _requested(self) -> ReplayRequest:
        return self._form.request(self._in_force(), self._thresholds, self._home, 1)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        self._failure = None
        try:
            yield
        except ValueError as error:
            self._failure = str(error)
        except OSError as error:
            self._failure = f"no process can be started: {error.strerror}"

    def _note_tried(self, request: ReplayRequest) -> int:
        """How many thresholds were tried on the recording, since the console was started."""
        where = (request.folder, request.since_ns, request.until_ns, request.series)
        tried = self._tried.setdefault(where, set())
        tried |= {settings_hash(each) for each in (request.in_force, request.under_test)}
        return len(tried)

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.cancel()
            self._child = None

    def on_unmount(self) -> None:
        self._end_child()

    def _listen(self) -> bool:
        """Take over what the child said when it has ended; whether that is a result."""
        if self._child is None or self._child.is_running or self._request is None:
            return False
        said, self._child = self._child.said, None
        if isinstance(said, Finished):
            self._finished = (self._request, said)
            self.notify(f"the replay is done: {self.key('replay')} shows it", markup=False)
        elif isinstance(said, Failed):
            self._failure = said.text
            told = f"the replay failed: {self.key('replay')} shows why"
            self.notify(told, severity="warning", markup=False)
        return isinstance(said, Finished)

    @property
    def _tested(self) -> Changes:
        """What the last result tested besides what was in force."""
        if self._finished is None:
            return ()
        asked = self._finished[0]
        tested = asked.under_test
        return tuple(
            (spec.key, text_of(spec, spec.value_in(tested))) for spec in differences(asked.in_force, tested)
        )

    @property
    def _outdated(self) -> str | None:
        """That its edits would not make what was tested, since something else has changed in force."""
        if self._finished is None:
            return None
        edited = {key for key, _ in self._tested}
        changed = (spec.key for spec in differences(self._finished[0].in_force, self._in_force()))
        names = [key for key in changed if key not in edited]
        return f"not tested so: changed in force since it ran: {', '.join(names)}" if names else None

    async def action_take(self) -> None:
        """Make edits of what was tested, in the tab where they can be reviewed and applied."""
        if not self._tested:
            self.notify("nothing was tested beside what is in force", severity="warning", markup=False)
            return
        if self._outdated is not None:
            self.notify(inert(self._outdated), severity="warning", markup=False)
        self.propose(self._tested)
        await self.run_action("screen.side('thresholds')")

    # --- drawing ------------------------------------------------------------------------------------

    def _content(self, picture: Picture, width: int, height: int, query: Query) -> Content:
        rows = [*self._form_rows(width), *self._result_rows(width, height)]
        summary: list[Line] = []
        if self._finished is not None and (warnings := warnings_in(self._finished[1].compared)):
            summary.append(put(f"▲ {warnings} against it", Tone.WARN))
        return Content(
            summary=summary,
            keys=[key for key, _ in rows],
            cells=lambda index: [rows[index][1]],
        )

    def _form_rows(self, width: int) -> list[tuple[str, Line]]:
        rows = [(field.key, self._field_row(field)) for field in self._form.fields()]
        rows.append((_RUN, self._run_row(width)))
        rows.append((_WATCH, self._offer("replay_watch", "watch it in the panes")))
        if self._failure is not None:
            wrapped = textwrap.wrap(f"■ {self._failure}", max(10, width))
            rows += [(f"{_FAILURE} {place}", put(line, Tone.LOSS)) for place, line in enumerate(wrapped)]
        elif self._child is None and self._finished is None:
            wrapped = textwrap.wrap(self._hint(), max(10, width))
            rows += [(f"hint {place}", put(line, Tone.MUTED)) for place, line in enumerate(wrapped)]
        return rows

    def _offer(self, action: str, what: str) -> Line:
        return (*put(f" {self.key(action)} ", Tone.FOCUS), *put(f" {what}", Tone.STRONG))

    def _hint(self) -> str:
        turns = " ".join(self.key(action) for action in ("detail", "replay_previous", "replay_next"))
        return f"{turns} change a row, {self.key('replay_run')} runs, {self.key('replay_watch')} watches"

    def _field_row(self, field: Field) -> Line:
        value = self._form.values[field.key]
        label = left(put(field.label, Tone.MUTED), _LABEL)
        if field.is_choice:
            return (*label, *put("◂ ", Tone.TRACK), *put(value, Tone.STRONG), *put(" ▸", Tone.TRACK))
        if not value:
            return (*label, *put(_EMPTY.get(field.key, "none"), Tone.MUTED))
        return (*label, *put(value), *put(f" {_UNITS.get(field.key, '')}", Tone.MUTED))

    def _run_row(self, width: int) -> Line:
        if self._child is None:
            return self._offer("replay_run", "run it at once")
        said = self._child.said
        if not isinstance(said, Progress) or not said.name:
            return self._offer("replay_run", "cancel · opening the recording")
        share = said.rows / said.total if said.total else 1.0
        silent_s = time.monotonic() - self._child.said_s
        pace = f"silent {silent_s:.0f} s" if silent_s > _SILENT_S else f"{said.rows_per_s:,.0f} rows/s"
        text = f" {share:4.0%} {said.name}, {pace}"
        offer = self._offer("replay_run", "")
        drawn = bar(share, share, max(0, width - len(text) - width_of(offer)), Tone.ACCENT, ())
        return (*offer, *drawn, *put(text))

    def _result_rows(self, width: int, height: int) -> list[tuple[str, Line]]:
        if self._finished is None:
            return []
        asked = (self._finished, width, height)
        if self._drawn is None or self._drawn[0] != asked:
            request, finished = self._finished
            self._drawn = asked, result_lines(request, finished.compared, width, height)
        take = put("only what is in force was tested", Tone.MUTED)
        if self._tested:
            take = self._offer("replay_take", "take what was tested to Thresholds")
        outdated = textwrap.wrap(f"! {self._outdated}", max(10, width)) if self._outdated else []
        return [
            (_TAKE, take),
            *((f"outdated {place}", put(line, Tone.WARN)) for place, line in enumerate(outdated)),
            *((f"line {place}", line) for place, line in enumerate(self._drawn[1])),
        ]


_UNITS = {"since": "UTC", "until": "UTC", "depth": "contracts", "capital": "$"}
_EMPTY = {"since": "its beginning", "until": "its end", "series": "all", "depth": "nothing fills there"}
