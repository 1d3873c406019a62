from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import dollars

from console.config.schema import QualitySettings, RiskSettings
from console.domain.money import Cash
from console.risk.switches.base import Reading, ReadingState, RiskView
from console.risk.switches.daily_loss import DailyLoss, daily_loss_limit
from console.risk.switches.manual import ManualHalt
from console.risk.switches.stale_book import StaleBook

ARMED, WARNING, TRIPPED, UNKNOWN = ReadingState
SECOND = 1_000_000_000
OPEN = dollars(10_000)
LIMITS = RiskSettings(max_daily_loss_dollars=Decimal(500), max_daily_loss_pct=Decimal("0.05"))


def view(
    *, now_ns: int = 0, equity: Cash | None = OPEN, day_open: Cash | None = OPEN, proved_ns: int | None = 0
) -> RiskView:
    return RiskView(now_ns=now_ns, equity=equity, day_open_equity=day_open, feed_proved_ns=proved_ns)


def loss(amount: Cash, day_open: Cash = OPEN, limits: RiskSettings = LIMITS) -> Reading:
    return DailyLoss(limits).evaluate(view(equity=Cash(day_open - amount), day_open=day_open))


def age(nanoseconds: int) -> Reading:
    quality = QualitySettings(max_stale_book_seconds=Decimal(30))
    return StaleBook(quality).evaluate(view(now_ns=10**18, proved_ns=10**18 - nanoseconds))


# --- daily loss -------------------------------------------------------------------------------------


def test_the_day_ends_at_the_limit_and_not_before() -> None:
    assert loss(Cash(dollars(500) - 1)).state is WARNING
    at_limit = loss(dollars(500))
    assert at_limit.state is TRIPPED
    assert at_limit.trip == "day's loss 500.00 $ reached the limit of 500.00 $"
    assert (at_limit.text, at_limit.threshold) == ("-500.00 $", "> -500.00 $")
    assert loss(Cash(dollars(500) + 1)).state is TRIPPED


def test_the_smaller_of_dollars_and_share_of_the_opening_equity_is_the_limit() -> None:
    assert daily_loss_limit(LIMITS, dollars(9_000)) == dollars(450)
    assert daily_loss_limit(LIMITS, dollars(11_000)) == dollars(500)
    assert loss(dollars(450), dollars(9_000)).state is TRIPPED
    assert loss(Cash(dollars(450) - 1), dollars(9_000)).state is WARNING


def test_it_warns_from_seven_tenths_on() -> None:
    assert loss(Cash(dollars(350) - 1)).state is ARMED
    assert loss(dollars(350)).state is WARNING


@given(
    profit=st.integers(1, 10**15),
    day_open=st.integers(-(10**12), 10**13),
    in_dollars=st.integers(0, 10_000).map(Decimal),
    share=st.decimals(0, 1, places=4),
)
def test_a_profit_never_trips_and_never_warns(
    profit: int, day_open: int, in_dollars: Decimal, share: Decimal
) -> None:
    limits = RiskSettings(max_daily_loss_dollars=in_dollars, max_daily_loss_pct=share)
    assert loss(Cash(-profit), Cash(day_open), limits).state is ARMED


def test_a_limit_of_nothing_is_not_no_limit() -> None:
    limits = RiskSettings(max_daily_loss_dollars=Decimal(0))
    assert loss(Cash(1), limits=limits).state is TRIPPED


@pytest.mark.parametrize("unknown", [view(equity=None), view(day_open=None)])
def test_an_unknown_equity_is_neither_safe_nor_a_loss(unknown: RiskView) -> None:
    reading = DailyLoss(LIMITS).evaluate(unknown)
    assert (reading.state, reading.text, reading.trip) == (UNKNOWN, "n/a", None)


# --- stale book -------------------------------------------------------------------------------------


def test_the_book_is_stale_after_more_than_the_limit() -> None:
    assert age(30 * SECOND - 1).state is WARNING
    assert age(30 * SECOND).state is WARNING
    stale = age(30 * SECOND + 1)
    assert (stale.state, stale.text, stale.threshold) == (TRIPPED, "30.0 s", "30 s")
    assert stale.trip == "the feed proved nothing for 30.0 s, longer than 30 s"


def test_a_fresh_book_is_armed_and_an_ageing_one_warns() -> None:
    assert age(0) == Reading(ARMED, "0.0 s", "30 s")
    assert age(21 * SECOND - 1).state is ARMED
    assert age(21 * SECOND).state is WARNING


def test_a_feed_not_yet_heard_is_unknown() -> None:
    reading = StaleBook(QualitySettings()).evaluate(view(proved_ns=None))
    assert (reading.state, reading.text, reading.trip) == (UNKNOWN, "no feed yet", None)


# --- manual -----------------------------------------------------------------------------------------


def test_the_halt_is_always_ready_and_trips_by_nothing_it_reads() -> None:
    blind = view(equity=None, day_open=None, proved_ns=None)
    assert ManualHalt().evaluate(blind) == Reading(ARMED, "ready", "operator")
