from __future__ import annotations

import msgspec
import pytest
from risk_builders import dollars, good_view, order

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.book import BookSide
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.money import Count, Price
from console.domain.trading_state import TradingState
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.latches import Latches
from console.risk.manager import RiskManager
from console.risk.switches.base import Measure, ReadingState, RiskView
from console.risk.switches.error_burst import ErrorBurst

NOW = 10**18
GOOD = good_view(NOW)


def manager() -> RiskManager:
    return RiskManager(RiskSettings(), QualitySettings(), escalates=True)


def grown(*groups: str) -> RiskView:
    """A view in which groups have outgrown their cap."""
    resting = [order(group, BookSide.BID, Price(1), Count(dollars(1_600))) for group in groups]
    places = {group: Place(group, group) for group in groups}
    return msgspec.structs.replace(GOOD, exposure=Exposure.of({}, resting, places))


def test_a_latch_on_one_group_is_raised_once_and_each_group_has_its_own() -> None:
    judging, latches = manager(), Latches()
    raised = []
    for groups in (("coins",), ("coins",), ("coins", "rain"), ("coins", "rain")):
        for event in judging.evaluate(grown(*groups), latches):
            latches.apply(event)
            raised.append((event.name, event.scope, event.at_ns))
    assert raised == [("correlation", "group:coins", NOW), ("correlation", "group:rain", NOW)]


def test_a_latch_on_a_group_holds_for_it_alone_and_one_on_a_market_too() -> None:
    judging, latches = manager(), Latches()
    for scope in ("group:coins", "market:B"):
        latches.apply(
            LatchRaised(
                at_ns=NOW, name="x", level=TradingState.REDUCE_ONLY, reason="grew", source="risk", scope=scope
            )
        )
    assert judging.permit(GOOD, latches, "A", "coins").reason == "reduce only: grew"
    assert judging.permit(GOOD, latches, "B", "rain").counted_as == "reduce only by x"
    assert judging.permit(GOOD, latches, "A", "rain").allowed
    assert judging.permit(GOOD, latches).allowed


def test_a_row_says_all_that_its_switch_does() -> None:
    judging, latches = manager(), Latches()
    unread = {row.key: row for row in judging.rows(latches)}["error_burst"]
    assert (unread.state, unread.reading, unread.threshold) == (ReadingState.UNKNOWN, "n/a", "n/a")
    view = msgspec.structs.replace(GOOD, errors_in_hour=11)
    for event in judging.evaluate(view, latches):
        latches.apply(event)
    row = {row.key: row for row in judging.rows(latches)}["error_burst"]
    assert (row.label, row.state, row.reading, row.threshold) == (
        ErrorBurst.label,
        ReadingState.TRIPPED,
        "11 /h",
        "10 /h",
    )
    assert (row.since_ns, row.evaluated_ns, row.clears) == (NOW, NOW, ErrorBurst.clears)
    assert row.measures == (Measure("errors /h", 11, 10, "count"),)


def test_a_switch_that_fails_says_so_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: ErrorBurst, view: RiskView) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr(ErrorBurst, "evaluate", fail)
    judging = manager()
    judging.evaluate(GOOD, Latches())
    row = {row.key: row for row in judging.rows(Latches())}["error_burst"]
    assert (row.state, row.reading, row.threshold) == (ReadingState.TRIPPED, "failed", "n/a")


def test_a_refusal_says_why_and_a_recovery_when_and_why() -> None:
    judging, latches = manager(), Latches()
    stale = msgspec.structs.replace(GOOD, feed_proved_ns=NOW - 31_000_000_000)
    refused = judging.permit(stale, latches)
    assert refused.reason == "the feed proved nothing for 31.0 s, longer than 30 s"
    assert refused.counted_as == "tripped by stale book"
    assert GOOD.monotonic_ns is not None
    events = []
    for view in (
        stale,
        GOOD,
        msgspec.structs.replace(GOOD, monotonic_ns=GOOD.monotonic_ns + 5_000_000_000),
    ):
        events = judging.evaluate(view, latches)
        for event in events:
            latches.apply(event)
    [cleared] = events
    assert (cleared.name, cleared.reason, cleared.at_ns) == ("stale_book", "its input was good for 5 s", NOW)


HOUR = 3_600_000_000_000


class Streaks:
    """A manager that is shown losses, by a wall clock and a monotonic one."""

    def __init__(self) -> None:
        self.judging, self.latches = manager(), Latches()
        self.wall_ns, self.passed_ns = NOW, 0
        self.losses, self.answered = 0, 0

    def look(self) -> bool:
        """Whether the pause is in force after a look at the switches."""
        view = msgspec.structs.replace(
            good_view(self.wall_ns),
            monotonic_ns=self.passed_ns,
            losses_in_a_row=self.losses,
            losses_answered=self.answered,
        )
        for event in self.judging.evaluate(view, self.latches):
            self.latches.apply(event)
            if isinstance(event, LatchCleared) and event.name == "loss_streak":
                self.answered = self.losses
        return self.latches.get("loss_streak") is not None

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.passed_ns += ns


@pytest.mark.parametrize("pauses_before", [0, 1])
def test_a_clock_set_forward_right_after_a_pause_began_does_not_shorten_it(pauses_before: int) -> None:
    streaks = Streaks()
    streaks.losses = 5
    for _ in range(pauses_before):
        assert streaks.look()
        streaks.pass_time(4 * HOUR)
        assert not streaks.look()
        streaks.losses += 1
    assert streaks.look()
    streaks.wall_ns += 4 * HOUR
    assert streaks.look()
    streaks.pass_time(4 * HOUR - 1)
    assert streaks.look()
    streaks.pass_time(1)
    assert not streaks.look()
