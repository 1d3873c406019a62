"""Kalshi's history over a real socket: two tiers, short pages, and what a test makes of single answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scripted_exchange import Answer, Received, reply

SERIES = "KXHIST"
BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAGE = 3

Row = dict[str, Any]


def stamp(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def seconds(time: datetime) -> int:
    return int(time.timestamp())


def market(number: int, opens: datetime, closes: datetime, **changes: Any) -> Row:
    """A market that settled a minute after its close, as YES when its number is even."""
    zero = "0.0000"
    row: Row = {
        "ticker": f"{SERIES}-M{number}",
        "event_ticker": f"{SERIES}-E{number // 2}",
        "market_type": "binary",
        "title": f"Is it {number}?",
        "yes_sub_title": "yes",
        "no_sub_title": "no",
        "created_time": stamp(opens),
        "updated_time": stamp(opens),
        "open_time": stamp(opens),
        "close_time": stamp(closes),
        "latest_expiration_time": stamp(closes),
        "settlement_timer_seconds": 60,
        "status": "finalized",
        "result": "no" if number % 2 else "yes",
        "settlement_value_dollars": zero if number % 2 else "1.0000",
        "settlement_ts": stamp(closes + timedelta(minutes=1)),
        "can_close_early": False,
        "volume_fp": "10.00",
        "volume_24h_fp": "0.00",
        "open_interest_fp": "0.00",
        "notional_value_dollars": "1.0000",
        "expiration_value": "",
        "rules_primary": "",
        "rules_secondary": "",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    }
    prices = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price", "previous_yes_bid", "previous_yes_ask")
    row |= {f"{name}_dollars": zero for name in (*prices, "previous_price")}
    row |= {"yes_bid_size_fp": "0.00", "yes_ask_size_fp": "0.00"}
    return row | changes


def trade(number: int, ticker: str, at: datetime, cents: int = 40, *, is_block: bool = False) -> Row:
    return {
        "trade_id": f"t{number}",
        "ticker": ticker,
        "count_fp": "2.50",
        "yes_price_dollars": f"0.{cents:02}00",
        "no_price_dollars": f"0.{100 - cents:02}00",
        "taker_outcome_side": "yes" if number % 2 else "no",
        "taker_book_side": "bid" if number % 2 else "ask",
        "created_time": stamp(at),
        "is_block_trade": is_block,
    }


def candle(at: datetime, bid: str = "0.3900", ask: str = "0.4100", price: str | None = "0.4000") -> Row:
    sides = ("open", "low", "high", "close")
    return {
        "end_period_ts": seconds(at),
        "yes_bid": {f"{side}_dollars": bid for side in sides},
        "yes_ask": {f"{side}_dollars": ask for side in sides},
        "price": {} if price is None else {f"{side}_dollars": price for side in sides},
        "volume_fp": "2.50",
        "open_interest_fp": "7.00",
    }


def archived_candle(row: Row) -> Row:
    """The same under the archive's names, where all of them are there."""
    prices = ("open", "low", "high", "close", "mean", "previous")
    return {
        "end_period_ts": row["end_period_ts"],
        "yes_bid": {name.removesuffix("_dollars"): value for name, value in row["yes_bid"].items()},
        "yes_ask": {name.removesuffix("_dollars"): value for name, value in row["yes_ask"].items()},
        "price": {name: row["price"].get(f"{name}_dollars") for name in prices},
        "volume": row["volume_fp"],
        "open_interest": row["open_interest_fp"],
    }


