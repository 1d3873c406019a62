"""A journal is read by another process without touching it, as it is at that moment."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from console.domain.commands import PauseEntries
from console.domain.engine_events import EquityMarked
from console.domain.money import Cash
from console.engine.journal import Journal
from console.engine.journal_chain import JournalError
from console.engine.journal_copy import journal_copy
from console.engine.quarantine import quarantine


def mark(number: int) -> EquityMarked:
    return EquityMarked(at_ns=number, equity=Cash(number), high_water=Cash(number))


def told(path: Path) -> list[int]:
    with journal_copy(path) as copy:
        events = list(copy.events())
        assert events == list(copy.events()), "as often as it is asked"
    return [event.at_ns for event in events]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_what_a_running_console_wrote_last_is_there_and_its_files_stay_as_they_are(path: Path) -> None:
    journal = Journal(path)
    for number in range(1, 51):
        journal.append([mark(number)])
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}
    assert told(path) == list(range(1, 51))
    assert before == {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()
    }
    journal.append([PauseEntries(at_ns=51)])
    assert told(path)[-1] == 51
    journal.close()
    assert told(path)[-1] == 51


def test_every_copy_of_a_journal_that_is_written_meanwhile_is_a_whole_beginning_of_it(path: Path) -> None:
    journal = Journal(path)
    journal.append([mark(1)])
    enough = threading.Event()
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA wal_autocheckpoint=3")

    def copied() -> None:
        try:
            last = 0
            for _ in range(15):
                seen = told(path)
                assert seen == list(range(1, len(seen) + 1))
                assert len(seen) >= last
                last = len(seen)
        finally:
            enough.set()

    reader = threading.Thread(target=copied)
    failures: list[object] = []
    before, threading.excepthook = threading.excepthook, failures.append
    try:
        reader.start()
        number = 1
        while not enough.is_set():
            number += 1
            journal.append([mark(number)])
            if number % 5 == 0:
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
        reader.join()
    finally:
        threading.excepthook = before
        connection.close()
        journal.close()
    assert not failures


def test_a_process_that_is_killed_while_it_reads_leaves_no_copy(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    journal.append([mark(number) for number in range(1, 2_001)])
    room = tmp_path_factory.mktemp("room")
    monkeypatch.setattr("tempfile.tempdir", str(room))
    seen: list[tuple[int, int, list[Path]]] = []

    def look(done: int, total: int) -> None:
        seen.append((done, total, [file for file in room.rglob("*") if file.is_file()]))

    with journal_copy(path, look) as copy:
        assert list(room.iterdir()) == []
        assert copy.count == len(list(copy.events())) == 2_000
    assert seen == [(1_000, 2_000, []), (2_000, 2_000, [])]
    journal.close()


def test_a_damaged_journal_is_named_and_neither_moved_nor_mended(path: Path) -> None:
    journal = Journal(path)
    journal.append([mark(number) for number in range(1, 100)])
    journal.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE events SET body = replace(body, '50', '51') WHERE seq = 50")
    connection.close()
    content = path.read_bytes()
    with pytest.raises(
        JournalError, match=r"journal\.sqlite: the journal cannot be read: event 50 is not as"
    ):
        told(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_journal_is_refused_in_a_sentence(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.sqlite: the journal cannot be read"):
        told(path)
    assert path.read_bytes() == content


def test_what_is_wrong_with_its_pages_is_said_on_one_line(path: Path) -> None:
    journal = Journal(path)
    journal.append([mark(number) for number in range(1, 2_000)])
    journal.close()
    content = bytearray(path.read_bytes())
    content[8 * 4_096 : 9 * 4_096] = b"\xff" * 4_096
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"[Pp]age") as refusal:
        told(path)
    assert "\n" not in str(refusal.value)


def test_no_journal_is_told_apart_and_none_is_made(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        told(path)
    assert list(path.parent.iterdir()) == []


def test_no_room_for_a_copy_is_told_and_what_was_copied_is_removed(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    journal.append([mark(1)])
    journal.close()
    room = tmp_path_factory.mktemp("room")
    monkeypatch.setattr("tempfile.tempdir", str(room))

    copy_file = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        copy_file(source, target)
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(JournalError, match=r"cannot be copied: .*No space left"):
        told(path)
    assert list(room.iterdir()) == []


def test_a_journal_that_was_put_aside_is_no_journal_that_never_was(path: Path) -> None:
    Journal(path).close()
    aside = quarantine(path)
    with pytest.raises(JournalError, match=rf"is now {aside.name}; `kconsole recover`"):
        told(path)
