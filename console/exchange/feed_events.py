"""From the feed's messages to events; raises ValueError for what a message may not say."""

from __future__ import annotations

from collections.abc import Iterator

from console.domain.account_events import MarketSettled, OrderFilled, OrderReported
from console.domain.events import EngineEvent
from console.domain.market import MarketStatus, Ticker
from console.domain.market_events import MarketStatusChanged, TradePrinted
from console.domain.money import Price, parse_cash, parse_count, parse_price
from console.domain.order import Fill, Settlement
from console.domain.time_units import NS_PER_MS, NS_PER_S
from console.exchange import wire
from console.exchange.messages import ws

_STATUS_AFTER = {
    "created": MarketStatus.INITIALIZED,
    "activated": MarketStatus.ACTIVE,
    "deactivated": MarketStatus.INACTIVE,
    "determined": MarketStatus.DETERMINED,
    "settled": MarketStatus.FINALIZED,
}


def order_filled(message: ws.Fill, at_ns: int) -> OrderFilled:
    """A fill; an order that was not ours to name has an empty client id."""
    fill = Fill(
        fill_id=message.trade_id,
        order_id=message.order_id,
        ticker=message.market_ticker,
        side=message.book_side,
        price=parse_price(message.yes_price_dollars),
        count=wire.traded_count(message.count_fp),
        fee=parse_cash(message.fee_cost),
        is_taker=message.is_taker,
        at_ns=message.ts_ms * NS_PER_MS,
    )
    return OrderFilled(at_ns=at_ns, client_order_id=message.client_order_id or "", fill=fill)


def order_reported(message: ws.UserOrder, at_ns: int) -> OrderReported:
    return OrderReported(
        at_ns=at_ns,
        client_order_id=message.client_order_id,
        order_id=message.order_id,
        status=wire.order_status(message.status),
        filled=parse_count(message.fill_count_fp),
        reason=message.last_update_reason or "",
    )


def trade_printed(message: ws.Trade, at_ns: int) -> TradePrinted:
    return TradePrinted(
        at_ns=at_ns,
        ticker=message.market_ticker,
        price=parse_price(message.yes_price_dollars),
        count=parse_count(message.count_fp),
        taker_side=message.taker_book_side,
    )


class Lifecycles:
    """What markets go through; remembers what a decided market will pay until it pays it.

    A new market comes as a change to INITIALIZED, a hint to read the markets again; so does every other
    change of a definition at the next read.
    """

    def __init__(self) -> None:
        self._statuses: dict[Ticker, MarketStatus] = {}
        self._values: dict[Ticker, Price] = {}

    def events(self, message: ws.MarketLifecycle, at_ns: int) -> Iterator[EngineEvent]:
        ticker = message.market_ticker
        close_ns = None if message.close_ts is None else message.close_ts * NS_PER_S
        status = _STATUS_AFTER.get(message.event_type)
        if message.event_type == "close_date_updated":
            status = self._statuses.get(ticker, MarketStatus.ACTIVE)
        if status is None:
            return
        self._statuses[ticker] = status
        yield MarketStatusChanged(at_ns=at_ns, ticker=ticker, status=status, close_ns=close_ns)
        value = wire.yes_value(message.result, message.settlement_value)
        if value is not None:
            self._values[ticker] = value
        if status is MarketStatus.FINALIZED:
            del self._statuses[ticker]
            yield from self._settled(message, at_ns)

    def _settled(self, message: ws.MarketLifecycle, at_ns: int) -> Iterator[EngineEvent]:
        """The payout, when its value was told here; else the list of settlements has it."""
        value = self._values.pop(message.market_ticker, None)
        if value is not None:
            settled_ns = at_ns if message.settled_ts is None else message.settled_ts * NS_PER_S
            yield MarketSettled(at_ns=at_ns, settlement=Settlement(message.market_ticker, value, settled_ns))
