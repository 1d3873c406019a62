"""A framed, numbered, scrolling list that keeps its cursor on the row it was put on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from textual import events
from textual.geometry import Size

from console.tui.canvas import Canvas
from console.tui.cells import EMPTY, Line, Span, Tone, fitting, left, put, width_of
from console.tui.key_action import bindings
from console.tui.keymap import key_of
from console.tui.pane_actions import PANE_ACTIONS
from console.tui.picture import Picture
from console.tui.table import Cell, Column, lay_out


class Query(msgspec.Struct, frozen=True):
    """What the operator asked of a list: a filter and one of its orders."""

    text: str = ""
    order: int = 0

    def admits(self, *texts: str | None) -> bool:
        """Whether any of the texts contains the filter, whatever its case."""
        wanted = self.text.casefold()
        return not wanted or any(wanted in text.casefold() for text in texts if text)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one row is about: its market, its order if it is one of ours, and all that is known of it."""

    detail: Sequence[Line]
    ticker: str | None = None
    order: str | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane shows: rows are asked for by index, so that only visible ones are made."""

    summary: Sequence[Line] = ()
    age: Line = EMPTY
    columns: Sequence[Column] = (Column("", 1, most=400),)
    keys: Sequence[str] = ()
    cells: Callable[[int], Sequence[Cell]] = msgspec.field(default=lambda _index: ())
    message: str = ""
    row: Callable[[int], Row] | None = None

    @property
    def has_heading(self) -> bool:
        return any(column.heading for column in self.columns)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How a pane comes by its content: of a picture, an inner width and height, and a query.

    ``action`` goes to the pane, and its key stands in the title.
    """

    action: str
    name: str
    content: Callable[[Picture, int, int, Query], Content]
    orders: Sequence[str] = ()
    is_filtered: bool = False


