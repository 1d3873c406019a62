"""The endpoints of balance, positions, fills and settlements."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import Cash
from console.exchange.messages import account
from console.practice.account import Holding
from console.practice.account_wire import (
    balance_message,
    event_position_messages,
    fill_message,
    position_message,
    settlement_message,
)
from console.practice.exchange import PracticeExchange
from console.practice.requests import Handler, choice, names, page, reply, window

# Kalshi's "advanced" tier; the practice exchange tells it and does not count.
_TIER = "advanced"
_TOKENS_PER_S = 300
_READ_BUCKET = 900


class AccountApi:
    """Handlers that need a signature."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._exchange = exchange

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/portfolio/balance", self.balance),
            ("GET", "/portfolio/positions", self.positions),
            ("GET", "/portfolio/fills", self.fills),
            ("GET", "/portfolio/settlements", self.settlements),
            ("GET", "/historical/fills", self.historical_fills),
            ("GET", "/historical/orders", self.historical_orders),
            ("GET", "/account/limits", self.limits),
        ]

    async def balance(self, request: Request) -> Response:
        """All cash; what resting orders may cost stays in it until they trade."""
        held = self._exchange.account
        return reply(balance_message(held.cash, self._portfolio_value(), held.updated_ns))

    def _portfolio_value(self) -> Cash:
        """Positions at the price they could be sold at, or at cost where nobody buys."""
        total = 0
        for ticker, holding in self._exchange.account.holdings.items():
            position = holding.position
            if not position.contracts:
                continue
            exit_level = self._exchange.floor.markets[ticker].quote().join(position.side)
            total += position.paid if exit_level is None else position.value_at(exit_level.price)
        return Cash(total)

    async def positions(self, request: Request) -> Response:
        settled = choice(request, "settlement_status", ["unsettled", "settled", "all"]) or "unsettled"
        ticker, event = request.query_params.get("ticker"), request.query_params.get("event_ticker")
        filters = names(request, "count_filter")

        def keep(holding: Holding) -> bool:
            return (
                settled in ("all", "settled" if holding.settled else "unsettled")
                and ticker in (None, "", holding.market.ticker)
                and event in (None, "", holding.market.event_ticker)
                and ("position" not in filters or holding.position.contracts != 0)
            )

        chosen, cursor = page(request, list(self._exchange.account.holdings.values()), keep)
        return reply(
            account.PositionsReply(
                market_positions=[position_message(holding) for holding in chosen],
                event_positions=event_position_messages(chosen),
                cursor=cursor,
            )
        )

    async def fills(self, request: Request) -> Response:
        ticker, order_id = request.query_params.get("ticker"), request.query_params.get("order_id")
        traded = window(request, "min_ts", "max_ts")
        chosen, cursor = page(
            request,
            self._exchange.account.fills,
            lambda fill: (
                ticker in (None, "", fill.order.request.ticker)
                and order_id in (None, "", fill.order.order_id)
                and traded(fill.at_ns)
            ),
        )
        return reply(account.FillsReply(fills=[fill_message(fill) for fill in chosen], cursor=cursor))

    async def historical_fills(self, request: Request) -> Response:
        """None: nothing is old enough to have left the live endpoints."""
        return reply(account.FillsReply(fills=[], cursor=""))

    async def historical_orders(self, request: Request) -> Response:
        """None, as of fills."""
        return reply(account.OrdersReply(orders=[], cursor=""))

    async def settlements(self, request: Request) -> Response:
        ticker, event = request.query_params.get("ticker"), request.query_params.get("event_ticker")
        settled = window(request, "min_ts", "max_ts")
        chosen, cursor = page(
            request,
            self._exchange.account.settlements,
            lambda settlement: (
                ticker in (None, "", settlement.ticker)
                and event in (None, "", settlement.event_ticker)
                and settled(settlement.at_ns)
            ),
        )
        messages = [settlement_message(settlement) for settlement in chosen]
        return reply(account.SettlementsReply(settlements=messages, cursor=cursor))

    async def limits(self, request: Request) -> Response:
        return reply(
            account.AccountLimitsReply(
                usage_tier=_TIER,
                read=account.BucketLimit(refill_rate=_TOKENS_PER_S, bucket_capacity=_READ_BUCKET),
                write=account.BucketLimit(refill_rate=_TOKENS_PER_S, bucket_capacity=_TOKENS_PER_S),
                grants=[],
            )
        )
