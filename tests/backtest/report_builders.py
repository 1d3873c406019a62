"""Results built by hand, whose cash adds up, for the tests of reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from console.backtest.result import Result
from console.backtest.setup import Setup
from console.config.schema import Settings
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import AccountPrecision, FeeAccumulator, model_fee
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.monitoring.records import FillRecord, MarketRecord

START_NS = 1_772_323_200_000_000_000
"""2026-03-01T00:00Z."""

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
CAPITAL = Cash(10_000_000_000)


class KnownFees:
    """One schedule for every market, announced or assumed."""

    def __init__(self, terms: FeeTerms | None = FeeTerms(), *, assumed: bool = False) -> None:  # noqa: B008
        self._terms = terms
        self._assumed = assumed

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        return self._terms

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        return ()

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        return self._assumed

    def provenance(self, market: Market, at_ns: int) -> str:
        return "assumed: ordinary" if self._assumed else "known: the schedule"


def setup(**changes: Any) -> Setup:
    values: dict[str, Any] = {
        "settings": Settings(),
        "make_strategy": _no_strategy,
        "fees": KnownFees(),
        "capital": CAPITAL,
    }
    return Setup(**values | changes)


def _no_strategy(timeline: object) -> Any:
    raise AssertionError("reports run no strategy")


def market_record(ticker: str = "KXA-E1-T1", **changes: Any) -> MarketRecord:
    """Of event ``KXA-E1`` and series ``KXA``, that had not settled when the recording ended."""
    values: dict[str, Any] = {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0] or ticker,
        "series_ticker": ticker.partition("-")[0],
        "category": "Weather",
        "group": "all weather",
        "close_ns": START_NS + 12 * HOUR_NS,
        "settled_ns": None,
        "yes_value": None,
        "is_drawn": False,
        "position": Count(0),
        "mark": None,
    }
    return MarketRecord(**values | changes)


def fill_record(
    ticker: str = "KXA-E1-T1",
    side: BookSide = BookSide.BID,
    cents: float = 90,
    contracts: float = 10,
    *,
    at_ns: int = START_NS + HOUR_NS,
    fee: int = 0,
    slippage: int = 0,
    is_taker: bool = True,
    quote: Quote | None = None,
    win_cents: float | None = None,
    number: int = 1,
    **changes: Any,
) -> FillRecord:
    """A fill at a YES price in cents; the touch at the decision is its price, and the spread a cent."""
    price, count = Price(round(100 * cents)), Count(round(100 * contracts))
    if quote is None:
        bid = price - 100 if (side is BookSide.BID) == is_taker else price
        size = Count(100_000)
        quote = Quote(Level(Price(bid), size), Level(Price(bid + 100), size))
    paid = side.price_paid(price)
    probability = paid if win_cents is None else round(100 * win_cents)
    values: dict[str, Any] = {
        "fill": Fill(
            fill_id=f"f{number}",
            order_id=f"o{number}",
            ticker=ticker,
            side=side,
            price=price,
            count=count,
            fee=Cash(fee),
            is_taker=is_taker,
            at_ns=at_ns,
        ),
        "intent": OrderIntent(
            client_order_id=f"c{number}",
            ticker=ticker,
            side=side,
            price=price,
            count=count,
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            quote=quote,
            win_probability=Price(probability),
            strategy="flb",
            post_only=not is_taker,
        ),
        "decided_ns": at_ns - 100_000_000,
        "age_at_decision_ns": 1_000_000_000,
        "quote_at_fill": quote,
        "age_at_fill_ns": 1_100_000_000,
        "slippage": Cash(slippage),
        "is_printed": not is_taker,
        "twice_mids": (None, None, None),
    }
    return FillRecord(**values | changes)


def result_of(
    fills: Sequence[FillRecord], traded: Sequence[MarketRecord], days: int = 3, **changes: Any
) -> Result:
    """The run whose cash these records make, with a mark at cost after each fill and settlement."""
    account = _Account()
    happened: list[tuple[int, int, FillRecord | MarketRecord]]
    happened = [(record.fill.at_ns, number, record) for number, record in enumerate(fills)]
    happened += [(it.settled_ns, len(fills), it) for it in traded if it.settled_ns is not None]
    equity = []
    for at_ns, _, each in sorted(happened, key=lambda one: one[:2]):
        account.take(each)
        equity.append((at_ns, account.at_cost))
    final = account.at_marks({market.ticker: market.mark for market in traded})
    values: dict[str, Any] = {
        "first_ns": START_NS,
        "last_ns": START_NS + days * DAY_NS - 1,
        "rows": 1_000,
        "dispatched": 100,
        "events": 50,
        "markets": max(5, len(traded)),
        "capital": CAPITAL,
        "cash": Cash(account.cash),
        "final_equity": final,
        "fees": Cash(account.fees),
        "fills": tuple(fills),
        "traded": tuple(traded),
        "equity": tuple(equity),
        "orders": {"executed": len(fills)},
        "denied": {},
        "why_not": (("scanned", 20, ()), ("price", 12, (("between the thresholds", 8),))),
        "latches": (),
        "renewals": 0,
        "prints": 40,
        "dropped": {},
        "noted": {},
        "journal_hash": "ab" * 32,
    }
    return Result(**values | changes)


class _Account:
    def __init__(self) -> None:
        self.cash, self.fees = int(CAPITAL), 0
        self.positions: dict[str, Position] = {}

    def take(self, happened: FillRecord | MarketRecord) -> None:
        if isinstance(happened, MarketRecord):
            assert happened.yes_value is not None
            held = self.positions.pop(happened.ticker, Position()).contracts
            self.cash += cash_change_of_settlement(held, happened.yes_value) - happened.profit_fee
            self.fees += happened.profit_fee
            return
        fill = happened.fill
        before = self.positions.get(fill.ticker, Position())
        self.cash += cash_change_of_fill(before.contracts, fill.side, fill.price, fill.count, fill.fee)
        self.positions[fill.ticker] = before.filled(fill.side, fill.price, fill.count, fill.fee)
        self.fees += fill.fee

    @property
    def at_cost(self) -> Cash:
        return Cash(self.cash + sum(position.paid for position in self.positions.values()))

    def at_marks(self, marks: dict[str, Price | None]) -> Cash | None:
        worth = self.cash
        for ticker, position in self.positions.items():
            mark = marks[ticker]
            if position.contracts:
                if mark is None:
                    return None
                worth += position.value_at(mark)
        return Cash(worth)


def markets_of(result: Result) -> list[Market]:
    """What the recording knew of the traded markets."""
    return [
        Market(
            ticker=it.ticker,
            event_ticker=it.event_ticker,
            series_ticker=it.series_ticker,
            category=it.category,
            title="",
            open_ns=result.first_ns,
            close_ns=it.close_ns or result.last_ns,
            status=MarketStatus.ACTIVE,
            fees=None,
        )
        for it in result.traded
    ]


def random_result(seed: int, markets: int = 60, days: int = 6, terms: FeeTerms | None = None) -> Result:
    """Fills of both sides and roles, exits, flips, ties, draws and open positions, charged as by Kalshi."""
    rng, terms = random.Random(seed), terms or FeeTerms("quadratic_with_maker_fees")
    fills: list[FillRecord] = []
    traded: list[MarketRecord] = []
    for place in range(markets):
        ticker = f"KX{'ABC'[place % 3]}-E{place // 2}-T{place}"
        close_ns = START_NS + rng.randrange(days - 1) * DAY_NS + rng.randrange(12, 24) * HOUR_NS
        held = 0
        for number in range(rng.choice((1, 1, 1, 2, 3))):
            record = _random_fill(rng, ticker, close_ns, len(fills), number, terms, held)
            fills.append(record)
            held += record.fill.side.sign * record.fill.count
        traded.append(_random_market(rng, ticker, close_ns, Count(held)))
    fills.sort(key=lambda record: record.fill.at_ns)
    return result_of(_charged(fills, terms), traded, days=days)


def _random_fill(
    rng: random.Random, ticker: str, close_ns: int, place: int, number: int, terms: FeeTerms, held: int
) -> FillRecord:
    side = (
        rng.choice((BookSide.BID, BookSide.ASK))
        if held == 0 or rng.random() < 0.5
        else (BookSide.ASK if held > 0 else BookSide.BID)
    )
    cents = rng.choice((rng.randrange(85, 99), rng.randrange(2, 99))) + rng.choice((0, 0, 0.5))
    if side is BookSide.ASK:
        cents = 100 - cents
    is_taker = rng.random() < 0.6
    off = rng.choice((0, 0, 0, -1, 1, 2)) if is_taker else 0
    price = Price(round(100 * min(99, max(1, cents + off))))
    base = round(100 * min(98, max(2, cents)))
    size = Count(rng.randrange(1, 90_000))
    spread = rng.choice((100, 200, 300))
    bid, ask = (base - spread, base) if (side is BookSide.BID) == is_taker else (base, base + spread)
    quote = Quote(
        Level(Price(bid), size) if bid > 0 else None, Level(Price(ask), size) if ask < 10_000 else None
    )
    count = rng.choice((rng.randrange(1, 40) * 100, rng.randrange(1, 4_000)))
    mids = tuple(rng.choice((None, rng.randrange(2, 199) * 100)) for _ in range(3))
    return fill_record(
        ticker,
        side,
        price / 100,
        count / 100,
        at_ns=close_ns - (5 - number) * HOUR_NS + rng.randrange(HOUR_NS),
        slippage=rng.choice((0, rng.randrange(1, 5_000))),
        is_taker=is_taker,
        quote=quote,
        win_cents=min(99.0, side.price_paid(price) / 100 + rng.choice((0.5, 1, 2))),
        number=place + 1,
        age_at_decision_ns=rng.randrange(90 * 10**9),
        age_at_fill_ns=rng.randrange(90 * 10**9),
        is_printed=not is_taker and rng.random() < 0.7,
        twice_mids=mids,
    )


def _random_market(rng: random.Random, ticker: str, close_ns: int, held: Count) -> MarketRecord:
    category = rng.choice(("Weather", "Crypto", "Sports"))
    changes: dict[str, Any] = {"category": category, "group": f"{category} {close_ns // DAY_NS}"}
    if rng.random() < 0.9:
        changes["settled_ns"] = close_ns + rng.randrange(HOUR_NS)
        changes["yes_value"] = Price(rng.choice((0, 10_000, 10_000, 0, 10_000, 5_000)))
        changes["is_drawn"] = rng.random() < 0.1
    else:
        changes["mark"] = Price(rng.randrange(1, 10_000))
    return market_record(ticker, close_ns=close_ns, position=held, **changes)


def _charged(fills: list[FillRecord], terms: FeeTerms) -> list[FillRecord]:
    """Each with the exchange's fee and the slippage in its fill."""
    held: dict[str, int] = {}
    charged = []
    for record in fills:
        fill = record.fill
        before = Count(held.get(fill.ticker, 0))
        revenue = cash_change_of_fill(before, fill.side, fill.price, fill.count, Cash(0))
        trade_fee = model_fee(terms, fill.price, fill.count, is_taker=fill.is_taker)
        fee, _ = FeeAccumulator().charge(revenue, trade_fee, AccountPrecision.DIRECT_MEMBER)
        held[fill.ticker] = before + fill.side.sign * fill.count
        whole = msgspec.structs.replace(fill, fee=Cash(fee + record.slippage))
        charged.append(msgspec.structs.replace(record, fill=whole))
    return charged
