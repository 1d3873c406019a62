"""What a forked run is asked to do: each is called there, with its worker."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kill_harness import die_at
from practice_runs import journaled_account, wait_for

from console.domain.commands import Resume
from console.domain.trading_state import TradingState
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker


def state(worker: EngineWorker) -> TradingState:
    return wait_for(worker, "a first picture", lambda _: True).state


def stop(worker: EngineWorker) -> str:
    worker.stop(cancel_resting=True)
    return "stopped"


def halt(worker: EngineWorker) -> str:
    """Halt and wait for the proof, and for the latch in the journal."""
    worker.halt("pressed")
    assert worker.wait_halted(30)
    wait_for(worker, "halted", lambda snapshot: snapshot.state is TradingState.HALTED)
    return "confirmed"


def resume(worker: EngineWorker) -> str:
    """Clear every latch, as the operator would."""
    while latches := wait_for(worker, "a picture", lambda _: True).latches:
        _clear(worker, latches[0].id)
    return "resumed"


def _clear(worker: EngineWorker, latch: str) -> None:
    def is_gone(snapshot: Snapshot) -> bool:
        return all(view.id != latch for view in snapshot.latches)

    wait_for(worker, f"{latch} may be cleared", lambda s: is_gone(s) or worker.resume_refusal(latch) is None)
    worker.send(Resume(at_ns=time.time_ns(), latch=latch, reason="seen"))
    wait_for(worker, f"{latch} cleared", is_gone)


@dataclass(frozen=True)
class DieAt:
    """From now on a crash point of this name ends the run."""

    name: str

    def __call__(self, worker: EngineWorker) -> str:
        die_at(self.name)
        return "armed"


def end_quietly(worker: EngineWorker) -> bool:
    """Wait until it is known of every order what became of it, and stop.

    Answers whether replaying the journal gives the state that lived.
    """
    assert worker._run.loop is not None
    account = worker._run.loop.engine.account
    wait_for(worker, "every order known", lambda _: not account.open_orders)
    worker.stop(cancel_resting=True)
    home = worker._plan.journal.parent.parent
    return journaled_account(home).comparable() == account.comparable()
