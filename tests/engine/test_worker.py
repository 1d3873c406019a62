"""The engine's thread, the halt thread and the operator's at once, onto an exchange in memory."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from engine_builders import FAVOURITE, A, B, contracts, quote
from scripted_venue import PATIENCE_S, Run, ScriptedExchange, fails, run_of, wide_market

from console.domain.account_events import OrderIntended, OrderRejected
from console.domain.book import BookSide
from console.domain.commands import CancelAllOrders, Resume
from console.domain.engine_events import LatchCleared
from console.domain.events import JournaledEvent
from console.domain.money import Price
from console.domain.order import OrderReport, OrderStatus
from console.domain.ports import VenueError
from console.domain.trading_state import TradingState
from console.engine import halter
from console.engine.gate import Sentinel
from console.engine.halt_view import HaltPhase
from console.engine.journal import Journal
from console.engine.snapshot import Snapshot

HALTED, RUNNING = TradingState.HALTED, TradingState.RUNNING


def is_halted(snapshot: Snapshot) -> bool:
    return snapshot.state is HALTED


def resume(run: Run, latch: str = "manual") -> None:
    run.worker.send(Resume(at_ns=time.time_ns(), latch=latch, reason="seen"))


def rest(run: Run) -> None:
    """An order of ours at rest."""
    run.show(FAVOURITE)
    run.seen("an order rests", lambda s: any(order.order_id for order in s.resting))


def of_an_earlier_run(client_order_id: str) -> OrderReport:
    return OrderReport(
        order_id="x-earlier",
        client_order_id=client_order_id,
        ticker=A,
        side=BookSide.BID,
        price=Price(9_200),
        status=OrderStatus.RESTING,
        filled=contracts(0),
        remaining=contracts(1),
    )


# --- the way back from a halt ---------------------------------------------------------------------------


def test_resume_is_refused_until_the_exchange_has_confirmed_the_halt(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        exchange.trouble = fails("halt list")
        run.worker.halt("looks wrong")
        run.seen("halted", is_halted)
        exchange.wait_for("halt list", 2)
        assert "not confirmed" in (run.worker.resume_refusal("manual") or "")
        resume(run)
        told = run.seen("the refusal", lambda s: "not cleared" in s.alerts[-1].text)
        assert "not confirmed" in told.alerts[-1].text
        assert told.state is HALTED
        exchange.trouble = lambda call, number: None
        assert run.worker.wait_halted(PATIENCE_S)
        assert exchange.resting == {}
        run.seen("may be resumed", lambda s: s.latches[0].refusal is None)
        resume(run)
        run.seen("running", lambda s: s.state is RUNNING)
        rest(run)
    assert not (tmp_path / "HALT").exists()


def test_no_order_is_decided_while_the_groups_are_made_ready_again(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("halted", is_halted)
        exchange.before["reset"] = threading.Event()
        resume(run)
        exchange.wait_for("reset")
        run.show(FAVOURITE)
        before = run.seen("the quote was looked at", lambda s: s.funnel[0].reached > 0)
        assert (before.orders, before.state) == (0, HALTED)
        exchange.before["reset"].set()
        run.seen("running", lambda s: s.state is RUNNING)
        run.show(FAVOURITE)
        run.seen("an order after the halt", lambda s: s.orders == 1)
        assert exchange.count("submit") == 1
    assert not [e for e in run.journaled() if isinstance(e, OrderRejected)]


def test_groups_that_cannot_be_reset_keep_the_halt_and_say_so(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("halted", is_halted)
        exchange.trouble = fails("reset", text="503 on the reset")
        resume(run)
        told = run.seen("the refusal", lambda s: "not cleared" in s.alerts[-1].text)
        assert "503 on the reset" in told.alerts[-1].text
        assert told.state is HALTED
        run.show(FAVOURITE)
        run.seen("the quote was looked at", lambda s: s.funnel[0].reached > 0)
    assert exchange.count("submit") == 0
    assert not [e for e in run.journaled() if isinstance(e, LatchCleared)]


def test_a_halt_pressed_while_another_is_being_ended_stays_in_force(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.worker.halt("first")
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("halted", is_halted)
        exchange.before["reset"] = threading.Event()
        resume(run)
        exchange.wait_for("reset")
        lists = exchange.count("halt list")
        run.worker.halt("second")
        exchange.wait_for("halt list", lists + 2)
        exchange.before["reset"].set()
        assert run.worker.wait_halted(PATIENCE_S)
        run.show(FAVOURITE)
        run.seen("the quote was looked at", lambda s: s.funnel[0].reached > 0)
        assert run.worker.halt_view().reason == "second"
        assert exchange.count("submit") == 0
    assert (tmp_path / "HALT").exists()


def test_a_halt_file_that_cannot_be_removed_keeps_the_halt_and_the_engine_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_sentinel: Sentinel) -> None:
        raise OSError("Read-only file system")

    monkeypatch.setattr(Sentinel, "remove", refuses)
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        run.seen("halted", is_halted)
        resume(run)
        told = run.seen("halted again", lambda s: "not removed" in s.alerts[-1].text)
        assert told.state is HALTED
        assert run.worker.failure() is None
        run.show(FAVOURITE)
        run.seen("the quote was looked at", lambda s: s.funnel[0].reached > 0)
        assert exchange.count("submit") == 0


# --- a halt at a bad moment -----------------------------------------------------------------------------


def test_a_halt_before_the_engine_exists_is_in_force_when_it_starts(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    # A folder of that name: the file cannot be written, so only the halt itself is left to go by.
    (tmp_path / "HALT").mkdir()
    with run_of(tmp_path, exchange, started=False) as run:
        run.worker.halt("too early")
        run.worker.start(PATIENCE_S)
        snapshot = run.seen("halted", is_halted)
        assert [(latch.name, latch.reason) for latch in snapshot.latches] == [("manual", "too early")]


def test_before_the_journal_is_read_orders_at_rest_are_not_taken_for_those_of_others(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    journal = Journal(tmp_path / "journal.sqlite")
    earlier = of_an_earlier_run(f"kc-{journal.instance}-1")
    journal.close()
    exchange.resting[earlier.order_id] = earlier
    with run_of(tmp_path, exchange, started=False) as run:
        run.worker.halt("too early")
        exchange.wait_for("halt list", 2)
        assert run.worker.halt_view().phase is not HaltPhase.CONFIRMED
        run.worker.start(PATIENCE_S)
        assert run.worker.wait_halted(PATIENCE_S)
        assert exchange.resting == {}


def test_an_order_that_comes_to_rest_after_the_halt_was_confirmed_is_cancelled_by_the_halt_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halter, "_FIRST_LOOK_S", 0.01)
    exchange = ScriptedExchange()
    stuck = threading.Event()
    exchange.before["submit"] = stuck
    with run_of(tmp_path, exchange) as run:
        run.show(FAVOURITE)
        exchange.wait_for("submit")
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        # The engine's own cancels fail: the halt must not need them.
        exchange.trouble = fails("cancel")
        stuck.set()
        exchange.wait_for("halt cancel")
        assert run.worker.wait_halted(PATIENCE_S)
        assert exchange.resting == {}


def test_a_hung_engine_is_halted_and_its_end_is_not_waited_for(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    hung, release = threading.Event(), threading.Event()

    def hang(call: str, number: int) -> None:
        if call == "submit" and number == 2:
            hung.set()
            release.wait(PATIENCE_S)

    exchange.listed[B] = wide_market(B)
    with run_of(tmp_path, exchange) as run:
        rest(run)
        exchange.trouble = lambda call, number: hang(call, number)
        run.show(FAVOURITE, B)
        assert hung.wait(PATIENCE_S)
        assert run.worker.stop(cancel_resting=True, timeout_s=0.05) == 0
        assert exchange.resting == {}
        assert "did not end" in run.worker.halt_view().reason
        release.set()


# --- a failure in the engine's thread -------------------------------------------------------------------


class FillingDisk(Journal):
    """A journal on a disk that is full from a moment on."""

    full = threading.Event()

    def append(self, events: Sequence[JournaledEvent]) -> None:
        if self.full.is_set():
            pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
            self._connection.execute(f"PRAGMA max_page_count = {pages}")
        super().append(events)


def test_on_a_full_disk_nothing_more_is_sent_what_rests_is_cancelled_and_the_cause_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FillingDisk.full.clear()
    monkeypatch.setattr("console.engine.engine_run.Journal", FillingDisk)
    exchange = ScriptedExchange()
    exchange.listed[B] = wide_market(B)
    with run_of(tmp_path, exchange) as run:
        rest(run)
        FillingDisk.full.set()
        for _ in range(40):
            run.worker.send(CancelAllOrders(at_ns=time.time_ns(), reason="x" * 200))
            run.show(FAVOURITE, B)
        failure = run.failed()
        assert "journal.sqlite" in failure
        assert "full" in failure
        sent = exchange.count("submit")
        assert run.worker.stop(cancel_resting=True) == 0
        assert exchange.resting == {}
        assert exchange.count("submit") == sent
    assert (tmp_path / "HALT").read_text().startswith(str(tmp_path))
    intended = [e.intent.client_order_id for e in run.journaled() if isinstance(e, OrderIntended)]
    assert set(exchange.subjects("submit")) <= set(intended), "sent without its intent on disk"


def test_the_end_of_a_failed_run_waits_for_its_cancels(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        exchange.before["trigger"] = threading.Event()
        exchange.trouble = lambda call, number: RuntimeError("a bug of ours") if call == "cancel" else None
        run.worker.send(CancelAllOrders(at_ns=time.time_ns()))
        assert "a bug of ours" in run.failed()
        threading.Timer(0.2, exchange.before["trigger"].set).start()
        assert run.worker.stop(cancel_resting=True) == 0
        assert exchange.resting == {}


def test_a_key_pressed_after_the_engine_has_ended_does_no_harm(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.worker.stop(cancel_resting=True)
        run.worker.halt("late")
        run.worker.send(CancelAllOrders(at_ns=time.time_ns()))
        assert run.worker.snapshot() is not None


# --- the end of a run -----------------------------------------------------------------------------------


def test_an_order_on_its_way_when_the_run_ends_is_cancelled_too(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.before["submit"] = threading.Event()
    with run_of(tmp_path, exchange) as run:
        run.show(FAVOURITE)
        exchange.wait_for("submit")
        threading.Timer(0.3, exchange.before["submit"].set).start()
        assert run.worker.stop(cancel_resting=True) == 0
        assert exchange.count("submit") == 1
        assert exchange.resting == {}


def test_a_cancel_refused_at_the_end_of_a_run_does_not_spare_the_other_orders(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.listed[B] = wide_market(B)
    with run_of(tmp_path, exchange) as run:
        rest(run)
        run.show(FAVOURITE, B)
        run.seen("two orders rest", lambda s: sum(o.order_id is not None for o in s.resting) == 2)
        exchange.trouble = fails("cancel", 1)
        assert run.worker.stop(cancel_resting=True) == 0
    assert exchange.resting == {}


def test_the_end_of_a_run_waits_for_no_cancel_before_it_sends_the_next(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.listed[B] = wide_market(B)
    with run_of(tmp_path, exchange) as run:
        rest(run)
        run.show(FAVOURITE, B)
        run.seen("two orders rest", lambda s: sum(o.order_id is not None for o in s.resting) == 2)
        exchange.before["cancel"] = threading.Event()
        ending = threading.Thread(target=lambda: run.worker.stop(cancel_resting=True))
        ending.start()
        exchange.wait_for("cancel", 2)
        exchange.before["cancel"].set()
        ending.join()
    assert exchange.resting == {}


def test_a_run_that_is_stopped_twice_tells_the_same_twice(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        left: list[int | None] = []
        ends = [
            threading.Thread(target=lambda: left.append(run.worker.stop(cancel_resting=True)))
            for _ in range(2)
        ]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
    assert left == [0, 0]
    assert exchange.count("cancel") == 1


def test_a_run_stopped_while_it_reads_the_account_ends_without_waiting_for_it(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.before["balance"] = threading.Event()
    with run_of(tmp_path, exchange, started=False) as run:
        starting = threading.Thread(target=lambda: run.worker.start(PATIENCE_S))
        starting.start()
        exchange.wait_for("balance")
        threading.Timer(0.2, exchange.before["balance"].set).start()
        run.worker.stop(cancel_resting=True)
        starting.join()
        assert exchange.count("create_group") == 0


def test_an_exchange_that_does_not_answer_at_the_end_leaves_the_rest_unknown(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        exchange.trouble = lambda call, number: VenueError("no answer")
        assert run.worker.stop(cancel_resting=True) is None


def test_a_run_that_ends_decides_no_more_orders(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.listed[B] = wide_market(B)
    with run_of(tmp_path, exchange) as run:
        rest(run)
        exchange.before["orders"] = threading.Event()
        stopping = threading.Thread(target=run.worker.stop, kwargs={"cancel_resting": True})
        reads = exchange.count("orders")
        stopping.start()
        exchange.wait_for("orders", reads + 1)
        for bid in (91, 92, 93):
            run.show(quote(bid, bid + 1), B)
        exchange.before["orders"].set()
        stopping.join(PATIENCE_S)
    assert [e.intent.ticker for e in run.journaled() if isinstance(e, OrderIntended)] == [A]


def test_orders_that_shall_stay_are_left_at_rest(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        run.worker.stop(cancel_resting=False)
        assert exchange.count("cancel") == 0
        assert len(exchange.resting) == 1


def test_the_journal_of_a_run_is_its_account(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        rest(run)
        order_ids = run.seen("an id", lambda s: len(s.order_ids) == 1).order_ids
    intended = [e for e in run.journaled() if isinstance(e, OrderIntended)]
    assert [e.intent.client_order_id for e in intended] == exchange.subjects("submit")
    assert order_ids == ("x-1",)
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
