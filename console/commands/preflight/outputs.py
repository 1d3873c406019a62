"""What a running engine tells and writes, seen to arrive."""

from __future__ import annotations

from console.commands.preflight.arena import wait_for
from console.commands.preflight.session import Session
from console.monitoring.metric_files import METRICS_JSON, TRADES_CSV


def exercise_alert(running: Session) -> str:
    """See the alert of a halt arrive; raises TimeUpError."""
    running.wait_for_trading()
    before = running.receiver.count("manual")
    running.halt()
    took_s = running.wait_told("manual", before)
    running.wait_halted()
    running.clear()
    return f"a run's alert of a halt arrived at a receiver of the check's own after {took_s:.1f} s"


def exercise_exports(running: Session) -> str:
    """See the files of metrics written while a run trades; raises TimeUpError."""
    folder = running.metrics
    figures, trades = folder / METRICS_JSON, folder / TRADES_CSV
    wait_for(f"{METRICS_JSON} of a run", figures.exists)
    wait_for(
        f"a trade of a run in {TRADES_CSV}",
        lambda: trades.exists() and len(trades.read_bytes().splitlines()) > 1,
    )
    return f"a run wrote {METRICS_JSON} and its trades"
