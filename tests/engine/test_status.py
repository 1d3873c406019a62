from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    START,
    A,
    B,
    C,
    Desk,
    contracts,
    desk,
    engine,
    exchange_id,
    market,
    settings,
)

from console.domain.commands import Halt, OperatorCommand
from console.engine.halt_view import NOT_HALTING, HaltPhase, HaltView
from console.engine.picture import Painter, Surroundings
from console.engine.snapshot import Snapshot
from console.engine.status import Document, StatusWriter, final_document, replace_file, status_document

AROUND = Surroundings("practice", False, (), True, None)
PATIENCE_S = 10.0


class Handle:
    """An engine's handle with a picture set by hand."""

    def __init__(self, snapshot: Snapshot | None, failure: str | None = None) -> None:
        self.picture = snapshot
        self.cause = failure
        self.halting = NOT_HALTING
        self.looked_at = threading.Semaphore(0)

    def snapshot(self) -> Snapshot | None:
        self.looked_at.release()
        return self.picture

    def heartbeat_age_ns(self) -> int:
        return 1_500_000_000

    def failure(self) -> str | None:
        return self.cause

    def outage(self) -> str | None:
        return None

    def note_screen(self) -> None:
        raise AssertionError("a status is no screen")

    def send(self, command: OperatorCommand) -> None:
        raise AssertionError("a status commands nothing")

    def halt(self, reason: str) -> None:
        raise AssertionError("a status halts nothing")

    def halt_view(self) -> HaltView:
        return self.halting

    def resume_refusal(self, latch: str) -> str | None:
        return None


def picture(of: Desk) -> Snapshot:
    return Painter().take(of.engine, of.now_ns, AROUND)


def document(of: Desk, failure: str | None = None) -> Document:
    made = status_document(Handle(picture(of), failure))
    assert made is not None
    return made


def test_the_reason_of_the_newest_halt_is_told_as_the_header_tells_it() -> None:
    trading = desk()
    trading.take(Halt(at_ns=trading.now_ns, reason="first"))
    engine_handle = Handle(picture(trading), None)
    engine_handle.halting = HaltView(HaltPhase.CANCELLING, "second", requested_ns=START)
    made = status_document(engine_handle)
    assert made is not None
    assert (made["state"], made["reason"]) == ("HALTED", "second")
    assert document(trading)["reason"] == "first"


def test_every_promised_field_is_there_and_unknown_ones_are_null() -> None:
    made = document(Desk(engine()))
    assert made["state"] == "RUNNING"
    assert (made["latches"], made["positions"], made["reason"]) == ([], [], "")
    assert made["capital"] is made["cash"] is made["day_pnl"] is made["feed_age_ms"] is None
    assert (made["orders"], made["fills"], made["resting_orders"], made["unknown_orders"]) == (0, 0, 0, 0)
    assert made["heartbeat_age_ms"] == 1_500
    assert (made["environment"], made["at_ns"]) == ("practice", START)


def test_money_is_dollar_strings_and_positions_are_signed_contracts() -> None:
    trading = desk(None, market(A), market(B))
    bought = trading.enter(FAVOURITE, A)
    trading.fill(bought, contracts(10), fee="0.07")
    sold = trading.enter(LONGSHOT, B)
    trading.fill(sold, contracts(5))
    trading.scan()
    trading.later(0.25)
    made = document(trading)
    assert made["cash"] == "9985.980000"
    assert made["fees"] == "0.070000"
    assert made["capital"] == "9999.780000"
    assert made["day_pnl"] == "-0.220000"
    assert made["positions"] == [{"ticker": A, "position": "10.00"}, {"ticker": B, "position": "-5.00"}]
    assert made["feed_age_ms"] == 250


def test_orders_of_unknown_outcome_are_counted_apart_from_resting_ones() -> None:
    trading = desk(settings("maker"), market(A), market(B), market(C, category="Weather"))
    trading.ack(trading.enter(FAVOURITE, A))
    trading.lose_sight(trading.enter(FAVOURITE, B))
    trading.reject(trading.enter(FAVOURITE, C))
    made = document(trading)
    assert (made["orders"], made["resting_orders"], made["unknown_orders"]) == (3, 1, 1)


