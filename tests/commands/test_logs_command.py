"""``kconsole logs`` as a shell sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli import main
from console.config.home import find_home
from console.config.logs import GUARD_LOG, RUN_LOG, LogFile, log_line

pytestmark = pytest.mark.usefixtures("heeds_signals")

PATIENCE_S = 60.0


def log_of(home: Path, name: str = RUN_LOG) -> LogFile:
    folder = find_home(str(home)).environment("practice")
    folder.create()
    return LogFile(folder.logs / name, file_bytes=1_000, files_kept=9)


def line(event: str, level: str = "info", **more: object) -> bytes:
    return log_line(
        {"ts": "2026-02-25T17:04:31.000Z", "level": level, "source": "console", "event": event, **more}
    )


def shown(home: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["logs", "--home", str(home), *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_newest_lines_are_shown_the_oldest_of_them_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = log_of(tmp_path)
    for number in range(40):
        file.write(line(f"event {number}"))
    lines = shown(tmp_path, capsys, "--lines", "25")
    assert [each.rpartition(" ")[2] for each in lines] == [str(number) for number in range(15, 40)]
    assert lines[0] == "2026-02-25T17:04:31.000Z  info  console  event 15"


def test_level_and_text_choose_and_particulars_and_trace_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = log_of(tmp_path)
    file.write(line("calm", fields=lambda: {"ticker": "KXBTC"}))
    file.write(line("grave", "error", error="Traceback:\n  here\nKeyError"))
    assert shown(tmp_path, capsys, "--grep", "kxbtc") == [
        "2026-02-25T17:04:31.000Z  info  console  calm  ticker=KXBTC"
    ]
    assert shown(tmp_path, capsys, "--level", "warning") == [
        "2026-02-25T17:04:31.000Z  error  console  grave",
        "    Traceback:",
        "      here",
        "    KeyError",
    ]
    assert shown(tmp_path, capsys, "--level", "critical") == []


def test_the_same_lines_as_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of(tmp_path).write(line("calm", fields=lambda: {"ticker": "KXBTC", "size": {"count": 3}}))
    document = json.loads("\n".join(shown(tmp_path, capsys, "--json")))
    (told,) = document["lines"]
    assert (told["event"], told["level"]) == ("calm", "info")
    assert told["fields"] == {"ticker": "KXBTC", "size": {"count": 3}}


def test_the_guard_has_a_log_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of(tmp_path, GUARD_LOG).write(line("watching"))
    assert len(shown(tmp_path, capsys, "--guard")) == 1
    assert main(["logs", "--home", str(tmp_path)]) == 1
    assert f"{tmp_path}/practice/logs/kconsole.log does not exist" in capsys.readouterr().err


def test_what_others_wrote_cannot_steer_the_terminal_nor_forge_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "x\x1b[2J\n2026-02-25T17:04:31.000Z  info  console  forged\x9b31m\u202e"
    log_of(tmp_path).write(
        line(evil, source=evil, fields=lambda: {evil: evil}, error=f"{evil}\x1b]52;c;AA\x07")
    )
    (tmp_path / "practice" / "logs" / RUN_LOG).open("ab").write(b"\x1b[31m raw \xff\n")
    lines = shown(tmp_path, capsys)
    assert all(each.isprintable() for each in lines)
    assert not any(each.startswith("2026") and each.endswith("forged") for each in lines)
    assert sum(not each.startswith("    ") for each in lines) == 2
    assert lines[-1] == r"\x1b[31m raw \xff"


@pytest.mark.parametrize("lines", ["0", "-1", "x", "1e9", "100001"])
def test_a_number_of_lines_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["logs", "--home", str(tmp_path), "--lines", lines])
    assert ended.value.code == 2
    assert "is not a number of lines from 1 to 100000" in capsys.readouterr().err


@pytest.mark.timeout(120)
@pytest.mark.parametrize("options", [(), ("--json",), ("--json", "--follow")])
def test_an_output_that_is_full_is_not_blamed_on_the_log(tmp_path: Path, options: tuple[str, ...]) -> None:
    file = log_of(tmp_path)
    file.write(line("something"))
    command = [sys.executable, "-m", "console.cli", "logs", "--home", str(tmp_path), *options]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert "kconsole.log" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_following_shows_each_line_as_it_comes_while_files_are_put_aside(tmp_path: Path) -> None:
    file = log_of(tmp_path)
    file.write(line("old"))
    command = [sys.executable, "-m", "console.cli", "logs", "--home", str(tmp_path), "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        try:
            assert next_event(following) == "old"
            for number in range(60):
                file.write(line(str(number)))
            assert [next_event(following) for _ in range(60)] == [str(number) for number in range(60)]
            following.send_signal(signal.SIGINT)
            assert following.wait(PATIENCE_S) == 130
            assert following.stderr is not None
            assert following.stderr.read() == b""
        finally:
            following.kill()


def next_event(following: subprocess.Popen[bytes]) -> str:
    assert following.stdout is not None
    return str(json.loads(following.stdout.readline())["event"])
