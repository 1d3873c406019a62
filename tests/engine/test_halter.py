from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import Count, Price
from console.domain.order import OrderReport, OrderStatus
from console.domain.ports import HaltLine, VenueError, VenueRefusedError
from console.engine import halt_rounds, halter
from console.engine.gate import Gate, Sentinel
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.halter import Halter

PATIENCE_S = 10.0
GROUPS = {0: "group-0", 1: "group-1"}


def resting(client_order_id: str) -> OrderReport:
    return OrderReport(
        order_id=f"x-{client_order_id}",
        client_order_id=client_order_id,
        ticker="T",
        side=BookSide.BID,
        price=Price(9_000),
        status=OrderStatus.RESTING,
        filled=Count(0),
        remaining=Count(100),
    )


@pytest.fixture(autouse=True)
def _no_pause_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halt_rounds, "_RETRY_S", 0.01)
    monkeypatch.setattr(halt_rounds, "_PROOF_S", 0.01)


class Line:
    """An exchange in memory: calls are kept, ``trouble`` may fail them, and lists note the view before."""

    def __init__(self, *client_order_ids: str) -> None:
        self.orders = {order.order_id: order for order in map(resting, client_order_ids)}
        self.calls: list[tuple[str, str]] = []
        self.before_list: Callable[[int], object] = lambda number: None
        self.trouble: Callable[[str, int], Exception | None] = lambda call, number: None
        self.listed = threading.Semaphore(0)
        self.opened = 0
        self.watched: Halter | None = None
        self.views: list[HaltView] = []

    def _note(self, call: str, subject: str = "") -> None:
        number = sum(name == call for name, _ in self.calls) + 1
        self.calls.append((call, subject))
        trouble = self.trouble(call, number)
        if trouble is not None:
            raise trouble

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        self._note("trigger", group_id)

    def resting(self) -> Sequence[OrderReport]:
        self.listed.release()
        if self.watched is not None:
            self.views.append(self.watched.view)
        self.before_list(self.count("list") + 1)
        self._note("list")
        return tuple(self.orders.values())

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        self._note("cancel", order_id)
        self.orders.pop(order_id, None)

    def close(self) -> None:
        self._note("close")

    def open(self) -> HaltLine:
        self.opened += 1
        return self

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.calls)

    def cancelled(self) -> list[str]:
        return [subject for call, subject in self.calls if call == "cancel"]

    def wait_for_lists(self, number: int) -> None:
        for _ in range(number):
            assert self.listed.acquire(timeout=PATIENCE_S), "the halt gave up listing"


class Halting:
    """The parts of a halt under test."""

    def __init__(self, under_test: Halter, gate: Gate, sentinel: Sentinel) -> None:
        self.halter, self.gate, self.sentinel = under_test, gate, sentinel

    def confirmed(self) -> HaltView:
        assert self.halter.wait_confirmed(PATIENCE_S), self.halter.view
        return self.halter.view

    def lets_orders_pass(self) -> bool:
        return self.gate.is_open

    def release(self) -> None:
        self.halter.release(self.halter.view.requested_ns)


@contextmanager
def halt_path(tmp_path: Path, open_line: Callable[[], HaltLine]) -> Iterator[Halting]:
    sentinel, clock = Sentinel(tmp_path / "HALT"), itertools.count(1)
    gate = Gate(sentinel)
    under_test = Halter(
        gate,
        sentinel,
        open_line,
        groups=lambda: GROUPS,
        is_ours=lambda report: report.client_order_id.startswith("kc-"),
        wall_ns=lambda: next(clock),
    )
    try:
        yield Halting(under_test, gate, sentinel)
    finally:
        under_test.stop()


def wait_for_writers() -> None:
    """Each write of the file has a thread of its own."""
    for thread in threading.enumerate():
        if thread.name == "sentinel":
            thread.join(PATIENCE_S)


def wait_for_file(path: Path) -> None:
    wait_for_writers()
    assert path.exists()


def test_the_gate_is_closed_when_request_returns_though_the_exchange_cannot_be_reached(
    tmp_path: Path,
) -> None:
    reachable = threading.Event()
    line = Line()

    def open_line() -> HaltLine:
        reachable.wait(PATIENCE_S)
        return line

    with halt_path(tmp_path, open_line) as path:
        path.halter.request("now")
        assert not path.lets_orders_pass()
        assert path.halter.view.phase is HaltPhase.CANCELLING
        assert not path.halter.wait_confirmed(0)
        reachable.set()
        path.confirmed()


