"""Orders on their way while a halt comes: each that the exchange takes after it is found and cancelled."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest
from conftest import Count, Tell
from engine_builders import FAVOURITE, A, B
from scripted_venue import PATIENCE_S, ScriptedExchange, fails, run_of, wide_market

from console.domain.order import OrderIntent
from console.engine import halt_rounds, halter
from console.engine.halt_view import HaltPhase

pytestmark = pytest.mark.timeout(1800)

LATEST_LIST = 5
"""Orders are taken up to so many lists after the halt: the first two lists may already confirm it."""


class HeldSubmits(dict[str, threading.Event]):
    """Holds each order up at the exchange until the list of the halt that was drawn for it."""

    def __init__(self, drawn: random.Random) -> None:
        super().__init__()
        self._drawn = drawn
        self._held: list[tuple[int, threading.Event]] = []

    def get(self, call: str, default: object = None) -> threading.Event | None:  # type: ignore[override]
        if call != "submit":
            return None
        event = threading.Event()
        self._held.append((self._drawn.randint(1, LATEST_LIST), event))
        return event

    def let_go(self, list_number: int) -> None:
        """Those whose list it is, some of them a moment after it was made."""
        for due, event in self._held:
            if due <= list_number and not event.is_set():
                threading.Timer(self._drawn.choice((0, 0.001, 0.005)), event.set).start()


class RacingExchange(ScriptedExchange):
    """The engine's own cancels fail, and a group keeps nothing out: the halt has only its lists."""

    def __init__(self, drawn: random.Random) -> None:
        super().__init__(wide_market(A), wide_market(B))
        self.taken = 0
        self.held = HeldSubmits(drawn)
        self.before = self.held
        self.trouble = fails("cancel")

    def note(self, call: str, subject: str = "") -> None:
        super().note(call, subject)
        if call == "halt list":
            self.held.let_go(self.count("halt list"))

    def accept(self, intent: OrderIntent, order_id: str | None = None) -> str:
        taken = super().accept(intent, order_id)
        self.taken += 1
        return taken


def race(home: Path, seed: int) -> tuple[int, int]:
    """One halt among orders on their way: how many were sent, and how many cancels it took."""
    drawn = random.Random(seed)
    exchange = RacingExchange(drawn)
    with run_of(home, exchange) as run:
        for ticker in (A, B):
            run.show(FAVOURITE, ticker)
        exchange.wait_for("submit", drawn.randint(1, 2))
        time.sleep(drawn.uniform(0, 0.003))
        run.worker.halt("race")
        sent = exchange.count("submit")
        deadline = time.monotonic() + PATIENCE_S
        while (
            exchange.taken < sent
            or exchange.resting
            or run.worker.halt_view().phase is not HaltPhase.CONFIRMED
        ):
            assert time.monotonic() < deadline, (seed, exchange.calls, run.worker.halt_view())
            sent = exchange.count("submit")
            time.sleep(0.001)
        cancelled = set(exchange.subjects("halt cancel"))
        assert len(cancelled) == exchange.taken == sent, f"seed {seed}: {exchange.calls}"
    return sent, len(cancelled)


def test_every_order_that_is_taken_after_the_halt_is_found_and_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count, tell: Tell
) -> None:
    monkeypatch.setattr(halt_rounds, "_PROOF_S", 0.002)
    monkeypatch.setattr(halt_rounds, "_RETRY_S", 0.002)
    monkeypatch.setattr(halter, "_FIRST_LOOK_S", 0.002)
    races, sent = count(50, 1_000), 0
    for seed in range(races):
        home = tmp_path / str(seed)
        home.mkdir()
        on_their_way, cancelled = race(home, seed)
        assert on_their_way == cancelled
        sent += on_their_way
    assert sent >= races
    tell(f"{races} halts with {sent} orders on their way, each found and cancelled by the halt alone")
