"""What each switch says in full: its reading, its threshold, why it trips, and the limits it measures."""

from __future__ import annotations

import msgspec
import pytest
from risk_builders import dollars, good_view, order

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.book import BookSide
from console.domain.engine_events import GuardSeen
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash, Count, Price
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.switches.base import READS_KEEP_NS, Reading, RiskView, nears
from console.risk.switches.every import every_switch

NOW = 10**18
SECOND = 1_000_000_000
GOOD = good_view(NOW)
EVERY = {switch.key: switch for switch in every_switch(RiskSettings(), QualitySettings())}
AT_STAKE = Exposure.of(
    {}, [order("A", BookSide.BID, Price(1), Count(dollars(1_600)))], {"A": Place("coins", "A")}
)


def told(reading: Reading) -> str:
    measures = " ".join(f"[{m.label}: {m.used} of {m.limit} {m.unit}]" for m in reading.measures)
    scoped = " ".join(f"<{trip.scope}: {trip.reason}>" for trip in reading.scoped)
    parts = (reading.state.value, reading.text, reading.threshold, reading.trip or "", scoped, measures)
    return " | ".join(part for part in parts if part)


CASES: list[tuple[str, str, dict[str, object]]] = [
    ("manual", "armed | ready | operator", {}),
    ("daily_loss", "unknown | n/a | n/a", {"equity": None}),
    (
        "daily_loss",
        "tripped | -600.00 $ | > -500.00 $ | day's loss 600.00 $ reached the limit of 500.00 $",
        {"equity": dollars(9_400)},
    ),
    ("daily_loss", "armed | -100.00 $ | > -500.00 $", {"equity": dollars(9_900)}),
    ("drawdown", "unknown | n/a | 10 % | [drawdown: None of None cash]", {"high_water": None}),
    (
        "drawdown",
        "tripped | 11 % | 10 % | 1,100.00 $ below the highest equity, 10,000.00 $: 11 % | "
        "[drawdown: 1100000000 of 1000000000 cash]",
        {"equity": dollars(8_900)},
    ),
    ("drawdown", "armed | 1 % | 10 % | [drawdown: 100000000 of 1000000000 cash]", {"equity": dollars(9_900)}),
    ("loss_streak", "unknown | n/a | 5", {"losses_in_a_row": None}),
    (
        "loss_streak",
        "tripped | 6 | 5 | 6 losses in a row | [loss streak: 6 of 5 count]",
        {"losses_in_a_row": 6},
    ),
    ("loss_streak", "armed | 2 | 5 | [loss streak: 2 of 5 count]", {"losses_in_a_row": 2}),
    ("slippage", "unknown | n/a | 50 % > 50 bps", {"taker_slippage": None}),
    (
        "slippage",
        "tripped | 100 % n=25 | 50 % > 50 bps | 25 of 25 taker fills slipped more than 50.0 bps | "
        "[slipped fills: 10000 of 5000 percent]",
        {"taker_slippage": (6_000,) * 25},
    ),
    (
        "slippage",
        "armed | 20 % n=25 | 50 % > 50 bps | [slipped fills: 2000 of 5000 percent]",
        {"taker_slippage": (6_000,) * 5 + (0,) * 20},
    ),
    ("slippage", "armed | n=5 of 20 | 50 % > 50 bps", {"taker_slippage": (6_000,) * 5}),
    ("error_burst", "unknown | n/a | 10 /h", {"errors_in_hour": None}),
    (
        "error_burst",
        "tripped | 11 /h | 10 /h | 11 errors within an hour | [errors /h: 11 of 10 count]",
        {"errors_in_hour": 11},
    ),
    ("error_burst", "armed | 3 /h | 10 /h | [errors /h: 3 of 10 count]", {"errors_in_hour": 3}),
    ("stale_book", "unknown | no feed yet | 30 s", {"feed_proved_ns": None}),
    ("stale_book", "unknown | clock stepped | 30 s", {"feed_proved_ns": NOW + 2 * SECOND}),
    (
        "stale_book",
        "tripped | 31.0 s | 30 s | the feed proved nothing for 31.0 s, longer than 30 s",
        {"feed_proved_ns": NOW - 31 * SECOND},
    ),
    ("stale_book", "armed | 0.0 s | 30 s", {"followed_books": 9, "dark_books": 0}),
    ("stale_book", "armed | 0.0 s, 2 of 9 dark | 30 s", {"followed_books": 9, "dark_books": 2}),
    ("no_fills", "unknown | n/a | 20 scans", {"scans_without_fill": None}),
    (
        "no_fills",
        "tripped | 21 scans | 20 scans | 21 scans with orders out and no fill | "
        "[unfilled scans: 21 of 20 count]",
        {"scans_without_fill": 21},
    ),
    ("no_fills", "armed | 3 scans | 20 scans | [unfilled scans: 3 of 20 count]", {"scans_without_fill": 3}),
    ("correlation", "unknown | n/a | 15 %", {"exposure": None}),
    (
        "correlation",
        "tripped | 16 % | 15 % | <group:coins: coins: 16 % of equity at worst>",
        {"exposure": AT_STAKE},
    ),
    ("correlation", "armed | 0 % | 15 %", {"exposure": Exposure.of({}, [], {}), "equity": Cash(1)}),
    ("correlation", "armed | 8 % | 15 %", {"exposure": AT_STAKE, "equity": dollars(20_000)}),
    ("reject_rate", "unknown | n/a | 5 /min", {"rejects_in_minute": None}),
    (
        "reject_rate",
        "tripped | 6 /min | 5 /min | 6 orders rejected within a minute | [rejects /min: 6 of 5 count]",
        {"rejects_in_minute": 6},
    ),
    ("reject_rate", "armed | 2 /min | 5 /min | [rejects /min: 2 of 5 count]", {"rejects_in_minute": 2}),
    (
        "tripwire",
        "unknown | n/a | 60 /min 50 % | [orders /min: None of None count] [sent /min: None of None cash]",
        {"orders_in_minute": None},
    ),
    (
        "tripwire",
        "unknown | n/a | 60 /min 50 % | [orders /min: None of None count] [sent /min: None of None cash]",
        {"notional_in_minute": None},
    ),
    (
        "tripwire",
        "tripped | 61 /min 0 % | 60 /min 50 % | 61 orders within a minute | "
        "[orders /min: 61 of 60 count] [sent /min: 0 of 5000000000 cash]",
        {"orders_in_minute": 61},
    ),
    (
        "tripwire",
        "tripped | 0 /min 60 % | 60 /min 50 % | "
        "orders of 6,000.00 $ within a minute, over 50 % of equity | "
        "[orders /min: 0 of 60 count] [sent /min: 6000000000 of 5000000000 cash]",
        {"notional_in_minute": dollars(6_000)},
    ),
    (
        "tripwire",
        "armed | 3 /min 1 % | 60 /min 50 % | "
        "[orders /min: 3 of 60 count] [sent /min: 100000000 of 5000000000 cash]",
        {"orders_in_minute": 3, "notional_in_minute": dollars(100)},
    ),
    (
        "tripwire",
        "armed | 3 /min 0 % | 60 /min 50 % | [orders /min: 3 of 60 count] [sent /min: 0 of 0 cash]",
        {"orders_in_minute": 3, "notional_in_minute": Cash(0), "equity": Cash(1)},
    ),
    (
        "tripwire",
        "tripped | contradiction | 60 /min 50 % | a fill of nothing sent",
        {"contradiction": "a fill of nothing sent"},
    ),
    ("position_mismatch", "unknown | not compared | equal", {"positions": None}),
    (
        "position_mismatch",
        "tripped | differ | equal | A: 1 and 2",
        {"positions": PositionsCompared(at_ns=NOW, mismatch="A: 1 and 2")},
    ),
    (
        "position_mismatch",
        "unknown | not for 120.0 s | equal",
        {"positions": PositionsCompared(at_ns=NOW - READS_KEEP_NS - 1)},
    ),
    ("position_mismatch", "armed | equal | equal", {"positions": PositionsCompared(at_ns=NOW)}),
    ("clock_skew", "unknown | n/a | 5 s", {"clock": None}),
    ("unknown_orders", "unknown | n/a | 3, 30 s", {"unknown_since_ns": None}),
    ("unknown_orders", "armed | none | 3, 30 s | [unknown orders: 0 of 3 count]", {}),
    (
        "unknown_orders",
        "warning | 2, 12.0 s | 3, 30 s | [unknown orders: 2 of 3 count]",
        {"unknown_since_ns": (NOW - 12 * SECOND, NOW)},
    ),
    (
        "unknown_orders",
        "tripped | 4, 0.0 s | 3, 30 s | the outcome of 4 orders is not known | "
        "[unknown orders: 4 of 3 count]",
        {"unknown_since_ns": (NOW,) * 4},
    ),
    (
        "unknown_orders",
        "tripped | 1, 31.0 s | 3, 30 s | the outcome of an order is not known for 31.0 s, longer than 30 s | "
        "[unknown orders: 1 of 3 count]",
        {"unknown_since_ns": (NOW - 31 * SECOND,)},
    ),
    (
        "unknown_orders",
        "tripped | 1, 121.0 s | 3, 30 s | the outcome of an order is not known for 121.0 s, longer than "
        "120 s | [unknown orders: 1 of 3 count]",
        {"unknown_since_ns": (NOW - 121 * SECOND,)},
    ),
    ("foreign_instance", "unknown | not read | none", {"foreign_order": None}),
    ("foreign_instance", "armed | none | none", {}),
    ("foreign_instance", "tripped | seen | none | order kc-x-1", {"foreign_order": "order kc-x-1"}),
    (
        "clock_skew",
        "tripped | +6.0 s | 5 s | our clock is 6.0 s ahead of the exchange's",
        {"clock": ClockSkewRead(at_ns=NOW, skew_ms=6_000)},
    ),
    (
        "clock_skew",
        "tripped | -6.0 s | 5 s | our clock is 6.0 s behind the exchange's",
        {"clock": ClockSkewRead(at_ns=NOW, skew_ms=-6_000)},
    ),
    (
        "clock_skew",
        "tripped | stepped +3600.0 s | 5 s | our clock stepped by +3600.0 s; feed and account must be heard "
        "anew",
        {"clock_step_ns": 3_600 * SECOND},
    ),
    ("clock_skew", "armed | +0.2 s | 5 s", {"clock": ClockSkewRead(at_ns=NOW, skew_ms=200)}),
    ("exchange_paused", "unknown | n/a | trading", {"exchange": None}),
    (
        "exchange_paused",
        "tripped | closed | trading | the exchange is closed",
        {"exchange": ExchangeStatusRead(at_ns=NOW, exchange_active=False, trading_active=True)},
    ),
    (
        "exchange_paused",
        "tripped | paused | trading | the exchange has paused trading",
        {"exchange": ExchangeStatusRead(at_ns=NOW, exchange_active=True, trading_active=False)},
    ),
    (
        "exchange_paused",
        "armed | trading | trading",
        {"exchange": ExchangeStatusRead(at_ns=NOW, exchange_active=True, trading_active=True)},
    ),
    ("journal", "armed | no write yet | writes", {"journaled_ns": None}),
    ("journal", "armed | 2.0 s ago | writes", {"journaled_ns": NOW - 2 * SECOND}),
    ("journal", "armed | 0.0 s ago | writes", {"journaled_ns": NOW + SECOND}),
    ("journal", "tripped | failed | writes | disk full", {"journal_failure": "disk full"}),
    ("guard", "armed | none | watching", {}),
    ("guard", "armed | watching | watching", {"guard": GuardSeen(at_ns=NOW)}),
    ("guard", "tripped | gone | watching | it died", {"guard": GuardSeen(at_ns=NOW, absence="it died")}),
    ("api_key", "armed | accepted | accepted", {}),
    ("api_key", "tripped | refused | accepted | 401: check the key", {"key_refusal": "401: check the key"}),
]


@pytest.mark.parametrize(("key", "says", "known"), CASES, ids=lambda case: str(case)[:60])
def test_a_switch_says_what_it_read_and_against_what(key: str, says: str, known: dict[str, object]) -> None:
    view: RiskView = msgspec.structs.replace(GOOD, **known)
    assert told(EVERY[key].evaluate(view)) == says


def test_every_switch_is_among_the_cases() -> None:
    assert {key for key, _, _ in CASES} == set(EVERY)


def test_nothing_used_never_warns_even_of_a_limit_of_nothing() -> None:
    assert not nears(0, 0)
    assert nears(1, 0)


def test_a_switch_says_how_it_clears_and_what_it_judges_by() -> None:
    every = {switch.key: switch for switch in every_switch(RiskSettings(), QualitySettings())}
    assert every["loss_streak"].clears == "by itself after 4 h, or operator"
    assert every["slippage"].minimum_sample.startswith("20 of the last")
    assert every["reject_rate"].minimum_sample.startswith("5 orders")
