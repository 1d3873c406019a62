"""What one run says, all of it, and what it says against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from console.backtest.criticism import criticise
from console.backtest.declarations import declarations
from console.backtest.other_fees import FeeModels, kalshi_fees, profit_fees
from console.backtest.result import Result
from console.backtest.setup import Setup
from console.domain.fees import KalshiFees, ProfitFees
from console.domain.market import Market, Ticker
from console.domain.money import Cash
from console.history.usable import ALWAYS, Period
from console.monitoring.days import days_of
from console.monitoring.documents import Document, document_of, iso
from console.monitoring.figures import PeriodFigures, figures_of
from console.monitoring.performance import fees_charged, part
from console.monitoring.trades import Ending, Trade, trades_of
from console.strategies.edge_table import EdgeTable


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a run is judged by besides its own records.

    ``data`` is its folder and ``period`` what was asked for. ``at_latency`` are the same run's results with
    every latency so many times as long. ``thresholds_tried`` counts the settings among which its own were
    chosen. ``edge_table`` are the measured edges it traded by.
    """

    data: str = ""
    period: Period = ALWAYS
    at_latency: Mapping[int, Result] = field(default_factory=dict)
    thresholds_tried: int = 1
    edge_table: EdgeTable | None = None


class LatencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the run made with every latency ``factor`` times as long."""

    factor: int
    fills: int
    trades: int
    total_pnl: Cash | None
    net_bps: float | None


class Report(PeriodFigures, frozen=True, kw_only=True):
    """Everything said of one run; ``fills_by_fees`` counts fills by where their fees are known from."""

    data: str
    result: Result
    declared: dict[str, str]
    fee_models: FeeModels
    fills_by_fees: dict[str, int]
    assumed_fees: int
    latency: list[LatencyRow]
    warnings: tuple[str, ...] = ()

    def document(self) -> Document:
        """All of it for programs; money is dollar strings."""
        it = self.result
        return {
            "data": self.data,
            "from": iso(it.first_ns),
            "to": iso(it.last_ns),
            "declared": self.declared,
            "warnings": list(self.warnings),
            "rows": it.rows,
            "dispatched": it.dispatched,
            "events": it.events,
            "markets": it.markets,
            "orders": sum(it.orders.values()),
            "orders_by_end": it.orders,
            "denied": it.denied,
            "fills": len(it.fills),
            **super().document(),
            "fee_models": document_of(self.fee_models),
            "fills_by_fees": self.fills_by_fees,
            "latency": [document_of(row) for row in self.latency],
            "why_not": {step: {"passed": n, "stopped": dict(top)} for step, n, top in it.why_not},
            "latches": [document_of(latch) for latch in it.latches],
            "renewals": it.renewals,
            "dropped": it.dropped,
            "noted": it.noted,
            "stopped_by": it.stopped_by,
            "journal_hash": it.journal_hash,
        }


def report_of(result: Result, setup: Setup, markets: Iterable[Market], context: Context) -> Report:
    """Report on a run of ``setup``; ``markets`` are those of its recording."""
    known = {market.ticker: market for market in markets}
    fees = Counter(setup.fees.provenance(known[r.fill.ticker], r.fill.at_ns) for r in result.fills)
    fee_model = setup.profit_fees or KalshiFees(setup.precision)
    figures = figures_of(result, fee_model, setup.settings.quality, days_of(setup.settings.risk))
    report = Report(
        **{name: getattr(figures, name) for name in PeriodFigures.__struct_fields__},
        data=context.data,
        result=result,
        declared=declarations(setup),
        fee_models=_fee_models(result, setup, figures.trades, known),
        fills_by_fees=dict(fees),
        assumed_fees=sum(setup.fees.is_assumed(known[r.fill.ticker], r.fill.at_ns) for r in result.fills),
        latency=[
            _latency_row(factor, each) for factor, each in sorted({1: result, **context.at_latency}.items())
        ],
    )
    return msgspec.structs.replace(report, warnings=tuple(criticise(report, setup, context)))


def _fee_models(
    result: Result, setup: Setup, trades: Sequence[Trade], markets: Mapping[Ticker, Market]
) -> FeeModels:
    """What was charged, and what the model that did not charge would have."""
    charged, at = fees_charged(result), setup.fees.terms
    if setup.profit_fees is None:
        return FeeModels(charged="kalshi", kalshi=charged, profit=profit_fees(trades, ProfitFees()))
    kalshi = kalshi_fees(result.fills, lambda ticker, ns: at(markets[ticker], ns), setup.precision)
    return FeeModels(charged="profit", kalshi=kalshi, profit=charged)


def _latency_row(factor: int, result: Result) -> LatencyRow:
    trades = trades_of(result)
    it = part("", trades)
    return LatencyRow(
        factor=factor,
        fills=len(result.fills),
        trades=sum(trade.ending is not Ending.OPEN for trade in trades),
        total_pnl=None if it.unmarked else it.net_pnl,
        net_bps=None if it.unmarked else it.net_bps,
    )
