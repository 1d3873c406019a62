"""From a quote to an order's intent, an entry or an exit, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from console.config.schema import Settings
from console.domain.book import Quote
from console.domain.market import Market
from console.domain.money import COUNT_PER_CONTRACT, Count
from console.domain.order import Order, OrderIntent, TimeInForce
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.activity import Activity
from console.engine.markets import Markets
from console.monitoring.why_not import FunnelStepName, WhyNot
from console.risk.manager import RiskManager
from console.risk.proposal import Proposal, Standing
from console.risk.sizing import size
from console.risk.switches.base import RiskView
from console.strategies.base import Refusal, Strategy

MINUTE_NS = 60 * NS_PER_S
"""What the limit on orders a minute counts over."""

ENTERED_BEFORE = "already in this market"
"""Counted for each proposal to enter what is held."""


class Denied(msgspec.Struct, frozen=True):
    """A limit, by name, leaves no room for a trade that the strategy proposed; the reason has the figures."""

    limit: str
    reason: str


class Entries:
    """Asks the strategy, then every limit; each refusal is counted by its reason.

    An exit only reduces what is held: it is not sized, and what merely stops entries lets it pass.
    ``risk_view`` is asked for only where there is a proposal to enter, which is rare.
    """

    def __init__(
        self,
        settings: Settings,
        strategy: Strategy,
        risk: RiskManager,
        account: Account,
        markets: Markets,
        activity: Activity,
        risk_view: Callable[[int], RiskView],
        *,
        client_id_prefix: str,
    ) -> None:
        self.why_not = WhyNot()
        self.group_ids: dict[int, str] = {}
        self.trade_by(settings, strategy)
        self._risk = risk
        self._account = account
        self._markets = markets
        self._activity = activity
        self._risk_view = risk_view
        self._prefix = client_id_prefix

    def trade_by(self, settings: Settings, strategy: Strategy) -> None:
        """Propose and size by these from now on; what was counted stays."""
        self._limits = settings.risk
        self._expiry_s = settings.strategy_flb.order_expiry_seconds
        self._consider = strategy.consider

    def still_wants(self, order: Order, market: Market, quote: Quote, at_ns: int) -> bool:
        """Whether the strategy would place a resting order again where it is.

        Our own size is part of the quote; an order alone at the best price is judged by it too.
        """
        verdict = self._consider(market, quote, at_ns)
        if isinstance(verdict, Refusal) or verdict.closes:
            return False
        return (verdict.side, verdict.price) == (order.intent.side, order.intent.price)

    def decide(self, market: Market, quote: Quote, at_ns: int) -> OrderIntent | Denied | None:
        """An intent, the limit that denies one, or None where there is no proposal or no time for it."""
        verdict = self._consider(market, quote, at_ns)
        if isinstance(verdict, Refusal):
            self.why_not.refused(verdict.step, verdict.reason)
            return None
        if verdict.closes:
            return self._exit(verdict, market, quote, at_ns)
        return self._entry(verdict, market, quote, at_ns)

    def _stop(self, reason: str) -> None:
        self.why_not.refused(FunnelStepName.LIMITS, reason)

    def _next_id(self) -> str:
        return f"{self._prefix}{self._account.intents_ever + 1}"

    # --- entries ------------------------------------------------------------------------------------

    def _entry(
        self, proposal: Proposal, market: Market, quote: Quote, at_ns: int
    ) -> OrderIntent | Denied | None:
        """An order of the size that every limit leaves."""
        account = self._account
        if account.position(market.ticker).contracts:
            self._stop(ENTERED_BEFORE)
            return None
        view = self._risk_view(at_ns)
        if view.exposure is None:
            self._stop("exposure unknown")
            return None
        obstacle = self._obstacle_to_entry(market, view, is_taker=proposal.is_taker)
        if obstacle is not None:
            self._stop(obstacle)
            return None
        standing = Standing(
            equity=view.equity,
            high_water=account.high_water,
            cash=account.cash,
            exposure=view.exposure,
            twice_mid=quote.twice_mid_of(proposal.side),
            orders_in_minute=account.orders_since(at_ns - MINUTE_NS),
        )
        sized = size(proposal, standing, self._limits)
        if not sized.count:
            self._stop(sized.bound_by)
            return Denied(sized.bound_by, sized.reason)
        self.why_not.sent()
        return self._intent_to_enter(proposal, sized.count, market, quote, at_ns)

    def _obstacle_to_entry(self, market: Market, view: RiskView, *, is_taker: bool) -> str | None:
        """Why this is no time to enter, whatever the size; what is not known stands against it."""
        group = self._markets.group(market.ticker)
        permit = self._risk.permit(view, self._account.latches, market.ticker, group, market.series_ticker)
        if not permit.allowed:
            return permit.counted_as
        if market.exchange_index not in self.group_ids:
            return f"no order group on shard {market.exchange_index}"
        # It expires in the second of the close, and the exchange refuses an expiry that is over.
        if not is_taker and market.close_ns // NS_PER_S * NS_PER_S < view.now_ns + NS_PER_S:
            return "it would rest for less than a second"
        return None

    def _intent_to_enter(
        self, proposal: Proposal, count: Count, market: Market, quote: Quote, at_ns: int
    ) -> OrderIntent:
        expires_s = min(at_ns // NS_PER_S + self._expiry_s, market.close_ns // NS_PER_S)
        return OrderIntent(
            client_order_id=self._next_id(),
            ticker=proposal.ticker,
            side=proposal.side,
            price=proposal.price,
            count=count,
            time_in_force=(
                TimeInForce.IMMEDIATE_OR_CANCEL if proposal.is_taker else TimeInForce.GOOD_TILL_CANCELED
            ),
            quote=quote,
            win_probability=proposal.win_probability,
            strategy=proposal.strategy,
            group_id=self.group_ids[market.exchange_index],
            post_only=not proposal.is_taker,
            expires_s=None if proposal.is_taker else expires_s,
            exchange_index=market.exchange_index,
        )

    # --- exits --------------------------------------------------------------------------------------

    def _exit(self, proposal: Proposal, market: Market, quote: Quote, at_ns: int) -> OrderIntent | None:
        """An order that closes what is held, or as much of it as is displayed and one order may carry.

        One that is sent is not in the funnel, which tells why nothing is entered.
        """
        obstacle = self._obstacle_to_exit(proposal, market, at_ns)
        if obstacle is not None:
            self._stop(obstacle)
            return None
        held = Count(abs(self._account.position(market.ticker).contracts))
        displayed = held if proposal.displayed is None else proposal.displayed
        most = Count(self._limits.max_order_contracts * COUNT_PER_CONTRACT)
        return OrderIntent(
            client_order_id=self._next_id(),
            ticker=proposal.ticker,
            side=proposal.side,
            price=proposal.price,
            count=min(held, displayed, most),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            quote=quote,
            win_probability=proposal.win_probability,
            strategy=proposal.strategy,
            group_id=self.group_ids.get(market.exchange_index),
            reduce_only=True,
            exchange_index=market.exchange_index,
        )

    def _obstacle_to_exit(self, proposal: Proposal, market: Market, at_ns: int) -> str | None:
        """Why nothing can be closed now; a latch that only stops entries is no reason."""
        account = self._account
        if account.position(market.ticker).contracts * proposal.side.sign >= 0:
            return "nothing to close"
        if proposal.displayed is not None and proposal.displayed <= 0:
            return "nothing displayed"
        if not market.is_open(at_ns):
            return "not open"
        group = self._markets.group(market.ticker)
        if account.latches.state_for(market.ticker, group, market.series_ticker) is TradingState.HALTED:
            return "halted"
        exchange = self._activity.exchange
        if exchange is None or not (exchange.exchange_active and exchange.trading_active):
            return "the exchange has paused trading"
        return None
