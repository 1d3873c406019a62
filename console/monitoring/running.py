"""The figures of a run while it goes on: sums that are changed by what is new, not made anew."""

from __future__ import annotations

from collections.abc import Mapping

from console.config.trading_settings import QualitySettings
from console.domain.fees import FeeModel
from console.domain.market import Ticker
from console.domain.money import Cash, Price
from console.monitoring.correlated_loss import Stakes
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.equity import Curve
from console.monitoring.figures import Figures, TradeSums
from console.monitoring.fill_ratios import OrderSums
from console.monitoring.hit_rates import BucketSums
from console.monitoring.ledger import Ledger, MarkOuts, Traded
from console.monitoring.performance import Charged
from console.monitoring.trades import Trade


class RunningFigures:
    """The figures of a ledger, as ``figures_of`` makes them of its records.

    A market of which something is new is taken out of all sums and put in again as it is now, exactly: they
    are whole numbers. What was restated begins all of them anew.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._noted: list[Trade] = []
        self._begin(UTC_DAYS)

    def _begin(self, days: Days) -> None:
        ledger = self._ledger
        self._restated, self._days = ledger.restated, days
        ledger.touched = set(ledger.tickers)
        self._sums, self._orders, self._ended = TradeSums(days), OrderSums(), BucketSums()
        for trade in self._noted:
            self._ended.add(trade, trade.net)
        self._fees = 0
        self._taken: dict[Ticker, Traded] = {}
        self._marks: dict[Ticker, Price | None] = {}
        self._curve, self._marked = Curve(ledger.opened_ns, ledger.value.capital, days), 0
        self._begin_stakes()

    def _begin_stakes(self) -> None:
        self._stakes, self._changed = Stakes(self._ledger.opened_ns), 0
        self._last_change = (0, False)

    def note(self, trade: Trade) -> None:
        """Take a trade that no journal has and that has ended: it counts in ``ended`` alone."""
        self._noted.append(trade)
        self._ended.add(trade, trade.net)

    def figures(
        self,
        fee_model: FeeModel,
        quality: QualitySettings,
        days: Days,
        *,
        marks: Mapping[Ticker, Price],
        mark_outs: MarkOuts,
        intervals: bool,
    ) -> Figures | None:
        """Every figure of now; None while no account was opened."""
        ledger = self._ledger
        if not ledger.is_open:
            return None
        self._catch_up(days, marks, mark_outs)
        final = ledger.value.final_equity
        return self._sums.figures(
            Charged(last_ns=ledger.last_ns, final_equity=final, fees=Cash(self._fees), slippage=Cash(0)),
            self._curve.ended(ledger.last_ns, final),
            self._stakes,
            self._orders,
            fee_model,
            quality,
            intervals=intervals,
        )

    def ended(self, days: Days, marks: Mapping[Ticker, Price], mark_outs: MarkOuts) -> BucketSums:
        """The trades that have ended, by price."""
        self._catch_up(days, marks, mark_outs)
        return self._ended

    def _catch_up(self, days: Days, marks: Mapping[Ticker, Price], mark_outs: MarkOuts) -> None:
        ledger = self._ledger
        if (ledger.restated, days) != (self._restated, self._days):
            self._begin(days)
        for ticker, mark in self._marks.items():
            if marks.get(ticker) != mark:
                ledger.touched.add(ticker)
        for ticker in ledger.touched:
            if before := self._taken.pop(ticker, None):
                self._add(before, -1)
            now = self._taken[ticker] = ledger.traded_in(ticker, marks, mark_outs)
            self._add(now)
            self._marks.pop(ticker, None)
            if now.market.position and now.market.settled_ns is None:
                self._marks[ticker] = now.market.mark
        ledger.touched.clear()
        self._catch_up_with_marks(days)
        self._catch_up_with_changes()

    def _add(self, it: Traded, sign: int = 1) -> None:
        event = it.market.event_ticker
        self._orders.join(it.orders, sign)
        self._sums.add(it.trades, sign)
        self._sums.add_fills(it.fills, lambda _: event, sign)
        for trade in it.trades:
            if trade.ended_ns is not None:
                self._ended.add(trade, trade.net, sign)
        if it.trades or it.fills:
            self._fees += sign * (sum(record.fill.fee for record in it.fills) + it.market.profit_fee)

    def _catch_up_with_marks(self, days: Days) -> None:
        ledger = self._ledger
        if self._curve.capital != ledger.value.capital:
            self._curve, self._marked = Curve(ledger.opened_ns, ledger.value.capital, days), 0
        for at_ns, equity in ledger.value.marks(self._marked):
            if at_ns >= ledger.opened_ns:
                self._curve.mark(at_ns, equity)
        self._marked = ledger.value.marks_ever

    def _catch_up_with_changes(self) -> None:
        ledger = self._ledger
        fresh = ledger.changes[self._changed :]
        if any(change.order < self._last_change for change in fresh):
            # Something older was found late: what was at stake then has to be counted in its order.
            self._begin_stakes()
            fresh = ledger.changes
        for change in sorted(fresh, key=lambda change: change.order):
            if ledger.is_ours(change.ticker):
                self._stakes.take(change, ledger.group_of(change.ticker))
            self._last_change = change.order
        self._changed = len(ledger.changes)
