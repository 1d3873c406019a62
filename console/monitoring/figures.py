"""Every figure of a period of trading, the same of a live run's journal and of a backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from console.config.schema import QualitySettings
from console.domain.fees import FeeModel
from console.monitoring.correlated_loss import CorrelatedLoss, correlated_loss
from console.monitoring.documents import Document, document_of
from console.monitoring.edge import Edge, edge
from console.monitoring.execution import MarkOut, QuoteAges, Slippage, mark_outs, quote_ages, slippage
from console.monitoring.fill_ratios import FillRatio, fill_ratios
from console.monitoring.hit_rates import BucketRow, HitRate, bucket_rows, hit_rate
from console.monitoring.performance import Part, Performance, parts, performance, role_of
from console.monitoring.records import Records
from console.monitoring.trades import Trade, trades_of

_NS_PER_S = 1_000_000_000


def _hour_of(trade: Trade) -> str:
    return f"{datetime.fromtimestamp(trade.opened_ns // _NS_PER_S, UTC):%H}:00 UTC"


PARTS: Mapping[str, Callable[[Trade], str]] = {
    "series": lambda trade: trade.market.series_ticker,
    "category": lambda trade: trade.market.category or "none",
    "group": lambda trade: trade.market.group,
    "strategy": lambda trade: trade.fills[0].intent.strategy,
    "hour": _hour_of,
    "role": role_of,
}
"""By what profit is told apart: the family of markets (its series), and the hour of the first fill."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All that records alone say.

    ``trades`` are all of them; ``unmarked`` of those are open at a price that is not known.
    """

    trades: tuple[Trade, ...]
    unmarked: int
    performance: Performance
    parts: dict[str, list[Part]]
    buckets: list[BucketRow]
    judged: HitRate | None
    edge: Edge
    fill_ratios: list[FillRatio]
    slippage: Slippage
    mark_outs: list[MarkOut]
    age_at_decision: QuoteAges | None
    age_at_fill: QuoteAges | None
    correlated_loss: CorrelatedLoss

    def document(self) -> Document:
        """All of it for programs; money is dollar strings."""
        money = document_of(self.performance)
        fall = money.pop("max_drawdown")
        return {
            **money,
            "unmarked_trades": self.unmarked,
            "max_drawdown": fall["fall"],
            "drawdown": fall,
            "hit_rate": None if self.judged is None else document_of(self.judged),
            "edge": document_of(self.edge),
            "fill_ratios": [document_of(row) for row in self.fill_ratios],
            "slippage_bps": self._slippage_document(),
            "buckets": [_bucket(row) for row in self.buckets],
            **{f"by_{name}": [document_of(row) for row in rows] for name, rows in self.parts.items()},
            "mark_outs": [document_of(row) for row in self.mark_outs],
            "quote_age_at_decision": msgspec.to_builtins(self.age_at_decision),
            "quote_age_at_fill": msgspec.to_builtins(self.age_at_fill),
            "correlated_loss": document_of(self.correlated_loss),
        }

    def _slippage_document(self) -> Document:
        """Takers' against the touch first, which is what the switch watches."""
        return {**msgspec.to_builtins(self.slippage.taker.touch), **document_of(self.slippage)}


def figures_of(records: Records, fee_model: FeeModel, quality: QualitySettings) -> Figures:
    """The figures of a period; the fee model says what winning would have cost."""
    trades = trades_of(records)
    fills = records.fills_in_period
    stale_ns = int(quality.max_stale_book_seconds * _NS_PER_S)
    return Figures(
        trades=tuple(trades),
        unmarked=sum(trade.net is None for trade in trades),
        performance=performance(records, trades),
        parts={name: parts(trades, name_of) for name, name_of in PARTS.items()},
        buckets=bucket_rows(trades, fee_model),
        judged=hit_rate(trades, fee_model),
        edge=edge(trades),
        fill_ratios=fill_ratios(records),
        slippage=slippage(fills, float(quality.max_slippage_bps)),
        mark_outs=mark_outs(fills, records.traded),
        age_at_decision=quote_ages([record.age_at_decision_ns for record in fills], stale_ns),
        age_at_fill=quote_ages([record.age_at_fill_ns for record in fills], stale_ns),
        correlated_loss=correlated_loss(records, trades),
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