def test_groups_are_triggered_before_anything_is_listed_or_cancelled(tmp_path: Path) -> None:
    line = Line("kc-1")
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
    assert line.calls[:4] == [
        ("trigger", "group-0"),
        ("trigger", "group-1"),
        ("list", ""),
        ("cancel", "x-kc-1"),
    ]
    assert line.count("trigger") == 2


def test_ours_are_cancelled_until_two_lists_in_a_row_hold_none(tmp_path: Path) -> None:
    line = Line("kc-1", "kc-2")
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        view = path.confirmed()
    assert line.cancelled() == ["x-kc-1", "x-kc-2"]
    assert line.count("list") == 3
    assert (view.phase, view.resting, view.attempts, view.error) == (HaltPhase.CONFIRMED, 0, 3, "")
    assert view.confirmed_ns is not None


def test_an_order_that_appears_after_the_first_empty_list_is_found(tmp_path: Path) -> None:
    line = Line()

    def appear(number: int) -> None:
        if number == 2:
            late = resting("kc-late")
            line.orders[late.order_id] = late

    line.before_list = appear
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
    assert line.cancelled() == ["x-kc-late"]
    assert line.count("list") == 4


def test_an_order_that_outlives_its_cancel_is_cancelled_again(tmp_path: Path) -> None:
    line = Line("kc-1")
    stubborn = resting("kc-1")

    def reappear(number: int) -> None:
        if number == 2:
            line.orders[stubborn.order_id] = stubborn

    line.before_list = reappear
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
    assert line.cancelled() == ["x-kc-1", "x-kc-1"]


def test_orders_of_others_are_left_alone_and_do_not_count(tmp_path: Path) -> None:
    line = Line("kc-1", "by hand", "")
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        assert path.confirmed().resting == 0
    assert line.cancelled() == ["x-kc-1"]


@pytest.mark.parametrize("trouble", [VenueError("the list was cut short"), RuntimeError("a bug of ours")])
def test_a_list_that_fails_is_never_taken_for_empty_and_the_halt_goes_on(
    tmp_path: Path, trouble: Exception
) -> None:
    line = Line("kc-1")
    line.trouble = lambda call, number: trouble if call == "list" and number <= 2 else None
    with halt_path(tmp_path, line.open) as path:
        line.watched = path.halter
        path.halter.request("now")
        view = path.confirmed()
    failing = line.views[1]
    assert (failing.phase, failing.resting) == (HaltPhase.UNCONFIRMED, None)
    assert str(trouble) in failing.error
    assert (view.phase, view.error) == (HaltPhase.CONFIRMED, "")
    assert line.cancelled() == ["x-kc-1"]
    assert line.opened == 3, "a line that failed is not used again"


def test_a_line_that_cannot_be_opened_or_closed_does_not_end_the_halt(tmp_path: Path) -> None:
    line = Line("kc-1")
    line.trouble = lambda call, number: (
        OSError("broken") if call == "close" or (call == "list" and number == 1) else None
    )
    failures = iter([VenueError("no route"), None])

    def open_line() -> HaltLine:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return line.open()

    with halt_path(tmp_path, open_line) as path:
        path.halter.request("now")
        path.confirmed()
    assert line.cancelled() == ["x-kc-1"]


def test_a_cancel_that_fails_leaves_the_halt_unconfirmed_and_the_others_are_cancelled(tmp_path: Path) -> None:
    line = Line("kc-1", "kc-2")
    line.trouble = lambda call, number: (
        VenueError("429 on the cancel") if call == "cancel" and number == 1 else None
    )
    with halt_path(tmp_path, line.open) as path:
        line.watched = path.halter
        path.halter.request("now")
        path.confirmed()
    failing = line.views[1]
    assert (failing.phase, failing.resting, failing.error) == (HaltPhase.UNCONFIRMED, 2, "429 on the cancel")
    assert line.cancelled() == ["x-kc-1", "x-kc-2", "x-kc-1"]


def test_a_group_that_was_not_triggered_is_triggered_again_before_the_halt_is_confirmed(
    tmp_path: Path,
) -> None:
    line = Line()
    line.trouble = lambda call, number: (
        VenueError("503 on the trigger") if call == "trigger" and number == 1 else None
    )
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
    triggered = [subject for call, subject in line.calls if call == "trigger"]
    assert triggered == ["group-0", "group-1", "group-0"]


