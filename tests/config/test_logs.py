"""The log is JSON lines that carry no secret and nothing a terminal would act on."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.config.errors import ConfigError
from console.config.logs import LogFile, RunLog, start_logging, with_fields
from console.config.redaction import redacted

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nAAAA\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[RunLog]:
    level, raises = logging.getLogger().level, logging.raiseExceptions
    handler = start_logging(tmp_path)
    yield handler
    handler.close()
    logging.getLogger().setLevel(level)
    logging.raiseExceptions = raises


def written(handler: RunLog, folder: Path) -> bytes:
    """Everything that was logged, once it is in the file."""
    handler.close()
    return (folder / "kconsole.log").read_bytes()


def lines(handler: RunLog, folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(handler, folder).splitlines()]


def test_each_record_is_one_line_of_json_with_its_time_in_utc(handler: RunLog, tmp_path: Path) -> None:
    logging.getLogger("console.engine").warning("two\nlines of %s", "text")
    (line,) = lines(handler, tmp_path)
    assert line["event"] == "two\nlines of text"
    assert (line["level"], line["source"]) == ("warning", "console.engine")
    assert datetime.fromisoformat(line["ts"]).utcoffset() == timedelta(0)
    assert line["ts"].endswith("Z")


def test_particulars_are_fields_of_the_line_made_by_the_log_itself(handler: RunLog, tmp_path: Path) -> None:
    made_by: list[str] = []

    def fields() -> dict[str, object]:
        made_by.append(threading.current_thread().name)
        return {"ticker": "A\nB", "size": {"count": 3, "price": "0.9300"}, "tags": ["x", None, True]}

    logging.getLogger("console.journal").info("OrderFilled", extra=with_fields(fields))
    (line,) = lines(handler, tmp_path)
    assert line["fields"] == {
        "ticker": "A\nB",
        "size": {"count": 3, "price": "0.9300"},
        "tags": ["x", None, True],
    }
    assert made_by == ["log"]


def test_particulars_that_cannot_be_made_cost_that_line_alone(handler: RunLog, tmp_path: Path) -> None:
    def fields() -> dict[str, object]:
        raise KeyError("gone")

    logging.getLogger("console").info("first", extra=with_fields(fields))
    logging.getLogger("console").info("second")
    assert [line["event"] for line in lines(handler, tmp_path)] == ["lines were lost here", "second"]
    assert handler.lost == 1


def test_control_characters_never_reach_the_file(handler: RunLog, tmp_path: Path) -> None:
    message = "".join(map(chr, range(0xA0))) + "\u202e\u2028"
    logging.getLogger("console").error(message)
    line = written(handler, tmp_path)
    assert all(0x20 <= byte < 0x7F for byte in line.rstrip(b"\n"))
    assert lines(handler, tmp_path)[0]["event"] == message


@pytest.mark.parametrize(
    "text",
    [
        "KALSHI-ACCESS-SIGNATURE: canary",
        "{'KALSHI-ACCESS-KEY': 'canary', 'Accept': '*'}",
        "[(b'kalshi-access-signature', b'canary+/==')]",
        '{"KALSHI-ACCESS-TIMESTAMP":"canary"}',
        "KALSHI-ACCESS-KEY=canary",
        f"key {PEM} end",
        repr(PEM),
        PEM[:45],
    ],
)
def test_secrets_are_redacted_whatever_form_they_come_in(handler: RunLog, tmp_path: Path, text: str) -> None:
    assert "canary" in text
    logging.getLogger("console").info("sending %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("console").exception("failed")
    assert b"canary" not in written(handler, tmp_path)
    assert "ValueError" in lines(handler, tmp_path)[1]["error"]


def test_ordinary_text_is_not_redacted() -> None:
    text = "order kc-1 for KXBTC rejected: -----"
    assert redacted(text) == text


def test_a_request_s_address_is_not_logged_at_info(handler: RunLog, tmp_path: Path) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://example.test/orders")
    assert lines(handler, tmp_path) == []


def test_a_log_that_cannot_be_written_does_not_disturb_the_screen(
    handler: RunLog, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("console").info("%d", "not a number")
    assert capfd.readouterr().err == ""
    assert handler.lost == 1


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent/kconsole\.log cannot be opened"):
        start_logging(tmp_path / "absent")


# --- a disk that does not take it -----------------------------------------------------------------------


class Stuck(LogFile):
    """A disk that hangs until ``go_on``, then takes everything."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, line: bytes) -> None:
        self.begun.set()
        assert self.go_on.wait(60)
        super().write(line)


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("console", logging.INFO, __file__, 1, text, None, None)


def test_a_disk_that_hangs_holds_up_nobody_and_what_found_no_room_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.config.logs._LINES_WAITING", 3)
    file = Stuck(tmp_path / "kconsole.log")
    stuck = RunLog(file)
    stuck.handle(record("0"))
    assert file.begun.wait(60)
    for number in range(1, 9):
        stuck.handle(record(str(number)))
    assert stuck.lost == 5
    file.go_on.set()
    assert [line["event"] for line in lines(stuck, tmp_path)] == ["0", "1", "2", "3", "lines were lost here"]


def test_a_full_disk_is_told_once_and_counted_and_later_lines_are_whole(tmp_path: Path) -> None:
    told: list[str] = []
    file = LogFile(tmp_path / "kconsole.log")
    handler = RunLog(file)

    class Full(LogFile):
        def write(self, line: bytes) -> None:
            raise OSError(28, "No space left on device")

    refuse, accept = Full(tmp_path / "other").write, file.write
    answers = iter([accept, refuse, refuse, accept, accept])
    file.write = lambda line: next(answers)(line)  # type: ignore[method-assign]
    handler.on_trouble = told.append
    for number in range(4):
        handler.handle(record(str(number)))
    assert [line["event"] for line in lines(handler, tmp_path)] == ["0", "lines were lost here", "3"]
    assert handler.lost == 2
    assert told == [f"lines are lost: {tmp_path}/kconsole.log: No space left on device"]


def test_half_a_line_never_stays_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, whole = LogFile(tmp_path / "log"), os.write
    file.write(b"whole\n")
    monkeypatch.setattr(os, "write", lambda descriptor, line: whole(descriptor, line[:3]))
    with pytest.raises(OSError, match="No space left"):
        file.write(b"torn by a full disk\n")
    monkeypatch.undo()
    file.write(b"after\n")
    assert (tmp_path / "log").read_bytes() == b"whole\nafter\n"


def test_the_files_together_never_grow_beyond_their_cap(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", file_bytes=100, files_kept=5)
    for number in range(200):
        file.write(f"{number:019}\n".encode())
    kept = {path.name: path.read_text().split() for path in tmp_path.iterdir()}
    assert sorted(kept) == ["log", "log.1", "log.2", "log.3", "log.4", "log.5"]
    assert all(len(numbers) == 5 for numbers in kept.values())
    newest = [int(number) for name in sorted(kept, reverse=True) for number in sorted(kept[name])]
    assert sorted(newest) == list(range(170, 200))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_file_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log")
    file.write(b"nobody reads this\n")
    (tmp_path / "log").unlink()
    file.write(b"this they do\n")
    assert (tmp_path / "log").read_bytes() == b"this they do\n"


def test_a_folder_that_was_removed_costs_lines_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(folder / "log")
    (folder / "log").unlink()
    folder.rmdir()
    with pytest.raises(OSError, match="No such file"):
        file.write(b"lost\n")
    folder.mkdir()
    file.write(b"kept\n")
    assert (folder / "log").read_bytes() == b"kept\n"
