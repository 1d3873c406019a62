"""What a market does to our orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import BookSide, Level
from console.domain.money import Count, Price
from console.domain.order import SelfTradePrevention, TimeInForce
from console.simulation.execution import Cancellation, CancelReason, Execution, NewOrder, Outcome
from console.simulation.matching import MatchingBook

BID, ASK = BookSide.BID, BookSide.ASK
GTC, IOC, FOK = TimeInForce


def level(price: int, size: int) -> Level:
    return Level(Price(price), Count(size))


def order(
    name: str,
    side: BookSide,
    price: int,
    count: int,
    time_in_force: TimeInForce = GTC,
    *,
    post_only: bool = False,
    prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS,
) -> NewOrder:
    return NewOrder(
        order_id=name,
        side=side,
        price=Price(price),
        count=Count(count),
        time_in_force=time_in_force,
        self_trade_prevention=prevention,
        post_only=post_only,
    )


def taken(name: str, price: int, count: int) -> Execution:
    return Execution(name, Price(price), Count(count), is_taker=True)


def made(name: str, price: int, count: int, *, is_printed: bool = True) -> Execution:
    return Execution(name, Price(price), Count(count), is_taker=False, is_printed=is_printed)


@pytest.fixture
def book() -> MatchingBook:
    """Bids 90 x 100 and 89 x 200, asks 91 x 50 and 92 x 500 (cents, contracts)."""
    matching = MatchingBook()
    matching.display(
        [level(9_000, 10_000), level(8_900, 20_000)], [level(9_100, 5_000), level(9_200, 50_000)]
    )
    return matching


def print_at(book: MatchingBook, price: int, count: int, taker: BookSide) -> list[Execution]:
    return book.print(Price(price), Count(count), taker)


def test_an_immediate_order_walks_the_levels_it_reaches_and_drops_the_rest(book: MatchingBook) -> None:
    outcome = book.submit(order("a", BID, 9_100, 7_001, IOC))
    assert outcome.executions == [taken("a", 9_100, 5_000)]
    assert outcome.cancellations == [Cancellation("a", Count(2_001), CancelReason.UNFILLED)]
    assert book.resting("a") is None


def test_a_fill_or_kill_order_that_cannot_fill_whole_takes_nothing(book: MatchingBook) -> None:
    assert book.submit(order("a", BID, 9_100, 5_001, FOK)).executions == []
    outcome = book.submit(order("b", BID, 9_200, 5_001, FOK))
    assert outcome.executions == [taken("b", 9_100, 5_000), taken("b", 9_200, 1)]


def test_what_we_took_stays_gone_until_that_level_is_displayed_anew(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_100, 3_000, IOC))
    book.display([level(9_000, 10_000)], [level(9_100, 5_000), level(9_200, 1)])
    assert book.displayed(ASK) == {9_100: 2_000, 9_200: 1}
    book.display([level(9_000, 10_000)], [level(9_100, 4_000)])
    assert book.displayed(ASK) == {9_100: 4_000}


def test_a_marketable_resting_order_takes_then_rests_and_improves_the_best(book: MatchingBook) -> None:
    outcome = book.submit(order("a", BID, 9_100, 6_000))
    assert outcome == Outcome([taken("a", 9_100, 5_000)], [], Count(1_000))
    assert max(book.shown(BID)) == 9_100
    assert book.shown(BID)[Price(9_100)] == 1_000


def test_a_post_only_order_that_would_cross_is_cancelled(book: MatchingBook) -> None:
    outcome = book.submit(order("a", ASK, 9_000, 100, post_only=True))
    assert outcome.cancellations == [Cancellation("a", Count(100), CancelReason.POST_ONLY_CROSS)]
    assert book.displayed(BID)[Price(9_000)] == 10_000


def test_prints_reach_us_after_the_size_displayed_when_we_joined(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 300))
    book.submit(order("b", BID, 9_000, 300))
    assert print_at(book, 9_000, 9_900, ASK) == []
    assert print_at(book, 9_000, 200, ASK) == [made("a", 9_000, 100)]
    assert print_at(book, 9_000, 500, ASK) == [made("a", 9_000, 200), made("b", 9_000, 300)]
    assert book.resting("b") is None


def test_a_print_on_the_other_side_does_not_touch_our_bid(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 300))
    assert print_at(book, 9_100, 100_000, BID) == []
    assert book.queue_ahead("a") == 10_000


def test_cancels_of_others_move_us_only_when_less_is_displayed_than_stood_ahead(
    book: MatchingBook,
) -> None:
    book.submit(order("a", BID, 9_000, 300))
    book.display([level(9_000, 15_000)], [])
    assert book.queue_ahead("a") == 10_000
    book.display([level(9_000, 4_000)], [])
    assert book.queue_ahead("a") == 4_000
    book.display([level(9_000, 8_000)], [])
    assert book.queue_ahead("a") == 4_000


def test_our_earlier_order_stands_ahead_of_our_later_one(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 300))
    book.submit(order("b", BID, 9_000, 100))
    assert book.queue_ahead("b") == 10_300


def test_a_print_through_our_price_fills_us_at_our_price_first(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_050, 300))
    assert print_at(book, 9_000, 200, ASK) == [made("a", 9_050, 200)]


def test_a_swept_level_fills_us_whole(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 300))
    book.submit(order("b", BID, 8_900, 300))
    assert book.sweep(BID, Price(9_000)) == [made("a", 9_000, 300)]
    assert book.shown(BID) == {8_900: 20_300}


def test_a_display_that_crosses_our_order_fills_it_at_its_price(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 3_000))
    executions = book.display([level(8_800, 100)], [level(8_900, 1_000), level(9_000, 500)])
    assert executions == [
        made("a", 9_000, 1_000, is_printed=False),
        made("a", 9_000, 500, is_printed=False),
    ]
    assert book.shown(ASK) == {}


def test_an_incoming_order_is_cancelled_where_it_meets_our_own(book: MatchingBook) -> None:
    book.submit(order("a", ASK, 9_100, 1_000))
    outcome = book.submit(order("b", BID, 9_100, 6_000))
    assert outcome.executions == [taken("b", 9_100, 5_000)]
    assert outcome.cancellations == [Cancellation("b", Count(1_000), CancelReason.SELF_TRADE)]
    assert book.resting("a") is not None


def test_maker_prevention_cancels_our_resting_order_and_goes_on(book: MatchingBook) -> None:
    book.submit(order("a", ASK, 9_050, 1_000))
    outcome = book.submit(order("b", BID, 9_100, 1_000, prevention=SelfTradePrevention.MAKER))
    assert outcome.executions == [taken("b", 9_100, 1_000)]
    assert outcome.cancellations == [Cancellation("a", Count(1_000), CancelReason.SELF_TRADE)]


def test_a_fill_or_kill_order_that_meets_our_own_becomes_immediate_or_cancel(book: MatchingBook) -> None:
    book.submit(order("a", ASK, 9_100, 1_000))
    outcome = book.submit(order("b", BID, 9_100, 6_000, FOK))
    assert outcome.executions == [taken("b", 9_100, 5_000)]


def test_a_smaller_order_keeps_its_place(book: MatchingBook) -> None:
    book.submit(order("a", BID, 9_000, 300))
    print_at(book, 9_000, 4_000, ASK)
    book.decrease("a", Count(100))
    assert book.queue_ahead("a") == 6_000
    assert book.cancel("a") == 100


# --- properties -------------------------------------------------------------------------------------

prices = st.integers(1, 9).map(lambda tick: Price(tick * 1_000))
counts = st.integers(1, 500).map(Count)
sides = st.sampled_from(BookSide)
levels = st.lists(st.tuples(prices, counts), max_size=4)


@st.composite
def displays(draw: st.DrawFn) -> tuple[str, tuple[list[Level], list[Level]]]:
    """A book of others, never crossed."""
    middle = draw(st.integers(0, 10)) * 1_000
    shown = dict(draw(levels))
    bids = [Level(p, s) for p, s in shown.items() if p < middle]
    asks = [Level(p, s) for p, s in shown.items() if p >= middle]
    return "display", (bids, asks)


orders = st.builds(
    lambda side, price, count, tif, post_only, prevention: (
        "submit",
        (side, price, count, tif, post_only and tif is GTC, prevention),
    ),
    sides,
    prices,
    counts,
    st.sampled_from(TimeInForce),
    st.booleans(),
    st.sampled_from(SelfTradePrevention),
)
steps = st.lists(
    st.one_of(
        displays(),
        orders,
        st.tuples(st.just("print"), st.tuples(prices, counts, sides)),
        st.tuples(st.just("sweep"), st.tuples(sides, prices)),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
    ),
    max_size=40,
)


@given(steps)
def test_nothing_is_lost_made_up_or_crossed(plan: list[tuple[str, object]]) -> None:
    book, placed = MatchingBook(), dict[str, NewOrder]()
    filled, ended = dict[str, int](), dict[str, int]()
    for number, (what, details) in enumerate(plan):
        executions: list[Execution] = []
        match what, details:
            case "display", (list() as bids, list() as asks):
                executions = book.display(bids, asks)
            case "print", (int() as price, int() as count, BookSide() as side):
                executions = book.print(Price(price), Count(count), side)
            case "sweep", (BookSide() as side, int() as price):
                executions = book.sweep(side, Price(price))
            case "submit", (
                BookSide() as side,
                int() as price,
                int() as count,
                TimeInForce() as tif,
                bool() as post_only,
                SelfTradePrevention() as prevention,
            ):
                name = str(number)
                new = order(name, side, price, count, tif, post_only=post_only, prevention=prevention)
                placed[name] = new
                outcome = book.submit(new)
                executions = outcome.executions
                for cancellation in outcome.cancellations:
                    assert cancellation.order_id not in ended
                    ended[cancellation.order_id] = cancellation.count
            case "cancel", int() as index:
                resting = [name for name in placed if book.resting(name)]
                if resting:
                    name = resting[index % len(resting)]
                    ended[name] = book.cancel(name)
        for execution in executions:
            limit = placed[execution.order_id]
            assert limit.side.sign * (limit.price - execution.price) >= 0, "through its limit"
            assert execution.count > 0
            filled[execution.order_id] = filled.get(execution.order_id, 0) + execution.count
        _check(book, placed, filled, ended)


def _check(
    book: MatchingBook, placed: dict[str, NewOrder], filled: dict[str, int], ended: dict[str, int]
) -> None:
    for name, new in placed.items():
        resting = book.resting(name)
        left = ended.get(name, 0) if resting is None else resting.remaining
        assert filled.get(name, 0) + left == new.count
    for side in BookSide:
        assert all(size > 0 for size in book.displayed(side).values())
    bids, asks = book.shown(BID), book.shown(ASK)
    assert not bids or not asks or max(bids) < min(asks), "a crossed book"
