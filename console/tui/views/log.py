"""The Log tab: the newest lines of the run's log, newest first, as they are written."""

from __future__ import annotations

from pathlib import Path

from console.config.home import Home
from console.config.log_reader import Wanted
from console.config.logs import RUN_LOG
from console.tui.cells import EMPTY, Line, Tone, put
from console.tui.key_action import bindings
from console.tui.pane import Content, Pane, Query, View
from console.tui.pane_actions import LOG_ACTIONS
from console.tui.picture import Picture
from console.tui.views.common import WAITING, data_age
from console.tui.views.log_lines import cells_of, columns_for, row_of
from console.tui.views.log_window import LINES_KEPT, Found, LogWindow

_LEVELS = {"debug": "", "warning": "from warnings up", "error": "errors only"}
"""The least level that is shown, and what to say of it."""


class LogPane(Pane):
    """Follows the log while it is open; nothing is read before it is first shown."""

    BINDINGS = [*bindings(LOG_ACTIONS)]  # noqa: RUF012 - Textual's declaration

    def __init__(self, home: Path) -> None:
        view = View(action="run_log", name="Log", content=self._content, is_filtered=True)
        super().__init__(view, id="run-log", classes="side")
        self._home = Home(home)
        self._window: LogWindow | None = None
        self._level = next(iter(_LEVELS))
        self._held: Found | None = None

    def on_unmount(self) -> None:
        if self._window is not None:
            self._window.close()

    def action_level(self) -> None:
        """Show the next selection of levels."""
        levels = list(_LEVELS)
        self._level = levels[(levels.index(self._level) + 1) % len(levels)]
        self._held = None
        self.redraw()

    def action_hold(self) -> None:
        """Keep the lines that are shown, or go on."""
        if self._window is not None:
            self._held = self._window.found if self._held is None else None
            self.redraw()

    def ask(self, query: Query) -> None:
        """As any pane; another filter shows what there is now."""
        self._held = None
        super().ask(query)

    def _content(self, picture: Picture, width: int, height: int, query: Query) -> Content:
        if picture.snapshot is None:
            return Content(message=WAITING, age=data_age(None))
        if self._window is None:
            self._window = LogWindow(self._home.environment(picture.snapshot.environment).logs / RUN_LOG)
        self._window.ask(Wanted(self._level, query.text))
        newest = self._window.found
        shown = self._held or newest
        lines, last = shown.lines, len(shown.lines) - 1
        return Content(
            summary=[self._following(newest), self._selection(), _amount(shown)],
            columns=columns_for(width),
            keys=[str(shown.first + last - place) for place in range(len(lines))],
            cells=lambda index: cells_of(lines[last - index], width),
            row=lambda index: row_of(lines[last - index]),
            message=self._emptiness(newest),
        )

    def _following(self, newest: Found) -> Line:
        if self._held is None:
            return EMPTY
        newer = newest.first + len(newest.lines) - self._held.first - len(self._held.lines)
        return put(f"HELD, {newer} newer", Tone.WARN)

    def _selection(self) -> Line:
        said = _LEVELS[self._level]
        return put(said, Tone.WARN) if said else EMPTY

    def _emptiness(self, newest: Found) -> str:
        if newest.trouble:
            return newest.trouble
        if newest.is_searching:
            return "searching"
        is_narrowed = newest.wanted.text or _LEVELS[newest.wanted.level]
        return "no line is wanted like that" if is_narrowed else "nothing was logged yet"


def _amount(shown: Found) -> Line:
    if shown.is_searching:
        return put("searching", Tone.ACCENT)
    count = len(shown.lines)
    return put(
        f"newest {count:,} lines" if count == LINES_KEPT else f"{count:,} line{'' if count == 1 else 's'}"
    )
