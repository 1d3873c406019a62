"""The way back from a halt: refused until the exchange confirmed it, and open in one step."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from console.domain.commands import Resume
from console.domain.engine_events import ErrorHappened, LatchRaised
from console.domain.ports import VenueError, VenueRefusedError
from console.domain.trading_state import TradingState
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.halt_view import NOT_HALTING, HaltView
from console.engine.outside import Outside, Step
from console.risk.switches.manual import MANUAL

log = logging.getLogger(__name__)


class Resumption:
    """Clears latches for the operator; our order groups take orders again before the last HALT goes.

    So the gate opens in the same step as the latch goes, and no order is decided in between.
    """

    def __init__(
        self,
        engine: Engine,
        outside: Outside,
        step: Step,
        open_group: Callable[[int], Awaitable[None]],
    ) -> None:
        self._open_group = open_group
        self._engine = engine
        self._out = outside
        self._step = step
        self._ending: HaltView = NOT_HALTING

    def _refusal(self, latch: str) -> str | None:
        return self._engine.resume_refusal(latch, self._out.wall_ns())

    async def resume(self, command: Resume) -> None:
        """Clear a latch, or tell why not."""
        refusal = self._refusal(command.latch)
        latches = self._engine.account.latches.active
        halts = [latch.id for latch in latches if latch.level is TradingState.HALTED]
        if refusal is None and halts == [command.latch]:
            self._ending = self._out.halter.view
            refusal = await self._reset_groups() or self._refusal(command.latch)
            crash_point("resume: groups reset")
        if refusal is None:
            self._step(command)
        else:
            source = f"{command.latch} was not cleared"
            self._step(ErrorHappened(at_ns=self._out.wall_ns(), source=source, message=refusal))

    async def _reset_groups(self) -> str | None:
        """Let our groups take orders again, with another for one that is gone; why that failed."""
        try:
            for exchange_index, group_id in list(self._engine.group_ids.items()):
                try:
                    await self._out.venue.reset_group(group_id)
                except VenueRefusedError as refusal:
                    log.warning("order group %s is replaced: %s", group_id, refusal)
                    await self._open_group(exchange_index)
        except VenueError as error:
            return f"the order groups were not reset: {error}"
        return None

    def end_halt(self) -> None:
        """Open the gate, unless a newer halt was asked for since: its command is on its way."""
        try:
            self._out.halter.release(self._ending.requested_ns)
        except OSError as error:
            self._step(
                LatchRaised(
                    at_ns=self._out.wall_ns(),
                    name=MANUAL,
                    level=TradingState.HALTED,
                    reason=f"the halt file was not removed: {error}",
                    source="halt path",
                )
            )
