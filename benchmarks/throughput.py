"""Prints the backtester's throughput on a tick file as two JSON lines: every quote, and skipping ahead.

    python benchmarks/throughput.py TICKS.parquet

The workload: in each market at every 500th quote buy 10 YES at the ask when flat and sell them at the bid
when holding, as a taker, with Kalshi's fee rounded up to a cent an order, from 10,000 dollars; no latency.
Both runs go through strategy, risk, matching, fees, journal and metrics, each in a process of its own.
``cash_cents`` is without payouts: the workload knows no settlement.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from console.config.schema import Settings
from console.domain.book import BookSide, Quote
from console.domain.fees import AccountPrecision, KalshiFees
from console.domain.market import FeeTerms, Market, Ticker
from console.domain.money import COUNT_PER_CONTRACT, PAYOUT, Cash, Count, Price
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from console.backtest.result import Result
    from console.strategies.base import QuoteColumns

EVERY = 500
LOT = 10
CAPITAL = Cash(10_000_000_000)
CASH_PER_CENT = 10_000
MODES = {"every quote": False, "skip-ahead": True}

_NOT_DUE = Refusal(FunnelStepName.PRICE, "not the 500th quote")


class Toggle:
    """Buys and sells in turn at every 500th quote of a market."""

    def __init__(self, tickers: list[Ticker]) -> None:
        import numpy as np

        self._tickers = tickers
        self._seen = np.zeros(len(tickers), dtype=np.int64)
        self._coming: deque[tuple[int, Ticker]] = deque()
        self._due: set[Ticker] = set()
        self._holds: set[Ticker] = set()
        self._fees = KalshiFees(AccountPrecision.BROKER_CLEARED)

    def may_act(self, quotes: QuoteColumns) -> npt.NDArray[np.bool_]:
        import numpy as np

        market = quotes.market.astype(np.uint16)
        order = np.argsort(market, kind="stable")
        counts = np.bincount(market, minlength=len(self._tickers))
        ends = np.cumsum(counts)
        nexts = ends - counts + EVERY - 1 - self._seen % EVERY
        self._seen += counts
        flags = np.zeros(len(order), dtype=np.bool_)
        for begin, end in zip(nexts.tolist(), ends.tolist(), strict=True):
            flags[order[begin:end:EVERY]] = True
        for row in np.flatnonzero(flags).tolist():
            self._coming.append((int(quotes.ts_ns[row]), self._tickers[market[row]]))
        return flags

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        coming = self._coming
        while coming and coming[0][0] <= now_ns:
            self._due.add(coming.popleft()[1])
        # Mostly nothing is due, which is told without a look at the market.
        if not self._due or (ticker := market.ticker) not in self._due:
            return _NOT_DUE
        self._due.remove(ticker)
        side = BookSide.ASK if ticker in self._holds else BookSide.BID
        self._holds ^= {ticker}
        level = quote.touch(side)
        assert level is not None
        lot = Count(LOT * COUNT_PER_CONTRACT)
        fee = self._fees.on_trade(FeeTerms(), level.price, lot, is_taker=True)
        return Proposal(
            ticker=ticker,
            side=side,
            price=level.price,
            win_probability=Price(PAYOUT - 1),
            fee_per_contract=Cash(-(-fee // LOT)),
            is_taker=True,
            displayed=level.size,
            strategy="toggle",
            closes=side is BookSide.ASK,
        )


class GeneralFees:
    """The general schedule in every market, at all times."""

    def terms(self, market: Market, at_ns: int) -> FeeTerms:
        return FeeTerms()

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        return ()

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        return True

    def provenance(self, market: Market, at_ns: int) -> str:
        return "the workload's"


def settings() -> Settings:
    """Limits that this workload never meets, but for the size of an order."""
    one, many = Decimal(1), 10_000
    default = Settings()
    return dataclasses.replace(
        default,
        risk=dataclasses.replace(
            default.risk,
            kelly_fraction=one,
            max_single_position_pct=one,
            max_correlated_group_pct=one,
            max_event_exposure_pct=one,
            max_total_exposure_pct=one,
            max_daily_loss_dollars=Decimal(1_000_000),
            max_daily_loss_pct=one,
            max_drawdown_pct=one,
            max_consecutive_losses=1_000,
            max_order_contracts=LOT,
            max_orders_per_minute=6_000,
            tripwire_orders_per_minute=many,
            tripwire_notional_pct_per_minute=Decimal(100),
            price_collar_cents=Decimal(99),
        ),
        strategy_flb=dataclasses.replace(default.strategy_flb, scan_interval=Decimal(3_600)),
        universe=dataclasses.replace(default.universe, max_seconds_to_close=366 * 86_400),
    )


def measure(path: Path, mode: str) -> None:
    """Print one run's line."""
    import numpy as np
    import pyarrow as pa

    from console.backtest.run import run
    from console.backtest.setup import Setup
    from console.history.ticks import open_ticks

    del np, pa  # Their import is no part of loading.
    started = time.perf_counter()
    timeline = open_ticks(path)
    loaded = time.perf_counter()
    setup = Setup(
        settings=settings(),
        make_strategy=_toggle,
        fees=GeneralFees(),
        capital=CAPITAL,
        precision=AccountPrecision.BROKER_CLEARED,
        skip_ahead=MODES[mode],
    )
    cpu_started = time.process_time()
    result = run(setup, timeline)
    cpu_s, ended = time.process_time() - cpu_started, time.perf_counter()
    rows, fees = result.rows, sum(record.fill.fee for record in result.fills)
    print(
        json.dumps(
            {
                "engine": f"kconsole, {mode}",
                "rows": rows,
                "load_s": round(loaded - started, 3),
                "run_s": round(ended - loaded, 4),
                "run_cpu_s": round(cpu_s, 4),
                "ev_per_s_run": int(rows / (ended - loaded)),
                "ev_per_cpu_s": int(rows / cpu_s),
                "ev_per_s_total": int(rows / (ended - started)),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "fills": len(result.fills),
                "fees_cents": fees // CASH_PER_CENT,
                "cash_cents": _cash_without_payouts(result) // CASH_PER_CENT,
                "dispatched": result.dispatched,
                "journal_hash": result.journal_hash,
            }
        ),
        flush=True,
    )


def _toggle(markets: Sequence[Market]) -> Toggle:
    return Toggle([market.ticker for market in markets])


def _cash_without_payouts(result: Result) -> int:
    traded = sum(record.fill.side.sign * record.fill.price * record.fill.count for record in result.fills)
    return result.capital - traded - sum(record.fill.fee for record in result.fills)


def main() -> None:
    path, *mode = sys.argv[1:]
    if mode:
        measure(Path(path), mode[0])
        return
    for each in MODES:
        subprocess.run([sys.executable, __file__, path, each], check=True)


if __name__ == "__main__":
    main()
