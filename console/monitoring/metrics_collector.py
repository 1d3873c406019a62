"""The metrics of a run: fed by journaled events or by hand, kept in files, summed up on demand."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import AccountOpened, MarketSettled, OrderFilled
from console.domain.events import JournaledEvent
from console.domain.fees import FeeModel, KalshiFees
from console.domain.market import Ticker
from console.domain.money import Price
from console.monitoring.by_hand import check, trade_of
from console.monitoring.days import days_of
from console.monitoring.documents import Document, iso
from console.monitoring.execution import Bar
from console.monitoring.figures import Figures
from console.monitoring.fill_slippage import FillSlippage
from console.monitoring.hit_rates import BucketSums
from console.monitoring.ledger import Ledger
from console.monitoring.mark_outs import NotedMarkOut
from console.monitoring.metric_files import MetricFiles
from console.monitoring.records import MARK_OUT_NS, Records
from console.monitoring.running import RunningFigures
from console.monitoring.slippage import slippage_of
from console.monitoring.summary import Today, bucket_summary, daily_summary
from console.monitoring.system_health import SystemHealth, judged
from console.monitoring.trades import Ending, Trade, trades_of
from console.monitoring.trades_csv import TradeRow, row_of, utc_text

log = logging.getLogger(__name__)


class MetricsCollector:
    """Collects trades and orders, and writes ``trades_log.csv``, ``mark_outs.csv`` and ``metrics.json``.

    The engine's events go to ``observe``; ``record_trade`` takes trades of anything else. ``risk`` and
    ``quality`` are the limits in force, ``marks`` YES prices at which what is open could be closed. What a
    file does not take is kept and written later, and ``on_trouble`` is told once, in a sentence, until it
    works again.
    """

    def __init__(
        self,
        output_dir: str | Path = "metrics",
        *,
        fee_model: FeeModel | None = None,
        risk: RiskSettings | None = None,
        quality: QualitySettings | None = None,
        on_trouble: Callable[[str], None] = log.warning,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.marks: Mapping[Ticker, Price] = {}
        self._fee_model = fee_model or KalshiFees()
        self.risk = risk or RiskSettings()
        self.quality = quality or QualitySettings()
        self._now_ns = now_ns
        self._files = MetricFiles(Path(output_dir), on_trouble)
        self._mark_outs: dict[str, tuple[int | None, ...]] = {}
        self._ledger = Ledger()
        self._running = RunningFigures(self._ledger)
        self._slippage = FillSlippage()
        self._traded: dict[Ticker, None] = {}
        self._noted: list[tuple[Trade, float | None]] = []
        self._health: SystemHealth | None = None

    # --- what is fed --------------------------------------------------------------------------------

    def record_trade(
        self,
        *,
        ticker: str,
        side: str,
        action: str,
        contracts: float,
        entry_price: float,
        exit_price: float,
        gross_pnl: float,
        net_pnl: float,
        fee: float,
        slippage_bps: float | None = None,
        holding_period_hours: float,
        market_family: str,
        strategy: str,
    ) -> None:
        """Take a trade that ended now: prices in cents, money in dollars.

        Raises ValueError for what no trade can be.
        """
        now_ns = self._now_ns()
        row = TradeRow(
            timestamp=utc_text(now_ns),
            ticker=ticker,
            side=side,
            action=action,
            contracts=contracts,
            entry_price=entry_price,
            exit_price=exit_price,
            gross_pnl=gross_pnl,
            net_pnl=net_pnl,
            fee=fee,
            slippage_bps=slippage_bps,
            holding_period_hours=holding_period_hours,
            market_family=market_family,
            strategy=strategy,
        )
        check(row)
        self._note(trade_of(row, now_ns), slippage_bps)
        self._files.add_trade(row)
        self.flush()

    def observe(self, event: JournaledEvent) -> None:
        """Take one journaled event; ``flush`` then writes what ended by it."""
        if isinstance(event, AccountOpened):
            self._collect()
            self._slippage.forget_takers()
        self._ledger.observe(event)
        match event:
            case OrderFilled(client_order_id=owner, fill=fill):
                self._traded[fill.ticker] = None
                sample = slippage_of(fill, self._ledger.intent_of(owner).quote)
                if sample is not None:
                    self._slippage.take(fill.ticker, sample)
            case MarketSettled(settlement=settlement):
                self._traded[settlement.ticker] = None
            case _:
                pass

    def note_mark_out(self, noted: NotedMarkOut) -> None:
        """Take where a price went after a fill."""
        mids = list(self._mark_outs.get(noted.fill_id, (None,) * len(MARK_OUT_NS)))
        mids[noted.horizon] = noted.twice_mid
        self._mark_outs[noted.fill_id] = tuple(mids)
        self._ledger.touch(noted.fill_id)
        self._files.add_mark_out(noted)

    def _note(self, trade: Trade, bps: float | None) -> None:
        self._noted.append((trade, bps))
        self._running.note(trade)
        if bps is not None:
            self._slippage.note_taker(trade.market.ticker, bps, trade.contracts)

    # --- what it says -------------------------------------------------------------------------------

    def records(self) -> Records | None:
        """All that was observed; None while no account was opened."""
        return self._ledger.records(marks=self.marks, mark_outs=self._mark_outs)

    def figures(self, *, intervals: bool = True) -> Figures | None:
        """Every figure of what was observed; without intervals it takes a small part of the time."""
        return self._running.figures(
            self._fee_model,
            self.quality,
            days_of(self.risk),
            marks=self.marks,
            mark_outs=self._mark_outs,
            intervals=intervals,
        )

    def slipped(self) -> dict[str, tuple[Bar, ...]]:
        """Contracts of every fill of each role by slippage; no account or market is left out of it."""
        return self._slippage.by_role()

    def get_bucket_summary(self) -> dict[str, dict[str, Any]]:
        """Trades that ended, by the price of the outcome bought; every bucket is there."""
        return bucket_summary(self._ended(), self._fee_model)

    def _ended(self) -> BucketSums:
        """Of all trades that ended, those recorded by hand too."""
        return self._running.ended(days_of(self.risk), self.marks, self._mark_outs)

    def print_daily_summary(self, capital: float) -> None:
        """Print the trades of this risk day, what they made and how they slipped, and all by bucket."""
        lines = daily_summary(self._today(capital), self._ended(), self.figures(), self._fee_model)
        sys.stdout.write("\n".join(lines) + "\n")

    def _today(self, capital: float) -> Today:
        days, now_ns = days_of(self.risk), self._now_ns()
        day = days.day_of(now_ns)
        first_ns = days.start_ns(day)
        records = self._ledger.records(first_ns, marks=self.marks)
        observed = [] if records is None else [each for each in trades_of(records) if _has_ended(each)]
        noted = [each for each in self._noted if (each[0].ended_ns or 0) >= first_ns]
        return Today(
            day=f"{day} {days}",
            trades=(*observed, *(trade for trade, _ in noted)),
            fills=() if records is None else records.fills_in_period,
            noted_bps=tuple((bps, trade.contracts) for trade, bps in noted if bps is not None),
            capital=capital,
        )

    def get_system_health(
        self,
        trading_state: str,
        active_positions: int,
        total_exposure: float,
        capital: float | None,
        daily_pnl: float | None,
        **readings: Any,  # noqa: ANN401 - further fields of SystemHealth
    ) -> SystemHealth:
        """How the system stands, in dollars, with what is wrong by the limits."""
        taken = self._slippage.newest_takers(self.quality, self._ledger.is_ours)
        health = SystemHealth(
            trading_state=trading_state,
            active_positions=active_positions,
            total_exposure=total_exposure,
            capital=capital,
            daily_pnl=daily_pnl,
            exposure_share=total_exposure / capital if capital else None,
            daily_pnl_share=daily_pnl / capital if capital and daily_pnl is not None else None,
            mean_slippage_bps=taken.mean_bps,
            slippage_fills=taken.fills,
            **readings,
        )
        alerts, unknown = judged(health, self.risk, self.quality)
        self._health = msgspec.structs.replace(health, alerts_active=alerts, not_judged=unknown)
        return self._health

    def document(self) -> Document:
        """All metrics for programs."""
        ledger, figures = self._ledger, self.figures()
        return {
            "at": iso(self._now_ns()),
            "since": iso(ledger.opened_ns) if ledger.is_open else None,
            "until": iso(ledger.last_ns) if ledger.is_open else None,
            "marks": dict(self.marks) if ledger.is_open else {},
            "bucket_summary": self.get_bucket_summary(),
            "system_health": None if self._health is None else msgspec.to_builtins(self._health),
            "metrics": None if figures is None else figures.document(),
        }

    # --- files --------------------------------------------------------------------------------------

    def flush(self) -> bool:
        """Append what waits to the CSV files; whether all of it is there now."""
        self._collect()
        return self._files.flush()

    def recall_mark_outs(self) -> None:
        """Take what earlier runs noted in the folder."""
        noted = self._files.mark_outs()
        if noted is not None:
            self._mark_outs = {**noted, **self._mark_outs}
            self._ledger.restated += 1

    def export_all_metrics(self) -> Path:
        """Write what waits and all metrics, replacing the file as a whole; where it is."""
        self.flush()
        return self._files.replace_metrics(self.document())

    def _collect(self) -> None:
        """Take the lines of what ended in the markets in which something happened."""
        for ticker in self._traded:
            for trade in self._ledger.trades_in(ticker):
                if _has_ended(trade):
                    self._files.add_journaled_trade(row_of(trade))
        self._traded.clear()


def _has_ended(trade: Trade) -> bool:
    return trade.ending is not Ending.OPEN
