"""Other settings for a running engine, and for the starts after it."""

from __future__ import annotations

from collections.abc import Callable

from console.config.errors import ConfigError
from console.domain.commands import ChangeSettings
from console.engine.core import Engine
from console.engine.outside import Step
from console.engine.overrides import Overrides
from console.monitoring.alerts import UNKEPT
from console.monitoring.responses import SETTINGS


class SettingsKeeper:
    """Has the core take other settings, and what it took outlive the run where that can be.

    ``unkept`` are keys that the next start will not find as they are; ``overrides`` is None where changed
    settings end with the run.
    """

    def __init__(
        self,
        engine: Engine,
        overrides: Overrides | None,
        step: Step,
        notice: Callable[[str, str], None],
    ) -> None:
        self.unkept: frozenset[str] = frozenset()
        self._engine = engine
        self._overrides = overrides
        self._step = step
        self._notice = notice

    def change(self, command: ChangeSettings) -> None:
        """Take the command, or tell why not."""
        before = self._engine.settings
        keys = [key for key, _ in command.changes]
        refusal = None if self._overrides is None else self._overrides.refusal(keys)
        if refusal is not None:
            self._notice(SETTINGS, f"settings: not changed: {refusal}")
            return
        self._step(command)
        if self._engine.settings is before:
            return
        kept, trouble = self._keep(frozenset(keys))
        self.unkept = (self.unkept | frozenset(keys)) - kept
        if trouble:
            self._notice(UNKEPT.kind, f"settings: changed for this run only: {trouble}")

    def _keep(self, keys: frozenset[str]) -> tuple[frozenset[str], str]:
        """Write these with what could not be written before, or alone; what was, and why nothing was."""
        trouble = ""
        if self._overrides is None:
            return frozenset(), trouble
        for asked in (self.unkept | keys, keys):
            try:
                self._overrides.write(self._engine.settings, asked)
            except ConfigError as error:
                trouble = str(error)
            else:
                return asked, ""
        return frozenset(), trouble
