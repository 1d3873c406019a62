"""A log is read from its end, and followed through rotation, removal and emptying."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config import log_reader
from console.config.log_reader import LogLine, LogReader, Wanted, field_texts, parse_line
from console.config.logs import LogFile, log_line


def line(text: str, level: str = "info", **more: object) -> bytes:
    return log_line({"ts": "2026-02-25T17:04:31.000Z", "level": level, "event": text, **more})


def events(lines: Iterable[bytes]) -> list[str]:
    return [parse_line(raw).event for raw in lines]


@contextmanager
def reading(path: Path) -> Iterator[LogReader]:
    with closing(LogReader(path)) as reader:
        yield reader


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "kconsole.log"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"event":"disk \xff"}', id="a byte that is no text"),
        pytest.param(b'{"fields":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, id="depth without end"),
        pytest.param(b'{"event":"\\ud800"}', id="half a character"),
        pytest.param(b"\0" * 100, id="a block that was never written"),
    ],
)
def test_a_line_that_is_none_of_ours_is_shown_as_it_is(raw: bytes) -> None:
    found = Wanted("debug", "\\").take(raw + b"\\")
    assert found is not None
    assert found == LogLine(event=(raw + b"\\").decode(errors="backslashreplace"))
    assert parse_line(raw).event == raw.decode(errors="backslashreplace")


@given(st.binary(max_size=60), st.text(max_size=3))
def test_no_bytes_keep_the_others_from_being_read(raw: bytes, text: str) -> None:
    for each in (raw, b'{"event":"' + raw + b'"}', b'{"fields":{"a":' + raw + b"}}"):
        line = parse_line(each)
        assert Wanted("warning", text).take(each) in (None, line)
        assert all("=" in field for field in field_texts(line))


def test_the_newest_lines_come_first_through_every_file_put_aside(log: Path) -> None:
    file = LogFile(log, file_bytes=1_000, files_kept=4)
    for number in range(60):
        file.write(line(str(number)))
    assert len(list(log.parent.iterdir())) == 5
    with reading(log) as reader:
        found = events(reader.newest_first())
    assert found == [str(number) for number in range(59, 59 - len(found), -1)]
    assert len(found) > 40


def test_lines_added_later_are_told_once_each_and_a_half_line_when_it_is_whole(log: Path) -> None:
    log.write_bytes(line("old") + b'{"event": "ha')
    with reading(log) as reader:
        assert events(reader.newest_first()) == ["old"]
        assert reader.added() == []
        with log.open("ab") as file:
            file.write(b'lf"}\n' + line("new"))
        assert events(reader.added()) == ["half", "new"]
        assert reader.added() == []


@pytest.mark.parametrize("between_looks", [1, 7, 100, 1_000])
def test_no_line_is_missed_or_told_twice_while_files_are_put_aside(log: Path, between_looks: int) -> None:
    file = LogFile(log, file_bytes=1_000, files_kept=100)
    file.write(line("first"))
    found: list[str] = []
    with reading(log) as reader:
        for number in range(1_000):
            file.write(line(str(number)))
            if number % between_looks == 0:
                found += events(reader.added())
        while added := reader.added():
            found += events(added)
    assert found == [str(number) for number in range(1_000)]


def test_what_was_dropped_before_anybody_looked_is_missing_and_the_rest_is_in_order(log: Path) -> None:
    file = LogFile(log, file_bytes=1_000, files_kept=2)
    file.write(line("first"))
    with reading(log) as reader:
        for number in range(200):
            file.write(line(str(number)))
        found: list[str] = []
        while added := reader.added():
            found += events(added)
    numbers = [int(number) for number in found]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 199
    assert len(numbers) < 200


def test_a_log_that_is_removed_or_emptied_is_followed_from_its_new_beginning(log: Path) -> None:
    file = LogFile(log, file_bytes=300, files_kept=3)
    for number in range(6):
        file.write(line(str(number)))
    with reading(log) as reader:
        log.unlink()
        assert reader.added() == []
        file.write(line("after it was removed"))
        assert events(reader.added()) == ["after it was removed"]
        log.write_bytes(b"")
        assert reader.added() == []
        file.write(line("short"))
        assert events(reader.added()) == ["short"]


def test_a_log_that_is_not_there_yet_is_followed_once_it_is(log: Path) -> None:
    with reading(log) as reader:
        assert list(reader.newest_first()) == []
        assert reader.added() == []
        log.write_bytes(line("begun"))
        assert events(reader.added()) == ["begun"]


@given(
    lines=st.lists(st.binary(max_size=40).filter(lambda raw: b"\n" not in raw), max_size=30),
    block=st.integers(1, 50),
)
def test_lines_read_backwards_are_those_read_forwards(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], block: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(b"".join(raw + b"\n" for raw in lines))
    with pytest.MonkeyPatch.context() as patch, reading(path) as reader:
        patch.setattr(log_reader, "_BLOCK", block)
        assert list(reader.newest_first()) == lines[::-1]


def test_a_file_of_100_mb_is_read_from_its_end_without_being_held(log: Path) -> None:
    one = line("x" * 100)
    with log.open("wb") as file:
        for _ in range(100):
            file.write(one * (1_000_000 // len(one)))
        file.write(line("last"))
    tracemalloc.start()
    try:
        with reading(log) as reader:
            assert events(list(islice(reader.newest_first(), 1_000)))[0] == "last"
            assert reader.added() == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may(log: Path) -> None:
    log.write_bytes(line("before") + b"y" * 5_000_000)
    with reading(log) as reader:
        assert events(reader.newest_first()) == ["before"]
        with log.open("ab") as file:
            file.write(b"\n" + line("after"))
        found: list[str] = []
        while added := reader.added():
            found += events(added)
        assert found[-1] == "after"
        assert max(map(len, found)) <= 65_536
    with reading(log) as reader:
        newest = events(reader.newest_first())
    assert (newest[0], len(newest[1]), newest[2]) == ("after", 65_536, "before")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[1, 2]",
        b'{"event": 3}',
        b'{"event": "\\ud800"}',
        b"\xff\xfe",
        b'{"event": "a"',
        b"{",
    ],
)
def test_a_line_that_is_none_of_ours_is_shown_as_it_is_and_counts_as_grave(raw: bytes) -> None:
    found = parse_line(raw)
    assert found == LogLine(event=raw.decode(errors="backslashreplace"))
    assert Wanted("critical").take(raw) == found


def test_lines_are_chosen_by_level_and_by_text_anywhere_in_them() -> None:
    raw = line("Order FILLED", "warning", source="console.journal", fields={"a": {"ticker": "KXBTC"}})
    told = parse_line(raw)
    assert list(field_texts(told)) == ["a.ticker=KXBTC"]
    for text in ("", "filled", "kxbtc", "a.ticker=", "journal"):
        assert Wanted("warning", text).take(raw) == told, text
    assert Wanted("error").take(raw) is None
    assert Wanted("debug", "absent").take(raw) is None


@given(
    event=st.text(max_size=12) | st.text('kK\u212aß=x\\"', max_size=6),
    text=st.text('kKsx=\\"u12a', min_size=1, max_size=3),
    value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), st.lists),
)
def test_a_line_is_never_passed_over_for_how_it_is_written(event: str, text: str, value: object) -> None:
    raw = line(event, fields={"name": value}).removesuffix(b"\n")
    told = parse_line(raw)
    shown = "\n".join([told.event, told.ts, told.level, *field_texts(told)]).casefold()
    is_there = text.casefold() in shown
    assert (Wanted(text=text).take(raw) is not None) >= is_there
