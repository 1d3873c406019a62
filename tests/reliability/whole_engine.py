"""A whole engine in practice, bold enough that nothing but what a test is about stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.app import Launch, running_engine
from console.config.home import find_home
from console.config.load import load
from console.engine import account_reader, loop, reconcile_job
from console.engine.worker import EngineWorker
from console.risk import manager

UNSTOPPED = (
    "strategy_flb.scan_interval=0.2",
    "risk.max_single_position_pct=0.0002",
    "risk.max_total_exposure_pct=1",
    "risk.max_correlated_group_pct=1",
    "risk.max_event_exposure_pct=1",
    "risk.max_orders_per_minute=6000",
    "risk.tripwire_orders_per_minute=10000",
    "risk.tripwire_notional_pct_per_minute=100",
    "risk.max_errors_per_hour=10000",
    "risk.max_rejects_per_minute=10000",
    "risk.max_burst_contracts=1000000",
    "risk.max_scans_without_fill=100000",
    "risk.max_daily_loss_dollars=1000000",
    "risk.max_daily_loss_pct=1",
    "risk.max_drawdown_pct=1",
    "risk.max_consecutive_losses=1000",
    "risk.max_unknown_orders=10000",
    "risk.unknown_pause_seconds=3600",
    "risk.unknown_halt_seconds=3600",
)
"""Many small orders, and nothing but what a test is about stops them."""

BOLD = (*UNSTOPPED, "strategy_flb.style=taker")
IMPATIENT = "exchange.request_timeout_seconds=1"
"""For faults that keep an answer back; on a busy machine an answer may take a second without any."""


def make_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the engine does every five seconds happen every half, so that a sample is short."""
    monkeypatch.setattr(reconcile_job, "_EVERY_S", 0.5)
    monkeypatch.setattr(loop, "_STATUS_S", 0.5)
    monkeypatch.setattr(account_reader, "READ_LAG_NS", 500_000_000)
    monkeypatch.setattr(manager, "GOOD_FOR_NS", 500_000_000)


@contextmanager
def trading(home: Path, line: Path, *options: str) -> Iterator[EngineWorker]:
    """A whole engine in practice, attached to the exchange of this line."""
    folder = find_home(str(home)).environment("practice")
    loaded = load("practice", overrides=folder.overrides, options=[("--set", text) for text in options])
    with running_engine(Launch("practice", loaded.settings, folder, line)) as worker:
        yield worker
