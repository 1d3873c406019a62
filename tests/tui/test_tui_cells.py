from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from console.tui.canvas import changed_regions
from console.tui.cells import Line, Tone, bar, between, clip, fitting, left, middle, put, right, width_of
from console.tui.table import Align, Column, lay_out

texts = st.text(alphabet="abc -.0123456789", max_size=12)
lines = st.lists(st.builds(put, texts, st.sampled_from([Tone.PLAIN, Tone.GAIN])), max_size=4).map(
    lambda parts: tuple(span for part in parts for span in part)
)
widths = st.integers(0, 40)


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


@given(lines, lines, widths)
def test_a_fitted_line_has_exactly_the_width_asked_for(line: Line, other: Line, width: int) -> None:
    assert width_of(left(line, width)) == width
    assert width_of(right(line, width)) == width
    assert width_of(between(line, other, width)) == width
    assert width_of(clip(line, width)) <= width


@given(st.floats(-1, 3), st.floats(-1, 3), st.integers(1, 60))
def test_a_gauge_never_overflows_its_track(used: float, resting: float, width: int) -> None:
    assert width_of(bar(used, resting, width, Tone.GAIN, (0.7, 0.9))) == width


def test_the_smallest_use_is_visible_and_resting_orders_are_drawn_apart() -> None:
    assert text_of(bar(0.001, 0, 10, Tone.GAIN, ())) == "■·········"
    assert text_of(bar(0.3, 0.5, 10, Tone.GAIN, ())) == "■■■□□·····"


def test_a_shortened_ticker_keeps_both_ends() -> None:
    assert middle("KXBTC15M-26FEB242345-45", 13) == "KXBTC1…345-45"


def test_the_least_important_part_gives_way_first() -> None:
    parts = [(2, put("later")), (0, put("first")), (1, put("second"))]
    assert text_of(fitting(parts, 20, " ")) == "later first second"
    assert text_of(fitting(parts, 13, " ")) == "first second"
    assert text_of(fitting(parts, 6, " ")) == "first"


def test_numbers_align_on_their_decimal_point() -> None:
    columns = (Column("n", 8, Align.DECIMAL),)
    _, rows = lay_out(columns, [[put("94.2")], [put("93")], [put("1,094.25")], [put("n/a")]], 8)
    assert [text_of(row) for row in rows] == ["   94.2 ", "   93   ", "1,094.25", "     n/a"]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(1, 90))
def test_a_table_row_is_as_wide_as_its_pane(column_widths: list[int], width: int) -> None:
    columns = [Column("heading", w, Align.DECIMAL, rank=n) for n, w in enumerate(column_widths)]
    heading, rows = lay_out(columns, [[put("12.5")] * len(columns)], width)
    assert width_of(heading) == width_of(rows[0]) == width


def _apply(old: list[str], new: list[str], regions: list[Region]) -> list[str]:
    width = max(len(line) for line in [*old, *new, ""])
    drawn = [list(line.ljust(width)) for line in old]
    for region in regions:
        for x in range(region.x, region.right):
            drawn[region.y][x] = new[region.y].ljust(width)[x]
    return ["".join(line) for line in drawn]


@given(st.lists(st.tuples(lines, lines), max_size=6))
def test_repainting_the_changed_regions_gives_the_new_drawing(pairs: list[tuple[Line, Line]]) -> None:
    old, new = [before for before, _ in pairs], [after for _, after in pairs]
    regions = changed_regions(old, new)
    old_text, new_text = [text_of(line) for line in old], [text_of(line) for line in new]
    width = max((len(line) for line in [*old_text, *new_text]), default=0)
    assert _apply(old_text, new_text, regions) == [line.ljust(width) for line in new_text]


def test_one_changed_cell_repaints_that_cell_alone() -> None:
    before = [put("KXBTC 94.2 +1.89"), put("KXSOL 93.0 -2.40")]
    after = [before[0], put("KXSOL 93.1 -2.40")]
    assert changed_regions(before, after) == [Region(9, 1, 1, 1)]
    assert changed_regions(after, after) == []


def test_a_change_of_tone_alone_is_repainted() -> None:
    assert changed_regions([put("12", Tone.GAIN)], [put("12", Tone.LOSS)]) == [Region(0, 0, 2, 1)]


@given(st.integers(27, 90), st.integers(1, 3))
def test_a_short_row_has_its_last_cell_in_all_the_room_that_follows(width: int, cells: int) -> None:
    columns = [Column(name, 6) for name in "abcd"]
    rows = [[put(text)] * 4 for text in "wx"] + [[put("y")] * (cells - 1) + [put("z" * 90)]]
    heading, drawn = lay_out(columns, rows, width)
    assert [width_of(line) for line in (heading, *drawn)] == [width] * 4
    start, end = text_of(heading).index("abcd"[cells - 1]), len(text_of(heading).rstrip()) + 5
    assert text_of(drawn[2])[start:].rstrip() == "z" * (end - start - 1) + "…"
    assert text_of(drawn[2])[:start].split() == ["y"] * (cells - 1)
    assert text_of(drawn[0]).split() == ["w"] * 4
