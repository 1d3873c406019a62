"""Every figure of a period of trading, the same of a live run's journal and of a backtest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from console.config.trading_settings import QualitySettings
from console.domain.fees import FeeModel
from console.domain.market import Ticker
from console.domain.time_units import NS_PER_S
from console.monitoring.correlated_loss import (
    CorrelatedLoss,
    Stakes,
    WorstDays,
    changes_of,
    correlated_loss_of,
)
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.documents import Document, document_of
from console.monitoring.edge import Edge, EdgeSums
from console.monitoring.equity import Curve, curve_of
from console.monitoring.execution import (
    QuoteAges,
    Slippage,
    SlippageSums,
    quote_ages,
)
from console.monitoring.fill_ratios import FillRatio, OrderSums, orders_of
from console.monitoring.hit_rates import BucketRow, BucketSums, HitRate, HitSums
from console.monitoring.mark_out_sums import MarkOut, MarkOutSums
from console.monitoring.performance import (
    Charged,
    MoneySums,
    NamedSums,
    Part,
    Performance,
    charged_in,
    role_of,
)
from console.monitoring.records import FillRecord, Records
from console.monitoring.trades import Trade, trades_of


def _hour_of(trade: Trade) -> str:
    return f"{datetime.fromtimestamp(trade.opened_ns // NS_PER_S, UTC):%H}:00 UTC"


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
    """All that records alone say; ``unmarked`` trades are open at a price that is not known."""

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


class PeriodFigures(Figures, frozen=True, kw_only=True):
    """With the trades that they are of."""

    trades: tuple[Trade, ...]


class TradeSums:
    """What figures of trades and fills are made from; what was added may be taken away again."""

    def __init__(self, days: Days = UTC_DAYS) -> None:
        self.days = days
        self._money, self._edge, self._worst = MoneySums(days), EdgeSums(days), WorstDays(days)
        self._parts = {name: NamedSums(name_of) for name, name_of in PARTS.items()}
        self._buckets, self._judged = BucketSums(), HitSums()
        self._slippage, self._mark_outs = SlippageSums(), MarkOutSums()
        self._unmarked = 0

    def add(self, trades: Iterable[Trade], sign: int = 1) -> None:
        for trade in trades:
            net = trade.net
            self._unmarked += sign * (net is None)
            self._money.add(trade, net, sign)
            for part in self._parts.values():
                part.add(trade, net, sign)
            self._buckets.add(trade, net, sign)
            self._judged.add(trade, sign)
            self._edge.add(trade, sign)
            self._worst.add(trade, net, sign)

    def add_fills(
        self, fills: Iterable[FillRecord], event_of: Callable[[Ticker], str], sign: int = 1
    ) -> None:
        """``event_of`` names the event of a market."""
        for record in fills:
            self._slippage.add(record, sign)
            self._mark_outs.add(record, event_of(record.fill.ticker), sign)

    def figures(
        self,
        period: Charged,
        curve: Curve,
        stakes: Stakes,
        orders: OrderSums,
        fee_model: FeeModel,
        quality: QualitySettings,
        *,
        intervals: bool = True,
    ) -> Figures:
        """With what only the period says; intervals are drawn again and again, so where nobody shows them
        they are left out.
        """
        return Figures(
            unmarked=self._unmarked,
            performance=self._money.performance(period, curve, intervals=intervals),
            parts={name: sums.parts() for name, sums in self._parts.items()},
            buckets=self._buckets.rows(fee_model),
            judged=self._judged.rate(fee_model),
            edge=self._edge.edge(intervals=intervals),
            fill_ratios=orders.ratios(),
            slippage=self._slippage.slippage(float(quality.max_slippage_bps)),
            mark_outs=self._mark_outs.mark_outs(intervals=intervals),
            age_at_decision=None,
            age_at_fill=None,
            correlated_loss=correlated_loss_of(stakes, self._worst, curve.capital),
        )


def figures_of(
    records: Records, fee_model: FeeModel, quality: QualitySettings, days: Days = UTC_DAYS
) -> PeriodFigures:
    """The figures of a period; the fee model says what winning would have cost."""
    trades, fills = trades_of(records), records.fills_in_period
    sums = TradeSums(days)
    sums.add(trades)
    markets = {market.ticker: market for market in records.traded}
    sums.add_fills(fills, lambda ticker: markets[ticker].event_ticker)
    stakes = Stakes(records.first_ns)
    for change in changes_of(records):
        stakes.take(change, markets[change.ticker].group)
    figures = sums.figures(
        charged_in(records), curve_of(records, days), stakes, orders_of(records), fee_model, quality
    )
    stale_ns = int(quality.max_stale_book_seconds * NS_PER_S)
    return PeriodFigures(
        **msgspec.structs.asdict(figures)
        | {
            "trades": tuple(trades),
            "age_at_decision": quote_ages([record.age_at_decision_ns for record in fills], stale_ns),
            "age_at_fill": quote_ages([record.age_at_fill_ns for record in fills], stale_ns),
        }
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
