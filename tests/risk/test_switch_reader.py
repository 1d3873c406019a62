"""A reading that is kept while nothing changes is the reading that would be made anew."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_builders import cents, contracts, dollars, good_view, held, legs, order

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.book import BookSide
from console.domain.engine_events import GuardSeen
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash
from console.risk.exposure import Exposure
from console.risk.switch_reader import SwitchReader, read_switch
from console.risk.switches.base import RiskView, Switch
from console.risk.switches.every import every_switch

SECOND = 1_000_000_000
NOW = 10**18
EVERY = every_switch(RiskSettings(), QualitySettings())
MOMENTS = [NOW + seconds * SECOND for seconds in (-200, -30, -2, 0, 1, 40, 130)]
AT_STAKE = held(BookSide.BID, cents(90), contracts(2_000))


def reads(*made: object) -> st.SearchStrategy[object]:
    return st.sampled_from([None, *made])


VIEWS = st.builds(
    RiskView,
    now_ns=st.sampled_from(MOMENTS),
    equity=reads(Cash(0), dollars(9_000), dollars(10_000)),
    day_open_equity=reads(dollars(10_000)),
    high_water=reads(dollars(10_000), dollars(20_000)),
    feed_proved_ns=reads(*MOMENTS),
    followed_books=st.just(3),
    dark_books=st.integers(0, 2),
    losses_in_a_row=reads(0, 5),
    losses_answered=st.sampled_from([0, 5]),
    taker_slippage=reads((), (9_000,) * 30, (0,) * 30),
    errors_in_hour=reads(0, 999),
    scans_without_fill=reads(0, 999),
    exposure=reads(
        Exposure.of({}, (), {}),
        Exposure.of({"A": AT_STAKE}, (), legs("A")),
        Exposure.of({}, [order("A", BookSide.BID, cents(90), contracts(1))], legs("A", group="H")),
    ),
    rejects_in_minute=reads(0, 99),
    orders_in_minute=reads(0, 999),
    notional_in_minute=reads(Cash(0), dollars(90_000)),
    contradiction=reads("an answer to nothing"),
    unknown_since_ns=reads((), (MOMENTS[0],), tuple(MOMENTS[:3])),
    foreign_order=reads("", "of another"),
    positions=reads(*(PositionsCompared(at_ns=at, mismatch=text) for at in MOMENTS for text in ("", "A"))),
    clock=reads(*(ClockSkewRead(at_ns=at, skew_ms=ms) for at in MOMENTS for ms in (None, 0, 2_000, -9_000))),
    clock_step_ns=st.sampled_from([0, 90 * SECOND]),
    exchange=reads(
        *(
            ExchangeStatusRead(at_ns=at, exchange_active=active, trading_active=trades)
            for at, active, trades in itertools.product(MOMENTS, (True, False), (True, False))
        )
    ),
    journaled_ns=reads(*MOMENTS),
    journal_failure=reads("disk full"),
    key_refusal=reads("401"),
    guard=reads(GuardSeen(at_ns=NOW), GuardSeen(at_ns=NOW, absence="gone")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(VIEWS, min_size=2, max_size=12))
def test_whatever_is_read_in_turn_each_reading_is_that_of_its_own_view(views: list[RiskView]) -> None:
    readers = [SwitchReader(switch) for switch in EVERY]
    for view in views:
        for reader in readers:
            assert reader.read(view) == read_switch(reader.switch, view)


@pytest.mark.parametrize("switch", EVERY, ids=[switch.key for switch in EVERY])
def test_a_switch_is_not_read_again_while_nothing_changes_that_it_reads(switch: Switch) -> None:
    reader, view = SwitchReader(switch), good_view(NOW)
    assert reader.read(view) is reader.read(good_view(NOW))


def test_most_switches_are_not_read_again_because_time_passed() -> None:
    timed = {switch.key for switch in EVERY if "now_ns" in switch.reads}
    assert timed == {"journal"}
