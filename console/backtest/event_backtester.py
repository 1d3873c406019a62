"""The guide's backtester: orders told one by one, in cents and dollars, and its walk-forward.

``kconsole backtest`` runs the engine itself over recordings; this is for strategies of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.backtest.event_driven import EventBacktester
from console.backtest.event_inputs import FeeSchedule, Number, OrderAction, OrderSide
from console.backtest.event_order import Order, OrderState
from console.backtest.event_trades import ClosedTrade, Metrics, time_of
from console.backtest.event_windows import Recorded
from console.simulation.slippage import SlippageModel

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ClosedTrade",
    "EventBacktester",
    "FeeSchedule",
    "Metrics",
    "NoTradesError",
    "Order",
    "OrderAction",
    "OrderSide",
    "OrderState",
    "SlippageModel",
    "WindowResult",
    "run_walk_forward_backtest",
]

_MOST_NAMED = 6

Decide = Callable[[EventBacktester, Mapping[str, Any]], None]
"""Is shown each row of a test when its time comes, without what told the outcome, and submits orders."""

Strategy = Callable[["pd.DataFrame"], Decide]
"""Learns from the rows of a training window, outcomes included, and says how to trade the test after it."""


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """One window: what it learned from, how many events overlapped and were left out, what it earned."""

    train_start: datetime
    test_start: datetime
    test_end: datetime
    train_events: int
    test_events: int
    purged_events: int
    metrics: Metrics
    trades: pd.DataFrame

    @property
    def has_traded(self) -> bool:
        return bool(self.metrics["total_trades"] + self.metrics["open_trades"])


class NoTradesError(ValueError):
    """A window traded nothing, so the walk-forward says nothing of it; ``windows`` are all of them."""

    def __init__(self, windows: list[WindowResult]) -> None:
        empty = [f"{w.test_start:%Y-%m-%d} to {w.test_end:%Y-%m-%d}" for w in windows if not w.has_traded]
        named = ", ".join(empty[:_MOST_NAMED]) + (" and more" if len(empty) > _MOST_NAMED else "")
        super().__init__(f"{len(empty)} of {len(windows)} windows traded nothing: {named}")
        self.windows = windows


def run_walk_forward_backtest(
    historical_df: pd.DataFrame,
    strategy: Strategy,
    *,
    train_days: float = 90,
    test_days: float = 30,
    embargo_days: float = 0,
    fee_schedule: FeeSchedule | None = None,
    slippage_model: SlippageModel | None = None,
    initial_capital: Number = 10_000,
    latency_ms: float = 0,
    assumed_depth: Number | None = None,
    allow_no_trades: bool = False,
) -> list[WindowResult]:
    """Have a strategy learn from one stretch of time and trade the next, window after window.

    ``historical_df`` has a row a quote: ``ts``, ``ticker``, ``yes_bid``, ``yes_ask`` with ``yes_bid_size``
    and ``yes_ask_size``, ``result`` (yes, no or cents; empty where not known), when that was known
    (``settlement_time``, else ``close_time``), and ``event_ticker``, else each market is its own event. An
    event that lives on both sides of a boundary is in neither part; training ends with what had settled
    ``embargo_days`` before the test. A strategy is shown no column that tells the outcome, by the exchange's
    names, nor a last price, volume or open interest that does not change within a market. Each window begins
    with ``initial_capital``. Raises ValueError for a table that cannot be used, NoTradesError where a window
    traded nothing unless that is allowed.
    """
    recorded = Recorded(historical_df)
    if not callable(strategy):
        raise ValueError(f"strategy is {type(strategy).__name__}, not a function of the rows to learn from")
    results = []
    for window in recorded.windows(train_days, test_days, embargo_days):
        decide = strategy(recorded.rows_of(window.train_events))
        if not callable(decide):
            raise ValueError(
                f"strategy returned {type(decide).__name__}, not a function that decides on a row"
            )
        backtester = EventBacktester(
            fee_schedule,
            slippage_model,
            initial_capital,
            latency_ms=latency_ms,
            assumed_depth=assumed_depth,
        )
        for event in recorded.story_of(window.test_events):
            if event.row is None:
                backtester.resolve_market(event.ticker, event.resolution, event.time)
            else:
                backtester.update_market(event.time, event.ticker, event.row)
                decide(backtester, event.row)
        results.append(
            WindowResult(
                train_start=time_of(window.train_ns),
                test_start=time_of(window.test_ns),
                test_end=time_of(window.end_ns),
                train_events=len(window.train_events),
                test_events=len(window.test_events),
                purged_events=window.purged,
                metrics=backtester.get_metrics(),
                trades=backtester.get_trades_df(),
            )
        )
    if not allow_no_trades and not all(result.has_traded for result in results):
        raise NoTradesError(results)
    return results
