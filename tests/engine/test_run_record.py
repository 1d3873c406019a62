"""The run file over the life of a run, and what the next start makes of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from engine_builders import FAVOURITE, settings
from scripted_venue import PATIENCE_S, Run, ScriptedExchange, fails

from console.domain.commands import Halt, Resume
from console.domain.ports import VenueRefusedError
from console.domain.trading_state import TradingState
from console.engine.gate import Sentinel
from console.engine.run_file import RunFile, RunFileError, RunRecord, read_run_file
from console.engine.worker import EngineFailedError, EngineWorker

HALTED, RUNNING = TradingState.HALTED, TradingState.RUNNING


def named(prefix: str, environment: str = "demo") -> RunFile:
    return RunFile(
        pid=1,
        environment=environment,
        rest="https://example.com/trade-api/v2",
        ws="wss://example.com/trade-api/ws/v2",
        key_id="key",
        private_key_path="/keys/key.pem",
        client_id_prefix=prefix,
        started_ns=time.time_ns(),
    )


@contextmanager
def recorded(
    home: Path,
    exchange: ScriptedExchange,
    earlier: RunFile | None = None,
    warning: str | None = None,
    *,
    started: bool = True,
) -> Iterator[Run]:
    """A run that keeps its file in the home."""
    run = Run(home, exchange)
    path = home / "run.json"
    plan = dataclasses.replace(
        run._plan(settings("maker")),
        open_record=lambda prefix: RunRecord(path, named(prefix), earlier, warning=warning),
    )
    run.worker = EngineWorker(plan)
    try:
        if started:
            run.worker.start(PATIENCE_S)
        yield run
    finally:
        for held_up in exchange.before.values():
            held_up.set()
        exchange.trouble = lambda call, number: None
        run.worker.stop(cancel_resting=True)


def file_in(home: Path) -> RunFile | None:
    return read_run_file(home / "run.json")


def rest(run: Run) -> None:
    run.show(FAVOURITE)
    run.seen("an order rests", lambda s: any(order.order_id for order in s.resting))


# --- while it runs and when it ends ---------------------------------------------------------------------


def test_an_order_leaves_only_when_its_group_can_be_halted_from_the_file(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    found: list[RunFile | None] = []

    def look(call: str, _number: int) -> None:
        if call == "submit":
            found.append(file_in(tmp_path))

    exchange.trouble = look
    with recorded(tmp_path, exchange) as run:
        rest(run)
        [file] = found
        assert file is not None
        assert file.groups == {0: "group-0"}
        assert exchange.subjects("submit")[0].startswith(file.client_id_prefix)
    assert file_in(tmp_path) is None, "nothing of ours was left"


def test_without_a_file_that_names_the_group_nothing_is_traded_and_the_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_record: RunRecord, _exchange_index: int, _group_id: str) -> None:
        raise RunFileError("run file run.json cannot be written: No space left on device")

    monkeypatch.setattr(RunRecord, "add_group", refuses)
    exchange = ScriptedExchange()
    with recorded(tmp_path, exchange, started=False) as run:
        with pytest.raises(EngineFailedError, match=r"no orders on shard 0: run file .* No space left"):
            run.worker.start(PATIENCE_S)
        assert exchange.count("submit") == 0


def test_orders_that_were_to_stay_keep_the_file_and_do_not_count_as_an_unclean_end(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with recorded(tmp_path, exchange) as run:
        rest(run)
        run.worker.stop(cancel_resting=False)
    file = file_in(tmp_path)
    assert file is not None
    assert file.left_resting
    with recorded(tmp_path, exchange, file) as run:
        run.seen("the order is known again", lambda s: len(s.resting) == 1)
    assert file_in(tmp_path) is None
    assert exchange.resting == {}


def test_orders_whose_end_is_not_confirmed_keep_the_file(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with recorded(tmp_path, exchange) as run:
        rest(run)
        exchange.trouble = fails("orders")
        assert run.worker.stop(cancel_resting=True) is None
    file = file_in(tmp_path)
    assert file is not None
    assert not file.left_resting


def test_a_start_that_fails_keeps_what_was_known_of_the_run_before(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.trouble = fails("balance")
    earlier = msgspec.structs.replace(named("kc-1-"), left_resting=True)
    with recorded(tmp_path, exchange, earlier, started=False) as run, pytest.raises(EngineFailedError):
        run.worker.start(PATIENCE_S)
    assert file_in(tmp_path) == earlier


# --- the start after it ---------------------------------------------------------------------------------


def test_a_crash_loop_comes_up_halted_and_sends_nothing(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    now_ns = time.time_ns()
    earlier = msgspec.structs.replace(named("kc-1-"), unclean_starts_ns=(now_ns - 2, now_ns - 1))
    with recorded(tmp_path, exchange, earlier) as run:
        halted = run.seen("halted", lambda s: s.state is HALTED)
        assert [(latch.id, latch.reason) for latch in halted.latches] == [
            ("crash_loop", "3 starts after an unclean end within 10 minutes")
        ]
        run.show(FAVOURITE)
        run.seen("the quote was looked at", lambda s: s.funnel[0].reached > 0)
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("may be resumed", lambda s: s.latches[0].refusal is None)
        run.worker.send(Resume(at_ns=time.time_ns(), latch="crash_loop", reason="seen"))
        rest(run)
    assert exchange.count("submit") == 1


def test_orders_of_the_last_run_that_could_not_be_cancelled_are_told_on_screen(tmp_path: Path) -> None:
    with recorded(tmp_path, ScriptedExchange(), named("kc-1-"), "2 of its orders rest") as run:
        run.seen("told", lambda s: any("2 of its orders rest" in alert.text for alert in s.alerts))


# --- a halt from another process ------------------------------------------------------------------------


def test_a_halt_file_halts_a_running_console_with_its_reason_as_a_key_would(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with recorded(tmp_path, exchange) as run:
        rest(run)
        Sentinel(tmp_path / "HALT").write("looks wrong")
        halted = run.seen("halted", lambda s: s.state is HALTED)
        assert [(latch.id, latch.reason) for latch in halted.latches] == [("manual", "looks wrong")]
        assert run.worker.wait_halted(PATIENCE_S)
        assert exchange.resting == {}
        before = exchange.count("trigger")
        Sentinel(tmp_path / "HALT").write("again")
        exchange.wait_for("trigger", before + 1)
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("may be resumed", lambda s: s.latches[0].refusal is None)
        run.worker.send(Resume(at_ns=time.time_ns(), latch="manual", reason="seen"))
        run.seen("running", lambda s: s.state is RUNNING)
        rest(run)
    assert [e.reason for e in run.journaled() if isinstance(e, Halt)] == ["looks wrong", "again"]


def test_a_group_that_a_halt_had_to_delete_is_replaced_at_the_resume(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with recorded(tmp_path, exchange) as run:
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("may be resumed", lambda s: bool(s.latches) and s.latches[0].refusal is None)
        exchange.trouble = lambda call, _: VenueRefusedError("404") if call == "reset" else None
        run.worker.send(Resume(at_ns=time.time_ns(), latch="manual", reason="seen"))
        rest(run)
    assert exchange.count("create_group") == 2
