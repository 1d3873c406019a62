"""The favourite-longshot harvester by itself: look at every market once, size, and take what passes.

The engine trades by the same strategy and does more: it watches, limits and reconciles all the time.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NotRequired, Protocol, TypedDict

from console.config.trading_settings import QualitySettings, StrategySettings
from console.domain.account_events import OrderAcked, OrderBecameUnknown
from console.domain.book import BookSide, Quote
from console.domain.fees import KalshiFees
from console.domain.market import Market, Outcome, Ticker
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT, PRICE_PER_DOLLAR, Count
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.domain.ports import SubmitOutcome, VenueError
from console.risk.groups import group_of
from console.risk.proposal import Proposal
from console.risk.risk_manager import RiskManager
from console.strategies.base import Refusal
from console.strategies.edge import ConstantEdge, EdgeModel, TableEdge
from console.strategies.favourite_longshot import FavouriteLongshot

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FLBConfig:
    """Thresholds in cents, dollars a contract and basis points.

    ``edge_points`` adds cents to the middle of the side bought, as the guide assumed; without it the table of
    published marks says how likely an outcome is.
    """

    favorite_threshold: int = StrategySettings.favorite_threshold
    longshot_threshold: int = StrategySettings.longshot_threshold
    min_edge_to_trade: float = float(StrategySettings.min_edge_to_trade)
    max_spread_bps: float = float(QualitySettings.max_spread_bps)
    min_depth_contracts: int = StrategySettings.min_depth_contracts
    edge_points: float | None = None


class Connector(Protocol):
    """An exchange whose calls block; each raises VenueError when it did not succeed."""

    def now_ns(self) -> int: ...

    def markets(self) -> Sequence[Market]:
        """The open markets to scan."""

    def quote(self, ticker: Ticker) -> Quote:
        """The best prices now."""

    def submit(self, intent: OrderIntent) -> SubmitOutcome:
        """Send one order, once; an outcome that is not known is told, not raised."""

    def fills(self, order_id: str) -> Sequence[Fill]:
        """Every fill of an order that can fill no more."""


class Execution(TypedDict):
    """What an order traded: contracts, their average price in cents, the fee in dollars."""

    order_id: str
    contracts: float
    price_cents: float
    fee: float


class Trade(TypedDict):
    """A trade that was sized; ``execution`` is there when it was made.

    Prices are cents of the outcome bought, ``edge`` dollars a contract over its price, before fees.
    """

    ticker: Ticker
    side: Outcome
    action: Literal["buy"]
    contracts: int
    price_cents: float
    edge: float
    win_probability: float
    market_family: str
    strategy: str
    reason: str
    execution: NotRequired[Execution]


class FLBHarvester:
    """Scans for favourites to buy and longshots to sell; the risk manager permits and sizes each trade.

    It takes what is displayed (IOC): an order that rests needs the engine to watch it.
    """

    def __init__(self, api_connector: Connector, config: FLBConfig, risk_manager: RiskManager) -> None:
        self.api = api_connector
        self.config = config
        self.risk_mgr = risk_manager
        self._strategy = _strategy(config)
        self._order_ids = (f"flb-{api_connector.now_ns()}-{n}" for n in itertools.count(1))

    def scan_and_trade(self, dry_run: bool) -> list[Trade]:
        """Every trade that passes, in a dry run without sending anything; raises VenueError."""
        trades = []
        for market in self.api.markets():
            can_trade, reason = self.risk_mgr.can_trade()
            if not can_trade:
                log.warning("Trading halted: %s", reason)
                break
            if market.ticker in self.risk_mgr.positions:
                continue
            quote = self.api.quote(market.ticker)
            verdict = self._strategy.consider(market, quote, self.api.now_ns())
            if not isinstance(verdict, Refusal):
                trade = self._sized(market, verdict)
                if trade["contracts"]:
                    trades.append(trade)
                    if not dry_run:
                        self._execute(trade, self._intent(market, verdict, quote, trade["contracts"]))
        return trades

    def _sized(self, market: Market, proposal: Proposal) -> Trade:
        price_cents = proposal.paid / PRICE_PER_CENT
        win_probability = proposal.win_probability / PRICE_PER_DOLLAR
        edge = (proposal.win_probability - proposal.paid) / PRICE_PER_DOLLAR
        family = group_of(market)
        contracts, reason = self.risk_mgr.calculate_position_size(
            edge=edge, win_probability=win_probability, price_cents=price_cents, market_group=family
        )
        displayed = (proposal.displayed or 0) // COUNT_PER_CONTRACT
        if contracts > displayed:
            contracts, reason = displayed, f"displayed depth: {displayed} contracts"
        if not contracts:
            log.info("Position sizing rejected: %s: %s", market.ticker, reason)
        return Trade(
            ticker=market.ticker,
            side="yes" if proposal.side is BookSide.BID else "no",
            action="buy",
            contracts=contracts,
            price_cents=price_cents,
            edge=edge,
            win_probability=win_probability,
            market_family=family,
            strategy=proposal.strategy,
            reason=reason,
        )

    def _intent(self, market: Market, proposal: Proposal, quote: Quote, contracts: int) -> OrderIntent:
        return OrderIntent(
            client_order_id=next(self._order_ids),
            ticker=market.ticker,
            side=proposal.side,
            price=proposal.price,
            count=Count(contracts * COUNT_PER_CONTRACT),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            quote=quote,
            win_probability=proposal.win_probability,
            strategy=proposal.strategy,
            exchange_index=market.exchange_index,
        )

    def _execute(self, trade: Trade, intent: OrderIntent) -> None:
        """Send the order and tell the risk manager of its fills; it halts when they are not known."""
        outcome = self.api.submit(intent)
        if isinstance(outcome, OrderAcked):
            try:
                fills = self.api.fills(outcome.order_id)
            except VenueError as error:
                self._halt(intent, str(error))
                return
            self._record(trade, outcome.order_id, fills)
        elif isinstance(outcome, OrderBecameUnknown):
            self._halt(intent, outcome.reason)
        else:
            log.warning("order for %s rejected: %s %s", intent.ticker, outcome.code, outcome.message)

    def _halt(self, intent: OrderIntent, reason: str) -> None:
        self.risk_mgr.manual_halt(f"what became of {intent.client_order_id} is not known: {reason}")

    def _record(self, trade: Trade, order_id: str, fills: Sequence[Fill]) -> None:
        for fill in fills:
            self.risk_mgr.record_fill(
                fill.ticker,
                trade["side"],
                fill.side.price_paid(fill.price) / PRICE_PER_CENT,
                fill.count / COUNT_PER_CONTRACT,
                trade["market_family"],
                fill.fee / CASH_PER_DOLLAR,
            )
        count = sum(fill.count for fill in fills)
        if count:
            paid = sum(fill.side.price_paid(fill.price) * fill.count for fill in fills)
            trade["execution"] = Execution(
                order_id=order_id,
                contracts=count / COUNT_PER_CONTRACT,
                price_cents=paid / count / PRICE_PER_CENT,
                fee=sum(fill.fee for fill in fills) / CASH_PER_DOLLAR,
            )


def _strategy(config: FLBConfig) -> FavouriteLongshot:
    settings = StrategySettings(
        favorite_threshold=config.favorite_threshold,
        longshot_threshold=config.longshot_threshold,
        min_edge_to_trade=Decimal(str(config.min_edge_to_trade)),
        min_depth_contracts=config.min_depth_contracts,
        style="taker",
    )
    quality = QualitySettings(max_spread_bps=Decimal(str(config.max_spread_bps)))
    points = config.edge_points
    edge: EdgeModel = TableEdge() if points is None else ConstantEdge(Decimal(str(points)))
    return FavouriteLongshot(settings, quality, edge, KalshiFees())