def test_the_state_is_that_of_the_most_restrictive_latch_with_its_reason() -> None:
    trading = desk()
    trading.pause()
    trading.halt()
    made = document(trading)
    assert (made["state"], made["reason"]) == ("HALTED", "looks wrong")
    assert made["latches"] == [
        {
            "id": "manual",
            "name": "manual",
            "scope": "",
            "level": "HALTED",
            "reason": "looks wrong",
            "since_ns": START,
            "until_ns": None,
        },
        {
            "id": "pause",
            "name": "pause",
            "scope": "",
            "level": "PAUSED",
            "reason": "operator",
            "since_ns": START,
            "until_ns": None,
        },
    ]


def test_an_engine_that_ended_by_itself_is_failed_whatever_it_showed_last() -> None:
    made = document(desk(), "the disk is full")
    assert (made["state"], made["reason"]) == ("FAILED", "the disk is full")


def test_the_final_document_names_every_order_at_the_exchange() -> None:
    trading = desk(settings("maker"), market(A), market(B))
    acked, unacked = trading.enter(FAVOURITE, A), trading.enter(FAVOURITE, B)
    trading.ack(acked)
    assert unacked.client_order_id not in exchange_id(acked)
    made = final_document(Handle(picture(trading)))
    assert made["order_ids"] == [exchange_id(acked)]
    assert {**made, "order_ids": None} == {**document(trading), "order_ids": None}


def test_before_the_first_picture_there_is_no_document() -> None:
    assert status_document(Handle(None)) is None
    assert final_document(Handle(None)) == {}


# --- the file -------------------------------------------------------------------------------------------


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, ended = tmp_path / "status.json", threading.Event()
    replace_file(path, {"n": 0, "padding": ""})

    def write() -> None:
        for n in range(300):
            replace_file(path, {"n": n, "padding": "x" * (n * 317 % 50_000)})
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not ended.is_set():
        read = json.loads(path.read_bytes())
        assert len(read["padding"]) == read["n"] * 317 % 50_000
        seen.append(read["n"])
    writer.join(PATIENCE_S)
    assert seen == sorted(seen)
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


def test_a_file_that_cannot_be_replaced_keeps_its_old_content(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    replace_file(path, {"n": 1})
    (tmp_path / "status.partial").mkdir()
    with pytest.raises(OSError, match=r"status\.partial"):
        replace_file(path, {"n": 2})
    assert msgspec.json.decode(path.read_bytes()) == {"n": 1}


def test_stopping_the_writer_writes_a_last_time(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    errors: list[OSError] = []
    writer = StatusWriter(Handle(picture(desk())), path, errors.append)
    writer.start()
    writer.stop()
    assert json.loads(path.read_bytes())["state"] == "RUNNING"
    assert errors == []


def test_a_disk_that_refuses_is_told_once_until_it_takes_the_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.engine.status._WRITE_EVERY_S", 0.01)
    errors: list[OSError] = []
    handle = Handle(picture(desk()))
    path = tmp_path / "folder" / "status.json"
    writer = StatusWriter(handle, path, errors.append)
    writer.start()
    for _ in range(5):
        assert handle.looked_at.acquire(timeout=PATIENCE_S)
    assert [type(error) for error in errors] == [FileNotFoundError]
    path.parent.mkdir()
    while not path.exists():
        assert handle.looked_at.acquire(timeout=PATIENCE_S)
    assert len(errors) == 1
    path.parent.rename(tmp_path / "away")
    for _ in range(3):
        assert handle.looked_at.acquire(timeout=PATIENCE_S)
    writer.stop()
    assert [type(error) for error in errors] == [FileNotFoundError, FileNotFoundError]


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    replace_file(tmp_path / "status.json", {})
    assert stat.S_IMODE((tmp_path / "status.json").stat().st_mode) == 0o600
