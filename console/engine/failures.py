"""What fails again and again beside the core, told once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from console.domain.engine_events import ErrorHappened, KeyRefused
from console.domain.ports import Clock, KeyRefusedError, VenueError
from console.engine.backup import BackupError
from console.engine.outside import Step


class Failures:
    """Tells the core what failed, once for each source until that succeeds or fails otherwise."""

    def __init__(self, step: Step, wall_ns: Clock) -> None:
        self._step = step
        self._wall_ns = wall_ns
        self._failing: dict[str, str] = {}

    def guarded(self, source: str, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A job that goes on after a failed read."""

        async def guarded() -> None:
            try:
                await job()
            except VenueError as error:
                self.note(source, error)
            else:
                self.note_success(source)

        return guarded

    def note(self, source: str, error: VenueError | BackupError) -> None:
        """Something failed; a refused key is told each time."""
        if isinstance(error, KeyRefusedError):
            self._step(KeyRefused(at_ns=self._wall_ns(), reason=str(error)))
        if self._failing.get(source) != str(error):
            self._failing[source] = str(error)
            self._step(ErrorHappened(at_ns=self._wall_ns(), source=source, message=str(error)))

    def note_success(self, source: str) -> None:
        self._failing.pop(source, None)
