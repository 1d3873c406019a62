"""How our resting orders move up among those of others, of whom only sums and prints are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.money import Count, Price
from console.simulation.execution import NewOrder, QueueModel
from console.simulation.matching import MatchingBook

BID, ASK = BookSide.BID, BookSide.ASK
PESSIMISTIC, PROPORTIONAL = QueueModel
AT = Price(9_000)


def book_with(displayed: int, model: QueueModel) -> MatchingBook:
    book = MatchingBook(model)
    show(book, displayed)
    return book


def show(book: MatchingBook, displayed: int) -> None:
    book.display([Level(AT, Count(displayed))], [])


def join(book: MatchingBook, name: str, count: int = 1_000) -> None:
    book.submit(NewOrder(order_id=name, side=BID, price=AT, count=Count(count)))


def printed(book: MatchingBook, count: int) -> int:
    """A print at our price, and what of it was ours."""
    return sum(execution.count for execution in book.print(AT, Count(count), ASK))


def ahead(book: MatchingBook, name: str) -> int | None:
    order = book.resting(name)
    assert order is not None
    return order.ahead


# --- cancels of others ------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "left"), [(PESSIMISTIC, 100), (PROPORTIONAL, 67)])
def test_a_cancel_of_others_moves_us_up_by_our_share_or_not_at_all(model: QueueModel, left: int) -> None:
    book = book_with(100, model)
    join(book, "a")
    show(book, 300)
    show(book, 200)
    assert ahead(book, "a") == left, "a third of 100 contracts was ahead, rounded down to 33"


@pytest.mark.parametrize("model", QueueModel)
def test_no_more_stands_ahead_than_is_displayed(model: QueueModel) -> None:
    book = book_with(100, model)
    join(book, "a")
    show(book, 300)
    show(book, 20)
    assert ahead(book, "a") in (6, 7, 20)
    show(book, 0)
    assert ahead(book, "a") == 0


@pytest.mark.parametrize("model", QueueModel)
@pytest.mark.parametrize("print_comes_first", [True, False])
def test_a_print_and_the_fall_of_the_display_that_it_causes_move_us_up_once(
    model: QueueModel, print_comes_first: bool
) -> None:
    book = book_with(100, model)
    join(book, "a")
    show(book, 300)
    for is_print in (print_comes_first, not print_comes_first):
        if is_print:
            printed(book, 60)
        else:
            show(book, 240)
    assert ahead(book, "a") == 40


def test_of_a_fall_larger_than_the_print_before_it_the_rest_was_cancelled_in_proportion() -> None:
    book = book_with(100, PROPORTIONAL)
    join(book, "a")
    show(book, 300)
    printed(book, 60)
    show(book, 120)
    assert ahead(book, "a") == 20, "40 of 240 were ahead, and half of the 240 were cancelled"


@pytest.mark.parametrize("model", QueueModel)
def test_a_print_that_the_display_told_before_does_not_reach_us(model: QueueModel) -> None:
    book = book_with(100, model)
    join(book, "a")
    show(book, 0)
    assert printed(book, 100) == 0, "these were ahead of us and went before"
    assert printed(book, 5) == 5


@pytest.mark.parametrize("model", QueueModel)
def test_trades_before_we_joined_explain_no_cancel_afterwards(model: QueueModel) -> None:
    book = book_with(100, model)
    printed(book, 100)
    show(book, 90)
    join(book, "a")
    show(book, 30)
    assert ahead(book, "a") == 30


def test_our_orders_share_one_queue_and_fill_in_order_of_time() -> None:
    book = book_with(100, PROPORTIONAL)
    join(book, "first", 10)
    show(book, 200)
    join(book, "second", 10)
    show(book, 100)
    show(book, 150)
    assert (ahead(book, "first"), ahead(book, "second")) == (50, 100)
    executions = book.print(AT, Count(80), ASK)
    assert [(e.order_id, e.count, e.is_printed) for e in executions] == [("first", 10, True)]
    assert ahead(book, "second") == 100 - 70, "ten of the 80 were ours"


def test_a_late_print_of_what_went_before_an_order_joined_does_not_move_it_up() -> None:
    book = book_with(100, PESSIMISTIC)
    join(book, "first")
    show(book, 50)
    join(book, "second")
    printed(book, 50)
    assert (ahead(book, "first"), ahead(book, "second")) == (50, 50)


# --- where only the best price is known ---------------------------------------------------------------


def best(price: int, size: int) -> Quote:
    return Quote(Level(Price(price), Count(size)), None)


def test_behind_the_best_price_our_place_is_not_known_until_it_is_displayed() -> None:
    book = MatchingBook()
    book.display_best(best(9_100, 10))
    join(book, "a", 30)
    assert ahead(book, "a") is None
    assert printed(book, 10_000) == 0, "we cannot tell that it would have reached us"
    book.display_best(best(9_000, 500))
    assert ahead(book, "a") == 500
    assert printed(book, 510) == 10


def test_an_order_that_joined_unseen_stands_behind_all_that_are_displayed_next() -> None:
    book = MatchingBook()
    book.display_best(best(9_000, 400))
    join(book, "seen", 10)
    book.display_best(best(9_100, 10))
    join(book, "unseen", 10)
    book.display_best(best(9_000, 400))
    assert (ahead(book, "seen"), ahead(book, "unseen")) == (400, 400)
    assert printed(book, 420) == 20


def test_an_order_that_betters_the_best_price_is_first() -> None:
    book = MatchingBook()
    book.display_best(best(8_900, 10))
    join(book, "a", 30)
    assert printed(book, 7) == 7


@pytest.mark.parametrize("hidden", [NO_QUOTE, best(9_100, 5), best(9_000, 0)])
def test_while_our_level_is_not_displayed_with_its_size_we_keep_our_place(hidden: Quote) -> None:
    book = MatchingBook()
    book.display_best(best(9_000, 400))
    join(book, "a")
    book.display_best(hidden)
    assert ahead(book, "a") == 400
    book.display_best(best(9_000, 300))
    assert ahead(book, "a") == 300


def test_when_the_best_price_falls_below_ours_nobody_is_ahead() -> None:
    book = MatchingBook()
    book.display_best(best(9_000, 400))
    join(book, "a")
    book.display_best(best(8_900, 400))
    assert ahead(book, "a") == 0


def test_a_print_worse_than_our_price_fills_us_before_it() -> None:
    book = book_with(400, PESSIMISTIC)
    join(book, "a", 30)
    assert [e.count for e in book.print(Price(8_900), Count(20), ASK)] == [20]


# --- properties ---------------------------------------------------------------------------------------


class TrueQueue:
    """Others at one price one by one, as the exchange has them; ours is a mark among them."""

    def __init__(self, ahead: list[int]) -> None:
        self.ahead = ahead
        self.behind: list[int] = []

    @property
    def size(self) -> int:
        return sum(self.ahead) + sum(self.behind)

    def trade(self, count: int) -> int:
        """What was there to trade of ``count``."""
        left = count = min(count, self.size)
        for queue in (self.ahead, self.behind):
            while queue and left:
                step = min(queue[0], left)
                left -= step
                queue[0] -= step
                if not queue[0]:
                    queue.pop(0)
        return count

    def cancel(self, place: int) -> None:
        orders = [(queue, i) for queue in (self.ahead, self.behind) for i in range(len(queue))]
        if orders:
            queue, i = orders[place % len(orders)]
            del queue[i]


moves = st.lists(
    st.tuples(st.sampled_from(["add", "trade", "cancel"]), st.integers(1, 60), st.booleans()), max_size=40
)
others_first = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def play(book: MatchingBook, queue: TrueQueue, what: str, number: int, print_comes_first: bool) -> None:
    """Something happens, and we are told of it in one order or the other."""
    if what == "trade":
        traded = queue.trade(number)
        if print_comes_first and traded:
            printed(book, traded)
        show(book, queue.size)
        if not print_comes_first and traded:
            printed(book, traded)
    else:
        if what == "add":
            queue.behind.append(number)
        else:
            queue.cancel(number)
        show(book, queue.size)


@given(others_first, moves)
def test_a_pessimistic_place_is_never_better_than_the_true_one(
    first: list[int], plan: list[tuple[str, int, bool]]
) -> None:
    queue, book = TrueQueue([*first]), book_with(sum(first), PESSIMISTIC)
    join(book, "a", 10**9)
    for what, number, print_comes_first in plan:
        play(book, queue, what, number, print_comes_first)
        place = ahead(book, "a")
        assert place is not None
        assert sum(queue.ahead) <= place <= queue.size


@given(others_first, moves, st.sampled_from(QueueModel))
def test_without_cancels_of_others_our_place_is_known_exactly(
    first: list[int], plan: list[tuple[str, int, bool]], model: QueueModel
) -> None:
    queue, book = TrueQueue([*first]), book_with(sum(first), model)
    join(book, "a", 10**9)
    for what, number, print_comes_first in plan:
        if what != "cancel":
            play(book, queue, what, number, print_comes_first)
            assert ahead(book, "a") == sum(queue.ahead)


@given(others_first, moves)
def test_in_proportion_later_orders_never_overtake_and_nothing_exceeds_the_display(
    first: list[int], plan: list[tuple[str, int, bool]]
) -> None:
    queue, book = TrueQueue([*first]), book_with(sum(first), PROPORTIONAL)
    join(book, "a", 10**9)
    show(book, sum(first) + 50)
    queue.behind.append(50)
    join(book, "b", 10**9)
    for what, number, print_comes_first in plan:
        play(book, queue, what, number, print_comes_first)
        one, two = ahead(book, "a"), ahead(book, "b")
        assert one is not None
        assert two is not None
        assert 0 <= one <= two <= queue.size + sum(n for w, n, _ in plan if w == "trade")
