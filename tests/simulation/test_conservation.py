"""No contract fills that was not displayed or printed, none twice, and money follows the contracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dry_run_builders import CLOSE_NS, TICKER, Events, cents, intent, market
from hypothesis import given
from hypothesis import strategies as st

from console.domain.account_events import OrderAcked, OrderFilled, OrderRejected
from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.fees import AccountPrecision
from console.domain.market_events import TradePrinted
from console.domain.money import CASH_PER_DOLLAR, Cash, Count, Price, cost
from console.domain.order import Settlement, TimeInForce
from console.domain.ports import Clock
from console.domain.position import cash_change_of_fill, cash_change_of_settlement
from console.simulation.broker import Broker
from console.simulation.execution import Execution, NewOrder, QueueModel
from console.simulation.matching import MatchingBook
from console.simulation.slippage import SlippageModel

BID, ASK = BookSide.BID, BookSide.ASK
GTC = TimeInForce.GOOD_TILL_CANCELED
START = Cash(200 * CASH_PER_DOLLAR)

prices = st.integers(40, 60)
counts = st.integers(1, 9)
sides = st.sampled_from(BookSide)
uncrossed = st.tuples(st.integers(41, 59), st.integers(1, 4), st.integers(1, 4), counts, counts)


def quote_of(shape: tuple[int, int, int, int, int]) -> Quote:
    middle, below, above, bid_size, ask_size = shape
    bid, ask = cents(middle - below), cents(middle + above)
    return Quote(Level(bid, Count(bid_size * 100)), Level(ask, Count(ask_size * 100)))


quotes = st.one_of(uncrossed.map(quote_of), st.just(NO_QUOTE))
orders = st.tuples(sides, prices, counts, st.sampled_from(TimeInForce), st.booleans())
steps = st.lists(
    st.one_of(
        st.tuples(st.just("show"), quotes),
        st.tuples(st.just("print"), st.tuples(prices, counts, sides)),
        st.tuples(st.just("submit"), orders),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 200)),
    ),
    max_size=40,
)


# --- contracts --------------------------------------------------------------------------------------


class Displayed:
    """What there is to take at each price: the display less what was taken since it changed."""

    def __init__(self) -> None:
        self._told: dict[BookSide, dict[Price, int]] = {side: {} for side in BookSide}
        self._left: dict[BookSide, Counter[Price]] = {side: Counter() for side in BookSide}

    def show(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        for side, levels in ((BID, bids), (ASK, asks)):
            told = {level.price: int(level.size) for level in levels}
            for price in told.keys() | self._told[side].keys():
                if told.get(price) != self._told[side].get(price):
                    self._left[side][price] = told.get(price, 0)
            self._told[side] = told

    def take(self, side: BookSide, price: Price, count: int) -> None:
        self._left[side][price] -= count
        assert self._left[side][price] >= 0, "more was taken than was displayed"

    def cross(self, side: BookSide, limit: Price, count: int) -> None:
        """Take the best that reach a resting order of the other side."""
        found = [price for price in self._left[side] if side.sign * (price - limit) >= 0]
        for price in sorted(found, reverse=side is BID):
            step = min(count, self._left[side][price])
            self._left[side][price] -= step
            count -= step
        assert count == 0, "more crossed than was displayed"


@st.composite
def depths(draw: st.DrawFn) -> tuple[list[Level], list[Level]]:
    middle = draw(prices)
    sizes = draw(st.dictionaries(prices, counts, max_size=5))
    levels = [Level(cents(price), Count(size * 100)) for price, size in sizes.items()]
    return [x for x in levels if x.price < cents(middle)], [x for x in levels if x.price >= cents(middle)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("show"), depths()),
            st.tuples(st.just("print"), st.tuples(prices, counts, sides)),
            st.tuples(st.just("submit"), orders),
        ),
        max_size=40,
    ),
    st.sampled_from(QueueModel),
)
def test_no_more_fills_than_was_displayed_or_printed(
    plan: list[tuple[str, tuple[object, ...]]], model: QueueModel
) -> None:
    book, displayed = MatchingBook(model), Displayed()
    placed: dict[str, BookSide] = {}

    def crossed(executions: list[Execution]) -> None:
        for execution in executions:
            assert not execution.is_taker
            assert not execution.is_printed
            displayed.cross(placed[execution.order_id].opposite, execution.price, execution.count)

    for number, (what, details) in enumerate(plan):
        match what, details:
            case "show", (list() as bids, list() as asks):
                displayed.show(bids, asks)
                crossed(book.display(bids, asks))
            case "print", (int() as price, int() as count, BookSide() as side):
                executions = book.print(cents(price), Count(count * 100), side)
                assert sum(e.count for e in executions) <= count * 100
                assert all(e.is_printed and not e.is_taker for e in executions)
                assert all(placed[e.order_id] is side.opposite for e in executions)
            case "submit", (
                BookSide() as side,
                int() as price,
                int() as count,
                TimeInForce() as tif,
                bool() as post,
            ):
                new = NewOrder(
                    order_id=str(number),
                    side=side,
                    price=cents(price),
                    count=Count(count * 100),
                    time_in_force=tif,
                    post_only=post and tif is GTC,
                )
                placed[new.order_id] = side
                for execution in book.submit(new).executions:
                    assert execution.is_taker
                    displayed.take(side.opposite, execution.price, execution.count)


def test_without_prints_a_resting_order_fills_only_where_the_display_comes_to_its_price() -> None:
    book = MatchingBook(QueueModel.PROPORTIONAL)
    book.display_best(Quote(Level(cents(50), Count(100)), Level(cents(52), Count(100))))
    book.submit(NewOrder(order_id="a", side=BID, price=cents(50), count=Count(500)))
    for ask in (51, 55, 51):
        assert book.display_best(Quote(Level(cents(49), Count(9)), Level(cents(ask), Count(100)))) == []
    executions = book.display_best(Quote(Level(cents(49), Count(9)), Level(cents(50), Count(300))))
    assert executions == [Execution("a", cents(50), Count(300), is_taker=False)]


# --- money ------------------------------------------------------------------------------------------


class Run:
    """A broker in the hands of a plan."""

    def __init__(self, queue: QueueModel, slippage: SlippageModel | None = None) -> None:
        def make(clock: Clock) -> Broker:
            return Broker(clock, queue=queue, slippage=slippage)

        self.events = Events(make)
        self.broker = self.events.broker
        self.broker.open_account(START)
        self.broker.list_markets([market()])
        self.broker.change_trading(True)

    def step(self, number: int, what: str, details: object, *, lazily: Quote | None = None) -> None:
        """Do one thing; with ``lazily`` the market is shown only while that matters."""
        if lazily is not None and what in ("show", "print") and not self.broker.books.is_touched(TICKER):
            return
        match what, details:
            case "show", Quote() as quote:
                self.broker.show(TICKER, quote)
            case "print", (int() as price, int() as count, BookSide() as side):
                self.broker.print_trade(
                    TradePrinted(
                        at_ns=self.events.now_ns,
                        ticker=TICKER,
                        price=cents(price),
                        count=Count(count * 100),
                        taker_side=side,
                    )
                )
            case "submit", (
                BookSide() as side,
                int() as price,
                int() as count,
                TimeInForce() as tif,
                bool() as special,
            ):
                if lazily is not None and not self.broker.books.is_touched(TICKER):
                    self.broker.show(TICKER, lazily)
                self.broker.submit(
                    intent(
                        side,
                        price,
                        count,
                        tif,
                        name=str(number),
                        post_only=special and tif is GTC,
                        reduce_only=special and tif is not GTC,
                        expires_s=self.events.now_ns // 10**9 + 60 if tif is GTC else None,
                    )
                )
            case "cancel", int() as index:
                reports = self.broker.orders()
                if reports:
                    self.broker.cancel(reports[index % len(reports)].order_id)
            case "wait", int() as seconds:
                self.events.now_ns += seconds * 10**9


@given(steps, st.sampled_from(QueueModel), st.sampled_from([None, SlippageModel()]), st.integers(0, 10_000))
def test_fills_account_for_every_contract_and_every_dollar(
    plan: list[tuple[str, object]], model: QueueModel, slippage: SlippageModel | None, yes_value: int
) -> None:
    run = Run(model, slippage)
    for number, (what, details) in enumerate(plan):
        run.step(number, what, details)
        _check(run)
    if run.events.now_ns < CLOSE_NS:
        _check_that_nothing_stays_reserved(run)
    run.events.now_ns = max(run.events.now_ns, CLOSE_NS)
    run.broker.expire()
    assert all(report.status.is_terminal for report in run.broker.orders())
    held, before = run.broker.held(TICKER), run.broker.cash()
    run.broker.settle(Settlement(TICKER, Price(yes_value), run.events.now_ns))
    assert run.broker.cash() == before + cash_change_of_settlement(held, Price(yes_value))


def _check(run: Run) -> None:
    cash, held, filled = START, Count(0), Counter[str]()
    for fill in run.broker.fills():
        cash = Cash(cash + cash_change_of_fill(held, fill.side, fill.price, fill.count, fill.fee))
        held = Count(held + fill.side.sign * fill.count)
        filled[fill.order_id] += fill.count
    assert (run.broker.cash(), run.broker.held(TICKER)) == (cash, held)
    assert all(report.filled == filled[report.order_id] for report in run.broker.orders())
    assert cash >= 0, "an order was taken that could not be paid for"
    told = [event.fill for event in run.events.all if isinstance(event, OrderFilled)]
    assert told == run.broker.fills() == [fill for _, fill, _, _ in run.events.booked]


def _check_that_nothing_stays_reserved(run: Run) -> None:
    """Once nothing rests all the cash buys; a contract more is refused."""
    for report in run.broker.orders():
        run.broker.cancel(report.order_id)
    closing = max(0, -run.broker.held(TICKER)) // 100
    most = closing + (run.broker.cash() - AccountPrecision.DIRECT_MEMBER) // cost(cents(1), Count(100))
    for name, count, expected in (("over", most + 1, OrderRejected), ("most", most, OrderAcked)):
        answer = run.broker.submit(intent(BID, 1, count, name=name, post_only=True))
        assert isinstance(answer, expected), answer


@given(steps, st.sampled_from(QueueModel))
def test_a_market_need_be_shown_only_while_it_matters(
    plan: list[tuple[str, object]], model: QueueModel
) -> None:
    eager, lazy = Run(model), Run(model)
    newest = NO_QUOTE
    for number, (what, details) in enumerate(plan):
        newest = details if isinstance(details, Quote) else newest
        for run in (eager, lazy):
            run.broker.expire()
        eager.step(number, what, details)
        lazy.step(number, what, details, lazily=newest)
        assert lazy.events.all == eager.events.all
