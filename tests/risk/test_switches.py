"""Each switch alone: one below its threshold, at it, one above, its warn mark, and what it cannot know."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import contracts, dollars, good_view, order

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.book import BookSide
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash, Count, Price
from console.domain.trading_state import TradingState
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.latches import Latches
from console.risk.manager import RiskManager
from console.risk.switches.base import MAY_OVERTAKE_NS, READS_KEEP_NS, Reading, ReadingState, RiskView, Switch
from console.risk.switches.clock_skew import ClockSkew
from console.risk.switches.correlation import CorrelationBreach
from console.risk.switches.daily_loss import DailyLoss, daily_loss_limit
from console.risk.switches.drawdown import Drawdown
from console.risk.switches.error_burst import ErrorBurst
from console.risk.switches.every import every_switch
from console.risk.switches.exchange_paused import ExchangePaused
from console.risk.switches.journal import JournalHealth
from console.risk.switches.loss_streak import LossStreak
from console.risk.switches.manual import ManualHalt
from console.risk.switches.no_fills import NoFills
from console.risk.switches.position_mismatch import PositionMismatch
from console.risk.switches.reject_rate import RejectRate
from console.risk.switches.slippage import Slippage
from console.risk.switches.stale_book import StaleBook
from console.risk.switches.tripwire import Tripwire
from console.risk.switches.unknown_orders import UnknownOrders

ARMED, WARNING, TRIPPED, UNKNOWN = ReadingState
SECOND = 1_000_000_000
NOW = 10**18
OPEN = dollars(10_000)
LIMITS = RiskSettings(max_daily_loss_dollars=Decimal(500), max_daily_loss_pct=Decimal("0.05"))
QUALITY = QualitySettings()
GOOD = good_view(NOW)
BLIND = RiskView(now_ns=NOW)
"""Nothing is known at all."""

EVERY = every_switch(LIMITS, QUALITY)
NEVER_UNKNOWN = {"manual", "journal", "api_key", "guard"}
"""The operator's halt needs no input; a journal or an exchange that was not asked yet has refused nothing.

