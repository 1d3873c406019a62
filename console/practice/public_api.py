"""The endpoints anybody may read: the exchange's state, series, events, markets, books and trades."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from console.domain.market import MarketStatus
from console.domain.money import Count
from console.exchange.messages import market_data
from console.practice.errors import invalid_parameter, not_found
from console.practice.exchange import PracticeExchange
from console.practice.market import ListedMarket
from console.practice.requests import Handler, choice, flag, integer, names, page, reply, timestamp, window
from console.practice.wire import SHARD, book_message, event_message, market_message, moment, series_message

_STATUS_FILTERS = {
    "unopened": {MarketStatus.INITIALIZED},
    "open": {MarketStatus.ACTIVE},
    "paused": {MarketStatus.INACTIVE},
    "closed": {
        MarketStatus.CLOSED,
        MarketStatus.DETERMINED,
        MarketStatus.DISPUTED,
        MarketStatus.AMENDED,
    },
    "settled": {MarketStatus.FINALIZED},
}
_TIME_FILTERS = {
    "created": (("min_created_ts", "max_created_ts"), {None, "unopened", "open"}),
    "close": (("min_close_ts", "max_close_ts"), {None, "closed"}),
    "settled": (("min_settled_ts", "max_settled_ts"), {None, "settled"}),
}
_BOOK_DEPTH_MOST = 100
_EVENTS_MOST = 200
_ENDPOINT_COSTS = (
    ("DELETE", "/portfolio/events/orders/:order_id", 2),
    ("GET", "/portfolio/orders/:order_id", 2),
)
_DEFAULT_COST = 10
_ALWAYS = market_data.DailyHours(open_time="00:00", close_time="24:00")


class PublicApi:
    """Handlers that need no signature."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._exchange = exchange

    def table(self) -> list[tuple[str, str, Handler]]:
        """Paths with a fixed last part come before those with a parameter there."""
        return [
            ("GET", "/exchange/status", self.status),
            ("GET", "/exchange/schedule", self.schedule),
            ("GET", "/exchange/user_data_timestamp", self.user_data_timestamp),
            ("GET", "/account/endpoint_costs", self.endpoint_costs),
            ("GET", "/series", self.series_list),
            ("GET", "/series/fee_changes", self.fee_changes),
            ("GET", "/series/{ticker}", self.series),
            ("GET", "/events", self.events),
            ("GET", "/events/{ticker}", self.event),
            ("GET", "/markets", self.markets),
            ("GET", "/markets/orderbooks", self.order_books),
            ("GET", "/markets/{ticker}", self.market),
            ("GET", "/markets/{ticker}/orderbook", self.order_book),
        ]

    # --- the exchange ---------------------------------------------------------------------------

    async def status(self, request: Request) -> Response:
        trading = self._exchange.orders.trading_active
        shard = market_data.ShardStatus(
            exchange_index=SHARD,
            description="practice",
            exchange_active=True,
            trading_active=trading,
            intra_exchange_transfers_active=False,
        )
        return reply(
            market_data.ExchangeStatus(
                exchange_active=True,
                trading_active=trading,
                intra_exchange_transfers_active=False,
                exchange_index_statuses=[shard],
            )
        )

    async def schedule(self, request: Request) -> Response:
        """Always open, without maintenance."""
        week = market_data.WeeklyHours(
            start_time=datetime(2026, 1, 1, tzinfo=UTC),
            end_time=datetime(2100, 1, 1, tzinfo=UTC),
            monday=[_ALWAYS],
            tuesday=[_ALWAYS],
            wednesday=[_ALWAYS],
            thursday=[_ALWAYS],
            friday=[_ALWAYS],
            saturday=[_ALWAYS],
            sunday=[_ALWAYS],
        )
        schedule = market_data.Schedule(standard_hours=[week], maintenance_windows=[])
        return reply(market_data.ScheduleReply(schedule=schedule))

    async def user_data_timestamp(self, request: Request) -> Response:
        return reply(market_data.UserDataTimestampReply(as_of_time=moment(self._exchange.floor.clock())))

    async def endpoint_costs(self, request: Request) -> Response:
        costs = [
            market_data.EndpointCost(method=method, path=f"/trade-api/v2{path}", cost=cost)
            for method, path, cost in _ENDPOINT_COSTS
        ]
        return reply(market_data.EndpointCostsReply(default_cost=_DEFAULT_COST, endpoint_costs=costs))

    # --- series and events ----------------------------------------------------------------------

    async def series_list(self, request: Request) -> Response:
        category, tags = request.query_params.get("category"), names(request, "tags")
        series = [
            self._series(market, request)
            for market in self._exchange.floor.series.values()
            if not tags and category in (None, "", market.definition.category)
        ]
        return reply(market_data.SeriesListReply(series=series))

    async def series(self, request: Request) -> Response:
        ticker = request.path_params["ticker"]
        market = self._exchange.floor.series.get(ticker)
        if market is None:
            raise not_found(f"series {ticker}")
        return reply(market_data.SeriesReply(series=self._series(market, request)))

    def _series(self, market: ListedMarket, request: Request) -> market_data.Series:
        if not flag(request, "include_volume"):
            return series_message(market, None)
        ticker = market.definition.series_ticker
        volumes = (
            m.volume for m in self._exchange.floor.markets.values() if m.definition.series_ticker == ticker
        )
        return series_message(market, Count(sum(volumes)))

    async def fee_changes(self, request: Request) -> Response:
        """No change of fees is ever scheduled."""
        return reply(market_data.SeriesFeeChangesReply(series_fee_change_arr=[]))

    async def events(self, request: Request) -> Response:
        now_ns = self._exchange.floor.clock()
        tickers, series = names(request, "tickers"), request.query_params.get("series_ticker")
        status = choice(request, "status", [s for s in _STATUS_FILTERS if s != "paused"])
        nested = flag(request, "with_nested_markets")
        min_close = timestamp(request, "min_close_ts")

        def keep(markets: list[ListedMarket]) -> bool:
            definition = markets[0].definition
            return (
                (not tickers or definition.event_ticker in tickers)
                and series in (None, "", definition.series_ticker)
                and (status is None or any(m.status(now_ns) in _STATUS_FILTERS[status] for m in markets))
                and (min_close is None or any(m.definition.close_ns >= min_close * 10**9 for m in markets))
            )

        events = list(self._exchange.floor.events.values())
        chosen, cursor = page(request, events, keep, default=_EVENTS_MOST, most=_EVENTS_MOST)
        messages = [
            event_message(markets, [market_message(m, now_ns) for m in markets] if nested else None)
            for markets in chosen
        ]
        return reply(market_data.EventsReply(events=messages, cursor=cursor))

    async def event(self, request: Request) -> Response:
        ticker, now_ns = request.path_params["ticker"], self._exchange.floor.clock()
        markets = self._exchange.floor.events.get(ticker)
        if markets is None:
            raise not_found(f"event {ticker}")
        messages = [market_message(m, now_ns) for m in markets]
        nested = messages if flag(request, "with_nested_markets") else None
        return reply(market_data.EventReply(event=event_message(markets, nested), markets=messages))

    # --- markets --------------------------------------------------------------------------------

    async def markets(self, request: Request) -> Response:
        now_ns = self._exchange.floor.clock()
        status = choice(request, "status", _STATUS_FILTERS)
        tickers = names(request, "tickers")
        series = request.query_params.get("series_ticker")
        event = request.query_params.get("event_ticker")
        combos_only = choice(request, "mve_filter", ["only", "exclude"]) == "only"
        min_updated = timestamp(request, "min_updated_ts")
        _check_time_filters(request, status)
        created = window(request, "min_created_ts", "max_created_ts")
        closes = window(request, "min_close_ts", "max_close_ts")
        settled = window(request, "min_settled_ts", "max_settled_ts")

        def keep(market: ListedMarket) -> bool:
            definition = market.definition
            return (
                not combos_only
                and not self._exchange.floor.is_archived(market)
                and (not tickers or definition.ticker in tickers)
                and series in (None, "", definition.series_ticker)
                and event in (None, "", definition.event_ticker)
                and (status is None or market.status(now_ns) in _STATUS_FILTERS[status])
                and (min_updated is None or market.updated_ns >= min_updated * 10**9)
                and created(market.listed_ns)
                and closes(definition.close_ns)
                and settled(market.settled_ns)
            )

        chosen, cursor = page(request, list(self._exchange.floor.markets.values()), keep, least=0)
        messages = [market_message(market, now_ns) for market in chosen]
        return reply(market_data.MarketsReply(markets=messages, cursor=cursor))

    async def market(self, request: Request) -> Response:
        ticker = request.path_params["ticker"]
        market = self._exchange.floor.markets.get(ticker)
        if market is None or self._exchange.floor.is_archived(market):
            raise not_found(f"market {ticker}")
        return reply(market_data.MarketReply(market=market_message(market, self._exchange.floor.clock())))

    async def order_book(self, request: Request) -> Response:
        """An unknown ticker has an empty book, as at Kalshi."""
        depth = integer(request, "depth", 0, 0, _BOOK_DEPTH_MOST) or 0
        market = self._exchange.floor.markets.get(request.path_params["ticker"])
        return reply(market_data.OrderBookReply(orderbook_fp=book_message(market, depth)))

    async def order_books(self, request: Request) -> Response:
        tickers = request.query_params.getlist("tickers")
        if not 1 <= len(tickers) <= _BOOK_DEPTH_MOST:
            raise invalid_parameter(f"tickers must be given 1 to {_BOOK_DEPTH_MOST} times")
        books = [
            market_data.MarketOrderBook(
                ticker=ticker, orderbook_fp=book_message(self._exchange.floor.markets.get(ticker))
            )
            for ticker in tickers
        ]
        return reply(market_data.OrderBooksReply(orderbooks=books))


def _check_time_filters(request: Request, status: str | None) -> None:
    """Kalshi takes the time filters of one kind only, and not with every status."""
    used = {
        kind
        for kind, (parameters, _) in _TIME_FILTERS.items()
        if any(parameter in request.query_params for parameter in parameters)
    }
    if len(used) > 1:
        raise invalid_parameter("timestamp filters of different kinds are mutually exclusive")
    for kind in used:
        if status not in _TIME_FILTERS[kind][1]:
            raise invalid_parameter(f"{kind} timestamp filters do not go with status {status}")
