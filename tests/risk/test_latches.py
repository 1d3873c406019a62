from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.trading_state import TradingState
from console.risk.latches import HISTORY_NS, Latches, group_scope, latch_id, market_scope, series_scope

RUNNING, PAUSED, REDUCE_ONLY, HALTED = TradingState


def raised(
    name: str,
    level: TradingState,
    at_ns: int = 0,
    source: str = "risk",
    reason: str = "",
    scope: str = "",
    until_ns: int | None = None,
) -> LatchRaised:
    return LatchRaised(
        at_ns=at_ns, name=name, level=level, reason=reason, source=source, scope=scope, until_ns=until_ns
    )


def cleared(name: str, at_ns: int = 0, source: str = "operator", scope: str = "") -> LatchCleared:
    return LatchCleared(at_ns=at_ns, name=name, reason="looked at", source=source, scope=scope)


def latches(*events: LatchRaised | LatchCleared) -> Latches:
    built = Latches()
    for event in events:
        built.apply(event)
    return built


def test_without_latches_trading_runs() -> None:
    assert latches().state is RUNNING
    assert latches(raised("a", HALTED), cleared("a")).state is RUNNING


def test_the_most_restrictive_latch_decides_and_is_listed_first() -> None:
    built = latches(raised("a", PAUSED, 1), raised("b", HALTED, 2), raised("c", REDUCE_ONLY, 3))
    assert built.state is HALTED
    assert [latch.name for latch in built.active] == ["b", "c", "a"]


def test_clearing_one_latch_leaves_the_others() -> None:
    built = latches(raised("daily_loss", HALTED), raised("manual", HALTED), cleared("manual"))
    assert built.state is HALTED
    assert [latch.name for latch in built.active] == ["daily_loss"]
    assert latches(raised("a", HALTED), cleared("b")).state is HALTED


def test_a_pause_on_top_of_a_halt_and_its_end_leave_the_halt() -> None:
    built = latches(raised("manual", HALTED), raised("pause", PAUSED), cleared("pause"))
    assert built.state is HALTED


def test_raised_again_a_latch_keeps_its_time_and_its_first_reason() -> None:
    built = latches(raised("a", HALTED, 1, reason="first"), raised("a", HALTED, 9, reason="second"))
    [latch] = built.active
    assert (latch.since_ns, latch.reason) == (1, "first")


def test_raised_lower_a_latch_stays_where_it_is() -> None:
    built = latches(raised("a", HALTED, 1), raised("a", PAUSED, 2))
    assert built.state is HALTED


def test_raised_higher_a_latch_keeps_its_time_and_says_why_it_rose() -> None:
    built = latches(raised("a", PAUSED, 1, reason="first"), raised("a", HALTED, 2, reason="worse"))
    [latch] = built.active
    assert (latch.since_ns, latch.level, latch.reason) == (1, HALTED, "worse")


def test_trips_are_counted_for_a_day_once_each() -> None:
    built = latches(
        raised("a", PAUSED, 0),
        raised("a", PAUSED, 5),
        cleared("a", 10, source="risk"),
        raised("a", PAUSED, 20),
        raised("b", PAUSED, 30),
        raised("a", HALTED, 40),
        raised("c", PAUSED, 50, source="operator"),
    )
    assert built.trips({"a"}, 60) == 2
    assert built.trips({"a", "b", "c"}, 60) == 3
    assert built.trips({"a", "b"}, HISTORY_NS) == 2
    assert built.trips({"a", "b"}, HISTORY_NS + 31) == 0


def test_the_operators_clearing_starts_the_count_of_that_latch_anew() -> None:
    events = (raised("a", PAUSED, 0), raised("b", PAUSED, 1), cleared("a", 2))
    assert latches(*events).trips({"a"}, 3) == 0
    assert latches(*events).trips({"b"}, 3) == 1


def test_a_latch_on_a_part_restricts_that_part_alone() -> None:
    built = latches(
        raised("correlation", REDUCE_ONLY, scope=group_scope("coins")),
        raised("quality", PAUSED, scope=market_scope("KX-1")),
    )
    assert built.state is RUNNING
    assert built.state_for("KX-1", "rain") is PAUSED
    assert built.state_for("KX-2", "coins") is REDUCE_ONLY
    assert built.state_for("KX-1", "coins") is REDUCE_ONLY
    assert built.state_for("KX-2", "rain") is RUNNING
    assert built.state_for("group:coins", "KX-1") is RUNNING


