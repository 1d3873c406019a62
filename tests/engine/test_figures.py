"""The operator is told before a limit is met, and once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from engine_builders import FAVOURITE, SECOND, START, Desk, desk, dollars

from console.config.schema import Settings
from console.domain.actions import Action, Alert, AlertLevel
from console.domain.engine_events import ErrorHappened, Noticed
from console.domain.money import PRICE_PER_DOLLAR, Cash
from console.engine.account_views import Outcomes
from console.engine.figures import figures_of
from console.monitoring.alerts import DISK, GROUP, LITTLE_DISK_BYTES, Repeats, Watch
from console.monitoring.statistics import variance_of_one_draw
from console.risk.switches.base import RiskView

SETTINGS = Settings()
GB = 1_000_000_000


def told(
    view: RiskView | None = None, *, outcomes: Outcomes | None = None, disk_free: int | None = None
) -> dict[str, str]:
    """What is told of a first look, by kind."""
    figures = figures_of(view, outcomes or Outcomes(), disk_free, SETTINGS)
    return {
        figure.condition.kind: figure.text for figure in Watch().look(figures, SETTINGS.monitoring, START)
    }


def at(equity: str, *, opening: str = "10000", highest: str = "10000") -> RiskView:
    return RiskView(
        now_ns=START, equity=dollars(equity), day_open_equity=dollars(opening), high_water=dollars(highest)
    )


def test_nothing_known_tells_nothing() -> None:
    assert told() == {}
    assert told(RiskView(now_ns=START)) == {}


@pytest.mark.parametrize(
    ("equity", "is_near"), [("9651", False), ("9650", True), ("9501", True), ("9499", False)]
)
def test_the_days_loss_is_told_from_seven_tenths_of_the_limit_and_beyond_it_by_the_switch_alone(
    equity: str, is_near: bool
) -> None:
    heard = told(at(equity))
    assert ("near daily loss" in heard) is is_near
    if equity == "9650":
        assert heard["near daily loss"] == "the day's loss is 350.00 $; 500.00 $ halts, 70 % of it"


def test_a_profit_nears_no_limit() -> None:
    assert told(at("12000", highest="12000")) == {}


@pytest.mark.parametrize(("equity", "is_near"), [("9301", False), ("9300", True)])
def test_the_drawdown_is_told_from_seven_tenths_too(equity: str, is_near: bool) -> None:
    assert ("near drawdown" in told(at(equity, opening=equity))) is is_near


@pytest.mark.parametrize(("errors", "is_near"), [(6, False), (7, True)])
def test_errors_are_told_before_they_pause(errors: int, is_near: bool) -> None:
    assert ("near errors" in told(RiskView(now_ns=START, errors_in_hour=errors))) is is_near


@pytest.mark.parametrize(("beyond", "fills", "is_high"), [(6, 20, False), (7, 20, True), (19, 19, False)])
def test_slippage_is_told_when_many_of_enough_fills_are_beyond_the_line(
    beyond: int, fills: int, is_high: bool
) -> None:
    slipped = (5_001,) * beyond + (5_000,) * (fills - beyond)
    assert ("high slippage" in told(RiskView(now_ns=START, taker_slippage=slipped))) is is_high


@pytest.mark.parametrize(("silent_s", "is_told"), [(20, False), (21, True), (-1, False)])
def test_a_feed_that_falls_silent_is_told_before_it_pauses(silent_s: int, is_told: bool) -> None:
    view = RiskView(now_ns=START, feed_proved_ns=START - silent_s * SECOND)
    assert ("feed silent" in told(view)) is is_told


def holding() -> tuple[RiskView, int]:
    """What the switches read of a desk that holds one position, and what that has at stake."""
    on = desk()
    on.hold()
    on.scan()
    view = on.engine.evaluated
    assert view is not None
    assert view.exposure is not None
    return view, view.exposure.total.with_orders


@pytest.mark.parametrize(("percent", "is_told"), [(99, False), (100, True), (120, True)])
def test_exposure_is_told_at_its_cap_and_not_while_entries_fill_it(percent: int, is_told: bool) -> None:
    view, at_stake = holding()
    equity = Cash(at_stake * 100 * 100 // (percent * 20))
    assert ("near exposure" in told(msgspec.structs.replace(view, equity=equity))) is is_told


def with_margin(share: str) -> Settings:
    return replace(SETTINGS, risk=replace(SETTINGS.risk, group_breach_margin_pct=Decimal(share)))


@pytest.mark.parametrize(
    ("percent", "margin", "is_told"),
    [(100, "0.1", False), (104, "0.1", False), (106, "0.1", True), (106, "0", False)],
)
def test_a_group_is_told_when_it_outgrew_its_cap_and_not_when_sizing_filled_it(
    percent: int, margin: str, is_told: bool
) -> None:
    view, at_stake = holding()
    view = msgspec.structs.replace(view, equity=Cash(at_stake * 100 * 100 // (percent * 15)))
    figures = [
        each for each in figures_of(view, Outcomes(), None, with_margin(margin)) if each.condition is GROUP
    ]
    watch = Watch()
    heard = [each.text for each in watch.look(figures, SETTINGS.monitoring, START)]
    assert bool(heard) is is_told
    assert list(watch.look(figures, SETTINGS.monitoring, START + SECOND)) == [], "told once"
    if is_told:
        assert heard[0].startswith("group ")
        assert "over its cap of" in heard[0]


def test_winners_that_fall_short_by_more_than_chance_tell_that_the_edge_decays() -> None:
    def outcomes(trades: int, won: int, a_event: int = 1) -> Outcomes:
        expected, paid = (trades * PRICE_PER_DOLLAR * cents // 100 for cents in (96, 93))
        n = trades // a_event
        variance = n * variance_of_one_draw(a_event, expected // n, PRICE_PER_DOLLAR)
        return Outcomes(trades, won, expected, paid, n, n * a_event**2, variance)

    assert told(outcomes=outcomes(100, 93)) == {}, "a deviation of chance is 2 of 100"
    heard = told(outcomes=outcomes(100, 92))
    assert heard == {
        "edge decay": "92 of 100 trades won in 100 events, 92 %; 96 % were expected and 93 % paid"
    }
    assert told(outcomes=outcomes(100, 100)) == {}
    assert told(outcomes=outcomes(29, 10)) == {}, "too few to judge by"
    assert told(outcomes=outcomes(100, 10, a_event=4)) == {}, "25 events are too few"
    assert told(outcomes=outcomes(160, 149, a_event=4)) == {}, "markets of an event are lost together"
    assert "edge decay" in told(outcomes=outcomes(160, 143, a_event=4))


def test_a_disk_that_fills_is_told_and_more_room_resets_it() -> None:
    assert told(disk_free=LITTLE_DISK_BYTES + 1) == {}
    assert told(disk_free=LITTLE_DISK_BYTES) == {"disk": "1,000 MB are free where the journal is"}
    watch = Watch()

    def look(free: int, hour: int) -> int:
        figures = figures_of(None, Outcomes(), free, SETTINGS)
        return sum(1 for _ in watch.look(figures, SETTINGS.monitoring, START + hour * 3_600 * SECOND))

    assert [look(free, n) for n, free in enumerate([GB, GB + GB // 10, GB, 0, 2 * GB, 0])] == [
        1,
        0,
        0,
        0,
        0,
        1,
    ]


# --- an engine that tells it ------------------------------------------------------------------------


def alerts(actions: Sequence[Action]) -> list[Alert]:
    return [action for action in actions if isinstance(action, Alert)]


def notice(on: Desk, text: str) -> list[Action]:
    return on.take(Noticed(at_ns=on.now_ns, kind=DISK.kind, text=text))


def test_what_is_noticed_is_told_and_no_error_is_counted() -> None:
    on = desk()
    errors = on.engine.activity.errors_in_hour(on.now_ns)
    [alert] = alerts(notice(on, "12 MB are free"))
    assert (alert.level, alert.kind, alert.text) == (AlertLevel.WARNING, "disk", "12 MB are free")
    assert on.engine.alerts[-1].text == alert.text
    assert on.engine.alerts[-1].sequence == alert.sequence
    assert on.engine.activity.errors_in_hour(on.now_ns) == errors


def test_an_error_that_repeats_is_told_a_few_times_and_then_how_often() -> None:
    on = desk()
    heard = []
    for number in range(40):
        on.later(1)
        heard += alerts(on.take(ErrorHappened(at_ns=on.now_ns, source="feed", message=f"broke {number}")))
        heard += alerts(on.tick())
    on.later(60)
    on.tick()
    texts = [alert.text for alert in on.engine.alerts if alert.kind == "error feed"]
    assert len(texts) == Repeats.MOST + 1
    assert texts[-1] == "35 more like it within a minute, the last: feed: broke 39"
    assert on.engine.activity.errors_in_hour(on.now_ns) == 40, "each is counted all the same"


def test_every_alert_of_a_run_has_a_number_of_its_own() -> None:
    on = desk()
    on.show(FAVOURITE)
    on.halt()
    on.pause()
    notice(on, "x")
    numbers = [alert.sequence for alert in alerts(on.actions)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 3
