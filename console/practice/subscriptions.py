"""One client's WebSocket commands and subscriptions, without the socket.

Errors carry Kalshi's numeric codes; every message of a subscription that Kalshi numbers takes the next number
of that subscription, whatever market it is about.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

import msgspec

from console.domain.market import Ticker
from console.exchange.messages import encode, ws
from console.practice.channels import Channel, orderbook_snapshot, ticker_update
from console.practice.floor import Floor


class ErrorCode(enum.IntEnum):
    """Kalshi's error codes of the WebSocket, those that can occur here."""

    CANNOT_PROCESS = 1
    PARAMS_REQUIRED = 2
    CHANNELS_REQUIRED = 3
    SIDS_REQUIRED = 4
    UNKNOWN_COMMAND = 5
    UNKNOWN_SID = 7
    UNKNOWN_CHANNEL = 8
    INVALID_PARAMETER = 11
    EXACTLY_ONE_SID = 12
    UNSUPPORTED_ACTION = 13
    TICKER_REQUIRED = 14
    ACTION_REQUIRED = 15
    BUFFER_OVERFLOW = 25


class _Params(msgspec.Struct, frozen=True):
    channels: list[str] = []
    market_ticker: str | None = None
    market_tickers: list[str] | None = None
    market_id: str | None = None
    market_ids: list[str] | None = None
    sid: int | None = None
    sids: list[int] = []
    action: str | None = None
    send_initial_snapshot: bool = False
    skip_ticker_ack: bool = False
    use_yes_price: bool = False


class _Id(msgspec.Struct, frozen=True):
    id: int = 0


class _Command(_Id, frozen=True):
    cmd: str | None = None
    params: _Params | None = None


