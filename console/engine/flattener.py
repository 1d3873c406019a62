"""Carries a flatten out: waits for the halt, then reads the account and lets the core send, in rounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from console.domain.engine_events import FlattenDue
from console.domain.ports import VenueError
from console.engine.core import Engine
from console.engine.halt_view import HaltPhase
from console.engine.outside import Outside, Step

_LOOK_S = 0.05
_ROUND_S = 0.5


class Flattener:
    """One flatten from its halt to its end; ``reread`` reads the account anew, or raises VenueError."""

    def __init__(
        self,
        engine: Engine,
        outside: Outside,
        step: Step,
        *,
        reread: Callable[[], Awaitable[None]],
        told: Callable[[str, VenueError], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._reread = reread
        self._told = told
        self._is_stopping = is_stopping

    def begin(self, reason: str) -> int | None:
        """Halt anew, at once; the result names this halt."""
        self._out.halter.request(reason)
        return self._out.halter.view.requested_ns

    async def run(self, requested_ns: int | None) -> None:
        """Flatten until the core ends it; a newer halt keeps the gate closed."""
        halter = self._out.halter
        while self._goes_on and halter.view.requested_ns == requested_ns:
            if halter.view.phase is HaltPhase.CONFIRMED:
                break
            await asyncio.sleep(_LOOK_S)
        while self._goes_on:
            try:
                await self._reread()
            except VenueError as error:
                self._told("flatten", error)
            else:
                # Asked in every round: between two of them the halt may have been asked for again.
                if not halter.open_to_reduce(requested_ns):
                    break
                self._step(FlattenDue(at_ns=self._out.wall_ns()))
            await asyncio.sleep(_ROUND_S)

    @property
    def _goes_on(self) -> bool:
        return self._engine.is_flattening and not self._is_stopping()
