"""One connection's conversation with the feed: pure, messages in, events and commands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from console.domain.book import Quote
from console.domain.engine_events import ErrorHappened
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.market_events import QuoteChanged, TradePrinted
from console.domain.ports import Clock
from console.exchange import feed_events
from console.exchange.books import BrokenBookError, FeedBooks
from console.exchange.messages import decode, encode, ws

BOOKS = "orderbook_delta"
TRADES = "trade"
ACCOUNT_CHANNELS = ("fill", "user_orders", "market_lifecycle_v2")
_TICKERS_PER_COMMAND = 200

Payload = TypeVar("Payload", bound=msgspec.Struct)
BookMessage = ws.OrderbookSnapshot | ws.OrderbookDelta
OnBook = Callable[[BookMessage, int], None]
"""Hears each message of a book that is whole, on the YES scale, and when it came."""


class SessionLostError(Exception):
    """The connection can no longer be relied on and must be made anew; the text says why."""


class _Pending(msgspec.Struct):
    """A command without its answer: ``channels`` to be confirmed, or markets to add or delete."""

    action: str
    tickers: frozenset[Ticker] = frozenset()
    channels: set[str] = msgspec.field(default_factory=set)


class FeedSession:
    """Subscribes to our account, to the lifecycle of markets and to the books of ``wanted`` markets.

    ``wanted`` is shared with the feed, which keeps it between connections. Events come from ``take``,
    commands to send from ``commands``; ``has_commands`` says that an answer made new ones possible. With
    ``on_trade`` the trades of those markets are subscribed to as well and given to it; ``on_book`` hears
    their books level by level.
    """

    def __init__(
        self,
        wanted: set[Ticker],
        lifecycles: feed_events.Lifecycles,
        wall_ns: Clock,
        on_trade: Callable[[TradePrinted], None] | None = None,
        on_book: OnBook | None = None,
    ) -> None:
        self._on_book = on_book
        self._wanted = wanted
        self._lifecycles = lifecycles
        self._wall_ns = wall_ns
        self._asked: set[Ticker] = set()
        self._books = FeedBooks()
        self._on_trade = on_trade
        self._books_sid: int | None = None
        self._pending: dict[int, _Pending] = {}
        self._last_id = 0
        self._account_asked = False
        self.has_commands = True
        self._takers: dict[str, Callable[[msgspec.Raw, int], Iterable[EngineEvent]]] = {
            "orderbook_snapshot": self._take_snapshot,
            "orderbook_delta": self._take_delta,
            "fill": _converter(ws.Fill, feed_events.order_filled),
            "user_order": _converter(ws.UserOrder, feed_events.order_reported),
            "market_lifecycle_v2": self._take_lifecycle,
            TRADES: self._take_trade,
        }

    @property
    def is_ready(self) -> bool:
        """Whether every subscription asked for is confirmed."""
        return self._account_asked and not any(p.channels for p in self._pending.values())

    def commands(self) -> list[bytes]:
        """What to send so that the exchange follows what is wanted; each command is given once."""
        self.has_commands = False
        commands = []
        if not self._account_asked:
            self._account_asked = True
            commands.append(self._subscribe(ACCOUNT_CHANNELS, ()))
        missing, extra = sorted(self._wanted - self._asked), sorted(self._asked - self._wanted)
        if self._books_sid is not None:
            commands += self._update("add_markets", missing, self._books_sid)
            commands += self._update("delete_markets", extra, self._books_sid)
            commands += self._subscribe_trades(missing)
            self._asked = set(self._wanted)
        elif missing and not self._asked:
            first = missing[:_TICKERS_PER_COMMAND]
            self._asked = set(first)
            commands.append(self._subscribe((BOOKS,), first))
            commands += self._subscribe_trades(first)
        return commands

    def take(self, data: bytes) -> list[EngineEvent]:
        """Events of one message; raises SessionLostError."""
        try:
            frame = decode(data, ws.Frame)
            if frame.sid is not None and frame.seq is not None:
                self._books.count(frame.sid, frame.seq)
            return list(self._events(frame))
        except BrokenBookError as error:
            raise SessionLostError(str(error)) from None
        except (ValueError, msgspec.DecodeError, RecursionError) as error:
            raise SessionLostError(f"a message was not understood: {error}") from None

    def _events(self, frame: ws.Frame) -> Iterable[EngineEvent]:
        message = msgspec.Raw(b"{}") if frame.msg is msgspec.UNSET else frame.msg
        if (taker := self._takers.get(frame.type)) is not None:
            return taker(message, self._wall_ns())
        if frame.type == "subscribed":
            self._confirm(frame.id, msgspec.json.decode(message, type=ws.Subscribed))
        elif frame.type == "ok" and frame.id is not None:
            pending = self._pending.pop(frame.id, None)
            if pending is not None and pending.action == "delete_markets":
                self._books.forget(pending.tickers - self._asked)
        elif frame.type == "error":
            return self._fail(frame.id, msgspec.json.decode(message, type=ws.ErrorMessage))
        return ()

    def _confirm(self, command_id: int | None, message: ws.Subscribed) -> None:
        if message.channel == BOOKS:
            self._books_sid = message.sid
            self.has_commands = True
        pending = self._pending.get(command_id or 0)
        if pending is not None:
            pending.channels.discard(message.channel)
            if not pending.channels:
                del self._pending[command_id or 0]

    def _fail(self, command_id: int | None, message: ws.ErrorMessage) -> Iterator[EngineEvent]:
        """A market that is refused is not asked for again; any other error ends the session."""
        text = f"error {message.code}: {message.msg}"
        pending = self._pending.pop(command_id or 0, None)
        is_deletion = pending is not None and pending.action == "delete_markets"
        if not is_deletion and (pending is None or message.market_ticker not in pending.tickers):
            raise SessionLostError(text)
        if pending is not None and message.market_ticker is not None and not is_deletion:
            self._wanted.discard(message.market_ticker)
            self._asked -= pending.tickers
            self.has_commands = True
        yield ErrorHappened(at_ns=self._wall_ns(), source="feed", message=text)

    def _take_snapshot(self, raw: msgspec.Raw, at_ns: int) -> Iterable[EngineEvent]:
        message = msgspec.json.decode(raw, type=ws.OrderbookSnapshot)
        quote = self._books.snapshot(message)
        if self._on_book is not None:
            self._on_book(message, at_ns)
        return _quote_changed(message.market_ticker, quote, at_ns)

    def _take_delta(self, raw: msgspec.Raw, at_ns: int) -> Iterable[EngineEvent]:
        message = msgspec.json.decode(raw, type=ws.OrderbookDelta)
        quote = self._books.delta(message)
        if self._on_book is not None:
            self._on_book(message, at_ns)
        return _quote_changed(message.market_ticker, quote, at_ns)

    def _take_trade(self, raw: msgspec.Raw, at_ns: int) -> Iterable[EngineEvent]:
        message = msgspec.json.decode(raw, type=ws.Trade)
        # A block trade is agreed elsewhere and meets no order of the book.
        if self._on_trade is not None and not message.is_block_trade:
            self._on_trade(feed_events.trade_printed(message, at_ns))
        return ()

    def _take_lifecycle(self, raw: msgspec.Raw, at_ns: int) -> Iterable[EngineEvent]:
        """Markets can be read again, so a message that makes no sense costs an error and no connection."""
        try:
            return list(self._lifecycles.events(msgspec.json.decode(raw, type=ws.MarketLifecycle), at_ns))
        except (ValueError, msgspec.DecodeError) as error:
            return (ErrorHappened(at_ns=at_ns, source="feed", message=f"market_lifecycle_v2: {error}"),)

    def _next_id(self, pending: _Pending) -> int:
        self._last_id += 1
        self._pending[self._last_id] = pending
        return self._last_id

    def _subscribe(self, channels: Iterable[str], tickers: Iterable[Ticker]) -> bytes:
        """The scale of prices is always said: the exchange's default is to change one day."""
        names, markets = list(channels), list(tickers)
        command_id = self._next_id(_Pending("subscribe", frozenset(markets), set(names)))
        params = ws.SubscribeParams(
            channels=names,
            market_tickers=markets or None,
            use_yes_price=True if BOOKS in names else None,
        )
        return encode(ws.Subscribe(id=command_id, params=params))

    def _subscribe_trades(self, tickers: list[Ticker]) -> Iterator[bytes]:
        """Subscribing anew adds markets; those that are over stay, for nothing says how to take them out."""
        if self._on_trade is not None:
            for start in range(0, len(tickers), _TICKERS_PER_COMMAND):
                yield self._subscribe((TRADES,), tickers[start : start + _TICKERS_PER_COMMAND])

    def _update(self, action: str, tickers: list[Ticker], sid: int) -> Iterator[bytes]:
        for start in range(0, len(tickers), _TICKERS_PER_COMMAND):
            chunk = tickers[start : start + _TICKERS_PER_COMMAND]
            command_id = self._next_id(_Pending(action, frozenset(chunk)))
            params = ws.UpdateSubscriptionParams(action=action, sids=[sid], market_tickers=chunk)
            yield encode(ws.UpdateSubscription(id=command_id, params=params))


def _quote_changed(ticker: Ticker, quote: Quote | None, at_ns: int) -> Iterable[EngineEvent]:
    return () if quote is None else (QuoteChanged(at_ns=at_ns, ticker=ticker, quote=quote),)


def _converter(
    message_type: type[Payload], convert: Callable[[Payload, int], EngineEvent]
) -> Callable[[msgspec.Raw, int], Iterable[EngineEvent]]:
    def take(raw: msgspec.Raw, at_ns: int) -> Iterable[EngineEvent]:
        return (convert(msgspec.json.decode(raw, type=message_type), at_ns),)

    return take
