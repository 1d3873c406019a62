"""The guide's harvester: the names and calls of its sketch, and what becomes of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected
from console.domain.book import BookSide, Level, Quote
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.domain.ports import SubmitOutcome, VenueError
from console.risk.risk_manager import RiskLimits, RiskManager
from console.strategies.flb_harvester import FLBConfig, FLBHarvester

NOW_NS = 1_800_000_000 * 10**9


def market(ticker: str, category: str = "Weather") -> Market:
    return Market(
        ticker=ticker,
        event_ticker=ticker,
        series_ticker="KX",
        category=category,
        title="",
        open_ns=NOW_NS - 10**9,
        close_ns=NOW_NS + 3600 * 10**9,
        status=MarketStatus.ACTIVE,
        fees=FeeTerms(),
    )


def quote(bid: int, ask: int, size: int = 1_000) -> Quote:
    return Quote(Level(Price(bid * 100), Count(size * 100)), Level(Price(ask * 100), Count(size * 100)))


@dataclass
class Exchange:
    """A connector to an exchange that fills what it is sent."""

    quotes: dict[str, Quote]
    outcome: str = "filled"
    sent: list[OrderIntent] = field(default_factory=list)

    def now_ns(self) -> int:
        return NOW_NS

    def markets(self) -> Sequence[Market]:
        return [market(ticker, category=ticker) for ticker in self.quotes]

    def quote(self, ticker: str) -> Quote:
        return self.quotes[ticker]

    def submit(self, intent: OrderIntent) -> SubmitOutcome:
        self.sent.append(intent)
        client_order_id = intent.client_order_id
        if self.outcome == "rejected":
            return OrderRejected(at_ns=NOW_NS, client_order_id=client_order_id, code="no", message="")
        if self.outcome == "unknown":
            return OrderBecameUnknown(at_ns=NOW_NS, client_order_id=client_order_id, reason="time ran out")
        return OrderAcked(at_ns=NOW_NS, client_order_id=client_order_id, order_id=f"o{len(self.sent)}")

    def fills(self, order_id: str) -> Sequence[Fill]:
        if self.outcome == "unlisted":
            raise VenueError("the list did not come")
        if self.outcome == "unfilled":
            return []
        intent = self.sent[-1]
        half = Count(intent.count // 2)
        counts = [half, Count(intent.count - half)]
        return [
            Fill(
                f"{order_id}-{n}", order_id, intent.ticker, intent.side, intent.price, count, Cash(7), True, n
            )
            for n, count in enumerate(counts)
        ]


GENEROUS = FLBConfig(edge_points=5)
FAVOURITE, LONGSHOT = quote(91, 92), quote(7, 8)


def harvester(exchange: Exchange, config: FLBConfig = GENEROUS) -> FLBHarvester:
    risk_manager = RiskManager(initial_capital=10_000, limits=RiskLimits())
    return FLBHarvester(api_connector=exchange, config=config, risk_manager=risk_manager)


def test_a_dry_run_says_what_it_would_trade_and_sends_nothing() -> None:
    exchange = Exchange({"FAV": FAVOURITE, "LONG": LONGSHOT, "TOSSUP": quote(50, 51)})
    flb = harvester(exchange)
    trades = flb.scan_and_trade(dry_run=True)
    assert [(t["ticker"], t["side"], t["action"], t["price_cents"]) for t in trades] == [
        ("FAV", "yes", "buy", 92),
        ("LONG", "no", "buy", 93),
    ]
    assert all(t["contracts"] > 0 and t["edge"] > 0 for t in trades)
    assert all("execution" not in trade for trade in trades)
    assert exchange.sent == []
    assert flb.risk_mgr.positions == {}


def test_what_is_traded_is_sent_once_and_the_risk_manager_told_of_its_fills() -> None:
    exchange = Exchange({"FAV": FAVOURITE})
    flb = harvester(exchange)
    trade = flb.scan_and_trade(dry_run=False)[0]
    (intent,) = exchange.sent
    assert (intent.side, intent.price, intent.time_in_force) == (
        BookSide.BID,
        9_200,
        TimeInForce.IMMEDIATE_OR_CANCEL,
    )
    assert intent.count == trade["contracts"] * 100
    execution = trade["execution"]
    assert (execution["contracts"], execution["price_cents"], execution["order_id"]) == (
        trade["contracts"],
        92,
        "o1",
    )
    assert execution["fee"] == pytest.approx(14e-6)
    assert flb.risk_mgr.positions["FAV"].contracts == intent.count
    assert flb.scan_and_trade(dry_run=False) == [], "already in this market"
    assert len(exchange.sent) == 1


def test_no_more_is_taken_than_is_displayed() -> None:
    exchange = Exchange({"FAV": quote(91, 92, size=12)})
    (trade,) = harvester(exchange).scan_and_trade(dry_run=True)
    assert trade["contracts"] == 12
    assert trade["reason"] == "displayed depth: 12 contracts"


def test_the_risk_manager_sizes_each_trade_by_its_limits(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange({f"FAV{n}": FAVOURITE for n in range(9)})
    flb = harvester(exchange)
    with caplog.at_level(logging.INFO):
        trades = flb.scan_and_trade(dry_run=False)
    assert sum(t["contracts"] * t["price_cents"] / 100 for t in trades) <= 2_000
    assert flb.risk_mgr._get_total_exposure() <= 2_000
    assert len(trades) < 9
    assert "Position sizing rejected: FAV8" in caplog.text


def test_a_halt_ends_the_scan(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange({"FAV": FAVOURITE})
    flb = harvester(exchange)
    flb.risk_mgr.manual_halt("enough")
    assert flb.scan_and_trade(dry_run=False) == []
    assert exchange.sent == []
    assert "Trading halted" in caplog.text


@pytest.mark.parametrize("outcome", ["unknown", "unlisted"])
def test_an_order_whose_fate_is_unknown_halts_and_nothing_follows_it(outcome: str) -> None:
    exchange = Exchange({"FAV1": FAVOURITE, "FAV2": FAVOURITE}, outcome)
    flb = harvester(exchange)
    (trade,) = flb.scan_and_trade(dry_run=False)
    assert "execution" not in trade
    assert len(exchange.sent) == 1
    assert flb.risk_mgr.trading_state.value == "HALTED"
    assert "is not known" in (flb.risk_mgr.get_status()["kill_switch_reason"] or "")


@pytest.mark.parametrize("outcome", ["rejected", "unfilled"])
def test_an_order_that_traded_nothing_has_no_execution(outcome: str) -> None:
    exchange = Exchange({"FAV1": FAVOURITE, "FAV2": FAVOURITE}, outcome)
    flb = harvester(exchange)
    trades = flb.scan_and_trade(dry_run=False)
    assert len(exchange.sent) == 2
    assert all("execution" not in trade for trade in trades)
    assert flb.risk_mgr.positions == {}
    assert len({intent.client_order_id for intent in exchange.sent}) == 2


def test_the_guides_defaults_trade_nothing_on_the_published_edge() -> None:
    config = FLBConfig()
    assert (config.favorite_threshold, config.longshot_threshold, config.min_edge_to_trade) == (90, 10, 0.03)
    assert harvester(Exchange({"FAV": FAVOURITE}), config).scan_and_trade(dry_run=True) == []
