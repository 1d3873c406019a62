"""The runs of a day as a journal tells of them."""

from __future__ import annotations

from recorded import CAPITAL, SECOND, START

from console.backtest.live_runs import live_runs, orders_of
from console.domain.account_events import (
    DENIED,
    AccountOpened,
    OrderAcked,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    RunStarted,
)
from console.domain.book import BookSide, Level, Quote
from console.domain.engine_events import EquityMarked, LatchRaised, RiskDayBegan, SettingsChanged
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.domain.trading_state import TradingState

DAY = 86_400 * SECOND
MIDNIGHT = START // DAY * DAY
TICKER = Ticker("KX-0")
QUOTE = Quote(Level(Price(9_200), Count(5_000)), Level(Price(9_300), Count(5_000)))


def at(seconds: float) -> int:
    return MIDNIGHT + round(seconds * SECOND)


def started(seconds: float, settings: str = "of then") -> RunStarted:
    return RunStarted(at_ns=at(seconds), program="test", settings=settings)


def opened(seconds: float) -> list[JournaledEvent]:
    """A new account and its first scan."""
    return [
        AccountOpened(at_ns=at(seconds), account="a", cash=CAPITAL),
        RiskDayBegan(at_ns=at(seconds), day="a day", equity=CAPITAL),
        EquityMarked(at_ns=at(seconds), equity=CAPITAL, high_water=CAPITAL),
    ]


def ordered(seconds: float, name: str) -> OrderIntended:
    intent = OrderIntent(
        client_order_id=name,
        ticker=TICKER,
        side=BookSide.BID,
        price=Price(9_300),
        count=Count(1_000),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=QUOTE,
        win_probability=Price(9_600),
        strategy="test",
    )
    return OrderIntended(at_ns=at(seconds), intent=intent)


def filled(seconds: float, name: str) -> OrderFilled:
    fill = Fill(
        f"of {name}",
        name,
        Ticker("KX-0"),
        BookSide.BID,
        Price(9_300),
        Count(1_000),
        Cash(0),
        True,
        at(seconds),
    )
    return OrderFilled(at_ns=at(seconds), client_order_id=name, fill=fill)


def test_a_run_over_midnight_begins_the_day_with_what_it_held_then() -> None:
    latch = LatchRaised(
        at_ns=at(-20), name="pause", level=TradingState.PAUSED, reason="rest", source="operator"
    )
    changed = SettingsChanged(
        at_ns=at(-10), changes=(), reason="", source="operator", program="test", settings="changed"
    )
    before = [started(-60), *opened(-50), ordered(-40, "one"), filled(-39, "one"), latch, changed]
    [run] = live_runs([*before, ordered(30, "two"), filled(31, "two")], MIDNIGHT, MIDNIGHT + DAY)
    assert (run.began_ns, run.ended_ns, run.settings) == (MIDNIGHT, MIDNIGHT + DAY, "changed")
    assert run.opening.cash == CAPITAL - 9_300_000
    assert [(held.ticker, held.position) for held in run.opening.positions] == [("KX-0", 1_000)]
    assert [type(event) for event in run.opening.state] == [RiskDayBegan, EquityMarked, LatchRaised]
    assert [order.intent.client_order_id for order in orders_of(run.events)] == ["two"]


def test_a_run_ends_where_another_begins_whichever_journal_tells_of_it() -> None:
    events = [started(10), *opened(11), started(500), *opened(501)]
    first, second = live_runs(events, MIDNIGHT, MIDNIGHT + DAY, other_starts_ns=[at(5), at(300), at(900)])
    assert (first.began_ns, first.ended_ns) == (at(10), at(300))
    assert (second.began_ns, second.ended_ns) == (at(500), at(900))


def test_a_start_that_never_traded_and_another_day_are_no_runs() -> None:
    events = [started(-500), *opened(-490), started(10), started(DAY // SECOND + 5)]
    assert live_runs(events, MIDNIGHT, MIDNIGHT + DAY) == []


def test_an_answer_is_the_exchanges_and_a_denial_none() -> None:
    taken, denied = orders_of(
        [
            ordered(1, "taken"),
            OrderAcked(at_ns=at(1.2), client_order_id="taken", order_id="x"),
            filled(1.5, "taken"),
            ordered(2, "denied"),
            OrderRejected(at_ns=at(2.1), client_order_id="denied", code=DENIED, message="gate closed"),
            filled(3, "of an earlier run"),
        ]
    )
    assert (taken.answered_ns, taken.ended_ns, taken.filled) == (at(1.2), at(1.5), 1_000)
    assert (denied.answered_ns, denied.ended_ns, denied.code) == (None, at(2.1), DENIED)
