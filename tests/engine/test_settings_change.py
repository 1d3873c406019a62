"""The operator changes settings while the engine trades."""

from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import (
    FAVOURITE,
    A,
    B,
    Desk,
    cancels,
    contracts,
    desk,
    dollars,
    market,
    quote,
    raised,
    records,
    replayed,
    settings,
    shipped,
)

from console import __version__
from console.config.changes import settings_hash
from console.config.risk_settings import RiskSettings
from console.domain.actions import Action
from console.domain.commands import ChangeSettings
from console.domain.engine_events import ErrorHappened, SettingChange, SettingsChanged
from console.domain.money import Count
from console.domain.trading_state import TradingState
from console.engine.core import Engine
from console.engine.limit_views import Gauge
from console.engine.picture import Painter, Surroundings
from console.engine.snapshot import Snapshot

AROUND = Surroundings("practice", False, (), True, None)


def change(trading: Desk, *changes: tuple[str, str], reason: str = "calmer") -> list[Action]:
    return trading.take(ChangeSettings(at_ns=trading.now_ns, changes=changes, reason=reason))


def picture(trading: Desk) -> Snapshot:
    return Painter().take(trading.engine, trading.now_ns, AROUND)


def gauge(trading: Desk, key: str) -> Gauge:
    [found] = [each for each in picture(trading).gauges if each.key == key]
    return found


def test_a_change_is_journaled_with_who_what_and_why_and_named_by_its_hash() -> None:
    trading = desk()
    actions = change(trading, ("risk.max_total_exposure_pct", "0.15"), ("risk.kelly_fraction", "0.1"))
    [event] = [record for record in records(actions) if isinstance(record, SettingsChanged)]
    assert event == SettingsChanged(
        at_ns=trading.now_ns,
        changes=(
            SettingChange("risk.kelly_fraction", "0.25", "0.1"),
            SettingChange("risk.max_total_exposure_pct", "0.20", "0.15"),
        ),
        reason="calmer",
        source="operator",
        program=__version__,
        settings=settings_hash(trading.engine.settings),
    )
    shown = picture(trading)
    assert (shown.settings_hash, shown.edits) == (event.settings, (event,))
    assert shown.settings.risk.max_total_exposure_pct == Decimal("0.15")


def test_the_limit_shown_after_a_change_is_the_limit_the_next_order_meets() -> None:
    trading = desk(settings("taker", RiskSettings(kelly_fraction=Decimal(1))))
    before = gauge(trading, "single").limit
    change(trading, ("risk.max_single_position_pct", "0.01"))
    limit = gauge(trading, "single").limit
    assert (before, limit) == (dollars("500"), dollars("100"))
    assert limit is not None
    assert dollars("98") < trading.enter(FAVOURITE).worst_cost <= limit


def test_the_strategy_trades_by_its_new_thresholds_from_the_next_quote() -> None:
    trading = desk()
    change(trading, ("strategy_flb.favorite_threshold", "95"))
    trading.show(FAVOURITE)
    assert trading.engine.account.orders == {}
    change(trading, ("strategy_flb.favorite_threshold", "90"))
    trading.enter(FAVOURITE)


def test_what_was_counted_and_latched_stays() -> None:
    trading = desk()
    trading.pause()
    trading.take(ErrorHappened(at_ns=trading.now_ns, source="x", message="y"))
    scanned = picture(trading).funnel[0].reached
    change(trading, ("risk.max_errors_per_hour", "5"))
    assert trading.state is TradingState.PAUSED
    [row] = [row for row in picture(trading).switches if row.key == "error_burst"]
    assert row.reading.startswith("1")
    assert "5" in row.threshold
    assert picture(trading).funnel[0].reached == scanned


def test_a_switch_that_the_new_threshold_trips_trips_at_once() -> None:
    trading = desk()
    for _ in range(3):
        trading.take(ErrorHappened(at_ns=trading.now_ns, source="x", message="y"))
    assert trading.state is TradingState.RUNNING
    actions = change(trading, ("risk.max_errors_per_hour", "2"))
    assert raised(actions) == [("error_burst", TradingState.PAUSED)]


def test_loosening_clears_no_latch_that_waits_for_the_operator() -> None:
    trading = desk(settings(risk=RiskSettings(max_errors_per_hour=2)))
    for _ in range(3):
        trading.take(ErrorHappened(at_ns=trading.now_ns, source="x", message="y"))
    trading.tick()
    assert trading.latches == {"error_burst"}
    change(trading, ("risk.max_errors_per_hour", "10"))
    trading.later(20)
    trading.tick()
    assert trading.latches == {"error_burst"}


