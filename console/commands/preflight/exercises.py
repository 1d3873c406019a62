"""Each kill switch tripped in a running engine on a practice exchange, and resumed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from console.app import running_engine
from console.commands.preflight.arena import Arena, TimeUpError, wait_for
from console.commands.preflight.faults import Faults
from console.config.catalogue import CATALOGUE
from console.config.schema import Settings
from console.config.values import text_of
from console.domain.events import ChangeSettings, ClosePosition, Resume, TradingState
from console.domain.money import Price
from console.engine.entries import ENTERED_BEFORE
from console.engine.snapshot import LatchView, PositionView, Snapshot
from console.engine.worker import EngineWorker
from console.monitoring.why_not import FunnelStepName
from console.risk.latches import EVERYTHING
from console.risk.switches.base import Switch
from console.risk.switches.every import every_switch

_NUDGE_S = 2.0
_HALTED_S = 20.0
_QUIET_S = 0.5
_HELD_NS = 4_000_000_000
_MAKER = (("strategy_flb.style", "maker"),)

Nudge = Callable[["Session"], None]


def _no_nudge(_session: Session) -> None:
    """What goes wrong goes wrong by itself."""


@dataclass(frozen=True)
class Exercise:
    """How a switch is made to trip: ``fault`` is a flag of Faults, ``settings`` are in force meanwhile.

    ``nudge`` is done first and again every two seconds until it has tripped. Where it ``is_blind`` no market
    is looked at meanwhile, so that no entry can be seen refused.
    """

    words: str
    fault: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    nudge: Nudge = _no_nudge
    is_blind: bool = False


class Session:
    """A running engine, with ``faults`` around it; the calls wait, and raise TimeUpError."""

    def __init__(self, worker: EngineWorker, faults: Faults, settings: Settings, arena: Arena) -> None:
        self.worker = worker
        self.faults = faults
        self.arena = arena
        self._settings = settings

    @property
    def snapshot(self) -> Snapshot:
        failure = self.worker.failure()
        snapshot = self.worker.snapshot()
        if failure is not None or snapshot is None:
            raise TimeUpError(f"the engine ended: {failure or 'it never began'}")
        return snapshot

    def wait(self, what: str, holds: Callable[[Snapshot], bool]) -> float:
        return wait_for(what, lambda: holds(self.snapshot))

    def change(self, settings: tuple[tuple[str, str], ...]) -> None:
        """Have these settings in force, as by the operator."""
        if settings:
            before = self.snapshot.settings_hash
            self.worker.send(
                ChangeSettings(at_ns=time.time_ns(), changes=settings, reason="pre-flight check")
            )
            self.wait("other settings in force", lambda now: now.settings_hash != before)

    def trip(self, switch: Switch, exercise: Exercise) -> str:
        """Trip a switch, see that it stops what it should, and resume; says how that went."""
        self.wait("trading", lambda now: now.state is TradingState.RUNNING and not now.latches)
        # Under the settings of some exercises nothing is entered, and they trip by what is held.
        self.wait("a position that lasts", _holds_for_a_while)
        self.change(exercise.settings)
        if exercise.fault is not None:
            setattr(self.faults, exercise.fault, True)
        try:
            took_s = self._nudge_until_tripped(switch, exercise)
            found = self._see_it_stop(switch, is_blind=exercise.is_blind)
        finally:
            self.faults.end()
        self.change_back(exercise.settings)
        return f"{exercise.words}: {found} after {took_s:.1f} s, {self.clear()}"

    def change_back(self, settings: tuple[tuple[str, str], ...]) -> None:
        """Have the session's own values of these settings in force again."""
        self.change(tuple((key, self._own_text(key)) for key, _ in settings))

    def _own_text(self, key: str) -> str:
        spec = CATALOGUE[key]
        return text_of(spec, spec.value_in(self._settings))

    def _nudge_until_tripped(self, switch: Switch, exercise: Exercise) -> float:
        nudged_s, began_s = 0.0, time.monotonic()

        def is_tripped(now: Snapshot) -> bool:
            nonlocal nudged_s
            if time.monotonic() - nudged_s >= _NUDGE_S:
                nudged_s = time.monotonic()
                exercise.nudge(self)
            return any(latch.name == switch.key for latch in now.latches)

        self.wait(f"the latch {switch.key}", is_tripped)
        return time.monotonic() - began_s

    def _see_it_stop(self, switch: Switch, *, is_blind: bool) -> str:
        """What the latch did; raises TimeUpError when it did not do what its switch says."""
        tripped = self.snapshot
        latch = next(latch for latch in tripped.latches if latch.name == switch.key)
        if latch.level < switch.level:
            raise TimeUpError(f"{latch.id} latched {latch.level.name}, not {switch.level.name}")
        if latch.level is TradingState.HALTED and not self.worker.wait_halted(_HALTED_S):
            raise TimeUpError(f"{latch.id}: the halt was not confirmed within {_HALTED_S:.0f} s")
        if latch.scope != EVERYTHING:
            return f"{latch.level.name} on {latch.scope}"
        # Exits go on where it does not halt.
        count = _orders if latch.level is TradingState.HALTED else _entries
        time.sleep(_QUIET_S)
        if not is_blind:
            # Silence alone proves nothing: there may have been nothing to enter.
            self.wait(
                f"an entry refused by {latch.id}",
                lambda now: _refused(now) > _refused(tripped) or count(now) > count(tripped),
            )
        sent = count(self.snapshot) - count(tripped)
        if sent:
            raise TimeUpError(f"{sent} orders were sent after {latch.id} was latched")
        return latch.level.name

    def clear(self) -> str:
        """Resume every latch as soon as it may be, but those that end by themselves."""
        by_itself = {switch.key for switch in _switches(self._settings) if switch.clears_itself}
        asked: dict[str, float] = {}
        resumed: set[str] = set()

        def are_gone(now: Snapshot) -> bool:
            for latch in now.latches:
                if latch.name not in by_itself and _may_ask(latch, asked):
                    resumed.add(latch.id)
                    asked[latch.id] = time.monotonic()
                    command = Resume(at_ns=time.time_ns(), latch=latch.id, reason="pre-flight check")
                    self.worker.send(command)
            return not now.latches

        took_s = self.wait("every latch cleared", are_gone)
        return f"{'resumed' if resumed else 'cleared by itself'} after {took_s:.1f} s"


