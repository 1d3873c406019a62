"""A running engine of a practice exchange's own, to be made to fail."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console.app import Launch, running_engine
from console.app.metrics import metrics_folder
from console.commands.preflight.arena import Arena, TimeUpError, wait_for
from console.commands.preflight.faults import Faults
from console.commands.preflight.probe import Probe
from console.commands.preflight.receiver import OwnReceiver, own_receiver
from console.config.catalogue import CATALOGUE
from console.config.values import text_of
from console.domain.commands import ChangeSettings, Resume
from console.domain.trading_state import TradingState
from console.engine.limit_views import LatchView
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker
from console.risk.switches.every import every_switch

MAKER = (("strategy_flb.style", "maker"),)
"""Orders that rest."""

_ASK_AGAIN_S = 2.0
_HALTED_S = 20.0
_REASON = "pre-flight check"


class Session:
    """With ``faults`` around the engine and a ``probe`` of its gate; calls wait, and raise TimeUpError."""

    def __init__(
        self,
        worker: EngineWorker,
        faults: Faults,
        probe: Probe,
        arena: Arena,
        launch: Launch,
        receiver: OwnReceiver,
    ) -> None:
        self.worker = worker
        self.faults = faults
        self.probe = probe
        self.arena = arena
        self.halt_file = launch.folder.halt_sentinel
        self.metrics = metrics_folder(launch)
        self.receiver = receiver
        self._settings = self.snapshot.settings

    @property
    def snapshot(self) -> Snapshot:
        failure = self.worker.failure()
        snapshot = self.worker.snapshot()
        if failure is not None or snapshot is None:
            raise TimeUpError(f"the engine ended: {failure or 'it never began'}")
        return snapshot

    def wait(self, what: str, holds: Callable[[Snapshot], bool]) -> float:
        return wait_for(what, lambda: holds(self.snapshot))

    def wait_for_trading(self) -> None:
        self.wait("trading", lambda now: now.state is TradingState.RUNNING and not now.latches)

    def change(self, settings: tuple[tuple[str, str], ...]) -> None:
        """Have these settings in force, as by the operator."""
        if settings:
            before = self.snapshot.settings_hash
            self.worker.send(ChangeSettings(at_ns=time.time_ns(), changes=settings, reason=_REASON))
            self.wait("other settings in force", lambda now: now.settings_hash != before)

    def change_back(self, settings: tuple[tuple[str, str], ...]) -> None:
        """Have the session's own values of these settings in force again."""
        self.change(tuple((key, self._own_text(key)) for key, _ in settings))

    def _own_text(self, key: str) -> str:
        spec = CATALOGUE[key]
        return text_of(spec, spec.value_in(self._settings))

    def halt(self) -> None:
        self.worker.halt(_REASON)

    def wait_halted(self) -> None:
        """Until the newest halt is confirmed, and latched."""
        if not self.worker.wait_halted(_HALTED_S):
            raise TimeUpError(f"the halt was not confirmed within {_HALTED_S:.0f} s")
        # The core may be behind the halter: what is cleared before this latch leaves it standing.
        self.wait("the halt's latch", lambda now: now.state is TradingState.HALTED)

    def wait_told(self, kind: str, before: int) -> float:
        """Until more alerts of a kind have arrived than before."""
        return wait_for(f"an alert of {kind} delivered", lambda: self.receiver.count(kind) > before)

    def clear(self) -> str:
        """Resume every latch as soon as it may be, but those that end by themselves."""
        settings = self._settings
        switches = every_switch(settings.risk, settings.quality)
        by_itself = {switch.key for switch in switches if switch.clears_itself}
        asked: dict[str, float] = {}
        resumed: set[str] = set()

        def are_gone(now: Snapshot) -> bool:
            for latch in now.latches:
                if latch.name not in by_itself and _may_ask(latch, asked):
                    resumed.add(latch.id)
                    asked[latch.id] = time.monotonic()
                    self.worker.send(Resume(at_ns=time.time_ns(), latch=latch.id, reason=_REASON))
            return not now.latches

        took_s = self.wait("every latch cleared", are_gone)
        return f"{'resumed' if resumed else 'cleared by itself'} after {took_s:.1f} s"


def _may_ask(latch: LatchView, asked: dict[str, float]) -> bool:
    return latch.refusal is None and time.monotonic() - asked.get(latch.id, 0.0) > _ASK_AGAIN_S


def news(before: Snapshot, now: Snapshot) -> str:
    """What stopped proposals since, most often first."""
    counts = Counter({reason: number for step in now.funnel for reason, number in step.stopped})
    counts.subtract({reason: number for step in before.funnel for reason, number in step.stopped})
    said = ", ".join(f"{reason} {number}" for reason, number in counts.most_common(3) if number > 0)
    return said or "nothing was looked at"


@contextmanager
def session(arena: Arena, home: str) -> Iterator[Session]:
    """A restless engine in a home of the arena; raises as ``running_engine`` does."""
    faults, probe = Faults(), Probe(arena)
    with own_receiver() as receiver:
        launch = arena.launch(
            home,
            ("monitoring.webhook_url", receiver.url),
            ("monitoring.alert_level", "info"),
            ("monitoring.export_interval_seconds", "1"),
        )
        with running_engine(launch, lambda plan: faults.around(probe.around(plan))) as worker:
            yield Session(worker, faults, probe, arena, launch, receiver)
