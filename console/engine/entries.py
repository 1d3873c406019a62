"""From a quote to an order's intent, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from console.config.schema import Settings
from console.domain.book import Quote
from console.domain.market import Market
from console.domain.money import Count
from console.domain.order import Order, OrderIntent, TimeInForce
from console.engine.account import Account
from console.monitoring.why_not import FunnelStepName, WhyNot
from console.risk.manager import RiskManager
from console.risk.sizing import Proposal, Standing, size
from console.risk.switches.base import RiskView
from console.strategies.base import Refusal, Strategy

_NS_PER_S = 1_000_000_000
MINUTE_NS = 60 * _NS_PER_S
"""What the limit on orders a minute counts over."""


class Denied(msgspec.Struct, frozen=True):
    """A limit, by name, leaves no room for a trade that the strategy proposed; the reason has the figures."""

    limit: str
    reason: str


class Entries:
    """Asks the strategy, then every limit; each refusal is counted by its reason."""

    def __init__(
        self, settings: Settings, strategy: Strategy, risk: RiskManager, client_id_prefix: str
    ) -> None:
        self.why_not = WhyNot()
        self.group_ids: dict[int, str] = {}
        self._limits = settings.risk
        self._expiry_s = settings.strategy_flb.order_expiry_seconds
        self._strategy = strategy
        self._risk = risk
        self._prefix = client_id_prefix

    def still_wants(self, order: Order, market: Market, quote: Quote, at_ns: int) -> bool:
        """Whether the strategy would place a resting order again where it is.

        Our own size is part of the quote; an order alone at the best price is judged by it too.
        """
        verdict = self._strategy.consider(market, quote, at_ns)
        intent = order.intent
        return isinstance(verdict, Proposal) and (verdict.side, verdict.price) == (intent.side, intent.price)

    def decide(
        self,
        market: Market,
        quote: Quote,
        at_ns: int,
        risk_view: Callable[[], RiskView],
        account: Account,
    ) -> OrderIntent | Denied | None:
        """An intent, the limit that denies one, or None where there is no proposal or no time for it.

        ``risk_view`` is asked for only where there is a proposal, which is rare.
        """
        verdict = self._strategy.consider(market, quote, at_ns)
        if isinstance(verdict, Refusal):
            self.why_not.refused(verdict.step, verdict.reason)
            return None
        view = risk_view()
        exposure = view.exposure
        if exposure is None:
            self.why_not.refused(FunnelStepName.LIMITS, "exposure unknown")
            return None
        obstacle = self._obstacle(market, exposure.place(market.ticker).group, view, account)
        if obstacle is not None:
            self.why_not.refused(FunnelStepName.LIMITS, obstacle)
            return None
        standing = Standing(
            equity=view.equity,
            high_water=account.high_water,
            cash=account.cash,
            exposure=exposure,
            twice_mid=quote.twice_mid_of(verdict.side),
            orders_in_minute=account.orders_since(view.now_ns - MINUTE_NS),
        )
        sized = size(verdict, standing, self._limits)
        if not sized.count:
            self.why_not.refused(FunnelStepName.LIMITS, sized.bound_by)
            return Denied(sized.bound_by, sized.reason)
        self.why_not.sent()
        return self._intent(verdict, sized.count, market, quote, view.now_ns, account)

    def _intent(
        self, proposal: Proposal, count: Count, market: Market, quote: Quote, at_ns: int, account: Account
    ) -> OrderIntent:
        expires_s = min(at_ns // _NS_PER_S + self._expiry_s, market.close_ns // _NS_PER_S)
        return OrderIntent(
            client_order_id=f"{self._prefix}{account.intents_ever + 1}",
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

    def _obstacle(self, market: Market, group: str, view: RiskView, account: Account) -> str | None:
        """Why this is no time to enter, whatever the size; what is not known stands against it."""
        if account.position(market.ticker).contracts:
            return "already in this market"
        permit = self._risk.permit(view, account.latches, market.ticker, group)
        if not permit.allowed:
            return permit.counted_as
        if market.exchange_index not in self.group_ids:
            return f"no order group on shard {market.exchange_index}"
        return None
