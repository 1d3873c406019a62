"""What the feed tells a run, recorded by a thread of its own, so that no disk holds up the engine."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque

from console.app.launch import Launch
from console.config.errors import ConfigError, LockHeldError
from console.config.redaction import error_text
from console.domain.account_events import MarketSettled
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.market_events import FeedLost, MarketListed, MarketStatusChanged, TradePrinted
from console.engine.worker import EngineWorker
from console.exchange.messages.ws import OrderbookDelta
from console.exchange.session import BookMessage, OnBook
from console.history.collect_store import CollectError
from console.history.day_recorder import DayRecorder, Heard
from console.monitoring.alerts import LITTLE_DISK_BYTES, RECORDING

log = logging.getLogger(__name__)

MOST_WAITING = 100_000
"""Messages that may wait for the disk: minutes of a busy feed, tens of megabytes."""
SAVE_EVERY_S = 1.0
_CLOSING_S = 2.0


class RunRecording:
    """Records a run until ``close``, or until there is trouble with the disk, which is told.

    ``hear`` and the others are called in the engine's thread and never wait; the latter are None where the
    settings record nothing. ``lost`` counts what found no room in the queue.
    """

    def __init__(self, launch: Launch) -> None:
        keep_days = launch.settings.history.record_days
        self._folder = launch.folder.path
        self._recorder = DayRecorder(
            launch.folder.days, launch.environment, keep_days, f"run-{time.time_ns()}"
        )
        self._is_recording = keep_days > 0
        self.hear_book: OnBook | None = self._hear_book if self._is_recording else None
        self.hear_trade = self._hear_trade if self._is_recording else None
        self.lost = 0
        self._told_lost = 0
        self._waiting: deque[tuple[Heard, int]] = deque()
        self._torn: set[Ticker] = set()
        self._closing = threading.Event()
        self._worker: EngineWorker | None = None
        self._untold: list[str] = []
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        if self._is_recording:
            self._thread.start()

    def hear(self, event: EngineEvent) -> None:
        """Take what the engine hears of markets."""
        if isinstance(event, MarketListed | MarketStatusChanged | MarketSettled | FeedLost):
            self._put(event, event.at_ns)

    def follow(self, worker: EngineWorker) -> None:
        """Let the engine that runs tell of trouble."""
        self._worker = worker
        for text in self._untold:
            worker.notice(RECORDING, text)

    def close(self) -> None:
        """Write what waits, without a disk that hangs."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(_CLOSING_S)

    # --- in the engine's thread ---------------------------------------------------------------------

    def _hear_trade(self, trade: TradePrinted) -> None:
        self._put(trade, trade.at_ns)

    def _hear_book(self, message: BookMessage, at_ns: int) -> None:
        ticker = message.market_ticker
        if isinstance(message, OrderbookDelta) and ticker in self._torn:
            # A book that misses a change is none until it comes whole.
            self.lost += 1
        elif self._put(message, at_ns):
            self._torn.discard(ticker)
        else:
            self._torn.add(ticker)

    def _put(self, heard: Heard, at_ns: int) -> bool:
        if not self._is_recording:
            return False
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return False
        self._waiting.append((heard, at_ns))
        return True

    # --- in the thread of its own -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.wait(SAVE_EVERY_S):
                self._save()
            self._save()
        except (CollectError, ConfigError, LockHeldError) as error:
            self._end(str(error))
        except OSError as error:
            self._end(f"{error.filename or self._folder}: {error.strerror}")
        except Exception as error:
            # Whatever it is, the engine trades on.
            log.error("recording ended", exc_info=error)
            self._end(error_text(error))
        finally:
            self._recorder.close()

    def _save(self) -> None:
        if not self._waiting:
            return
        free = shutil.disk_usage(self._folder).free
        if free < LITTLE_DISK_BYTES:
            # What is left is the journal's, without which nothing is traded.
            raise CollectError(f"only {free // 1_000_000} MB are free at {self._folder}")
        while self._waiting:
            self._recorder.take(*self._waiting.popleft())
        self._recorder.lose(tuple(self._torn))
        self._recorder.save()
        if self.lost > self._told_lost:
            lost, self._told_lost = self.lost - self._told_lost, self.lost
            self._tell(f"recording: {lost:,} messages came faster than the disk took them and are missing")

    def _end(self, why: str) -> None:
        self._is_recording = False
        self._waiting.clear()
        self._tell(f"recording: no more in this run: {why}")

    def _tell(self, text: str) -> None:
        self._untold.append(text)
        if self._worker is not None:
            self._worker.notice(RECORDING, text)
