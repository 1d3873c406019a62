"""Conditions tell once when they begin to hold, what repeats is counted, and what is sent harms nobody."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config.program_settings import MonitoringSettings
from console.domain.actions import Alert, AlertLevel
from console.monitoring import alerts
from console.monitoring.alert_messages import Origin, inert, is_sent, ntfy_message, webhook_message
from console.monitoring.alert_reference import markdown
from console.monitoring.alerts import CONDITIONS, Condition, Figure, Repeats, Watch
from console.monitoring.responses import RESPONSES

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
SETTINGS = MonitoringSettings()
CONDITION = Condition("test", "a test", "nothing", set_at=Fraction(7, 10))


def told(watch: Watch, used: int | None, now_ns: int, condition: Condition = CONDITION) -> list[str]:
    figure = Figure(condition, used, None if used is None else 100, f"{used} of 100")
    return [figure.text for figure in watch.look([figure], SETTINGS, now_ns)]


def test_a_condition_tells_at_its_level_and_not_below() -> None:
    watch = Watch()
    assert told(watch, 69, 0) == []
    assert told(watch, 70, 1) == ["70 of 100"]


def test_a_condition_that_flutters_tells_once() -> None:
    watch = Watch()
    assert [told(watch, used, n) for n, used in enumerate([70, 65, 72, 61, 75])] == [
        ["70 of 100"],
        [],
        [],
        [],
        [],
    ]


def test_one_that_was_well_below_tells_again_after_its_quiet_hour_and_says_what_was_not_told() -> None:
    watch = Watch()
    assert told(watch, 70, 0)
    for n in (1, 2):
        assert told(watch, 59, 10 * n) == []
        assert told(watch, 80, 10 * n + 5) == []
    assert told(watch, 59, HOUR) == []
    assert told(watch, 81, HOUR) == ["81 of 100; 2 times more since it was told last"]


def test_one_that_came_again_within_the_hour_and_stayed_is_told_when_the_hour_is_over() -> None:
    watch = Watch()
    assert told(watch, 80, 0)
    assert told(watch, 10, 1) == []
    assert told(watch, 90, 2) == []
    assert told(watch, 91, HOUR - 1) == []
    assert told(watch, 92, HOUR) == ["92 of 100"]
    assert told(watch, 92, 3 * HOUR) == []


def test_what_a_switch_told_is_not_called_near_before_it_was_well_below() -> None:
    watch, condition = Watch(), msgspec.structs.replace(CONDITION, trips_beyond=True)
    assert told(watch, 60, 0, condition) == []
    # Past the level and the limit in one step, which the switch tells, and then a little less of it.
    assert [told(watch, used, n, condition) for n, used in enumerate((101, 150, 95, 80, 61), 1)] == [[]] * 5
    assert told(watch, 59, 10, condition) == []
    assert told(watch, 80, 11, condition) == ["80 of 100"]
    # At the limit nothing may have tripped yet.
    assert told(Watch(), 100, 0, condition) == ["100 of 100"]
    assert told(Watch(), 101, 0) == ["101 of 100"]


def test_what_is_not_known_changes_nothing() -> None:
    watch = Watch()
    assert told(watch, None, 0) == []
    assert told(watch, 90, 1)
    assert told(watch, None, 2 * HOUR) == []
    assert told(watch, 90, 2 * HOUR) == []


def test_a_limit_of_nothing_is_met_by_anything_and_nothing_meets_no_limit() -> None:
    zero = Figure(CONDITION, 0, 0, "none")
    assert list(Watch().look([zero], SETTINGS, 0)) == []
    assert list(Watch().look([replace_used(zero, 1)], SETTINGS, 0)) != []


def test_each_scope_is_told_once_and_forgotten_when_it_is_gone() -> None:
    watch = Watch()

    def heard(now_ns: int, *scopes: str) -> list[str]:
        figures = [Figure(CONDITION, 80, 100, scope, scope) for scope in scopes]
        return [figure.scope for figure in watch.look(figures, SETTINGS, now_ns)]

    assert heard(0, "rain") == ["rain"]
    assert heard(1, "rain", "coins") == ["coins"]
    assert heard(2, "coins", "rain") == []
    assert heard(HOUR, "rain") == []
    assert heard(HOUR + 2, "coins") == ["coins"], "an hour without it, and it is another"


def replace_used(figure: Figure, used: int) -> Figure:
    return Figure(figure.condition, used, figure.limit, figure.text)


@given(st.lists(st.integers(0, 120), max_size=60))
def test_between_two_told_the_figure_was_below_the_reset_and_an_hour_passed(path: list[int]) -> None:
    watch, told_at, lowest = Watch(), None, 0
    for n, used in enumerate(path):
        now_ns = n * HOUR // 4
        lowest = min(lowest, used)
        if told(watch, used, now_ns):
            assert used >= 70
            if told_at is not None:
                assert lowest < 60
                assert now_ns - told_at >= HOUR
            told_at, lowest = now_ns, used


def test_the_share_of_a_condition_is_the_setting() -> None:
    tight = replace(SETTINGS, alert_at_loss_share=Decimal("0.5"))
    figure = Figure(alerts.DAY_LOSS, 50, 100, "half is lost")
    assert list(Watch().look([figure], SETTINGS, 0)) == []
    assert list(Watch().look([figure], tight, 0)) == [figure]


def test_every_condition_has_a_response_and_levels_that_do_not_flutter() -> None:
    for kind, condition in CONDITIONS.items():
        assert RESPONSES[kind] == condition.response
        if condition.is_judged:
            set_at, reset_at = condition.shares(SETTINGS)
            assert 0 < reset_at < set_at


def test_the_document_is_made_from_the_definitions() -> None:
    """Made anew with ``python -m console.monitoring.alert_reference > docs/alerts.md``."""
    document = Path(__file__).parents[2] / "docs" / "alerts.md"
    assert document.read_text(encoding="utf-8") == markdown()
    for kind in RESPONSES:
        assert f"| `{kind}` |" in markdown()


def test_past_a_few_in_a_minute_repeats_are_counted_and_told_together() -> None:
    repeats = Repeats()
    admitted = [repeats.admits(n * SECOND, "error feed", f"try {n}") for n in range(20)]
    assert admitted == [True] * repeats.MOST + [False] * 15
    assert repeats.admits(20 * SECOND, "error cancel", "another kind")
    assert repeats.ended(59 * SECOND) == []
    [held] = repeats.ended(60 * SECOND)
    assert (held.kind, held.count, held.text) == ("error feed", 15, "try 19")
    assert repeats.admits(61 * SECOND, "error feed", "try 20")
    assert repeats.ended(200 * SECOND) == []


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("ab")), max_size=80))
def test_no_repeat_is_lost_it_is_told_or_counted(news: list[tuple[int, str]]) -> None:
    repeats, told_one_by_one, counted = Repeats(), 0, 0
    for second, kind in sorted(news):
        counted += sum(held.count for held in repeats.ended(second * SECOND))
        told_one_by_one += repeats.admits(second * SECOND, kind, "x")
    counted += sum(held.count for held in repeats.ended(1_000 * SECOND))
    assert told_one_by_one + counted == len(news)


def an_alert(level: AlertLevel, kind: str) -> Alert:
    return Alert(3, 0, level, "text", kind)


@pytest.mark.parametrize(
    ("level", "kind", "changed", "sent"),
    [
        (AlertLevel.WARNING, "stale_book", {}, True),
        (AlertLevel.INFO, "cleared", {}, False),
        (AlertLevel.INFO, "cleared", {"alert_level": "info"}, True),
        (AlertLevel.WARNING, "stale_book", {"alert_level": "critical"}, False),
        (AlertLevel.CRITICAL, "daily_loss", {"alert_on_kill_switch": False}, False),
        (AlertLevel.WARNING, "error feed", {"alert_on_kill_switch": False}, True),
        (AlertLevel.WARNING, "high slippage", {}, True),
        (AlertLevel.WARNING, "high slippage", {"alert_on_high_slippage": False}, False),
        (AlertLevel.WARNING, "slippage", {"alert_on_high_slippage": False}, True),
    ],
)
def test_the_settings_say_what_is_sent_on(
    level: AlertLevel, kind: str, changed: dict[str, bool | str], sent: bool
) -> None:
    settings = replace(SETTINGS, **changed)  # type: ignore[arg-type]
    assert is_sent(an_alert(level, kind), settings) is sent


@given(st.text(st.characters()))
def test_no_text_steers_its_reader_or_fails_to_be_sent(text: str) -> None:
    alert = Alert(1, 0, AlertLevel.WARNING, text, "error feed")
    assert inert(text).isprintable()
    webhook_message(alert, Origin("run", "demo"))
    body = ntfy_message(alert, Origin("run", "demo")).body.decode()
    assert body.count("\n") == 1


def test_a_receiver_can_tell_runs_and_alerts_apart() -> None:
    one, other = (an_alert(AlertLevel.WARNING, "disk") for _ in range(2))
    assert webhook_message(one, Origin("a", "demo")).id == webhook_message(other, Origin("a", "demo")).id
    assert webhook_message(one, Origin("a", "demo")).id != webhook_message(one, Origin("b", "demo")).id
    assert "dry run" in ntfy_message(one, Origin("a", "demo", True)).headers["Title"]
