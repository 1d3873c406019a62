"""What a check waits for before it goes on with the engine that it tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from console.app import Launch
from console.commands.preflight.arena import Arena, restless
from console.commands.preflight.faults import Faults
from console.commands.preflight.probe import Probe
from console.commands.preflight.receiver import OwnReceiver
from console.commands.preflight.session import Session
from console.config.home import Home
from console.domain.trading_state import TradingState
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker


@dataclass
class BehindItsHalter:
    """An engine whose halt is confirmed at the exchange some snapshots before its core has heard of it."""

    states: Iterator[TradingState] = field(
        default_factory=lambda: iter([TradingState.RUNNING] * 3 + [TradingState.HALTED])
    )
    shown: list[TradingState] = field(default_factory=list)

    def wait_halted(self, _timeout_s: float) -> bool:
        return True

    def failure(self) -> None:
        return None

    def snapshot(self) -> Snapshot:
        self.shown.append(next(self.states))
        return cast(Snapshot, SimpleNamespace(state=self.shown[-1], latches=(), settings=restless()))


def test_a_halt_is_not_gone_on_from_before_its_latch_stands(tmp_path: Path) -> None:
    # Else what clears the latches finds none, and the halt that comes then stays.
    worker, arena = BehindItsHalter(), cast(Arena, None)
    launch = Launch("practice", restless(), Home(tmp_path).environment("practice"))
    session = Session(
        cast(EngineWorker, worker), Faults(), Probe(arena), arena, launch, cast(OwnReceiver, None)
    )
    session.wait_halted()
    assert worker.shown[-1] is TradingState.HALTED