@dataclass
class HistoryExchange:
    """Its script answers from ``markets``, ``trades`` and ``candles``; ``fault`` may answer first."""

    markets: list[Row]
    trades: list[Row]
    candles: dict[str, list[Row]]
    cutoff: datetime = BEGIN
    fault: Callable[[Received], Answer | None] = lambda _: None
    costs: list[Row] = field(default_factory=list)

    def __call__(self, request: Received) -> Answer:
        faulty = self.fault(request)
        return self._answer(request) if faulty is None else faulty

    def _answer(self, request: Received) -> Answer:
        match request.path.strip("/").split("/"):
            case ["account", "endpoint_costs"]:
                return reply(200, {"default_cost": 10, "endpoint_costs": self.costs})
            case ["historical", "cutoff"]:
                names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
                return reply(200, dict.fromkeys(names, stamp(self.cutoff)))
            case ["series", name] if name == SERIES:
                return reply(200, {"series": _SERIES})
            case ["markets"]:
                after = datetime.fromtimestamp(int(request.query["min_close_ts"][0]), UTC)
                live = [m for m in self.markets if not self._is_archived(m) and _time(m, "close") > after]
                return self._page(request, "markets", live)
            case ["historical", "markets"]:
                assert set(request.query) <= {"series_ticker", "limit", "cursor"}, (
                    "filters exclude each other"
                )
                return self._page(request, "markets", [m for m in self.markets if self._is_archived(m)])
            case [("markets" | "historical") as tier, "trades"]:
                return self._page(request, "trades", self._traded(request, is_archive=tier == "historical"))
            case ["series", _, "markets", ticker, "candlesticks"]:
                return self._bars(request, ticker, is_archive=False)
            case ["historical", "markets", ticker, "candlesticks"]:
                return self._bars(request, ticker, is_archive=True)
        return reply(404, {"error": {"code": "not_found", "message": request.path}})

    def _is_archived(self, row: Row) -> bool:
        return row["settlement_ts"] is not None and _time(row, "settlement_ts") < self.cutoff

    def _traded(self, request: Received, *, is_archive: bool) -> list[Row]:
        query = {name: values[0] for name, values in request.query.items()}
        assert query["is_block_trade"] == "false"
        return [
            each
            for each in self.trades
            if each["ticker"] == query["ticker"]
            and (_time(each, "created_time") < self.cutoff) == is_archive
            and int(query["min_ts"]) < _time(each, "created_time").timestamp() < int(query["max_ts"])
        ]

    def _bars(self, request: Received, ticker: str, *, is_archive: bool) -> Answer:
        found = next((m for m in self.markets if m["ticker"] == ticker), None)
        if found is None or self._is_archived(found) != is_archive:
            return reply(404, {"error": {"code": "not_found"}})
        first, last = (int(request.query[name][0]) for name in ("start_ts", "end_ts"))
        rows = [c for c in self.candles.get(ticker, ()) if first <= c["end_period_ts"] <= last]
        told = [archived_candle(row) for row in rows] if is_archive else rows
        return reply(200, {"ticker": ticker, "candlesticks": told})

    def _page(self, request: Received, name: str, rows: list[Row]) -> Answer:
        """Newest first, in pages of ``PAGE``; the last has an empty cursor."""
        begin = int(request.query.get("cursor", ["0"])[0])
        newest = sorted(rows, key=lambda row: str(row.get("created_time")), reverse=True)
        cursor = str(begin + PAGE) if begin + PAGE < len(newest) else ""
        return reply(200, {name: newest[begin : begin + PAGE], "cursor": cursor})


def _time(row: Row, name: str) -> datetime:
    return datetime.fromisoformat(row["close_time" if name == "close" else name])


_SERIES = {
    "ticker": SERIES,
    "frequency": "hourly",
    "title": "History",
    "category": "Crypto",
    "tags": None,
    "settlement_sources": None,
    "contract_url": "",
    "contract_terms_url": "",
    "fee_type": "quadratic",
    "fee_multiplier": 1,
    "additional_prohibitions": None,
}


def history_exchange() -> HistoryExchange:
    """Six markets of an hour, one after another, three of them archived; trades on both sides of the cut."""
    markets, trades, candles = [], [], {}
    for number in range(6):
        opens = BEGIN + number * HOUR
        markets.append(market(number, opens, opens + HOUR))
        ticker = markets[-1]["ticker"]
        candles[ticker] = [
            candle(opens + timedelta(minutes=minute), price="0.4000" if minute % 3 else None)
            for minute in range(1, 61, 7)
        ]
        for place in range(number * 2):
            at = opens + timedelta(minutes=5 * place, microseconds=number)
            trades.append(trade(100 * number + place, ticker, at, 30 + place))
    return HistoryExchange(markets, trades, candles, cutoff=BEGIN + 3.2 * HOUR)
