"""A halt that is on disk holds through SIGKILL, restart and changed settings, until an operator clears it."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from arena import Arena, arena
from conftest import Count, Tell
from kill_harness import MAKER
from practice_runs import journaled_account, journaled_events, wait_for
from run_tasks import DieAt, halt, resume, stop

from console.domain.account_events import OrderIntended
from console.domain.engine_events import TimerFired
from console.domain.order import OrderStatus
from console.domain.trading_state import TradingState
from console.engine import crash_points
from console.engine.gate import Sentinel
from console.engine.worker import EngineWorker
from console.risk.switches.tripwire import TRIPWIRE

pytestmark = pytest.mark.timeout(0)

GATE_CLOSED = "halt: gate closed"
PLACES = (
    GATE_CLOSED,
    "halt: file written",
    "halt: group triggered",
    "LatchRaised: before commit",
    "LatchRaised: committed",
    "halt: listed",
    "halt: confirmed",
)
SOON_AFTER = "a moment after the gate closed"
LONGEST_MOMENT_S = 0.05
"""About as long as a halt takes from the closed gate to its proof."""

BEFORE_DISK = (GATE_CLOSED, SOON_AFTER, "LatchRaised: before commit")
"""Where a halt may die without a trace."""

OPERATOR, SWITCH = "operator", "switch"
WAYS = (*((OPERATOR, place) for place in (*PLACES, SOON_AFTER)), *((SWITCH, place) for place in PLACES))

TRIPS = "risk.tripwire_notional_pct_per_minute=0.0001"
CHANGED = (
    ("risk.tripwire_orders_per_minute=7000",),
    ("risk.max_order_contracts=9", "risk.price_collar_cents=98"),
    ("risk.max_errors_per_hour=9999", "strategy_flb.scan_interval=0.2"),
)
"""Other thresholds than those under which it halted; the tripwire's is lifted by each of them."""

SCANS = 3
"""So many looks at the markets without an order show that a halted run sends none."""

HALTS_AN_ACCOUNT = 50


@dataclass(frozen=True)
class DieSoonAfter:
    """From now on the run ends so long after its gate was closed, wherever its halt is by then."""

    delay_s: float

    def __call__(self, worker: EngineWorker) -> str:
        def on_reached(name: str) -> None:
            if name == GATE_CLOSED:
                threading.Timer(self.delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()

        crash_points.on_reached = on_reached
        return "armed"


def reasons(worker: EngineWorker) -> list[str]:
    """Why it is halted, once that is proved at the exchange and some more scans have passed."""
    snapshot = wait_for(worker, "a picture", lambda _: True)
    found = [latch.reason for latch in snapshot.latches if latch.level is TradingState.HALTED]
    if found:
        assert worker.wait_halted(30)
        let_scans_pass(worker)
        after = wait_for(worker, "a picture", lambda _: True)
        assert after.state is TradingState.HALTED
    return found


def let_scans_pass(worker: EngineWorker) -> None:
    loop, passed = worker._run.loop, threading.Semaphore(0)
    assert loop is not None
    step = loop.step

    def counted(event: object) -> None:
        step(event)  # type: ignore[arg-type]
        if isinstance(event, TimerFired):
            passed.release()

    loop.step = counted  # type: ignore[method-assign]
    for _ in range(SCANS):
        assert passed.acquire(timeout=30)


def killed_while_halting(place: Arena, by: str, at: str) -> None:
    if by == SWITCH:
        with place.run(MAKER, TRIPS, crash_at=at) as run:
            assert run.wait_ended() == -signal.SIGKILL, at
        return
    moment_s = place.random.uniform(0, LONGEST_MOMENT_S)
    with place.run(MAKER) as run:
        assert run.wait_running()
        place.wait_orders(run, 1)
        run.ask(DieSoonAfter(moment_s) if at == SOON_AFTER else DieAt(at))
        # A halt may be through before the moment is over.
        run.ask(halt)
        assert run.wait_ended() == -signal.SIGKILL, at


def reasons_on_disk(place: Arena) -> list[str]:
    """What the dead run left of its halt; none when it died before any of it was on disk."""
    latches = journaled_account(place.home).latches.active
    told = [latch.reason for latch in latches if latch.level is TradingState.HALTED]
    sentinel = Sentinel(place.folder.halt_sentinel)
    return [*told, sentinel.reason] if sentinel.exists else told


def resting(place: Arena) -> list[str]:
    orders = place.exchange.ask(lambda venue: venue.orders())
    return [order.client_order_id for order in orders if order.status is OrderStatus.RESTING]


def assert_still_halted(place: Arena, told: list[str]) -> None:
    """Restart with other settings, look, resume as the operator may, and end."""
    intents = (event for event in journaled_events(place.home) if isinstance(event, OrderIntended))
    intended = {event.intent.client_order_id for event in intents}
    with place.run(*place.random.choice(CHANGED)) as run:
        assert run.wait_running()
        shown = run.ask(reasons)
        assert isinstance(shown, list)
        assert bool(shown) == bool(told), (shown, told)
        # The file names the switch before its reason.
        lost = [each for each in told if not any(each in (it, f"{TRIPWIRE}: {it}") for it in shown)]
        assert lost == [], shown
        if told:
            assert resting(place) == []
            assert place.proxy.orders_sent().keys() <= intended
            assert run.ask(resume)
        # So that no start takes the groups of a dead run for its first halt.
        assert run.ask(stop)
    assert not place.is_halted_on_disk


def test_a_halt_on_disk_holds_through_kills_and_restarts_with_other_settings(
    tmp_path: Path, count: Count, tell: Tell
) -> None:
    halts, seed = count(10, 200), random.SystemRandom().randrange(2**32)
    tell(f"seed {seed}")
    began, drawn, outcomes = time.monotonic(), random.Random(seed), Counter[str]()
    # Each way before any comes twice.
    ways = [way for _ in range(halts // len(WAYS) + 1) for way in drawn.sample(WAYS, len(WAYS))][:halts]
    for start in range(0, halts, HALTS_AN_ACCOUNT):
        with arena(tmp_path / str(start), seed + start) as place:
            # An order that is accepted late rests for a moment in any halt.
            place.proxy.heal()
            for by, at in ways[start : start + HALTS_AN_ACCOUNT]:
                killed_while_halting(place, by, at)
                told = reasons_on_disk(place)
                assert told or at in BEFORE_DISK, (by, at)
                outcomes["held" if told else "died before any of it was on disk"] += 1
                assert_still_halted(place, told)
    assert outcomes["held"]
    tell(
        f"{halts} runs killed in a halt: {', '.join(f'{n} {what}' for what, n in outcomes.items())}; "
        f"0 cleared, 0 resting, 0 POSTs after; {time.monotonic() - began:.0f} s"
    )
