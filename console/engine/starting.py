"""What a run hears before it reads the account: halts from before, how the last run ended, not armed yet."""

from __future__ import annotations

from collections.abc import Iterator

from console.domain.commands import Halt
from console.domain.engine_events import ErrorHappened, LatchRaised
from console.domain.events import EngineEvent
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase
from console.engine.outside import Outside
from console.engine.run_file import CRASH_LOOP
from console.risk.latches import DISARMED, Latches
from console.risk.switches.manual import MANUAL


def events_at_start(outside: Outside, latches: Latches) -> Iterator[EngineEvent]:
    """The events to take, in this order, each before the next is asked for."""
    at_ns, halt = outside.wall_ns(), outside.halter.view
    if latches.get(MANUAL) is None:
        if halt.phase is not HaltPhase.IDLE:
            yield Halt(at_ns=at_ns, reason=halt.reason)
        elif (untold := outside.sentinel.untold(latches.active)) is not None:
            yield Halt(at_ns=at_ns, reason=untold)
    record = outside.record
    if record is not None and record.warning is not None:
        yield ErrorHappened(at_ns=at_ns, source="the last run", message=record.warning)
    if record is not None and record.crash_loop is not None:
        yield _latch(at_ns, CRASH_LOOP, TradingState.HALTED, record.crash_loop)
    if not outside.arms_itself:
        yield _latch(at_ns, DISARMED, TradingState.REDUCE_ONLY, "not armed since this start")


def _latch(at_ns: int, name: str, level: TradingState, reason: str) -> LatchRaised:
    return LatchRaised(at_ns=at_ns, name=name, level=level, reason=reason, source="start")