def test_good_data_is_counted_on_through_a_change() -> None:
    """A latch that clears itself does so after five seconds of good data, however often limits change."""
    trading = desk()
    trading.later(31)
    trading.tick()
    assert trading.latches >= {"stale_book"}
    trading.prove()
    trading.tick()
    trading.later(3)
    trading.prove()
    change(trading, ("quality.max_stale_book_seconds", "25"))
    trading.later(2.5)
    trading.prove()
    trading.tick()
    assert "stale_book" not in trading.latches


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ((("risk.kelly_fraction", "2"),), "must be a number from 0 to 1"),
        ((("risk.max_single_position_pct", "0.9"),), "must be at most"),
        ((("exchange.key_id", "other"),), "at the next start"),
        ((("risk.kelly_fraction", "0.25"),), "in force already"),
        ((), "in force already"),
        ((("risk.kelly_fraction", "0.1"), ("no.such", "1")), "unknown"),
    ],
)
def test_a_refused_change_changes_nothing_and_says_why(
    changes: tuple[tuple[str, str], ...], why: str
) -> None:
    trading = desk()
    before = trading.engine.settings
    actions = change(trading, *changes)
    assert trading.engine.settings is before
    assert [type(record) for record in records(actions)] == [ChangeSettings]
    assert why in trading.engine.alerts[-1].text


def test_an_engine_that_cannot_make_its_strategy_anew_keeps_its_settings() -> None:
    bare = Engine(settings(), shipped(settings()), desk().engine.risk, client_id_prefix="x")
    bare.handle(ChangeSettings(at_ns=1, changes=(("risk.kelly_fraction", "0.1"),)))
    assert "keeps those it was started with" in bare.alerts[-1].text


def test_pinning_groups_moves_what_is_held_and_trips_the_group_at_once() -> None:
    trading = desk(None, market(A, category=""), market(B, category=""))
    trading.hold(FAVOURITE, A)
    trading.hold(FAVOURITE, B)
    assert len(trading.engine.exposure().groups) == 2
    actions = change(trading, ("risk.groups", '{coins = ["KX*"]}'), ("risk.max_correlated_group_pct", "0.05"))
    assert list(trading.engine.exposure().groups) == ["coins"]
    assert raised(actions) == [("correlation", TradingState.REDUCE_ONLY)]
    assert trading.engine.account.latches.get("correlation group:coins") is not None


def test_groups_do_not_change_under_a_latch_on_one() -> None:
    trading = desk(None, market(A), market(B))
    trading.hold(FAVOURITE, A)
    change(trading, ("risk.max_single_position_pct", "0.01"), ("risk.max_correlated_group_pct", "0.01"))
    assert "correlation" in trading.latches
    change(trading, ("risk.groups", '{coins = ["KX*"]}'))
    assert "cannot change while correlation group:" in trading.engine.alerts[-1].text


def test_a_zone_in_which_the_day_is_later_begins_it_at_the_next_scan_and_one_behind_does_not() -> None:
    trading = desk()
    day = trading.engine.account.risk_day
    change(trading, ("risk.day_zone", "Pacific/Honolulu"))
    trading.later(1)
    trading.scan()
    assert trading.engine.account.risk_day == day
    change(trading, ("risk.day_zone", "Pacific/Kiritimati"))
    trading.scan()
    assert trading.engine.account.risk_day is not None
    assert day is not None
    assert trading.engine.account.risk_day > day


def test_the_same_edits_and_the_same_account_come_back_from_the_journal() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    change(trading, ("risk.kelly_fraction", "0.1"))
    change(trading, ("risk.kelly_fraction", "0.25"), reason="back")
    account, trade_log = replayed(records(trading.actions))
    assert account.comparable() == trading.engine.account.comparable()
    assert tuple(trade_log.edits) == picture(trading).edits
    assert [edit.reason for edit in trade_log.edits] == ["calmer", "back"]


def test_a_resting_order_that_the_new_thresholds_would_not_make_is_withdrawn() -> None:
    trading = desk(settings("maker"))
    resting = trading.enter(FAVOURITE)
    trading.ack(resting)
    change(trading, ("strategy_flb.favorite_threshold", "95"))
    trading.show(quote(92, 93, 900))
    assert cancels(trading.actions) == [resting.client_order_id]


LIMITS = [
    ("risk.max_single_position_pct", "0.01"),
    ("risk.max_order_contracts", "50"),
]


@pytest.mark.parametrize("asked", LIMITS)
def test_an_order_that_rests_beyond_a_tightened_limit_is_withdrawn_and_one_within_is_not(
    asked: tuple[str, str],
) -> None:
    trading = desk(settings("maker"), market(A), market(B))
    large, small = trading.enter(FAVOURITE, A), trading.enter(FAVOURITE, B)
    for order in (large, small):
        trading.ack(order)
    trading.fill(small, Count(small.count - contracts(20)))
    trading.take(ChangeSettings(at_ns=trading.now_ns, changes=(("risk.max_errors_per_hour", "9"),)))
    assert cancels(trading.actions) == [], "no limit on what rests was changed"
    actions = change(trading, asked)
    over_by_what_is_held = [small.client_order_id] if "position" in asked[0] else []
    assert cancels(actions) == [large.client_order_id, *over_by_what_is_held]


def test_an_order_on_its_way_when_its_limit_is_tightened_is_withdrawn_once_it_rests() -> None:
    trading = desk(settings("maker"))
    sent = trading.enter(FAVOURITE)
    assert cancels(change(trading, ("risk.max_single_position_pct", "0.01"))) == []
    trading.ack(sent)
    trading.later(0.5)
    assert cancels(trading.tick()) == [sent.client_order_id]


def test_loosening_withdraws_nothing() -> None:
    trading = desk(settings("maker"))
    trading.ack(trading.enter(FAVOURITE))
    assert cancels(change(trading, ("risk.max_single_position_pct", "0.08"))) == []