No run but a dry one starts without a guard.
"""


def view(**known: object) -> RiskView:
    return msgspec.structs.replace(GOOD, **known)


def grouped(at_stake: Cash, equity: Cash | None = OPEN) -> RiskView:
    """A view with so much at stake in one group."""
    resting = order("A", BookSide.BID, Price(1), Count(at_stake))
    return view(exposure=Exposure.of({}, [resting], {"A": Place("coins", "A")}), equity=equity)


def unknown(*ages_ns: int) -> RiskView:
    """Orders whose outcome is not known for so long."""
    return view(unknown_since_ns=tuple(NOW - age_ns for age_ns in ages_ns))


def stepped(nanoseconds: int) -> RiskView:
    return view(clock_step_ns=nanoseconds)


def skewed(milliseconds: int | None) -> RiskView:
    return view(clock=ClockSkewRead(at_ns=NOW, skew_ms=milliseconds))


def slipped(bad: int, good: int = 0, *, by: int = 5_001) -> RiskView:
    return view(taker_slippage=(by,) * bad + (5_000,) * good)


def exchange(*, active: bool, trading: bool) -> RiskView:
    return view(exchange=ExchangeStatusRead(at_ns=NOW, exchange_active=active, trading_active=trading))


Make = Callable[[int], RiskView]

BOUNDARIES: list[tuple[str, Switch, Make, int, int]] = [
    ("daily loss trips at", DailyLoss(LIMITS), lambda n: view(equity=Cash(OPEN - n)), dollars(500), 0),
    ("drawdown trips at", Drawdown(LIMITS), lambda n: view(equity=Cash(OPEN - n)), dollars(1_000), 0),
    ("streak trips at", LossStreak(LIMITS), lambda n: view(losses_in_a_row=n), 5, 0),
    ("errors trip above", ErrorBurst(LIMITS), lambda n: view(errors_in_hour=n), 10, 1),
    ("age trips above", StaleBook(QUALITY), lambda n: view(feed_proved_ns=NOW - n), 30 * SECOND, 1),
    ("scans trip at", NoFills(LIMITS), lambda n: view(scans_without_fill=n), 20, 0),
    ("rejects trip at", RejectRate(LIMITS), lambda n: view(rejects_in_minute=n), 5, 0),
    ("orders trip above", Tripwire(LIMITS), lambda n: view(orders_in_minute=n), 60, 1),
    ("notional trips above", Tripwire(LIMITS), lambda n: view(notional_in_minute=Cash(n)), dollars(5_000), 1),
    ("correlation trips above", CorrelationBreach(LIMITS), lambda n: grouped(Cash(n)), dollars(1_500), 1),
    ("unknown orders trip above", UnknownOrders(LIMITS), lambda n: unknown(*[0] * n), 3, 1),
    ("an unknown order's age trips above", UnknownOrders(LIMITS), unknown, 30 * SECOND, 1),
    ("skew ahead trips above", ClockSkew(QUALITY), skewed, 5_000, 1),
    ("step forward trips above", ClockSkew(QUALITY), stepped, 5_000_000_000, 1),
    ("step back trips above", ClockSkew(QUALITY), lambda n: stepped(-n), 5_000_000_000, 1),
    ("skew behind trips above", ClockSkew(QUALITY), lambda n: skewed(-n), 5_000, 1),
    ("slippage trips above the line", Slippage(QUALITY), lambda n: slipped(20, by=n), 5_000, 1),
    ("slippage trips above the share", Slippage(QUALITY), lambda n: slipped(n, 20 - n), 10, 1),
    ("slippage needs a sample of", Slippage(QUALITY), slipped, 20, 0),
]
"""Name, switch, the view in which its input is so much, the threshold, and how far beyond it trips."""


def trips(reading: Reading) -> bool:
    assert (reading.state is TRIPPED) == (reading.trip is not None or bool(reading.scoped))
    return reading.state is TRIPPED


@pytest.mark.parametrize(
    ("switch", "make", "threshold", "beyond"),
    [row[1:] for row in BOUNDARIES],
    ids=[row[0] for row in BOUNDARIES],
)
def test_it_trips_at_its_threshold_and_not_one_step_before(
    switch: Switch, make: Make, threshold: int, beyond: int
) -> None:
    seen = [trips(switch.evaluate(make(threshold + step))) for step in (-1, 0, 1)]
    assert seen == [False, beyond == 0, True]


WARNS: list[tuple[str, Switch, Make, int]] = [
    ("daily loss", DailyLoss(LIMITS), lambda n: view(equity=Cash(OPEN - n)), dollars(350)),
    ("drawdown", Drawdown(LIMITS), lambda n: view(equity=Cash(OPEN - n)), dollars(700)),
    ("streak", LossStreak(LIMITS), lambda n: view(losses_in_a_row=n), 4),
    ("errors", ErrorBurst(LIMITS), lambda n: view(errors_in_hour=n), 7),
    ("age", StaleBook(QUALITY), lambda n: view(feed_proved_ns=NOW - n), 21 * SECOND),
    ("scans", NoFills(LIMITS), lambda n: view(scans_without_fill=n), 14),
    ("rejects", RejectRate(LIMITS), lambda n: view(rejects_in_minute=n), 4),
    ("orders", Tripwire(LIMITS), lambda n: view(orders_in_minute=n), 42),
    ("notional", Tripwire(LIMITS), lambda n: view(notional_in_minute=Cash(n)), dollars(3_500)),
    ("correlation", CorrelationBreach(LIMITS), lambda n: grouped(Cash(n)), dollars(1_050)),
    ("skew", ClockSkew(QUALITY), skewed, 1_000),
    ("slippage", Slippage(QUALITY), lambda n: slipped(n, 20 - n), 7),
]


@pytest.mark.parametrize(
    ("switch", "make", "mark"), [row[1:] for row in WARNS], ids=[row[0] for row in WARNS]
)
def test_it_warns_from_its_mark_on(switch: Switch, make: Make, mark: int) -> None:
    assert [switch.evaluate(make(mark + step)).state for step in (-1, 0)] == [ARMED, WARNING]


@pytest.mark.parametrize("switch", EVERY, ids=lambda switch: switch.key)
def test_what_is_not_known_is_neither_safe_nor_a_trip(switch: Switch) -> None:
    reading = switch.evaluate(BLIND)
    assert not trips(reading)
    assert (reading.state is UNKNOWN) == (switch.key not in NEVER_UNKNOWN)


@pytest.mark.parametrize("switch", EVERY, ids=lambda switch: switch.key)
def test_a_good_account_is_armed(switch: Switch) -> None:
    assert switch.evaluate(GOOD).state is ARMED


def test_every_switch_says_what_it_is() -> None:
    for switch in EVERY:
        texts = (
            switch.clears,
            switch.fed_by,
            switch.unit,
            switch.minimum_sample,
            switch.warns_at,
            switch.why,
        )
        assert all(texts), switch.key
        assert switch.threshold
    assert len({switch.key for switch in EVERY}) == len(EVERY)


ACTIONS = {
    TradingState.HALTED: {
        "manual", "daily_loss", "drawdown", "tripwire", "position_mismatch", "journal", "api_key",
        "foreign_instance",
    },
    TradingState.PAUSED: {
        "loss_streak", "slippage", "error_burst", "no_fills", "reject_rate",
        "stale_book", "clock_skew", "exchange_paused", "guard", "unknown_orders",
    },
    TradingState.REDUCE_ONLY: {"correlation"},
}  # fmt: skip


@pytest.mark.parametrize("level", ACTIONS)
def test_each_does_what_was_settled(level: TradingState) -> None:
    assert {switch.key for switch in EVERY if switch.level is level} == ACTIONS[level]


def test_an_order_unknown_for_too_long_halts_and_one_unknown_for_long_pauses() -> None:
    switch = UnknownOrders(LIMITS)
    levels = [switch.evaluate(unknown(0, age * SECOND)).level for age in (31, 120, 121)]
    assert levels == [None, None, TradingState.HALTED]
    manager = RiskManager(LIMITS, QUALITY, escalates=False, switches=(switch,))
    latches = Latches()
    for age, level in ((31, TradingState.PAUSED), (121, TradingState.HALTED)):
        for event in manager.evaluate(unknown(age * SECOND), latches):
            latches.apply(event)
        assert latches.state is level
    refusal = manager.resume_refusal("unknown_orders", unknown(121 * SECOND), latches)
    assert "longer than 120 s" in str(refusal)
    assert manager.resume_refusal("unknown_orders", GOOD, latches) is None


def test_only_bad_data_clears_by_itself_and_only_the_streak_has_a_set_length() -> None:
    assert {s.key for s in EVERY if s.clears_itself} == {"stale_book", "clock_skew", "exchange_paused"}
    assert {s.key for s in EVERY if s.lasts_ns is not None} == {"loss_streak"}


# --- daily loss and drawdown ------------------------------------------------------------------------


def loss(amount: Cash, day_open: Cash = OPEN, limits: RiskSettings = LIMITS) -> Reading:
    return DailyLoss(limits).evaluate(view(equity=Cash(day_open - amount), day_open_equity=day_open))


def test_the_days_loss_says_how_much_and_of_what() -> None:
    at_limit = loss(dollars(500))
    assert at_limit.trip == "day's loss 500.00 $ reached the limit of 500.00 $"
    assert (at_limit.text, at_limit.threshold) == ("-500.00 $", "> -500.00 $")


def test_the_smaller_of_dollars_and_share_of_the_opening_equity_is_the_limit() -> None:
    assert daily_loss_limit(LIMITS, dollars(9_000)) == dollars(450)
    assert daily_loss_limit(LIMITS, dollars(11_000)) == dollars(500)
    assert loss(dollars(450), dollars(9_000)).state is TRIPPED
    assert loss(Cash(dollars(450) - 1), dollars(9_000)).state is WARNING


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


@pytest.mark.parametrize("unknown", ["equity", "day_open_equity"])
def test_an_unknown_equity_is_neither_safe_nor_a_loss(unknown: str) -> None:
    reading = DailyLoss(LIMITS).evaluate(view(**{unknown: None}))
    assert (reading.state, reading.text, reading.trip) == (UNKNOWN, "n/a", None)


@given(st.integers(1, 10**13), st.integers(0, 10**13))
def test_equity_at_or_above_its_highest_is_no_drawdown(high: int, above: int) -> None:
    seen = view(equity=Cash(high + above), high_water=Cash(high))
    assert Drawdown(LIMITS).evaluate(seen).state is ARMED


@pytest.mark.parametrize("high_water", [None, Cash(0), Cash(-1)])
def test_a_drawdown_from_nothing_is_unknown(high_water: Cash | None) -> None:
    assert Drawdown(LIMITS).evaluate(view(high_water=high_water)).state is UNKNOWN


def test_a_drawdown_says_from_where() -> None:
    reading = Drawdown(LIMITS).evaluate(view(equity=dollars(8_999)))
    assert reading.trip == "1,001.00 $ below the highest equity, 10,000.00 $: 10.01 %"


# --- streak and slippage ----------------------------------------------------------------------------


def test_losses_that_had_their_pause_do_not_trip_again() -> None:
    switch = LossStreak(LIMITS)
    assert not trips(switch.evaluate(view(losses_in_a_row=6, losses_answered=6)))
    assert trips(switch.evaluate(view(losses_in_a_row=7, losses_answered=6)))


def test_only_the_newest_fills_count() -> None:
    old_and_bad, new_and_good = (9_000,) * 500, (0,) * 50
    assert Slippage(QUALITY).evaluate(view(taker_slippage=old_and_bad + new_and_good)).state is ARMED
    assert trips(Slippage(QUALITY).evaluate(view(taker_slippage=new_and_good + old_and_bad)))


def test_too_few_fills_say_how_many_are_missing() -> None:
    reading = Slippage(QUALITY).evaluate(slipped(19))
    assert (reading.state, reading.text) == (ARMED, "n=19 of 20")
    assert reading.measures == ()


# --- what the exchange says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "old"),
    [
        (PositionMismatch(), lambda at: view(positions=PositionsCompared(at_ns=at))),
        (ClockSkew(QUALITY), lambda at: view(clock=ClockSkewRead(at_ns=at, skew_ms=0))),
        (
            ExchangePaused(),
            lambda at: view(exchange=ExchangeStatusRead(at_ns=at, exchange_active=True, trading_active=True)),
        ),
    ],
    ids=lambda each: each.key if isinstance(each, Switch) else "",
)
def test_a_read_is_known_for_two_minutes_and_never_from_the_future(switch: Switch, old: Make) -> None:
    known = (0, READS_KEEP_NS, -MAY_OVERTAKE_NS)
    assert {switch.evaluate(old(NOW - age)).state for age in known} == {ARMED}
    unknown = (READS_KEEP_NS + 1, -MAY_OVERTAKE_NS - 1)
    assert {switch.evaluate(old(NOW - age)).state for age in unknown} == {UNKNOWN}


def test_an_old_difference_of_positions_still_trips() -> None:
    compared = PositionsCompared(at_ns=NOW - 2 * READS_KEEP_NS, mismatch="A: ours 1, the exchange's 2")
    assert PositionMismatch().evaluate(view(positions=compared)).trip == "A: ours 1, the exchange's 2"


def test_a_clock_that_the_exchange_does_not_tell_is_unknown() -> None:
    assert ClockSkew(QUALITY).evaluate(skewed(None)).state is UNKNOWN


def test_the_skew_says_which_clock_is_ahead() -> None:
    readings = [ClockSkew(QUALITY).evaluate(skewed(skew)).trip for skew in (6_200, -6_200)]
    assert readings == [
        "our clock is 6.2 s ahead of the exchange's",
        "our clock is 6.2 s behind the exchange's",
    ]


def test_an_exchange_that_does_not_trade_trips_and_says_which_way() -> None:
    said = [
        ExchangePaused().evaluate(exchange(active=active, trading=trading)).trip
        for active, trading in ((True, True), (True, False), (False, True), (False, False))
    ]
    paused, closed = "the exchange has paused trading", "the exchange is closed"
    assert said == [None, paused, closed, closed]


def test_a_feed_not_yet_heard_is_unknown() -> None:
    reading = StaleBook(QUALITY).evaluate(view(feed_proved_ns=None))
    assert (reading.state, reading.text, reading.trip) == (UNKNOWN, "no feed yet", None)


def test_a_feed_that_proved_itself_in_the_future_proves_nothing() -> None:
    latest = NOW + MAY_OVERTAKE_NS
    assert StaleBook(QUALITY).evaluate(view(feed_proved_ns=latest)).state is ARMED
    assert StaleBook(QUALITY).evaluate(view(feed_proved_ns=latest + 1)).state is UNKNOWN


def test_books_that_are_dark_are_told_beside_the_age() -> None:
    reading = StaleBook(QUALITY).evaluate(view(followed_books=12, dark_books=3))
    assert (reading.state, reading.text) == (ARMED, "0.0 s, 3 of 12 dark")


# --- correlation, tripwire, journal, manual ---------------------------------------------------------


def test_every_group_over_its_cap_trips_on_its_own() -> None:
    resting = [order(ticker, BookSide.BID, Price(9_000), contracts(2_000)) for ticker in "ABC"]
    places = {"A": Place("coins", "A"), "B": Place("rain", "B"), "C": Place("coins", "C")}
    reading = CorrelationBreach(LIMITS).evaluate(view(exposure=Exposure.of({}, resting, places)))
    assert [trip.scope for trip in reading.scoped] == ["group:coins", "group:rain"]
    assert reading.text == "36 %"


def test_beside_a_group_over_its_cap_one_that_just_reaches_it_does_not_trip() -> None:
    limits = RiskSettings(max_correlated_group_pct=Decimal("0.1"), group_breach_margin_pct=Decimal(0))
    tenth = Count(OPEN // 10)
    resting = [
        order(ticker, BookSide.BID, Price(1), Count(tenth + more)) for ticker, more in (("A", 0), ("B", 1))
    ]
    places = {"A": Place("coins", "A"), "B": Place("rain", "B")}
    exposed = view(exposure=Exposure.of({}, resting, places), equity=OPEN)
    assert [trip.scope for trip in CorrelationBreach(limits).evaluate(exposed).scoped] == ["group:rain"]


def test_a_cap_is_exact_where_a_float_would_not_be() -> None:
    # A tenth of this equity is 10**16 + 1.9, and 10**16 + 2 the nearest float to that.
    equity = Cash(10**17 + 19)
    limits = RiskSettings(max_correlated_group_pct=Decimal("0.1"), group_breach_margin_pct=Decimal(0))
    for at_stake, is_over in ((10**16 + 1, False), (10**16 + 2, True)):
        assert trips(CorrelationBreach(limits).evaluate(grouped(Cash(at_stake), equity))) is is_over


@pytest.mark.parametrize("equity", [None, Cash(0), Cash(-1)])
def test_shares_of_an_equity_that_is_not_known_or_gone_are_unknown(equity: Cash | None) -> None:
    assert CorrelationBreach(LIMITS).evaluate(grouped(dollars(1), equity)).state is UNKNOWN
    assert Tripwire(LIMITS).evaluate(view(equity=equity)).state is UNKNOWN


def test_an_answer_to_an_order_never_sent_trips_whatever_else_is_known() -> None:
    contradicted = msgspec.structs.replace(BLIND, contradiction="OrderFilled for kc-9, which was never sent")
    assert Tripwire(LIMITS).evaluate(contradicted).trip == "OrderFilled for kc-9, which was never sent"


def test_a_write_that_failed_trips_and_the_last_one_is_told() -> None:
    assert JournalHealth().evaluate(view(journal_failure="disk full")).trip == "disk full"
    assert JournalHealth().evaluate(view(journaled_ns=NOW - 2 * SECOND)).text == "2.0 s ago"


def test_the_halt_is_always_ready_and_trips_by_nothing_it_reads() -> None:
    assert ManualHalt().evaluate(BLIND) == Reading(ARMED, "ready", "operator")
