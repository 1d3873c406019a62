"""Whatever arrives how often and in which order: after complete reads the account is the exchange's."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
from engine_builders import (
    PREFIX,
    SECOND,
    A,
    B,
    Desk,
    cents,
    contracts,
    dollars,
    engine,
    market,
    quote,
    records,
    replayed,
    settings,
    submits,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from console.domain.account_events import (
    AccountOpened,
    MarketSettled,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderReported,
)
from console.domain.actions import Action
from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.engine.reconcile import AccountReads, Reconciler, position_differences

TICKERS = (A, B, *(f"KXTEMP-{name}" for name in "CDEFGH"))
MARKETS = tuple(market(ticker, category=f"Category {ticker}") for ticker in TICKERS)
ARRIVES_WITHIN_NS = 30 * SECOND
OPENING = PositionReport(B, contracts(7), Cash(0), dollars("4.20"))


class ExchangeModel:
    """One account at an exchange, kept in a way of its own; ``said`` is what its feed told of it."""

    def __init__(self) -> None:
        self.cash: int = dollars("10000")
        self.held: dict[Ticker, int] = {B: OPENING.position}
        self.orders: dict[str, OrderReport] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self.said: list[EngineEvent] = []

    def place(self, ticker: Ticker, side: BookSide, price: Price, count: Count, client_order_id: str) -> str:
        order_id = f"x-{len(self.orders) + 1}"
        self.orders[order_id] = OrderReport(
            order_id=order_id,
            client_order_id=client_order_id,
            ticker=ticker,
            side=side,
            price=price,
            status=OrderStatus.RESTING,
            filled=Count(0),
            remaining=count,
        )
        return order_id

    def fill(self, order_id: str, count: int, at_ns: int) -> None:
        order = self.orders[order_id]
        count = min(count, order.remaining)
        if order.status.is_terminal or not count:
            return
        fill = Fill(
            f"f-{len(self.fills) + 1}", order_id, order.ticker, order.side, order.price, Count(count),
            Cash(count // 3), False, at_ns,
        )  # fmt: skip
        self.fills.append(fill)
        held = Count(self.held.get(order.ticker, 0))
        self.cash += cash_change_of_fill(held, fill.side, fill.price, fill.count, fill.fee)
        self.held[order.ticker] = held + fill.side.sign * count
        left = Count(order.remaining - count)
        status = OrderStatus.RESTING if left else OrderStatus.EXECUTED
        self._change(order_id, at_ns, status=status, filled=Count(order.filled + count), remaining=left)
        self.said.append(OrderFilled(at_ns=at_ns, client_order_id=order.client_order_id, fill=fill))

    def cancel(self, order_id: str, at_ns: int) -> None:
        if not self.orders[order_id].status.is_terminal:
            self._change(order_id, at_ns, status=OrderStatus.CANCELED, remaining=Count(0))

    def settle(self, ticker: Ticker, yes_value: Price, at_ns: int) -> None:
        if any(settled.ticker == ticker for settled in self.settlements):
            return
        for order_id, order in self.orders.items():
            if order.ticker == ticker:
                self.cancel(order_id, at_ns)
        self.cash += cash_change_of_settlement(Count(self.held.pop(ticker, 0)), yes_value)
        self.settlements.append(Settlement(ticker, yes_value, at_ns))
        self.said.append(MarketSettled(at_ns=at_ns, settlement=self.settlements[-1]))

    def is_settled(self, ticker: Ticker) -> bool:
        return any(settled.ticker == ticker for settled in self.settlements)

    def _change(self, order_id: str, at_ns: int, **changed: object) -> None:
        order = self.orders[order_id] = msgspec.structs.replace(self.orders[order_id], **changed)
        self.said.append(
            OrderReported(
                at_ns=at_ns,
                client_order_id=order.client_order_id,
                order_id=order_id,
                status=order.status,
                filled=order.filled,
            )
        )

    def reads(self, at_ns: int) -> AccountReads:
        return AccountReads(
            at_ns,
            at_ns,
            tuple(self.orders.values()),
            tuple(self.fills),
            tuple(self.settlements),
            tuple(PositionReport(t, Count(held), Cash(0), Cash(0)) for t, held in self.held.items()),
            Cash(self.cash),
        )


ANSWERS = st.sampled_from(("ack", "unknown", "silence", "lost"))
STEPS = st.one_of(
    st.tuples(st.just("quote"), st.sampled_from(TICKERS), st.sampled_from((7, 92))),
    st.tuples(st.just("order"), st.sampled_from(TICKERS), st.sampled_from((7, 92)), ANSWERS),
    st.tuples(st.just("order"), st.sampled_from(TICKERS), st.sampled_from((7, 92)), ANSWERS),
    st.tuples(st.just("arrive"), st.integers(0, 3), ANSWERS),
    st.tuples(st.just("fill"), st.integers(0, 7), st.integers(1, 30_000)),
    st.tuples(st.just("fill"), st.integers(0, 7), st.integers(1, 3_000)),
    st.tuples(st.just("cancel"), st.integers(0, 7)),
    st.tuples(st.just("external"), st.sampled_from(TICKERS), st.booleans(), st.integers(1, 3_000)),
    st.tuples(st.just("foreign hands"), st.integers(1, 3_000)),
    st.tuples(st.just("say"), st.integers(0, 10**6)),
    st.tuples(st.just("read"), st.integers(0, 10**6)),
    st.tuples(st.just("later"), st.sampled_from((0.5, 3.0, 6.0))),
    st.tuples(st.just("settle"), st.sampled_from(TICKERS), st.sampled_from((0, 2_500, PAYOUT))),
)
"""The feed may tell anything it ever told, again and in any order; lists may lag."""

Step = tuple[object, ...]


class Story:
    """An engine before the exchange of the model."""

    def __init__(self, style: Literal["maker", "taker"] = "maker") -> None:
        self.model = ExchangeModel()
        self.desk = Desk(engine(settings(style)))
        self.ended: dict[str, OrderStatus] = {}
        self.desk.take(
            AccountOpened(
                at_ns=self.desk.now_ns,
                account="account-1",
                cash=Cash(self.model.cash),
                positions=(OPENING,),
            )
        )
        self.desk.connect(*MARKETS)
        # A position is marked from now on, so that there is an equity to trade with.
        for each in MARKETS:
            self.desk.show(quote(49, 50), each.ticker)
        self.desk.scan()
        self.reconciler = Reconciler(self.desk.engine.account, PREFIX)
        self.sent: list[OrderIntent] = []

    def live(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.do(step)

    def do(self, step: Step) -> None:
        desk, model = self.desk, self.model
        match step:
            case ("quote", str(ticker), int(bid)):
                desk.prove()
                self.sent += submits(desk.scan())
                self.sent += submits(desk.show(quote(bid, bid + 1), ticker))
            case ("order", str(ticker), int(bid), str(how)):
                before = len(self.sent)
                self.do(("quote", ticker, bid))
                for _ in self.sent[before:]:
                    self.arrive(self.sent.pop(), how)
            case ("arrive", int(which), str(how)):
                if self.sent:
                    self.arrive(self.sent.pop(which % len(self.sent)), how)
            case ("fill", int(which), int(count)) if model.orders:
                model.fill(self.order_id(which), count, desk.now_ns)
            case ("cancel", int(which)) if model.orders:
                model.cancel(self.order_id(which), desk.now_ns)
            case ("external", str(ticker), bool(is_bid), int(count)) if not model.is_settled(ticker):
                side = BookSide.BID if is_bid else BookSide.ASK
                model.place(ticker, side, cents(40), Count(count), "")
            case ("foreign hands", int(count)) if not model.is_settled(A):
                # Placed and filled between two reads.
                model.fill(model.place(A, BookSide.ASK, cents(60), Count(count), "web"), count, desk.now_ns)
            case ("say", int(seed)):
                told = random.Random(seed).choices(model.said, k=4) if model.said else []
                for event in told:
                    desk.take(event)
            case ("read", int(seed)):
                self.read_partly(seed)
            case ("later", float(seconds)):
                desk.later(seconds)
            case ("settle", str(ticker), int(value)):
                model.settle(ticker, Price(value), desk.now_ns)

    def order_id(self, which: int) -> str:
        order_ids = list(self.model.orders)
        return order_ids[-1 - which % len(order_ids)]

    def arrive(self, intent: OrderIntent, how: str) -> None:
        """An order reaches the exchange, or not, and its answer us, or not."""
        order_id = ""
        is_late = self.desk.now_ns > self.sent_ns(intent) + ARRIVES_WITHIN_NS
        if how != "lost" and not is_late and not self.model.is_settled(intent.ticker):
            order_id = self.model.place(
                intent.ticker, intent.side, intent.price, intent.count, intent.client_order_id
            )
        at_ns, client_order_id = self.desk.now_ns, intent.client_order_id
        if how == "ack" and order_id:
            self.model.said.append(
                OrderAcked(at_ns=at_ns, client_order_id=client_order_id, order_id=order_id)
            )
        elif how != "silence":
            self.desk.take(OrderBecameUnknown(at_ns=at_ns, client_order_id=client_order_id, reason="reset"))

    def sent_ns(self, intent: OrderIntent) -> int:
        return self.desk.engine.account.orders[intent.client_order_id].sent_ns

    def read_partly(self, seed: int) -> None:
        """Lists that lag: the newest orders or fills are not in them yet, but positions are."""
        reads, lag = self.model.reads(self.desk.now_ns), random.Random(seed)
        orders = reads.orders[: len(reads.orders) - lag.randrange(3)]
        fills = reads.fills[: len(reads.fills) - lag.randrange(3)]
        self.take(msgspec.structs.replace(reads, orders=orders, fills=fills))

    def take(self, reads: AccountReads) -> list[Action]:
        since = len(self.desk.actions)
        for event in self.reconciler.events(reads):
            self.desk.take(event)
        return self.desk.actions[since:]

    def check_never_more_than_the_exchange_and_nothing_reopened(self) -> None:
        account = self.desk.engine.account
        known = {fill.fill_id for fill in self.model.fills}
        assert account.fill_ids <= known
        filled = {order.client_order_id: order.filled for order in self.model.orders.values()}
        for client_order_id, order in account.orders.items():
            assert order.filled <= filled.get(client_order_id, 0)
            assert self.ended.get(client_order_id, order.status) is order.status
            if order.status.is_terminal:
                self.ended[client_order_id] = order.status

    def settle_down(self) -> None:
        """Long enough for every proof, with complete reads."""
        for _ in range(8):
            self.desk.later(15)
            self.take(self.model.reads(self.desk.now_ns))
        self.desk.later(700)
        for _ in range(8):
            self.desk.later(15)
            self.take(self.model.reads(self.desk.now_ns))

    def check_equal(self) -> None:
        account, model = self.desk.engine.account, self.model
        assert account.cash == model.cash
        assert {t: p.contracts for t, p in account.held.items()} == {t: c for t, c in model.held.items() if c}
        assert account.fill_ids == {fill.fill_id for fill in model.fills}
        assert account.fees == sum(fill.fee for fill in model.fills)
        assert position_differences(account, model.reads(self.desk.now_ns)) == {}
        ours = {r.client_order_id: r for r in model.orders.values() if r.client_order_id.startswith(PREFIX)}
        for client_order_id, order in account.orders.items():
            report = ours.get(client_order_id)
            expected = OrderStatus.REJECTED if report is None else report.status
            assert (order.status, order.filled) == (expected, report.filled if report else 0)
        resting = [r for r in model.orders.values() if r.status is OrderStatus.RESTING]
        external = [r for r in resting if not r.client_order_id.startswith(PREFIX)]
        assert list(self.desk.engine.external_orders) == external
        assert {o.order_id for o in account.open_orders} == {r.order_id for r in resting if r not in external}


def test_after_complete_reads_the_account_is_the_exchanges_and_the_journal_is_the_account(
    count: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    seen: list[int] = []

    @hypothesis_settings(
        max_examples=count(150, 2_000), deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(("maker", "taker")), st.lists(STEPS, min_size=15, max_size=60))
    def runs(style: Literal["maker", "taker"], steps: list[Step]) -> None:
        story = Story(style)
        for step in steps:
            story.live([step])
            story.check_never_more_than_the_exchange_and_nothing_reopened()
        story.settle_down()
        story.check_equal()
        account, _ = replayed(records(story.desk.actions))
        assert account.comparable() == story.desk.engine.account.comparable()
        assert account.open_orders == story.desk.engine.account.open_orders
        seen.append(len(story.model.fills))

    runs()
    tell(f"{len(seen)} sequences, {sum(seen)} fills, each account equal to the exchange's to the unit")


def test_stories_reach_fills_of_ours_and_of_others() -> None:
    """The stories above are worth something only if they get this far."""
    story = Story()
    story.live(
        [
            ("quote", A, 92),
            ("arrive", 0, "unknown"),
            ("fill", 0, 500),
            ("external", B, False, 300),
            ("fill", 0, 300),
            ("foreign hands", 100),
            ("say", 3),
        ]
    )
    story.settle_down()
    story.check_equal()
    account = story.desk.engine.account
    assert account.position(A) == Position().filled(BookSide.BID, cents(92), Count(500), Cash(166)).filled(
        BookSide.ASK, cents(60), Count(100), Cash(33)
    )
    assert account.position(B).contracts == OPENING.position - 300
    assert account.external == {A, B}
