"""The guide's trading engine: practice or demo, composed as the console composes it."""

from __future__ import annotations

import threading
from pathlib import Path

from console.config.home import find_home
from console.config.load import Environment, load
from console.engine.status import Document, status_document
from console.engine.worker import EngineFailedError, EngineWorker

_LOOK_EVERY_S = 0.2


class TradingEngine:
    """Trades the practice exchange, or demo with ``use_demo``; real money is not traded through this door.

    A dry run simulates its orders. ``home`` holds the state, ``attach`` names the file of a practice exchange
    that runs already.
    """

    def __init__(
        self, dry_run: bool, use_demo: bool, *, home: Path | None = None, attach: Path | None = None
    ) -> None:
        self.dry_run = dry_run
        self.environment: Environment = "demo" if use_demo else "practice"
        self._folder = find_home(None if home is None else str(home)).environment(self.environment)
        self._attach = attach
        self._worker: EngineWorker | None = None
        self._stopped = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether it trades now."""
        worker = self._worker
        return worker is not None and worker.failure() is None

    def start(self, scan_interval: float) -> None:
        """Trade, with a scan every ``scan_interval`` seconds, until ``stop``; then cancel what rests.

        Returns when all of it has ended. Raises ConfigError, LockHeldError, PracticeFailedError or
        EngineFailedError, each with one sentence.
        """
        # Composition stands above the engine; to load it loads the exchange's libraries.
        from console.app import Launch, running_engine

        option = ("scan_interval", f"strategy_flb.scan_interval={scan_interval}")
        loaded = load(self.environment, overrides=self._folder.overrides, options=[option])
        launch = Launch(self.environment, loaded.settings, self._folder, self._attach, dry_run=self.dry_run)
        with running_engine(launch) as worker:
            self._worker = worker
            try:
                while not self._stopped.wait(_LOOK_EVERY_S) and self.is_running:
                    pass
                failure, left = worker.failure(), worker.stop(cancel_resting=True)
            finally:
                self._worker = None
        if failure is not None:
            raise EngineFailedError(failure)
        if left != 0:
            raise EngineFailedError("it is not confirmed that no order of ours rests")

    def stop(self) -> None:
        """Have ``start`` end; from any thread or a signal handler, at any time, without waiting for it."""
        self._stopped.set()

    def status(self) -> Document | None:
        """What ``kconsole status`` shows; None while it does not run."""
        worker = self._worker
        return None if worker is None else status_document(worker)