def _orders(now: Snapshot) -> int:
    return now.orders


def _entries(now: Snapshot) -> int:
    return next(step.reached for step in now.funnel if step.label == FunnelStepName.SENT.value)


def _holds_for_a_while(now: Snapshot) -> bool:
    least_ns = time.time_ns() + _HELD_NS
    return any(held.close_ns is not None and held.close_ns > least_ns for held in now.positions)


def _refused(now: Snapshot) -> int:
    """How many proposals were refused for another reason than that their market was entered before."""
    passed = {step.label: step.reached for step in now.funnel}
    limits = next(step for step in now.funnel if step.label == FunnelStepName.LIMITS.value)
    entered_before = dict(limits.stopped).get(ENTERED_BEFORE, 0)
    return passed[FunnelStepName.EDGE.value] - limits.reached - entered_before


def _may_ask(latch: LatchView, asked: dict[str, float]) -> bool:
    return latch.refusal is None and time.monotonic() - asked.get(latch.id, 0.0) > _NUDGE_S


@contextmanager
def session(arena: Arena, home: str) -> Iterator[Session]:
    """A restless engine in a home of the arena; raises as ``running_engine`` does."""
    faults, launch = Faults(), arena.launch(home)
    with running_engine(launch, faults.around) as worker:
        yield Session(worker, faults, launch.settings, arena)


def _switches(settings: Settings) -> tuple[Switch, ...]:
    return every_switch(settings.risk, settings.quality)


def exercise(key: str, running: Session) -> str:
    """Exercise one switch; says how that went. Raises TimeUpError."""
    switch = next(each for each in _switches(running.snapshot.settings) if each.key == key)
    return running.trip(switch, EXERCISES[key])