class Pane(Canvas, can_focus=True):
    """One numbered pane of the main screen."""

    BINDINGS = [*bindings(PANE_ACTIONS)]  # noqa: RUF012 - Textual's declaration
    OPENING = "screen.detail"
    """The action of Enter, and of a double click, on a row."""

    def __init__(self, view: View, *, id: str, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self.view = view
        self.query_asked = Query()
        self.content = Content()
        self._picture: Picture | None = None
        self._cursor_key: str | None = None
        self._cursor_at = 0
        self._top = 0
        self._clicked: tuple[str, float] | None = None
        """The row clicked last, and when: a click that closed a dialog above was not one on a row."""
        self.is_replay = False
        self.is_beside_replay = False

    def show(self, picture: Picture) -> None:
        """Take a new picture and repaint what it changed."""
        self._picture = picture
        rows_before = len(self.content.keys)
        self.redraw()
        is_auto = self.styles.height is not None and self.styles.height.is_auto
        if is_auto and rows_before != len(self.content.keys):
            self.refresh(layout=True)

    def key(self, action: str) -> str:
        """The key of an action, as it is written on the screen."""
        return key_of(action, {} if self._picture is None else self._picture.keymap)

    def ask(self, query: Query) -> None:
        """Filter and order by this from now on."""
        self.query_asked = query
        self._top = 0
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        if not self.size:
            # What it is laid out for is not drawn yet.
            self._fill_in(width - 4, container.height)
        return len(self.content.keys) + 2 + self.content.has_heading

    # --- the cursor ---------------------------------------------------------------------------------

    @property
    def _cursor(self) -> int:
        keys = self.content.keys
        if self._cursor_key in keys:
            return keys.index(self._cursor_key)
        return min(self._top if self._cursor_key is None else self._cursor_at, max(0, len(keys) - 1))

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self.content.keys[self._cursor] if self.content.keys else None

    @property
    def _visible_rows(self) -> int:
        return max(0, self.size.height - 2 - self.content.has_heading)

    def go_to(self, key: str) -> None:
        """Put the cursor on this row, and have it seen."""
        self._cursor_key = key
        self.action_move(0)

    def action_move(self, rows: int) -> None:
        """Move the cursor, and the list with it."""
        if not self.content.keys:
            return
        cursor = min(len(self.content.keys) - 1, max(0, self._cursor + rows))
        self._cursor_key = self.content.keys[cursor]
        self._top = min(max(self._top, cursor - self._visible_rows + 1), cursor)
        self.redraw()

    def action_move_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._visible_rows - 1))

    def action_move_end(self, direction: int) -> None:
        self.action_move(direction * len(self.content.keys))

    def cursor_row(self) -> Row | None:
        """What the row under the cursor is about; None where there is no more than it shows."""
        return self.row_of(self.cursor_key)

    def row_of(self, key: str | None) -> Row | None:
        """What the row of this key is about; None also where it has gone."""
        if self.content.row is None or key not in self.content.keys:
            return None
        return self.content.row(self.content.keys.index(key))

    def cursor_text(self) -> str | None:
        """The row under the cursor, its columns separated by tabs."""
        if not self.content.keys:
            return None
        cells = self.content.cells(self._cursor)
        drawn = [cell(80) if callable(cell) else cell for cell in cells]
        return "\t".join("".join(span.text for span in line).strip() for line in drawn)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-3)

    def _scroll(self, rows: int) -> None:
        last = max(0, len(self.content.keys) - self._visible_rows)
        self._top = min(last, max(0, self._top + rows))
        self.redraw()

    async def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; the second click of two opens it."""
        line = event.y - 1 - self.content.has_heading
        row = self._top + line
        if 0 <= line < self._visible_rows and row < len(self.content.keys):
            key = self._cursor_key = self.content.keys[row]
            self.redraw()
            before, clicked_s = self._clicked or ("", 0.0)
            self._clicked = key, event.time
            if before == key and event.time - clicked_s <= self.app.CLICK_CHAIN_TIME_THRESHOLD:
                self._clicked = None
                await self.run_action(self.OPENING)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def _keep_cursor(self) -> None:
        """Note where the cursor is; when its row has gone, it is from now on on the one in its place."""
        if self.content.keys:
            self._cursor_at = self._cursor
            if self._cursor_key is not None:
                self._cursor_key = self.content.keys[self._cursor_at]

    # --- drawing ------------------------------------------------------------------------------------

    def _fill_in(self, width: int, height: int) -> None:
        if self._picture is not None:
            self.content = self.view.content(self._picture, width, height, self.query_asked)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        if width < 4 or height < 2:
            return [EMPTY] * height
        inner = width - 4
        if self._picture is not None:
            before = self._cursor
            self._fill_in(inner, height - 2)
            # A list that was scrolled away from its start stays on the rows that are being read.
            if self._top and self._cursor_key in self.content.keys:
                self._top = max(0, self._top + self._cursor - before)
            self._keep_cursor()
        rows = max(0, height - 2 - self.content.has_heading)
        self._top = min(self._top, max(0, len(self.content.keys) - rows))
        shown = range(self._top, min(len(self.content.keys), self._top + rows))
        heading, lines = lay_out(self.content.columns, [self.content.cells(i) for i in shown], inner)
        body = [heading, *lines] if self.content.has_heading else lines
        if not self.content.keys and self.content.message:
            body.append(left(put(self.content.message, Tone.MUTED), inner))
        framed = [self._framed(y, line, inner) for y, line in enumerate(self._fill(body, inner, height - 2))]
        return [self._title(width), *framed, self._edge("╰", "╯", width)]

    @staticmethod
    def _fill(body: list[Line], inner: int, height: int) -> list[Line]:
        blank = (Span(" " * inner, Tone.PLAIN),)
        return [*body[:height], *[blank] * (height - len(body))]

    @property
    def _frame_tone(self) -> Tone:
        if self.has_focus:
            return Tone.ACCENT
        return Tone.WARN if self.is_replay else Tone.FRAME

    def _framed(self, y: int, line: Line, inner: int) -> Line:
        row = y - self.content.has_heading
        at_cursor = self.has_focus and row >= 0 and self.content.keys and self._top + row == self._cursor
        mark = Span("▌", Tone.ACCENT) if at_cursor else Span(" ", Tone.PLAIN)
        return (
            Span("│", self._frame_tone),
            mark,
            *line,
            Span(" ", Tone.PLAIN),
            Span("┃" if self._is_thumb(row) else "│", self._frame_tone),
        )

    def _is_thumb(self, row: int) -> bool:
        rows, total = self._visible_rows, len(self.content.keys)
        if row < 0 or rows <= 0 or total <= rows:
            return False
        length = max(1, rows * rows // total)
        start = (rows - length) * self._top // (total - rows)
        return start <= row < start + length

    def _title(self, width: int) -> Line:
        tone = self._frame_tone
        badge = self._badge()
        # What is recorded has no age.
        shown_age = EMPTY if self.is_replay else self.content.age
        age = (Span(" ", Tone.PLAIN), *shown_age, Span(" ", Tone.PLAIN)) if shown_age else EMPTY
        words = f" {self.key(self.view.action)} {self.view.name} "
        shown = max(0, width - 3 - width_of(age) - width_of(badge))
        name_tone = Tone.FOCUS if self.has_focus else Tone.STRONG
        name = Span(words if len(words) <= shown else words[: max(0, shown - 2)] + "… ", name_tone)
        room = width - len(name.text) - width_of(badge) - width_of(age) - 5
        summary = self._summary(room - 2)
        rule = width - 3 - len(name.text) - width_of(badge) - width_of(summary) - width_of(age)
        return (
            Span("╭─", tone),
            name,
            *badge,
            Span("─" if summary else "", tone),
            *summary,
            Span("─" * (rule - bool(summary)), tone),
            *age,
            Span("╮", tone),
        )

    def _badge(self) -> Line:
        """Whose figures these are, while there are two whose they may be."""
        if self.is_replay:
            return put(" REPLAY ", Tone.BADGE_WARN)
        snapshot = None if self._picture is None else self._picture.snapshot
        if self.is_beside_replay and snapshot is not None:
            return put(f" {snapshot.environment.upper()} ", Tone.BADGE_GAIN)
        return EMPTY

    def _summary(self, width: int) -> Line:
        """What was asked of the list and what is in it, as far as it fits."""
        asked = self.query_asked
        text = put(f"/{asked.text}", Tone.WARN) if asked.text else EMPTY
        order = put(f"by {self.view.orders[asked.order]}", Tone.ACCENT) if asked.order else EMPTY
        first, *rest = self.content.summary or [EMPTY]
        parts = [(0, text), (2, order), (1, first), *enumerate(rest, start=3)]
        line = fitting(parts, width, " · ")
        return (Span(" ", Tone.PLAIN), *line, Span(" ", Tone.PLAIN)) if 0 < width_of(line) <= width else EMPTY

    def _edge(self, start: str, end: str, width: int) -> Line:
        return (Span(start + "─" * (width - 2) + end, self._frame_tone),)
