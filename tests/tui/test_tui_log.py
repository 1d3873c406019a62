"""The Log tab shows the run's log as it is written, whatever becomes of its files."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from console_screen import HUGE, NARROW, WIDE, Console, console
from fake_engine import FakeEngine

from console.config.logs import RUN_LOG, LogFile, log_line
from console.tui.main_screen import MainScreen
from console.tui.views.log_window import LINES_KEPT

PATIENCE_S = 20.0


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LogFile:
    """The log of the home in which the console of these tests runs."""
    monkeypatch.chdir(tmp_path)
    logs = tmp_path / "practice" / "logs"
    logs.mkdir(parents=True)
    return LogFile(logs / RUN_LOG, file_bytes=2_000, files_kept=9)


def line(event: str, level: str = "info", **more: object) -> bytes:
    entry = {
        "ts": "2026-02-25T17:04:31.250Z",
        "level": level,
        "source": "console.engine.loop",
        "event": event,
    }
    return log_line(entry | {"thread": "engine"} | more)


async def seen(screen: Console, *texts: str) -> str:
    """The screen once it shows all of this: the log is read by a thread of its own."""
    deadline = time.monotonic() + PATIENCE_S
    shown = await screen.look()
    while not all(text in shown for text in texts):
        assert time.monotonic() < deadline, shown
        await asyncio.sleep(0.02)
        shown = await screen.look()
    return shown


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE])
async def test_lines_come_newest_first_with_their_particulars(file: LogFile, size: tuple[int, int]) -> None:
    file.write(line("first event"))
    file.write(line("second event", "warning", fields=lambda: {"ticker": "KXBTC"}))
    async with console(FakeEngine(), size) as screen:
        await screen.press("l", "z")
        shown = await seen(screen, "first event", "second event", "ticker=KXBTC", "17:04:31", "▲")
        rows = shown.splitlines()
        newest, oldest = (
            next(y for y, row in enumerate(rows) if text in row) for text in ("second event", "first event")
        )
        assert newest < oldest
        file.write(line("third event"))
        await seen(screen, "third event")


async def test_lines_are_followed_while_their_file_is_put_aside(file: LogFile) -> None:
    file.write(line("begun"))
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, "begun")
        for number in range(100):
            file.write(line(f"event {number}."))
        shown = await seen(screen, "event 99.", "101")
    rows = [row for row in shown.splitlines() if "event " in row]
    assert [row.split("event ")[1].split(".")[0] for row in rows] == [
        str(number) for number in range(99, 99 - len(rows), -1)
    ]


async def test_levels_and_text_choose_among_all_the_files(file: LogFile) -> None:
    file.write(line("disk refused", "error"))
    file.write(line("slow answer", "warning"))
    for number in range(100):
        file.write(line(f"calm {number}"))
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, "calm 99")
        await screen.press("L")
        assert "calm" not in await seen(screen, "slow answer", "disk refused", "from warnings up")
        await screen.press("L")
        assert "slow answer" not in await seen(screen, "disk refused", "errors only")
        await screen.press("L", "slash", *"calm 42", "enter")
        assert "calm 41" not in await seen(screen, "/calm 42 · 1 ")
        await screen.press("s")
        assert "calm 42" in await screen.look(), (
            "there is one order alone, and asking for another changes nothing"
        )
        await screen.press("L")
        await seen(screen, "no line is wanted like that")


async def test_held_lines_stay_and_what_is_newer_is_counted(file: LogFile) -> None:
    file.write(line("held line"))
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, "held line")
        await screen.press("f")
        for number in range(3):
            file.write(line(f"newer line {number}"))
        shown = await seen(screen, "HELD, 3 newer")
        assert "newer line" not in shown
        await screen.press("f")
        assert "HELD" not in await seen(screen, "newer line 2")


async def test_the_row_that_is_read_stays_under_the_cursor_while_lines_come(file: LogFile) -> None:
    for number in range(60):
        file.write(line(f"event {number}."))
    async with console(FakeEngine(), NARROW) as screen:
        await screen.press("l", "z")
        await seen(screen, "event 59.")
        await screen.press("pagedown", "pagedown", "pageup")
        pane = screen.app.screen.focused
        assert isinstance(screen.app.screen, MainScreen)
        assert pane is screen.app.screen.tabs.run_log
        before = screen.app.screen.tabs.run_log.cursor_text()
        for number in range(60, 75):
            file.write(line(f"event {number}."))
        await seen(screen, "75")
        assert screen.app.screen.tabs.run_log.cursor_text() == before
        await screen.press("end")
        await seen(screen, "event 0.")


async def test_enter_tells_all_of_a_line(file: LogFile) -> None:
    long = "why " * 120 + "indeed"
    file.write(
        line(
            long, "error", fields=lambda: {"order": {"ticker": "KXBTC"}}, error="Traceback:\n  at x\nKeyError"
        )
    )
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l")
        await seen(screen, "why why")
        shown = await screen.press("enter")
        for text in (
            "2026-02-25T17:04:31.250Z",
            "console.engine.loop",
            "order.ticker=KXBTC",
            "at x",
            "KeyError",
        ):
            assert text in shown, text
        assert "indeed" in shown


async def test_no_more_lines_are_held_than_are_said(file: LogFile) -> None:
    big = LogFile(file.path, file_bytes=10_000_000, files_kept=1)
    for number in range(LINES_KEPT + 500):
        big.write(line(f"event {number}."))
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, f"newest {LINES_KEPT:,} lines", f"event {LINES_KEPT + 499}.")
        await screen.press("end")
        await seen(screen, "event 500.")
        for number in range(700):
            big.write(line(f"later {number}."))
        await seen(screen, "event 1200.")
        assert isinstance(screen.app.screen, MainScreen)
        assert len(screen.app.screen.tabs.run_log.content.keys) == LINES_KEPT


async def test_no_log_and_a_log_that_cannot_be_read_are_said(file: LogFile) -> None:
    file.path.unlink()
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, "nothing was logged yet")
        file.write(line("begun"))
        await seen(screen, "begun")
    file.path.unlink()
    file.path.mkdir()
    async with console(FakeEngine(), WIDE) as screen:
        await screen.press("l", "z")
        await seen(screen, "cannot be read: Is a directory")


async def test_nothing_is_read_before_the_tab_is_opened_and_nobody_reads_on_after_the_end(
    file: LogFile,
) -> None:
    file.write(line("begun"))

    def readers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "log viewer"]

    async with console(FakeEngine(), WIDE) as screen:
        assert not readers()
        await screen.press("l")
        await seen(screen, "begun")
        (reader,) = readers()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
