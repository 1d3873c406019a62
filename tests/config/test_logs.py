"""The log is JSON lines that carry no secret and nothing a terminal would act on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.config.errors import ConfigError
from console.config.logs import redacted, start_logging

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nAAAA\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    level, raises = logging.getLogger().level, logging.raiseExceptions
    handler = start_logging(tmp_path)
    yield tmp_path
    logging.getLogger().removeHandler(handler)
    handler.close()
    logging.getLogger().setLevel(level)
    logging.raiseExceptions = raises


def lines(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "kconsole.log").read_bytes().splitlines()]


def test_each_record_is_one_line_of_json_with_its_time_in_utc(folder: Path) -> None:
    logging.getLogger("console.engine").warning("two\nlines of %s", "text")
    (line,) = lines(folder)
    assert line["message"] == "two\nlines of text"
    assert (line["level"], line["logger"]) == ("warning", "console.engine")
    assert line["at"].endswith("+00:00")


def test_control_characters_never_reach_the_file(folder: Path) -> None:
    message = "".join(map(chr, range(0xA0))) + "\u202e\u2028"
    logging.getLogger("console").error(message)
    written = (folder / "kconsole.log").read_bytes()
    assert all(0x20 <= byte < 0x7F for byte in written.rstrip(b"\n"))
    assert lines(folder)[0]["message"] == message


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
def test_secrets_are_redacted_whatever_form_they_come_in(folder: Path, text: str) -> None:
    assert "canary" in text
    logging.getLogger("console").info("sending %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("console").exception("failed")
    assert b"canary" not in (folder / "kconsole.log").read_bytes()
    assert "ValueError" in lines(folder)[1]["error"]


def test_ordinary_text_is_not_redacted() -> None:
    text = "order kc-1 for KXBTC rejected: -----"
    assert redacted(text) == text


def test_a_request_s_address_is_not_logged_at_info(folder: Path) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://example.test/orders")
    assert lines(folder) == []


def test_a_log_that_cannot_be_written_does_not_disturb_the_screen(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("console").info("%d", "not a number")
    assert capfd.readouterr().err == ""


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent/kconsole\.log cannot be opened"):
        start_logging(tmp_path / "absent")
