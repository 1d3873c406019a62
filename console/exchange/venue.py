"""Kalshi as a venue: where orders go and where the account is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from console.domain.book import Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash, Price, parse_cash
from console.domain.order import Fill, OrderIntent, OrderReport, PositionReport, Settlement
from console.domain.ports import Clock, SubmitOutcome, Tokens, Universe, VenueError
from console.domain.time_units import NS_PER_S
from console.exchange import rest, wire
from console.exchange.budget import Budget
from console.exchange.catalog import Catalog
from console.exchange.clock import ServerClock
from console.exchange.failures import NOT_FOUND, RefusedReplyError
from console.exchange.hosts import Connection
from console.exchange.http import Transport
from console.exchange.messages import account, market_data
from console.exchange.outcome import outcome_of_error, outcome_of_reply
from console.exchange.pages import converted, read_all
from console.exchange.signing import Signer

log = logging.getLogger(__name__)

_SCHEDULE_AGE_NS = 600 * NS_PER_S
_SURELY_LIVE_NS = 7 * 86_400 * NS_PER_S
"""The exchange means to keep three months in the live lists."""


class KalshiVenue:
    """Implements ``Venue`` over REST; every list is read to its end, or VenueError is raised.

    ``may_send`` is asked just before the bytes of an order leave, with whether it is reduce-only. A group
    takes no more than ``group_contracts_limit`` contracts of fills in 15 seconds before it triggers itself.
    """

    def __init__(
        self,
        connection: Connection,
        signer: Signer,
        clock: ServerClock,
        *,
        wall_ns: Clock,
        deadline_s: float,
        group_contracts_limit: int,
        may_send: Callable[[bool], bool],
    ) -> None:
        self._wall_ns = wall_ns
        self._clock = clock
        self._budget = Budget()
        self._transport = Transport(
            connection.rest, signer, clock, deadline_s=deadline_s, budget=self._budget, may_send=may_send
        )
        self._catalog = Catalog(self._transport, wall_ns)
        self._group_contracts_limit = group_contracts_limit
        self._shards = {0}
        self._group_shards: dict[str, int] = {}
        self._schedule: tuple[int, market_data.Schedule] | None = None

    async def submit(self, intent: OrderIntent) -> SubmitOutcome:
        """Send one request. A cancellation passes through: the outcome is then unknown."""
        try:
            reply = await self._transport.send(rest.create_order(intent))
        except VenueError as error:
            return outcome_of_error(intent.client_order_id, error, self._wall_ns())
        return outcome_of_reply(intent.client_order_id, reply, self._wall_ns())

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        await cancel(self._transport, order_id, ticker, exchange_index)

    async def orders(self, since_ns: int = 0) -> Sequence[OrderReport]:
        """An order that ends, or grows old, between two of the lists is in the later one."""
        min_s = _seconds_before(since_ns)
        requests = [rest.resting_orders(), rest.orders(min_s)]
        cutoff = await self._cutoff_after(since_ns)
        if cutoff is not None and since_ns < wire.to_ns(cutoff.orders_updated_ts):
            requests.append(rest.historical_orders(min_s))
        lists = [await read_orders(self._transport, request) for request in requests]
        return list({order.order_id: order for found in lists for order in found}.values())

    async def fills(self, since_ns: int = 0) -> Sequence[Fill]:
        min_s = _seconds_before(since_ns)
        requests = [rest.fills(min_s)]
        cutoff = await self._cutoff_after(since_ns)
        if cutoff is not None and since_ns < wire.to_ns(cutoff.trades_created_ts):
            requests.append(rest.historical_fills(min_s))
        fills: dict[str, Fill] = {}
        for request in requests:
            found = await read_all(self._transport, request, lambda page: page.fills)
            fills |= {fill.fill_id: fill for fill in converted(request, found, wire.fill)}
        return sorted((f for f in fills.values() if f.at_ns >= since_ns), key=lambda fill: fill.at_ns)

    async def settlements(self, since_ns: int = 0) -> Sequence[Settlement]:
        request = rest.settlements(_seconds_before(since_ns))
        found = await read_all(self._transport, request, lambda page: page.settlements)
        settlements = [await self._settlement(data) for data in found]
        return sorted((s for s in settlements if s.at_ns >= since_ns), key=lambda s: s.at_ns)

    async def positions(self) -> Sequence[PositionReport]:
        request = rest.positions()
        found = await read_all(self._transport, request, lambda page: page.market_positions)
        return converted(request, found, wire.position)

    async def balance(self) -> Cash:
        request = rest.balance()
        reply = await self._transport.send(request)
        return converted(request, [reply.balance_dollars], parse_cash)[0]

    async def status(self) -> ExchangeStatusRead:
        """The exchange's state on the shards of our markets; now and then its schedule and limits too."""
        state = await self._transport.send(rest.exchange_status())
        shards = [s for s in state.exchange_index_statuses or () if s.exchange_index in self._shards - {0}]
        resumes = state.exchange_estimated_resume_time
        return ExchangeStatusRead(
            at_ns=self._wall_ns(),
            exchange_active=state.exchange_active and all(s.exchange_active for s in shards),
            trading_active=state.trading_active and all(s.trading_active for s in shards),
            resumes_ns=None if resumes is None else wire.to_ns(resumes),
            pause_starts_ns=await self._next_pause_ns(),
        )

    @property
    def skew_ms(self) -> int | None:
        return self._clock.skew_ms

    @property
    def tokens(self) -> Tokens | None:
        return self._budget.left()

    async def markets(self, universe: Universe) -> Sequence[Market]:
        markets = await self._catalog.markets(universe)
        self._shards.update(market.exchange_index for market in markets)
        return markets

    async def market(self, ticker: Ticker) -> Market:
        market = await self._catalog.market(ticker)
        self._shards.add(market.exchange_index)
        return market

    async def quote(self, ticker: Ticker) -> Quote:
        """The best prices now, read once."""
        request = rest.one_market(ticker)
        return converted(request, [await self._listed(ticker)], wire.quote)[0]

    async def payout(self, ticker: Ticker) -> Price | None:
        """What a YES of a market was settled at; None before it was."""
        market = await self._listed(ticker)
        is_settled = wire.market_status(market.status) is MarketStatus.FINALIZED
        return _paid(market) if is_settled else None

    async def create_group(self, exchange_index: int) -> str:
        reply = await self._transport.send(rest.create_group(exchange_index, self._group_contracts_limit))
        self._group_shards[reply.order_group_id] = exchange_index
        return reply.order_group_id

    async def reset_group(self, group_id: str) -> None:
        if group_id not in self._group_shards:
            groups = (await self._transport.send(rest.order_groups())).order_groups or []
            self._group_shards.update({group.id: group.exchange_index or 0 for group in groups})
        await self._transport.send(rest.reset_group(group_id, self._group_shards.get(group_id, 0)))

    async def close(self) -> None:
        await self._transport.close()

    async def _listed(self, ticker: Ticker) -> market_data.Market:
        return (await self._transport.send(rest.one_market(ticker))).market

    async def _cutoff_after(self, since_ns: int) -> market_data.HistoricalCutoffReply | None:
        """Where the live lists begin; None when they hold everything from ``since_ns`` on for certain."""
        if since_ns > self._wall_ns() - _SURELY_LIVE_NS:
            return None
        return await self._transport.send(rest.historical_cutoff())

    async def _settlement(self, data: account.Settlement) -> Settlement:
        """A settlement; its value is in whole cents, so a scalar's market is asked for the exact one."""
        value = wire.yes_value(data.market_result, None)
        if value is None:
            value = _paid(await self._listed(data.ticker))
        if value is None:
            raise VenueError(f"settlement of {data.ticker}: the exchange does not say what a YES paid")
        return wire.settlement(data, value)

    async def _next_pause_ns(self) -> int | None:
        """Start of the maintenance window that is on or comes next."""
        now_ns = self._wall_ns()
        if self._schedule is None or self._schedule[0] < now_ns - _SCHEDULE_AGE_NS:
            self._schedule = (now_ns, (await self._transport.send(rest.exchange_schedule())).schedule)
            await self._read_limits()
        windows = self._schedule[1].maintenance_windows
        starts = (wire.to_ns(w.start_datetime) for w in windows if wire.to_ns(w.end_datetime) > now_ns)
        return min(starts, default=None)

    async def _read_limits(self) -> None:
        """Use the account's own rate limits; while they cannot be read, those known stay in use."""
        try:
            limits = await self._transport.send(rest.account_limits())
            self._budget.use(limits, await self._transport.send(rest.endpoint_costs()))
        except VenueError as error:
            log.warning("rate limits were not read: %s", error)


def _paid(market: market_data.Market) -> Price | None:
    """What a YES paid, as far as the market says; raises VenueError."""
    request = rest.one_market(market.ticker)
    return converted(request, [market], lambda m: wire.yes_value(m.result, m.settlement_value_dollars))[0]


def _seconds_before(since_ns: int) -> int:
    return max(0, since_ns // NS_PER_S - 1)


async def read_orders(transport: Transport, request: rest.Request[account.OrdersReply]) -> list[OrderReport]:
    """Every order a request lists; raises VenueError."""
    found = await read_all(transport, request, lambda page: page.orders)
    return converted(request, found, wire.order_report)


async def cancel(transport: Transport, order_id: str, ticker: Ticker, exchange_index: int) -> None:
    """Cancel one order; that it is gone already is not an error."""
    try:
        await transport.send(rest.cancel_order(order_id, ticker, exchange_index))
    except RefusedReplyError as error:
        if error.status != NOT_FOUND:
            raise
