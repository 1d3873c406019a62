from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.domain.events import LatchCleared, LatchRaised, TradingState
from console.risk.latches import HISTORY_NS, Latches

RUNNING, PAUSED, REDUCE_ONLY, HALTED = TradingState


def raised(
    name: str, level: TradingState, at_ns: int = 0, source: str = "risk", reason: str = ""
) -> LatchRaised:
    return LatchRaised(at_ns=at_ns, name=name, level=level, reason=reason, source=source)


def cleared(name: str, at_ns: int = 0, source: str = "operator") -> LatchCleared:
    return LatchCleared(at_ns=at_ns, name=name, reason="looked at", source=source)


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
    assert latches(*events).trips({"a", "b"}, 3) == 1


names = st.sampled_from(["manual", "daily_loss", "stale_book"])
events = st.lists(
    st.one_of(
        st.builds(raised, names, st.sampled_from(TradingState), st.integers(0, 10)),
        st.builds(cleared, names, st.integers(0, 10)),
    )
)


@given(events)
def test_only_its_own_clearing_lowers_a_latch(happened: list[LatchRaised | LatchCleared]) -> None:
    built = Latches()
    for event in happened:
        before = {latch.name: latch for latch in built.active}
        built.apply(event)
        after = {latch.name: latch for latch in built.active}
        assert {n: latch for n, latch in before.items() if n != event.name} == {
            n: latch for n, latch in after.items() if n != event.name
        }
        if isinstance(event, LatchCleared):
            assert event.name not in after
        elif event.name in before:
            assert after[event.name].level == max(before[event.name].level, event.level)
            assert after[event.name].since_ns == before[event.name].since_ns
        assert built.state == max((latch.level for latch in after.values()), default=RUNNING)


@given(events)
def test_the_same_events_give_the_same_latches(happened: list[LatchRaised | LatchCleared]) -> None:
    assert latches(*happened).active == latches(*happened).active