def test_a_group_that_is_refused_does_not_hold_up_the_halt_and_is_tried_in_each_round(
    tmp_path: Path,
) -> None:
    line = Line("kc-1")
    line.trouble = lambda call, number: VenueRefusedError("400 on the trigger") if call == "trigger" else None
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        view = path.confirmed()
    assert (view.resting, view.error) == (0, "")
    assert line.count("trigger") == 2 * line.count("list")
    assert line.cancelled() == ["x-kc-1"]


def test_cancels_that_take_long_hold_up_neither_the_trigger_nor_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halt_rounds, "_CANCELS_S", 0)
    line = Line("kc-1", "kc-2", "kc-3")
    fails = {("trigger", 1), ("cancel", 1), ("cancel", 2), ("cancel", 3)}
    line.trouble = lambda call, number: VenueError("no answer") if (call, number) in fails else None
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
    assert line.cancelled() == ["x-kc-1", "x-kc-2", "x-kc-3"] * 2
    triggers = [number for number, call in enumerate(line.calls) if call == ("trigger", "group-0")]
    assert triggers[1] < line.calls.index(("cancel", "x-kc-2"))


def test_a_second_request_triggers_and_cancels_again(tmp_path: Path) -> None:
    line = Line("kc-1")
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("first")
        path.confirmed()
        another = resting("kc-2")
        line.orders[another.order_id] = another
        path.halter.request("second")
        view = path.confirmed()
    assert (view.reason, view.phase) == ("second", HaltPhase.CONFIRMED)
    assert line.cancelled() == ["x-kc-1", "x-kc-2"]
    assert line.count("trigger") == 4


def test_a_newer_request_takes_over_from_one_that_is_not_done(tmp_path: Path) -> None:
    line = Line()
    works = threading.Event()
    line.trouble = lambda call, number: (
        VenueError("no answer") if call == "list" and not works.is_set() else None
    )
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("first")
        line.wait_for_lists(1)
        path.halter.request("second")
        works.set()
        view = path.confirmed()
    assert view.reason == "second"
    assert line.count("trigger") == 4


def test_the_sentinel_names_the_reason_and_release_removes_it_and_opens_the_gate(tmp_path: Path) -> None:
    line = Line()
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("looks wrong")
        wait_for_file(tmp_path / "HALT")
        assert path.sentinel.reason == "looks wrong"
        path.confirmed()
        assert not path.lets_orders_pass()
        path.release()
        assert path.lets_orders_pass()
        assert not path.sentinel.exists
        assert path.halter.view.phase is HaltPhase.IDLE


def test_release_of_an_older_halt_leaves_a_newer_one_in_force(tmp_path: Path) -> None:
    line = Line()
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("first")
        first = path.confirmed()
        path.halter.request("second")
        path.halter.release(first.requested_ns)
        assert not path.lets_orders_pass()
        wait_for_file(tmp_path / "HALT")
        assert path.confirmed().reason == "second"
        assert path.sentinel.reason == "second"


def test_a_halt_that_was_released_unconfirmed_cancels_nothing_more(tmp_path: Path) -> None:
    line = Line()
    released = threading.Event()
    line.before_list = lambda number: released.wait(PATIENCE_S)
    line.trouble = lambda call, number: VenueError("no answer") if call == "list" else None
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("first")
        line.wait_for_lists(1)
        path.release()
        new = resting("kc-new")
        line.orders[new.order_id] = new
        released.set()
        assert not line.listed.acquire(timeout=0.2)
    assert line.cancelled() == []


def test_a_write_of_the_file_that_comes_after_the_release_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[threading.Thread] = []

    class LateWriter(threading.Thread):
        def start(self) -> None:
            if self.name == "sentinel":
                late.append(self)
            else:
                super().start()

    line = Line()
    with halt_path(tmp_path, line.open) as path:
        monkeypatch.setattr("console.engine.halter.threading.Thread", LateWriter)
        path.halter.request("now")
        path.release()
        [writer] = late
        writer.run()
        assert not path.sentinel.exists
        assert path.lets_orders_pass()


