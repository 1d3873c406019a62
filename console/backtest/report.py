"""What one run says, all of it, and what it says against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from console.backtest.correlated_loss import CorrelatedLoss, correlated_loss
from console.backtest.criticism import criticise
from console.backtest.declarations import declarations
from console.backtest.documents import Document, document_of, iso
from console.backtest.execution import MarkOut, QuoteAges, Slippage, mark_outs, quote_ages, slippage
from console.backtest.hit_rates import BucketRow, HitRate, bucket_rows, hit_rate
from console.backtest.other_fees import FeeModels, fees_charged, kalshi_fees, profit_fees
from console.backtest.performance import Part, Performance, part, parts, performance, role_of
from console.backtest.result import Result
from console.backtest.setup import Setup
from console.backtest.trades import Ending, Trade, trades_of
from console.domain.fees import KalshiFees, ProfitFees
from console.domain.market import Market, Ticker
from console.domain.money import Cash
from console.history.usable import ALWAYS, Period
from console.strategies.edge_table import EdgeTable

_NS_PER_S = 1_000_000_000

PARTS: Mapping[str, Callable[[Trade], str]] = {
    "series": lambda trade: trade.market.series_ticker,
    "category": lambda trade: trade.market.category or "none",
    "group": lambda trade: trade.market.group,
    "role": role_of,
}


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


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything said of one run; ``fills_by_fees`` counts fills by where their fees are known from."""

    data: str
    result: Result
    trades: tuple[Trade, ...]
    declared: dict[str, str]
    performance: Performance
    parts: dict[str, list[Part]]
    buckets: list[BucketRow]
    judged: HitRate | None
    fee_models: FeeModels
    fills_by_fees: dict[str, int]
    assumed_fees: int
    slippage: Slippage
    mark_outs: list[MarkOut]
    age_at_decision: QuoteAges | None
    age_at_fill: QuoteAges | None
    correlated_loss: CorrelatedLoss
    latency: list[LatencyRow]
    warnings: tuple[str, ...] = ()

    def document(self) -> Document:
        """All of it for programs; money is dollar strings."""
        it, money = self.result, document_of(self.performance)
        fall = money.pop("max_drawdown")
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
            **money,
            "max_drawdown": fall["fall"],
            "drawdown": fall,
            "hit_rate": None if self.judged is None else document_of(self.judged),
            "slippage_bps": self._slippage_document(),
            "buckets": [_bucket(row) for row in self.buckets],
            **{f"by_{name}": [document_of(row) for row in rows] for name, rows in self.parts.items()},
            "fee_models": document_of(self.fee_models),
            "fills_by_fees": self.fills_by_fees,
            "mark_outs": [document_of(row) for row in self.mark_outs],
            "quote_age_at_decision": msgspec.to_builtins(self.age_at_decision),
            "quote_age_at_fill": msgspec.to_builtins(self.age_at_fill),
            "correlated_loss": document_of(self.correlated_loss),
            "latency": [document_of(row) for row in self.latency],
            "why_not": {step: {"passed": n, "stopped": dict(top)} for step, n, top in it.why_not},
            "latches": [document_of(latch) for latch in it.latches],
            "renewals": it.renewals,
            "unsized_rows": it.unsized_rows,
            "dropped": it.dropped,
            "noted": it.noted,
            "stopped_by": it.stopped_by,
            "journal_hash": it.journal_hash,
        }

    def _slippage_document(self) -> Document:
        """Takers' against the touch first, which is what the switch watches."""
        return {**msgspec.to_builtins(self.slippage.taker.touch), **document_of(self.slippage)}


def report_of(result: Result, setup: Setup, markets: Iterable[Market], context: Context) -> Report:
    """Report on a run of ``setup``; ``markets`` are those of its recording."""
    trades = trades_of(result)
    known = {market.ticker: market for market in markets}
    fees = Counter(setup.fees.provenance(known[r.fill.ticker], r.fill.at_ns) for r in result.fills)
    fee_model = setup.profit_fees or KalshiFees(setup.precision)
    limit = setup.settings.quality
    stale_ns = int(limit.max_stale_book_seconds * _NS_PER_S)
    report = Report(
        data=context.data,
        result=result,
        trades=tuple(trades),
        declared=declarations(setup),
        performance=performance(result, trades),
        parts={name: parts(trades, name_of) for name, name_of in PARTS.items()},
        buckets=bucket_rows(trades, fee_model),
        judged=hit_rate(trades, fee_model),
        fee_models=_fee_models(result, setup, trades, known),
        fills_by_fees=dict(fees),
        assumed_fees=sum(setup.fees.is_assumed(known[r.fill.ticker], r.fill.at_ns) for r in result.fills),
        slippage=slippage(result.fills, float(limit.max_slippage_bps)),
        mark_outs=mark_outs(result.fills, result.traded),
        age_at_decision=quote_ages([record.age_at_decision_ns for record in result.fills], stale_ns),
        age_at_fill=quote_ages([record.age_at_fill_ns for record in result.fills], stale_ns),
        correlated_loss=correlated_loss(result, trades),
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
        total_pnl=it.net_pnl,
        net_bps=it.net_bps,
    )


def _bucket(bucket: BucketRow) -> Document:
    """A bucket as one flat object; what only results tell is None without any."""
    document = document_of(bucket)
    money, judged = document.pop("money"), document.pop("judged")
    judged = judged or dict.fromkeys(HitRate.__struct_fields__)
    judged["judged_contracts"] = judged.pop("n_contracts")
    judged["judged_events"] = judged.pop("n_events")
    row: Document = {**document, **judged, "n_events": money.pop("events"), **money}
    return row