def exercise_resume(running: Session) -> str:
    """Halt while orders rest, see that none is left, and that they go out again; raises TimeUpError.

    The engine's own cancels are lost meanwhile: the halt must not depend on what it halts.
    """
    running.wait("trading", lambda now: now.state is TradingState.RUNNING and not now.latches)
    running.change(_MAKER)
    # What is on its way may be refused still, and then nothing is shown.
    running.wait("an order resting at the exchange", lambda _now: bool(running.arena.resting()))
    running.faults.loses_cancels = True
    try:
        running.worker.halt("pre-flight check")
        if not running.worker.wait_halted(_HALTED_S):
            raise TimeUpError(f"the halt was not confirmed within {_HALTED_S:.0f} s")
        left = running.arena.resting()
        if left:
            raise TimeUpError(f"the halt was confirmed, and {left} orders rest at the exchange")
        running.wait("the halt", lambda now: now.state is TradingState.HALTED)
    finally:
        running.faults.end()
    running.change_back(_MAKER)
    said = running.clear()
    before = running.snapshot.orders
    took_s = running.wait("an order after the halt", lambda now: now.orders > before)
    return f"halted and confirmed, nothing rests, {said}; the next order went out {took_s:.1f} s later"


def _halt(running: Session) -> None:
    running.worker.halt("pre-flight check")


def _fail(running: Session) -> None:
    for number in range(3):
        running.worker.note_error("preflight", f"a failure made for the check, {number}")


def _lose(running: Session) -> None:
    """Sell something for less than was paid, or for the fees."""
    _sell(running, lambda held, price: price <= held.average_price)


def _sell_any(running: Session) -> None:
    """Send an order, whatever the strategy would."""
    _sell(running, lambda _held, _price: True)


def _sell(running: Session, is_wanted: Callable[[PositionView, Price], bool]) -> None:
    for held in running.snapshot.positions:
        price = held.exit.price
        if price is not None and is_wanted(held, price):
            running.worker.send(ClosePosition(at_ns=time.time_ns(), ticker=held.ticker, least_price=price))
            return


EXERCISES: dict[str, Exercise] = {
    "manual": Exercise("halted by the operator", nudge=_halt),
    "daily_loss": Exercise(
        "fees and spread at a limit of 1 cent", settings=(("risk.max_daily_loss_dollars", "0.01"),)
    ),
    "drawdown": Exercise(
        "fees and spread at a limit of 0.0001 %", settings=(("risk.max_drawdown_pct", "0.000001"),)
    ),
    "loss_streak": Exercise(
        "a position sold at a loss, at a limit of one",
        settings=(("risk.max_consecutive_losses", "1"),),
        nudge=_lose,
    ),
    "slippage": Exercise(
        "fills a cent worse than decided",
        fault="fills_worse",
        settings=(("quality.slippage_min_fills", "1"), ("quality.max_slippage_share", "0")),
    ),
    "error_burst": Exercise(
        "three failures at a limit of two", settings=(("risk.max_errors_per_hour", "2"),), nudge=_fail
    ),
    "stale_book": Exercise(
        "a feed gone silent, at a limit of 2 s",
        fault="is_silent",
        settings=(("quality.max_stale_book_seconds", "2"),),
        is_blind=True,
    ),
    "no_fills": Exercise(
        "orders that rest and do not fill, at a limit of 2 scans",
        settings=(*_MAKER, ("risk.max_scans_without_fill", "2")),
    ),
    "correlation": Exercise(
        "a group over a cap of 0.0001 %",
        settings=(
            ("risk.max_single_position_pct", "0.000001"),
            ("risk.max_correlated_group_pct", "0.000001"),
        ),
    ),
    "reject_rate": Exercise(
        "orders refused by the exchange, at a limit of two",
        fault="rejects_orders",
        settings=(("risk.max_rejects_per_minute", "2"),),
        nudge=_sell_any,
    ),
    "tripwire": Exercise(
        "an order over a limit of nothing a minute",
        settings=(("risk.tripwire_notional_pct_per_minute", "0"),),
    ),
    "unknown_orders": Exercise(
        "an order whose answer is lost, at a limit of none",
        fault="loses_answers",
        settings=(("risk.max_unknown_orders", "0"),),
        nudge=_sell_any,
    ),
    "foreign_instance": Exercise("an order of another kconsole listed", fault="lists_foreign"),
    "position_mismatch": Exercise("a position listed that is not ours", fault="holds_more"),
    "clock_skew": Exercise("the exchange's clock a minute off", fault="clock_is_off"),
    "exchange_paused": Exercise("trading paused by the exchange", fault="stops_trading"),
    "api_key": Exercise("the key refused by the exchange", fault="refuses_key"),
    "guard": Exercise("the guard gone", fault="guard_is_gone"),
}
"""By the switch's key; the journal's needs a run of its own, whose disk refuses."""