def test_a_latch_on_a_series_restricts_its_markets_and_no_others() -> None:
    built = latches(raised("stopped", PAUSED, scope=series_scope("KX")))
    assert built.state is RUNNING
    assert built.state_for("KX-1", "coins", "KX") is PAUSED
    assert built.state_for("KY-1", "coins", "KY") is RUNNING
    assert built.state_for("KX", "KX") is RUNNING


def test_a_market_without_a_series_is_of_none() -> None:
    built = latches(raised("stopped", PAUSED, scope=series_scope("")))
    assert built.state_for("KX-1", "coins") is RUNNING
    assert built.state_for("KX-1", "coins", "") is RUNNING


def test_what_holds_for_everything_holds_for_each_part() -> None:
    built = latches(raised("manual", HALTED), raised("correlation", REDUCE_ONLY, scope=group_scope("coins")))
    assert built.state is HALTED
    assert built.state_for("KX-1", "coins") is HALTED
    assert built.state_for("KX-1", "rain") is HALTED


def test_latches_of_one_name_on_two_parts_are_two() -> None:
    parts = [raised("correlation", REDUCE_ONLY, scope=group_scope(name)) for name in ("coins", "rain")]
    built = latches(*parts, cleared("correlation", scope=group_scope("coins")))
    assert [latch.id for latch in built.active] == ["correlation group:rain"]
    assert built.get("correlation group:rain") == built.active[0]
    assert built.named("correlation") == built.active
    assert built.get("correlation") is None
    assert latches(*parts, cleared("correlation")).active == latches(*parts).active


def test_a_latch_knows_when_it_may_end_until_it_becomes_worse() -> None:
    built = latches(raised("loss_streak", PAUSED, 1, until_ns=9))
    assert built.active[0].until_ns == 9
    built.apply(raised("loss_streak", PAUSED, 2, until_ns=3))
    assert built.active[0].until_ns == 9
    built.apply(raised("loss_streak", HALTED, 4))
    assert built.active[0].until_ns is None


def test_trips_are_remembered_at_any_time_of_the_clock() -> None:
    today = 20_000 * HISTORY_NS
    built = latches(raised("a", PAUSED, today), raised("b", PAUSED, today + 1))
    assert built.trips({"a", "b"}, today + 2) == 2


def test_a_latch_keeps_who_raised_it_and_is_known_by_its_name() -> None:
    [latch] = latches(raised("manual", HALTED, source="operator")).active
    assert (latch.source, latch.id) == ("operator", "manual")


names = st.sampled_from(["manual", "daily_loss", "stale_book"])
scopes = st.sampled_from(["", "group:coins"])
events = st.lists(
    st.one_of(
        st.builds(raised, names, st.sampled_from(TradingState), st.integers(0, 10), scope=scopes),
        st.builds(cleared, names, st.integers(0, 10), scope=scopes),
    )
)


@given(events)
def test_only_its_own_clearing_lowers_a_latch(happened: list[LatchRaised | LatchCleared]) -> None:
    built = Latches()
    for event in happened:
        before = {latch.id: latch for latch in built.active}
        built.apply(event)
        after = {latch.id: latch for latch in built.active}
        named = latch_id(event.name, event.scope)
        assert {n: latch for n, latch in before.items() if n != named} == {
            n: latch for n, latch in after.items() if n != named
        }
        if isinstance(event, LatchCleared):
            assert named not in after
        elif named in before:
            assert after[named].level == max(before[named].level, event.level)
            assert after[named].since_ns == before[named].since_ns
        unscoped = (latch.level for latch in after.values() if not latch.scope)
        assert built.state == max(unscoped, default=RUNNING)
        in_the_group = (latch.level for latch in after.values())
        assert built.state_for("KX-1", "coins") == max(in_the_group, default=RUNNING)


@given(events)
def test_the_same_events_give_the_same_latches(happened: list[LatchRaised | LatchCleared]) -> None:
    assert latches(*happened).active == latches(*happened).active
