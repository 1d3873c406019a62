"""What other settings would change at once, told before they are in force."""

from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import FAVOURITE, A, B, Desk, cancels, desk, engine, market, raised, settings

from console.config.changes import changed
from console.domain.commands import ChangeSettings
from console.domain.engine_events import ErrorHappened
from console.engine.picture import Painter, Surroundings
from console.engine.settings_preview import Preview, Proposed, preview

AROUND = Surroundings("practice", False, (), True, None)


def looked(trading: Desk, *changes: tuple[str, str]) -> Preview:
    trading.tick()
    snapshot = Painter().take(trading.engine, trading.now_ns, AROUND)
    return preview(snapshot, changed(snapshot.settings, changes))


def holding() -> Desk:
    """About 500 $ in A."""
    trading = desk()
    trading.hold(FAVOURITE)
    trading.scan()
    return trading


def test_old_and_new_are_shown_with_the_direction_of_each() -> None:
    shown = looked(desk(), ("risk.kelly_fraction", "0.1"), ("strategy_flb.min_depth_contracts", "5"))
    assert shown.proposed == (
        Proposed("risk.kelly_fraction", "0.25", "0.1", loosens=False),
        Proposed("strategy_flb.min_depth_contracts", "10", "5", loosens=True),
    )
    assert shown.loosens
    assert (shown.trips, shown.breaches, shown.unknown) == ((), (), "")


def test_what_is_held_over_a_new_limit_is_named_with_both_figures() -> None:
    shown = looked(holding(), ("risk.max_single_position_pct", "0.03"))
    [breach] = shown.breaches
    assert breach.startswith(f"position {A}: 4")
    assert breach.endswith("at worst, over 299.84 $")
    assert not shown.loosens


@pytest.mark.parametrize("key", ["risk.max_single_position_pct", "risk.max_order_contracts"])
def test_as_many_orders_are_said_to_be_cancelled_as_are(key: str) -> None:
    trading = desk(settings("maker"), market(A), market(B))
    for ticker in (A, B):
        trading.ack(trading.enter(FAVOURITE, ticker))
    asked = (key, "0.01" if key.endswith("pct") else "50")
    assert looked(trading, ("risk.max_errors_per_hour", "9")).withdrawn == 0
    assert looked(trading, asked).withdrawn == 2
    assert len(cancels(trading.take(ChangeSettings(at_ns=trading.now_ns, changes=(asked,))))) == 2


def test_a_limit_that_is_exceeded_already_is_no_news() -> None:
    trading = holding()
    trading.take(ChangeSettings(at_ns=trading.now_ns, changes=(("risk.max_single_position_pct", "0.03"),)))
    assert looked(trading, ("risk.max_single_position_pct", "0.02")).breaches == ()


@pytest.mark.parametrize("key", ["risk.max_errors_per_hour", "risk.max_total_exposure_pct"])
def test_nothing_is_said_of_a_limit_that_stays_far_away(key: str) -> None:
    trading = holding()
    text = {"risk.max_errors_per_hour": "9", "risk.max_total_exposure_pct": "0.19"}[key]
    shown = looked(trading, (key, text))
    assert (shown.trips, shown.breaches) == ((), ())


def test_a_switch_that_would_trip_is_named_and_does_trip_when_it_is_applied() -> None:
    trading = desk()
    for _ in range(3):
        trading.take(ErrorHappened(at_ns=trading.now_ns, source="x", message="y"))
    asked = ("risk.max_errors_per_hour", "2")
    [trip] = looked(trading, asked).trips
    assert trip.startswith("errors trips PAUSED: ")
    assert raised(trading.take(ChangeSettings(at_ns=trading.now_ns, changes=(asked,))))


@pytest.mark.parametrize("escalates", [True, False])
def test_the_third_trip_within_a_day_is_said_to_halt_where_it_does(*, escalates: bool) -> None:
    trading = desk(escalates=escalates)
    trading.prove()
    for _ in range(2):
        trading.later(31)
        trading.tick()
        trading.prove()
        trading.tick()
        trading.later(5)
        trading.prove()
        trading.tick()
    assert not trading.latches
    trading.later(9)
    asked = ("quality.max_stale_book_seconds", "5")
    [trip] = looked(trading, asked).trips
    trading.take(ChangeSettings(at_ns=trading.now_ns, changes=(asked,)))
    trading.tick()
    [latch] = trading.engine.account.latches.active
    assert trip.startswith(f"stale book trips {latch.level.name}: ")
    assert latch.level.name == ("HALTED" if escalates else "PAUSED")
    assert trip.endswith("; trip 3 within 24 h") is escalates


def test_a_switch_that_trips_already_is_no_news_by_another_threshold() -> None:
    trading = desk(settings())
    for _ in range(12):
        trading.take(ErrorHappened(at_ns=trading.now_ns, source="x", message="y"))
    assert looked(trading, ("risk.max_errors_per_hour", "2")).trips == ()


def test_a_group_over_its_cap_by_new_pins_is_named_and_trips() -> None:
    trading = desk(None, market(A, category=""), market(B, category=""))
    trading.hold(FAVOURITE, A)
    trading.hold(FAVOURITE, B)
    trading.scan()
    pinned = looked(trading, ("risk.groups", '{coins = ["KX*"]}'), ("risk.max_correlated_group_pct", "0.05"))
    assert [b for b in pinned.breaches if b.startswith("group coins: 9")]
    assert [t for t in pinned.trips if t.startswith("correlation trips REDUCE-ONLY group:coins")]
    assert pinned.loosens


def test_a_day_that_would_begin_anew_is_told() -> None:
    [told] = looked(desk(), ("risk.day_zone", "Pacific/Kiritimati")).breaches
    assert "the day's loss counts from nothing" in told


def test_what_is_not_known_is_not_said_to_be_kept() -> None:
    blind = Desk(engine())
    assert "not known" in looked(blind, ("risk.kelly_fraction", "0.1")).unknown


def test_a_preview_leaves_everything_as_it_is() -> None:
    trading = holding()
    before = trading.engine.account.comparable()
    looked(trading, ("risk.max_daily_loss_dollars", "0"))
    assert trading.engine.account.comparable() == before
    assert trading.engine.settings.risk.max_daily_loss_dollars == Decimal(500)
