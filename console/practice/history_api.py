"""The endpoints of what happened in the markets: trades, candles, and what was archived."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import format_count, format_price
from console.exchange.messages import candles, market_data
from console.practice.candles import Bar, Range
from console.practice.errors import invalid_parameter, not_found
from console.practice.floor import Floor
from console.practice.market import ListedMarket
from console.practice.requests import Handler, choice, flag, names, page, reply, timestamp, window
from console.practice.wire import market_message, moment, trade_message

_PERIODS_MIN = ("1", "60", "1440")


class HistoryApi:
    """Handlers that need no signature."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/historical/cutoff", self.cutoff),
            ("GET", "/historical/markets", self.archived_markets),
            ("GET", "/historical/markets/{ticker}", self.archived_market),
            ("GET", "/historical/markets/{ticker}/candlesticks", self.archived_candles),
            ("GET", "/historical/trades", self.archived_trades),
            ("GET", "/markets/trades", self.trades),
            ("GET", "/series/{series}/markets/{ticker}/candlesticks", self.candles),
        ]

    async def cutoff(self, request: Request) -> Response:
        cutoff = moment(self._floor.live_since_ns)
        return reply(
            market_data.HistoricalCutoffReply(
                market_settled_ts=cutoff, trades_created_ts=cutoff, orders_updated_ts=cutoff
            )
        )

    async def archived_markets(self, request: Request) -> Response:
        """As at Kalshi, one filter at most."""
        used = [
            name
            for name in ("tickers", "event_ticker", "series_ticker", "mve_filter")
            if request.query_params.get(name)
        ]
        if len(used) > 1:
            raise invalid_parameter(f"{' and '.join(used)} are mutually exclusive")
        tickers, now_ns = names(request, "tickers"), self._floor.clock()
        series, event = (request.query_params.get(name) for name in ("series_ticker", "event_ticker"))
        choice(request, "mve_filter", ["exclude"])

        def keep(market: ListedMarket) -> bool:
            definition = market.definition
            return (
                self._floor.is_archived(market)
                and (not tickers or definition.ticker in tickers)
                and series in (None, "", definition.series_ticker)
                and event in (None, "", definition.event_ticker)
            )

        chosen, cursor = page(request, list(self._floor.markets.values()), keep, least=0)
        messages = [market_message(market, now_ns) for market in chosen]
        return reply(market_data.MarketsReply(markets=messages, cursor=cursor))

    async def archived_market(self, request: Request) -> Response:
        market = self._market(request, archived=True)
        return reply(market_data.MarketReply(market=market_message(market, self._floor.clock())))

    async def trades(self, request: Request) -> Response:
        return self._trades(request, archived=False)

    async def archived_trades(self, request: Request) -> Response:
        return self._trades(request, archived=True)

    def _trades(self, request: Request, *, archived: bool) -> Response:
        ticker = request.query_params.get("ticker")
        blocks_only = flag(request, "is_block_trade")
        trades = list(self._floor.trades)
        traded, live_since_ns = window(request, "min_ts", "max_ts"), self._floor.live_since_ns
        chosen, cursor = page(
            request,
            trades,
            lambda trade: (
                not blocks_only
                and archived == (trade.at_ns < live_since_ns)
                and ticker in (None, "", trade.ticker)
                and traded(trade.at_ns)
            ),
            least=0,
            first_index=self._floor.trades_total - len(trades),
        )
        return reply(market_data.TradesReply(trades=[trade_message(t) for t in chosen], cursor=cursor))

    async def candles(self, request: Request) -> Response:
        market = self._market(request, archived=False)
        if market.definition.series_ticker != request.path_params["series"]:
            raise not_found(f"market {market.definition.ticker} of that series")
        found = [_candle(bar) for bar in _bars(request, market)]
        return reply(candles.CandlesReply(market.definition.ticker, found))

    async def archived_candles(self, request: Request) -> Response:
        market = self._market(request, archived=True)
        found = [_old_candle(bar) for bar in _bars(request, market)]
        return reply(candles.OldCandlesReply(market.definition.ticker, found))

    def _market(self, request: Request, *, archived: bool) -> ListedMarket:
        ticker = request.path_params["ticker"]
        market = self._floor.markets.get(ticker)
        if market is None or self._floor.is_archived(market) != archived:
            raise not_found(f"market {ticker}")
        return market


def _bars(request: Request, market: ListedMarket) -> list[Bar]:
    first_s, last_s = timestamp(request, "start_ts"), timestamp(request, "end_ts")
    minutes = choice(request, "period_interval", _PERIODS_MIN)
    if first_s is None or last_s is None or minutes is None:
        raise invalid_parameter("start_ts, end_ts and period_interval are required")
    return market.candles.bars(first_s, last_s, int(minutes))


def _candle(bar: Bar) -> candles.Candle:
    traded = bar.traded
    return candles.Candle(
        end_period_ts=bar.end_s,
        yes_bid=candles.QuoteRange(*_prices(bar.bid)),
        yes_ask=candles.QuoteRange(*_prices(bar.ask)),
        price=candles.TradeRange() if traded is None else candles.TradeRange(*_prices(traded)),
        volume_fp=format_count(bar.volume),
        open_interest_fp=format_count(bar.total),
    )


def _old_candle(bar: Bar) -> candles.OldCandle:
    traded = candles.OldTradeRange(None, None, None, None, None, None)
    if bar.traded is not None:
        traded = candles.OldTradeRange(*_prices(bar.traded), None, None)
    return candles.OldCandle(
        end_period_ts=bar.end_s,
        yes_bid=candles.OldQuoteRange(*_prices(bar.bid)),
        yes_ask=candles.OldQuoteRange(*_prices(bar.ask)),
        price=traded,
        volume_fp=format_count(bar.volume),
        open_interest_fp=format_count(bar.total),
    )


def _prices(traded: Range) -> tuple[str, str, str, str]:
    return (
        format_price(traded.open),
        format_price(traded.low),
        format_price(traded.high),
        format_price(traded.close),
    )
