"""Each limit on an entry, driven through the engine: one below, at, and one above."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    SECOND,
    A,
    B,
    C,
    Desk,
    cents,
    contracts,
    desk,
    dollars,
    engine,
    market,
    quote,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import QualitySettings
from console.domain.book import Level, Quote
from console.domain.market import Market, MarketStatus
from console.domain.market_events import MarketStatusChanged
from console.domain.money import Price
from console.engine.picture import Painter, Surroundings
from console.monitoring.why_not import FunnelStepName

NARROW = QualitySettings(max_spread_bps=Decimal(10_000))


def of_one_event(*tickers: str, exclusive: bool = False) -> list[Market]:
    return [
        msgspec.structs.replace(market(ticker), event_ticker="ONE", mutually_exclusive=exclusive)
        for ticker in tickers
    ]


def with_risk(**risk: object) -> Settings:
    return replace(settings(), risk=replace(RiskSettings(), **risk))  # type: ignore[arg-type]


def denied(trading: Desk) -> dict[str, int]:
    return stopped(trading.engine, FunnelStepName.LIMITS)


def test_the_legs_of_one_event_share_its_limit() -> None:
    chosen = with_risk(max_event_exposure_pct=Decimal("0.06"))
    trading = desk(chosen, *of_one_event(A, B))
    trading.hold(FAVOURITE, A)
    first = trading.engine.exposure().event("ONE").held
    second = trading.enter(FAVOURITE, B)
    after = trading.engine.exposure().event("ONE").with_orders
    assert first + second.worst_cost == after
    around = Surroundings(
        environment="practice", dry_run=False, notes=(), connected=True, order_round_trip_ns=None
    )
    shown = Painter().take(trading.engine, trading.now_ns, around)
    [gauge] = [each for each in shown.gauges if each.key == "event"]
    assert (gauge.used, gauge.with_resting, gauge.limit) == (first, after, dollars("600"))
    assert after <= dollars("600") < after + dollars("3")  # the fees are kept free


def test_legs_of_which_one_at_most_can_win_are_netted_and_others_are_not() -> None:
    risk = {"max_event_exposure_pct": Decimal("0.05")}
    both = {}
    for exclusive in (False, True):
        trading = desk(with_risk(**risk), *of_one_event(A, B, exclusive=exclusive))
        trading.hold(LONGSHOT, A)
        trading.show(LONGSHOT, B)
        both[exclusive] = sum(order.intent.count for order in trading.engine.account.orders.values())
        assert trading.engine.exposure().event("ONE").with_orders <= dollars("500")
    assert both[True] > both[False]


def test_a_pinned_group_is_limited_whatever_the_rule_says() -> None:
    pins = {"coins": ("KXBTC*", "KXETH*")}
    markets = (market(A, category=""), market(B, category=""), market(C, category=""))
    trading = desk(with_risk(max_correlated_group_pct=Decimal("0.05"), groups=pins), *markets)
    trading.hold(FAVOURITE, A)
    assert trading.engine.markets.group(A) == trading.engine.markets.group(B) == "coins"
    rest, alone = trading.enter(FAVOURITE, B), trading.enter(FAVOURITE, C)
    assert rest.count < contracts(5)
    assert alone.count > contracts(500)
    assert trading.engine.exposure().group("coins").with_orders <= dollars("500")


def test_a_leg_that_closes_early_stays_in_the_group_of_its_event() -> None:
    trading = desk(None, *of_one_event(A, B))
    trading.hold(FAVOURITE, A)
    group = trading.engine.markets.group(A)
    trading.take(
        MarketStatusChanged(
            at_ns=trading.now_ns, ticker=A, status=MarketStatus.CLOSED, close_ns=trading.now_ns + SECOND
        )
    )
    assert trading.engine.markets.group(A) == trading.engine.markets.group(B) == group
    assert trading.engine.exposure().group(group).held > 0


def refuse_every_order(trading: Desk, times: int, *, seconds_apart: float) -> list[int]:
    """How many of so many looks led to an order, each rejected for certain."""
    sent = []
    for _ in range(times):
        orders = submits(trading.show(FAVOURITE, A))
        sent.append(len(orders))
        for order in orders:
            trading.reject(order)
        trading.later(seconds_apart)
    return sent


def test_no_more_orders_leave_within_a_minute_than_allowed() -> None:
    risk = {"max_orders_per_minute": 3, "max_rejects_per_minute": 1_000}
    trading = desk(with_risk(**risk))
    assert refuse_every_order(trading, 4, seconds_apart=1) == [1, 1, 1, 0]
    assert denied(trading) == {"orders per minute": 1}
    trading.later(56 - 1e-9)
    assert submits(trading.show(FAVOURITE, A)) == []
    trading.later(1e-9)
    trading.prove()
    assert len(submits(trading.show(FAVOURITE, A))) == 1


def test_a_restart_forgets_no_order_of_the_last_minute() -> None:
    chosen = with_risk(max_orders_per_minute=3, max_rejects_per_minute=1_000)
    before = desk(chosen)
    refuse_every_order(before, 3, seconds_apart=1)
    journal = [action.record for action in before.actions if hasattr(action, "record")]
    account, trade_log = replayed(journal)
    after = Desk(engine(chosen, account=account, trade_log=trade_log), now_ns=before.now_ns)
    after.connect()
    assert submits(after.show(FAVOURITE, A)) == []
    assert denied(after) == {"orders per minute": 1}


@pytest.mark.parametrize(("spread", "is_sent"), [(998, True), (1_000, True), (1_002, False)])
def test_a_price_further_from_mid_than_the_collar_is_not_sent(spread: int, is_sent: bool) -> None:
    # The touch is half the spread away from the middle: 5 cents at 10.
    chosen = replace(with_risk(price_collar_cents=Decimal(5)), quality=NARROW)
    chosen = replace(
        chosen, edge=replace(chosen.edge, constant_points=Decimal(9)), strategy_flb=chosen.strategy_flb
    )
    ask = cents(91)
    shown = Quote(
        Level(Price(ask - spread), contracts(1_000)),
        Level(ask, contracts(1_000)),
    )
    trading = desk(chosen)
    assert bool(submits(trading.show(shown))) is is_sent
    assert denied(trading) == ({} if is_sent else {"price collar": 1})


def test_in_a_drawdown_stakes_shrink_where_the_setting_asks_for_it() -> None:
    counts = []
    for start in ("1", "0.01"):
        risk = {"drawdown_scale_from_pct": Decimal(start), "kelly_fraction": Decimal("0.05")}
        trading = desk(with_risk(**risk), market(A), market(B))
        trading.hold(quote(92, 93), A)
        trading.settle(Price(0), A)
        trading.scan()
        counts.append(trading.enter(FAVOURITE, B).count)
    assert 0 < counts[1] < counts[0]
