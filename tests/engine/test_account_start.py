"""A whole run against an account that is not as the journal left it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from engine_builders import FAVOURITE, A, contracts
from scripted_venue import PATIENCE_S, ScriptedExchange, run_of

from console.domain.actions import AlertLevel
from console.domain.money import Cash, Count
from console.domain.order import Fill, OrderReport, OrderStatus, PositionReport
from console.domain.trading_state import TradingState
from console.engine import reconcile_job
from console.engine.halt_view import HaltPhase
from console.engine.snapshot import Snapshot

TEN = contracts(10)


def reading(snapshot: Snapshot, key: str) -> str:
    return next(switch.reading for switch in snapshot.switches if switch.key == key)


def agrees(snapshot: Snapshot) -> bool:
    return reading(snapshot, "position_mismatch") == "equal"


def rested_before(home: Path, exchange: ScriptedExchange) -> OrderReport:
    """A run that ended and left its order at the exchange."""
    with run_of(home, exchange) as run:
        run.seen("positions compared", agrees)
        run.show(FAVOURITE)
        run.seen("an order at rest", lambda s: any(r.order_id for r in s.resting))
        run.worker.stop(cancel_resting=False)
    [order] = exchange.resting.values()
    return order


def test_what_happened_between_two_runs_is_told_in_words_with_a_count(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    order = rested_before(tmp_path, exchange)
    at_ns = time.time_ns()
    exchange.fills = [
        Fill("f-1", order.order_id, A, order.side, order.price, TEN, Cash(0), False, at_ns),
        Fill("f-2", "by hand", A, order.side, order.price, TEN, Cash(0), False, at_ns),
    ]
    cancelled = msgspec.structs.replace(order, status=OrderStatus.CANCELED, filled=TEN, remaining=Count(0))
    exchange.resting = {order.order_id: cancelled}
    exchange.positions = [PositionReport(A, contracts(20), Cash(0), Cash(0))]
    with run_of(tmp_path, exchange) as run:
        snapshot = run.seen("the differences", lambda s: len(s.alerts) >= 4)
        assert [alert.text for alert in snapshot.alerts][:4] == [
            f"at the start: order {order.client_order_id} filled: 10.00 YES bought at $0.9200 in {A}",
            f"at the start: external fill: 10.00 YES bought at $0.9200 in {A}",
            f"at the start: order {order.client_order_id} is canceled",
            "3 differences to the exchange at the start, each taken over",
        ]
        assert snapshot.alerts[3].level is AlertLevel.WARNING
        assert [(p.contracts, p.is_external) for p in snapshot.positions] == [(contracts(20), True)]
        assert run.seen("positions compared", agrees).state is TradingState.RUNNING


def test_a_difference_at_the_start_that_no_fill_explains_halts_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    exchange = ScriptedExchange()
    rested_before(tmp_path, exchange)
    exchange.resting = {}
    exchange.positions = [PositionReport("KXETH15M-B", TEN, Cash(0), Cash(0))]
    sent = exchange.count("submit")
    with run_of(tmp_path, exchange) as run:
        deadline = time.monotonic() + PATIENCE_S
        while run.seen("a snapshot", lambda _: True).state is not TradingState.HALTED:
            assert time.monotonic() < deadline
            run.show(FAVOURITE)
            exchange.wait_for("balance", exchange.count("balance"))
            time.sleep(0.05)
        assert [latch.name for latch in run.seen("halted", lambda s: bool(s.latches)).latches] == [
            "position_mismatch"
        ]
    assert exchange.count("submit") == sent


def test_orders_of_others_are_shown_apart_and_outlive_a_halt_and_the_end_of_the_run(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    order = rested_before(tmp_path, exchange)
    theirs = msgspec.structs.replace(order, order_id="theirs", client_order_id="")
    exchange.resting["theirs"] = theirs
    with run_of(tmp_path, exchange) as run:
        snapshot = run.seen("the external order", lambda s: bool(s.external))
        assert [(each.order_id, each.leaves) for each in snapshot.external] == [("theirs", theirs.remaining)]
        assert [each.client_order_id for each in snapshot.resting] == [order.client_order_id]
        run.worker.halt("looks wrong")
        assert run.worker.wait_halted(PATIENCE_S)
        view = run.worker.halt_view()
        assert (view.phase, view.resting) == (HaltPhase.CONFIRMED, 0)
    assert list(exchange.resting) == ["theirs"]


def test_an_order_whose_answer_was_lost_is_looked_for_soon_and_never_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_job, "UNKNOWN_READS_S", (0.3, 0.6))
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        run.seen("positions compared", agrees)
        monkeypatch.setattr(reconcile_job, "_EVERY_S", 600.0)
        reads = exchange.count("orders")
        exchange.wait_for("orders", reads + 1)
        exchange.loses_answers = True
        run.show(FAVOURITE)
        unknown = run.seen("an unknown order", lambda s: statuses(s) == [OrderStatus.UNKNOWN])
        assert reading(unknown, "unknown_orders").startswith(("1,", "none"))
        found = run.seen("the order", lambda s: statuses(s) == [OrderStatus.RESTING])
        assert found.resting[0].order_id in exchange.resting
        assert exchange.count("submit") == 1


def statuses(snapshot: Snapshot) -> list[OrderStatus]:
    return [order.status for order in snapshot.resting]
