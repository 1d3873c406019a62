"""The metrics of a run, collected by a thread of their own, so that no disk holds up the engine."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from console.app.launch import Launch
from console.app.parts import fees_of
from console.config.garbage import put_off_searches, search_again
from console.config.redaction import error_text
from console.config.schema import Settings
from console.domain.market import Ticker
from console.domain.money import CASH_PER_DOLLAR, Cash, Price
from console.domain.time_units import MS_PER_S, NS_PER_S
from console.engine.outside import Watched
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker
from console.monitoring.alerts import METRICS
from console.monitoring.execution import Bar
from console.monitoring.figures import Figures
from console.monitoring.mark_outs import NotedMarkOut
from console.monitoring.metrics_collector import MetricsCollector
from console.monitoring.system_health import SystemHealth

log = logging.getLogger(__name__)

RETRY_S = 1.0
REFRESH_S = 15.0
"""How old figures may be that are asked for by HTTP."""
_CLOSING_S = 2.0
_METRICS = "metrics"


def metrics_folder(launch: Launch) -> Path:
    """Where a run's metrics go; a dry run's are apart."""
    folder = launch.folder.path / launch.settings.monitoring.metrics_output_dir
    return folder / "dry-run" if launch.dry_run else folder


class RunMetrics:
    """Takes what the engine tells, writes it, and exports all of it from time to time and at the end."""

    def __init__(self, launch: Launch) -> None:
        settings = launch.settings
        self._collector = MetricsCollector(
            metrics_folder(launch),
            fee_model=fees_of(settings.fees),
            risk=settings.risk,
            quality=settings.quality,
            on_trouble=self._tell,
        )
        self._interval_s = float(settings.monitoring.export_interval_seconds)
        self._keeps_fresh = settings.monitoring.prometheus_port != 0
        self._waiting: SimpleQueue[Sequence[Watched] | None] = SimpleQueue()
        self._collecting = threading.Lock()
        self._worker: EngineWorker | None = None
        self._untold: list[str] = []
        self.figures: Figures | None = None
        self.slipped: dict[str, tuple[Bar, ...]] = {}
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        # Until all that the journal has is summed up.
        put_off_searches(_METRICS)
        self._thread.start()

    def watch(self, watched: Sequence[Watched]) -> None:
        """Take what was journaled or seen; never waits."""
        self._waiting.put(watched)

    def follow(self, worker: EngineWorker) -> None:
        """Let the engine that runs tell how it stands, and be told of trouble."""
        self._worker = worker
        for text in self._untold:
            worker.notice(METRICS, f"metrics: {text}")

    def health(self) -> SystemHealth | None:
        """How the engine stands now; None before its first picture."""
        snapshot = self._snapshot()
        if snapshot is None:
            return None
        with self._collecting:
            return self._health_at(snapshot)

    def _health_at(self, snapshot: Snapshot) -> SystemHealth:
        self._hold_against(snapshot.settings)
        return self._collector.get_system_health(
            trading_state=snapshot.state.name,
            active_positions=len(snapshot.positions),
            total_exposure=snapshot.worst_case / CASH_PER_DOLLAR,
            capital=_dollars(snapshot.equity),
            daily_pnl=_dollars(snapshot.day_pnl),
            errors_last_hour=None if snapshot.risk is None else snapshot.risk.errors_in_hour,
            feed_age_s=_seconds(snapshot.feed_age_ns),
            order_round_trip_s=_seconds(snapshot.order_round_trip_ns),
            clock_skew_s=None
            if snapshot.health.clock_skew_ms is None
            else snapshot.health.clock_skew_ms / MS_PER_S,
            unknown_orders=sum(order.status.value == "unknown" for order in snapshot.resting),
            log_lines_lost=snapshot.log_lines_lost,
            disk_free_bytes=snapshot.health.disk_free_bytes,
            is_connected=snapshot.connected,
            environment=snapshot.environment,
        )

    def close(self) -> None:
        """Write what waits and all metrics, without a disk that hangs."""
        self._waiting.put(None)
        self._thread.join(_CLOSING_S)

    def _snapshot(self) -> Snapshot | None:
        return None if self._worker is None else self._worker.snapshot()

    def _tell(self, text: str) -> None:
        self._untold.append(text)
        if self._worker is not None:
            self._worker.notice(METRICS, f"metrics: {text}")

    def _run(self) -> None:
        try:
            self._collect()
        except Exception as error:
            # Whatever it is, the engine trades on.
            log.error("metrics ended", exc_info=error)
            self.figures = None
            self._tell(f"no more figures in this run: {error_text(error)}")
            search_again(_METRICS)
            while self._waiting.get() is not None:
                pass
        finally:
            search_again(_METRICS)

    def _collect(self) -> None:
        self._collector.recall_mark_outs()
        exported_s, refreshed_s = time.monotonic(), float("-inf")
        is_open, has_news = True, False
        while is_open:
            try:
                watched = self._waiting.get(timeout=RETRY_S)
            except Empty:
                watched = ()
            is_open = self._take(watched)
            has_news = has_news or bool(watched)
            self._collector.flush()
            now_s = time.monotonic()
            is_due = has_news and now_s - refreshed_s >= REFRESH_S
            # The first as soon as it is known what is open and at which prices.
            if is_due and (self._keeps_fresh or refreshed_s < 0) and self._snapshot() is not None:
                self._refresh()
                refreshed_s, has_news = now_s, False
                search_again(_METRICS)
            if now_s - exported_s >= self._interval_s or not is_open:
                self._export()
                exported_s = now_s

    def _take(self, watched: Sequence[Watched] | None) -> bool:
        """Take all that waits; False once there is no more to come."""
        while watched is not None:
            with self._collecting:
                for each in watched:
                    if isinstance(each, NotedMarkOut):
                        self._collector.note_mark_out(each)
                    else:
                        self._collector.observe(each)
            try:
                watched = self._waiting.get_nowait()
            except Empty:
                return True
        return False

    def _refresh(self) -> None:
        self._mark()
        self.figures, self.slipped = self._collector.figures(intervals=False), self._collector.slipped()

    def _export(self) -> None:
        self._mark()
        self.health()
        self._collector.export_all_metrics()

    def _mark(self) -> None:
        snapshot = self._snapshot()
        if snapshot is not None:
            self._collector.marks = _marks(snapshot)
            self._hold_against(snapshot.settings)

    def _hold_against(self, settings: Settings) -> None:
        """Take the limits in force, which may have been changed since the start."""
        self._collector.risk, self._collector.quality = settings.risk, settings.quality


def _marks(snapshot: Snapshot) -> dict[Ticker, Price]:
    """The YES price of each position that has a mark."""
    return {
        position.ticker: position.side.price_paid(position.mark)
        for position in snapshot.positions
        if position.mark is not None
    }


def _dollars(cash: Cash | None) -> float | None:
    return None if cash is None else cash / CASH_PER_DOLLAR


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / NS_PER_S