def test_a_disk_that_refuses_the_sentinel_does_not_hold_up_the_cancels(tmp_path: Path) -> None:
    line = Line("kc-1")
    with halt_path(tmp_path / "no such folder", line.open) as path:
        path.halter.request("now")
        path.confirmed()
        assert not path.sentinel.exists
    assert line.cancelled() == ["x-kc-1"]


def test_many_requests_and_releases_at_once_leave_gate_file_and_picture_agreeing(tmp_path: Path) -> None:
    line = Line()
    with halt_path(tmp_path, line.open) as path:
        for _ in range(100):
            path.halter.request("old")
            older = path.halter.view.requested_ns
            threads = [
                threading.Thread(target=path.halter.release, args=(older,)),
                threading.Thread(target=path.halter.request, args=("new",)),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE_S)
            assert not path.lets_orders_pass()
            assert path.halter.view.reason == "new"
        wait_for_file(tmp_path / "HALT")
        path.release()
        assert path.lets_orders_pass()
        assert not path.sentinel.exists


def test_orders_that_reduce_may_pass_only_after_the_newest_halt_is_confirmed(tmp_path: Path) -> None:
    reachable = threading.Event()
    line = Line("kc-1")

    def open_line() -> HaltLine:
        reachable.wait(PATIENCE_S)
        return line

    with halt_path(tmp_path, open_line) as path:
        assert not path.halter.open_to_reduce(None)
        path.halter.request("flatten")
        first = path.halter.view.requested_ns
        assert not path.halter.open_to_reduce(first)
        reachable.set()
        path.confirmed()
        assert path.halter.open_to_reduce(first)
        assert path.gate.permits(reduce_only=True)
        assert not path.lets_orders_pass()
        path.halter.request("stop that")
        assert not path.gate.permits(reduce_only=True)
        path.confirmed()
        assert not path.halter.open_to_reduce(first)
        assert not path.gate.permits(reduce_only=True)


def test_an_order_that_comes_to_rest_after_the_halt_was_confirmed_is_told_and_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halter, "_FIRST_LOOK_S", 0.01)
    line = Line()
    with halt_path(tmp_path, line.open) as path:
        path.halter.request("now")
        path.confirmed()
        line.watched = path.halter
        late = resting("kc-late")
        line.orders[late.order_id] = late
        while late.order_id in line.orders:
            line.wait_for_lists(1)
        line.wait_for_lists(3)
        path.confirmed()
    assert line.cancelled() == ["x-kc-late"]
    assert (HaltPhase.CANCELLING, 1) in [(view.phase, view.resting) for view in line.views]


# --- a halt from another process ------------------------------------------------------------------------


def test_a_halt_file_of_another_process_closes_the_gate_and_is_told_once(tmp_path: Path) -> None:
    with halt_path(tmp_path, Line().open) as path:
        assert path.halter.outside_halt() is None
        Sentinel(tmp_path / "HALT").write("from outside")
        assert not path.lets_orders_pass()
        assert path.halter.outside_halt() == "from outside"
        assert path.halter.outside_halt() is None
        Sentinel(tmp_path / "HALT").write("from outside")
        assert path.halter.outside_halt() == "from outside", "asked for again"


def test_our_own_halt_file_is_no_news(tmp_path: Path) -> None:
    with halt_path(tmp_path, Line().open) as path:
        path.halter.request("here")
        path.confirmed()
        wait_for_file(tmp_path / "HALT")
        assert path.halter.outside_halt() is None


def test_release_leaves_a_halt_that_another_process_asked_for_meanwhile(tmp_path: Path) -> None:
    with halt_path(tmp_path, Line().open) as path:
        path.halter.request("here")
        path.confirmed()
        wait_for_file(tmp_path / "HALT")
        Sentinel(tmp_path / "HALT").write("from outside")
        path.release()
        assert not path.lets_orders_pass()
        assert path.sentinel.reason == "from outside"
        assert path.halter.outside_halt() == "from outside"


def test_a_halt_file_of_another_process_stops_a_flatten(tmp_path: Path) -> None:
    with halt_path(tmp_path, Line().open) as path:
        path.halter.request("flatten")
        path.confirmed()
        wait_for_file(tmp_path / "HALT")
        assert path.halter.open_to_reduce(path.halter.view.requested_ns)
        assert path.gate.permits(reduce_only=True)
        Sentinel(tmp_path / "HALT").write("from outside")
        assert not path.gate.permits(reduce_only=True)