class _CommandError(Exception):
    def __init__(self, code: ErrorCode, message: str, subscription: Subscription | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.subscription = subscription


class Subscription:
    """One channel of one client; ``tickers`` is None when it follows every market."""

    def __init__(self, sid: int, channel: Channel, params: _Params) -> None:
        self.sid = sid
        self.channel = channel
        self.tickers: set[Ticker] | None = None
        self.use_yes_price = params.use_yes_price
        self.skip_ticker_ack = params.skip_ticker_ack
        self._seq = 0

    def follows(self, ticker: Ticker | None) -> bool:
        return self.tickers is None or ticker is None or ticker in self.tickers

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq


class Subscriber:
    """What one client has asked for; ``send`` takes its messages in order."""

    def __init__(self, floor: Floor, send: Callable[[bytes], None]) -> None:
        self._floor = floor
        self._send = send
        self._subscriptions: dict[int, Subscription] = {}
        self._last_sid = 0

    def subscriptions(self, channel: Channel) -> list[Subscription]:
        return [s for s in self._subscriptions.values() if s.channel is channel]

    def forget(self, settled: Ticker) -> None:
        """Nothing trades there any more; clients take books out by themselves, trades they cannot."""
        for subscription in self.subscriptions(Channel.TRADE):
            if subscription.tickers is not None:
                subscription.tickers.discard(settled)

    def tell(
        self, subscription: Subscription, type_: str, payload: ws.Payload, id_: int | None = None
    ) -> None:
        """Send a message of a subscription, numbered if its channel is."""
        seq = subscription.next_seq() if subscription.channel.is_numbered else None
        self._send(ws.frame(type_, payload, sid=subscription.sid, seq=seq, id_=id_))

    def overflow(self) -> Iterable[bytes]:
        """The terminal error of each subscription, for a client that does not read."""
        error = ws.ErrorMessage(code=ErrorCode.BUFFER_OVERFLOW, msg="Subscription buffer overflow")
        for subscription in self._subscriptions.values():
            yield ws.frame("error", error, sid=subscription.sid, seq=subscription.next_seq())

    # --- commands -------------------------------------------------------------------------------

    def receive(self, text: str | bytes) -> None:
        """Carry out a command and answer it."""
        id_ = 0
        try:
            id_ = msgspec.json.decode(text, type=_Id).id
            self._carry_out(msgspec.json.decode(text, type=_Command))
        except msgspec.ValidationError as error:
            self._refuse(id_, _CommandError(ErrorCode.INVALID_PARAMETER, f"Invalid parameter: {error}"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._refuse(id_, _CommandError(ErrorCode.CANNOT_PROCESS, "Unable to process message"))
        except _CommandError as error:
            self._refuse(id_, error)

    def _refuse(self, id_: int, error: _CommandError) -> None:
        message = ws.ErrorMessage(code=error.code, msg=error.message)
        on = error.subscription
        sid, seq = (None, None) if on is None else (on.sid, on.next_seq())
        self._send(ws.frame("error", message, id_=id_ or None, sid=sid, seq=seq))

    def _carry_out(self, command: _Command) -> None:
        if command.cmd == "list_subscriptions":
            self._list(command.id)
        elif command.cmd not in ("subscribe", "update_subscription", "unsubscribe"):
            raise _CommandError(ErrorCode.UNKNOWN_COMMAND, "Unknown command")
        elif command.params is None:
            raise _CommandError(ErrorCode.PARAMS_REQUIRED, "Params required")
        elif command.cmd == "subscribe":
            self._subscribe(command.id, command.params)
        elif command.cmd == "update_subscription":
            self._update(command.id, command.params)
        else:
            self._unsubscribe(command.id, command.params)

    def _list(self, id_: int) -> None:
        entries = [ws.Subscribed(channel=s.channel, sid=s.sid) for s in self._subscriptions.values()]
        listed = msgspec.Raw(msgspec.json.encode(entries))
        self._send(encode(ws.Frame(type="ok", id=id_ or None, msg=listed)))

    def _subscribe(self, id_: int, params: _Params) -> None:
        if not params.channels:
            raise _CommandError(ErrorCode.CHANNELS_REQUIRED, "Channels required")
        unknown = [name for name in params.channels if name not in list(Channel)]
        if unknown:
            raise _CommandError(ErrorCode.UNKNOWN_CHANNEL, f"Unknown channel name: {unknown[0]}")
        tickers = self._tickers(params)
        if tickers is None and Channel.ORDERBOOK_DELTA in params.channels:
            raise _CommandError(ErrorCode.TICKER_REQUIRED, "Market Ticker required")
        for name in params.channels:
            self._subscribe_channel(id_, Channel(name), params, tickers)

    def _subscribe_channel(
        self, id_: int, channel: Channel, params: _Params, tickers: list[Ticker] | None
    ) -> None:
        existing = self.subscriptions(channel)
        if existing:
            subscription = existing[0]
        else:
            self._last_sid += 1
            subscription = Subscription(self._last_sid, channel, params)
            subscription.tickers = set() if tickers is not None and channel.is_filtered else None
            self._subscriptions[subscription.sid] = subscription
        self._send(
            ws.frame("subscribed", ws.Subscribed(channel=channel, sid=subscription.sid), id_=id_ or None)
        )
        self._add(subscription, tickers, params.send_initial_snapshot)

    def _add(self, subscription: Subscription, tickers: list[Ticker] | None, snapshot: bool) -> None:
        """Follow more markets (None: every one), and show what each looks like now."""
        if tickers is None:
            subscription.tickers = None
            tickers = list(self._floor.markets) if subscription.channel is Channel.TICKER else []
            new = tickers
        else:
            new = [t for t in tickers if subscription.tickers is not None and t not in subscription.tickers]
            if subscription.tickers is not None:
                subscription.tickers.update(new)
        for ticker in new:
            if subscription.channel is Channel.ORDERBOOK_DELTA:
                self._snapshot(subscription, ticker)
            elif subscription.channel is Channel.TICKER and snapshot and ticker in self._floor.markets:
                update = ticker_update(self._floor.markets[ticker], self._floor.clock())
                self.tell(subscription, "ticker", update)

    def _snapshot(self, subscription: Subscription, ticker: Ticker, id_: int | None = None) -> None:
        market = self._floor.markets.get(ticker)
        payload = orderbook_snapshot(ticker, market, subscription.use_yes_price)
        self.tell(subscription, "orderbook_snapshot", payload, id_)

    def _update(self, id_: int, params: _Params) -> None:
        sids = params.sids if params.sid is None else [*params.sids, params.sid]
        if len(sids) != 1:
            raise _CommandError(ErrorCode.EXACTLY_ONE_SID, "Exactly one subscription ID is required")
        subscription = self._subscription(sids[0])
        if params.action is None:
            raise _CommandError(ErrorCode.ACTION_REQUIRED, "Action required", subscription)
        is_book = subscription.channel is Channel.ORDERBOOK_DELTA
        allowed = (
            ("add_markets", "delete_markets", "get_snapshot")
            if is_book
            else ("add_markets", "delete_markets")
        )
        if params.action not in allowed or not subscription.channel.is_filtered:
            raise _CommandError(ErrorCode.UNSUPPORTED_ACTION, "Unsupported action", subscription)
        tickers = self._tickers(params)
        if not tickers:
            raise _CommandError(ErrorCode.TICKER_REQUIRED, "Market Ticker required", subscription)
        if params.action == "get_snapshot":
            for ticker in tickers:
                self._snapshot(subscription, ticker, id_ or None)
            return
        if params.action == "delete_markets" and subscription.tickers is not None:
            subscription.tickers.difference_update(tickers)
        self._acknowledge(id_, subscription, tickers if params.action == "add_markets" else [])
        if params.action == "add_markets":
            self._add(subscription, tickers, params.send_initial_snapshot)

    def _acknowledge(self, id_: int, subscription: Subscription, added: list[Ticker]) -> None:
        following = None if subscription.tickers is None else sorted({*subscription.tickers, *added})
        ok = ws.Ok(market_tickers=None if subscription.skip_ticker_ack else following)
        self._send(ws.frame("ok", ok, sid=subscription.sid, seq=subscription.next_seq(), id_=id_ or None))

    def _unsubscribe(self, id_: int, params: _Params) -> None:
        if not params.sids:
            raise _CommandError(ErrorCode.SIDS_REQUIRED, "Subscription IDs required")
        for sid in params.sids:
            subscription = self._subscription(sid)
            del self._subscriptions[sid]
            self._send(ws.frame("unsubscribed", sid=sid, seq=subscription.next_seq(), id_=id_ or None))

    def _subscription(self, sid: int) -> Subscription:
        if sid not in self._subscriptions:
            raise _CommandError(ErrorCode.UNKNOWN_SID, f"Unknown subscription ID: {sid}")
        return self._subscriptions[sid]

    def _tickers(self, params: _Params) -> list[Ticker] | None:
        """The markets a command names, or None when it names none; raises _CommandError."""
        if params.market_id is not None or params.market_ids is not None:
            raise _CommandError(ErrorCode.INVALID_PARAMETER, "Invalid parameter: use market_tickers")
        if params.market_ticker is not None and params.market_tickers is not None:
            raise _CommandError(
                ErrorCode.INVALID_PARAMETER, "Invalid parameter: market_ticker and market_tickers"
            )
        if params.market_ticker is not None:
            return [params.market_ticker]
        return None if params.market_tickers is None else list(dict.fromkeys(params.market_tickers))
