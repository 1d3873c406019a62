"""What to run, as a command line says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.config.home import EnvironmentFolder
from console.config.load import Environment
from console.config.schema import Settings
from console.engine.overrides import Overrides


class UncleanError(Exception):
    """The exchange holds something else for us than the journal; the text is one sentence."""


@dataclass(frozen=True)
class Launch:
    """What to run: an environment with its settings and folder; ``attach`` is a practice exchange's line.

    A dry run reads the environment's exchange and gives its orders to a simulation. Without ``overrides``
    what the operator changes ends with the run.
    """

    environment: Environment
    settings: Settings
    folder: EnvironmentFolder
    attach: Path | None = None
    dry_run: bool = False
    overrides: Overrides | None = None

    @property
    def journal(self) -> Path:
        """The journal of the account that is traded."""
        return self.folder.dry_run_journal if self.dry_run else self.folder.journal
