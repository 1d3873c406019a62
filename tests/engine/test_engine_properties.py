"""Whatever happens in whatever order: conservation, determinism, and a journal that is the state."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
from engine_builders import (
    DAY,
    SECOND,
    A,
    B,
    C,
    Desk,
    contracts,
    desk,
    engine,
    exchange_id,
    halts_begun,
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

from console.config.risk_settings import RiskSettings
from console.domain.account_events import MarketSettled, OrderFilled, OrderIntended
from console.domain.actions import Action
from console.domain.book import BookSide
from console.domain.commands import CancelAllOrders
from console.domain.engine_events import ErrorHappened, LatchCleared
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market import Market, Ticker
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, Settlement
from console.domain.trading_state import TradingState
from console.engine.journal import Journal
from console.engine.log_views import LogEntry, LogKind
from console.risk.exposure import Exposure
from console.risk.latches import latch_id
from console.risk.switch_reader import SwitchReader, read_switch
from console.risk.switches.every import every_switch

MARKETS = (market(A), market(B), market(C, category="Weather"))
TICKERS = st.sampled_from((A, B, C))
BIDS = st.sampled_from((None, 5, 7, 45, 91, 92, 93, 96))
WHICH = st.integers(0, 7)
STATUSES = st.sampled_from((OrderStatus.RESTING, OrderStatus.CANCELED, OrderStatus.EXECUTED))

FILLS = st.tuples(st.just("fill"), WHICH, st.integers(0, 3), st.integers(1, 30_000), st.integers(0, 90_000))
"""Few fill ids, so that fills are told again; sizes in hundredths of a contract, overfills among them."""

RESUMED = (
    "manual", "pause", "overfill", "daily_loss", "stale_book", "drawdown", "loss_streak", "clock_skew",
    "exchange_paused", "error_burst", "position_mismatch", "tripwire", "reject_rate",
)  # fmt: skip

STEPS = st.one_of(
    st.tuples(st.just("quote"), TICKERS, st.sampled_from((7, 92))),
    FILLS,
    st.tuples(st.just("quote"), TICKERS, BIDS),
    st.tuples(st.just("ack"), WHICH),
    st.tuples(st.just("reject"), WHICH),
    st.tuples(st.just("unknown"), WHICH),
    st.tuples(st.just("report"), WHICH, STATUSES, st.integers(0, 40)),
    FILLS,
    st.tuples(st.just("opposite"), WHICH, st.integers(1, 30_000)),
    st.tuples(st.just("settle"), TICKERS, st.sampled_from((0, 2_500, PAYOUT))),
    st.tuples(st.just("later"), st.sampled_from((0.5, 3.0, 31.0, float(DAY // 1_000_000_000)))),
    st.tuples(st.sampled_from(("scan", "tick", "prove", "lose_feed", "pause", "halt", "cancel_all"))),
    st.tuples(st.just("resume"), st.sampled_from(RESUMED)),
    st.tuples(st.just("exchange"), st.booleans()),
    st.tuples(st.just("clock"), st.sampled_from((-7_200.0, -1.0, 6.0, 18_000.0))),
    st.tuples(st.just("skew"), st.sampled_from((0, 1_500, -6_000))),
    st.tuples(st.just("differ"), st.booleans()),
    st.tuples(st.sampled_from(("error", "prove", "prove"))),
)
"""Among them a wall clock that steps while no time passes."""

Step = tuple[object, ...]
STORIES = st.lists(STEPS, min_size=10, max_size=60)
STYLES = st.sampled_from(("maker", "taker"))
PATIENT = hypothesis_settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Recorder(Desk):
    """A desk that keeps every event it told, and adds up cash and positions in a way of its own."""

    def __init__(
        self, style: str, risk: RiskSettings | None = None, markets: Sequence[Market] = MARKETS
    ) -> None:
        super().__init__(engine(settings("maker" if style == "maker" else "taker", risk)))
        self.events: list[EngineEvent] = []
        self.fills_seen: set[str] = set()
        self.fees = 0
        self.settled_value = 0
        self.payouts = 0
        self.yes_spent = 0
        self.positions: Counter[Ticker] = Counter()
        limits = self.engine.settings
        self.readers = [SwitchReader(switch) for switch in every_switch(limits.risk, limits.quality)]
        self.open(*markets)
        self.show(quote(92, 93), A)
        self.show(quote(7, 8), B)

    def take(self, event: EngineEvent) -> list[Action]:
        self.events.append(event)
        match event:
            case OrderFilled(fill=fill) if fill.fill_id not in self.fills_seen:
                self.fills_seen.add(fill.fill_id)
                signed = fill.count if fill.side is BookSide.BID else -fill.count
                self.positions[fill.ticker] += signed
                self.yes_spent += signed * fill.price
                self.fees += fill.fee
            case MarketSettled(settlement=settlement):
                held = self.positions.pop(settlement.ticker, 0)
                self.settled_value += held * settlement.yes_value
                self.payouts += held * settlement.yes_value + max(0, -held) * PAYOUT
        return super().take(event)

    @property
    def cash(self) -> int:
        """On the YES scale: a NO held is a YES sold, for which a dollar each is kept."""
        kept = sum(-held * PAYOUT for held in self.positions.values() if held < 0)
        start = self.engine.account.start_cash
        return start - self.yes_spent - self.fees + self.settled_value - kept

    def check(self) -> None:
        account = self.engine.account
        assert account.cash == self.cash
        assert {t: p.contracts for t, p in account.held.items()} == {
            t: c for t, c in self.positions.items() if c
        }
        assert (account.fees, account.settlements) == (self.fees, self.payouts)
        assert account.cash + sum(p.paid for p in account.held.values()) == (
            account.start_cash + sum(p.realised - p.fees for p in account.positions.values())
        )
        exposure = self.engine.exposure()
        worst = [exposure.total, *exposure.groups.values(), *(m.worst for m in exposure.markets.values())]
        assert min(case.held for case in worst) >= 0
        assert all(case.with_orders >= 0 for case in worst)
        assert exposure.reserved >= 0
        assert max(Counter(order.intent.ticker for order in account.open_orders).values(), default=0) <= 1
        self.check_readings()

    def check_readings(self) -> None:
        """What was read before and kept is what would be read now; and so with exposure."""
        engine = self.engine
        view = engine.risk_view(self.now_ns)
        for reader in self.readers:
            assert reader.read(view) == read_switch(reader.switch, view)
        account = engine.account
        assert engine.exposure() == Exposure.of(
            account.held, account.open_orders, engine.markets.places, engine.external_orders
        )

    def live(self, steps: Iterable[Step]) -> None:
        for step in steps:
            state = self.state
            since = len(self.actions)
            self.do(step)
            self.check()
            if submits(self.actions[since:]):
                assert state is self.state is TradingState.RUNNING

    def do(self, step: Step) -> None:
        match step:
            case ("quote", str(ticker), bid):
                assert bid is None or isinstance(bid, int)
                self.show(quote(bid, None if bid is None else bid + 1), ticker)
            case ("settle", str(ticker), int(value)):
                settlement = Settlement(ticker, Price(value), self.now_ns)
                self.take(MarketSettled(at_ns=self.now_ns, settlement=settlement))
            case ("later", float(seconds)):
                self.later(seconds)
            case ("resume", str(latch)):
                self.resume(latch)
            case ("exchange", bool(trading)):
                self.exchange(trading=trading)
            case ("clock", float(seconds)):
                self.now_ns += int(seconds * SECOND)
            case ("skew", int(milliseconds)):
                self.skew_ms = milliseconds
                self.read_exchange()
            case ("differ", bool(different)):
                self.mismatch = "A: ours 1, the exchange's 2" if different else ""
                self.read_exchange()
            case ("error",):
                self.take(ErrorHappened(at_ns=self.now_ns, source="orders", message="refused"))
            case ("cancel_all",):
                self.take(CancelAllOrders(at_ns=self.now_ns))
            case (("scan" | "tick" | "prove" | "lose_feed" | "pause" | "halt") as name,):
                getattr(self, name)()
            case (str(name), int(which), *rest):
                sent = submits(self.actions)
                if sent:
                    self.answer(name, sent[-1 - which % len(sent)], rest)

    def answer(self, name: str, intent: OrderIntent, rest: Sequence[object]) -> None:
        match name, rest:
            case "ack", _:
                self.ack(intent)
            case "reject", _:
                self.reject(intent)
            case "unknown", _:
                self.lose_sight(intent)
            case "report", [OrderStatus() as status, int(filled)]:
                self.report(intent, status, contracts(filled))
            case "fill", [int(number), int(count), int(fee)]:
                self.filled(intent, f"{intent.client_order_id}/{number}", intent.side, count, fee)
            case "opposite", [int(count)]:
                # Reduces or turns the position: what an exit does to the books.
                fill_id = f"{intent.client_order_id}/opposite/{self.told}"
                self.filled(intent, fill_id, intent.side.opposite, count, 1)

    def filled(self, intent: OrderIntent, fill_id: str, side: BookSide, count: int, fee: int) -> None:
        self.told += 1
        fill = Fill(
            fill_id,
            exchange_id(intent),
            intent.ticker,
            side,
            intent.price,
            Count(count),
            Cash(fee),
            True,
            self.now_ns,
        )
        self.take(OrderFilled(at_ns=self.now_ns, client_order_id=intent.client_order_id, fill=fill))


def lived(style: str, steps: Iterable[Step]) -> Recorder:
    story = Recorder(style)
    story.check()
    story.live(steps)
    return story


def sha256(actions: Sequence[Action]) -> str:
    return hashlib.sha256(msgspec.json.encode(actions)).hexdigest()


def journaled_lines(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The log but for our own denials, which are not journaled, and the numbers they shift."""
    return [msgspec.structs.replace(e, sequence=0) for e in entries if e.kind is not LogKind.DENIED]


@PATIENT
@given(STYLES, STORIES)
def test_cash_positions_fees_and_exposure_add_up_after_every_event(style: str, steps: list[Step]) -> None:
    lived(style, steps)


CAPS = hypothesis_settings(PATIENT, max_examples=200)


TIGHT = RiskSettings(
    max_correlated_group_pct=Decimal("0.07"),
    max_event_exposure_pct=Decimal("0.06"),
    max_total_exposure_pct=Decimal("0.11"),
)
MANY = (*MARKETS, *(market(f"KXTEMP-{name}", category="Weather") for name in "DEF"))
ENTRIES = st.lists(
    st.one_of(
        st.tuples(
            st.just("quote"), st.sampled_from([m.ticker for m in MANY]), st.sampled_from((7, 60, 91, 92, 93))
        ),
        st.tuples(st.just("quote"), st.sampled_from([m.ticker for m in MANY]), st.sampled_from((7, 92))),
        FILLS,
        st.tuples(st.sampled_from(("ack", "reject", "unknown")), WHICH),
        st.tuples(st.just("clock"), st.sampled_from((-5.0, 5.0))),
        st.tuples(st.just("later"), st.sampled_from((0.5, 3.0))),
        st.tuples(st.sampled_from(("scan", "error", "prove"))),
    ),
    min_size=20,
    max_size=60,
)


@CAPS
@given(STYLES, ENTRIES)
def test_no_order_that_is_sent_takes_its_market_event_group_or_total_over_a_cap(
    style: str, steps: list[Step]
) -> None:
    story, since = Recorder(style, TIGHT, MANY), 0
    for step in [("scan",), *steps]:
        story.live([step])
        exposure, equity = story.engine.exposure(), story.engine.equity
        for intent in submits(story.actions[since:]):
            assert equity is not None
            place = exposure.place(intent.ticker)
            for at_stake, share in (
                (exposure.market(intent.ticker).worst, TIGHT.max_single_position_pct),
                (exposure.group(place.group), TIGHT.max_correlated_group_pct),
                (exposure.event(place.event), TIGHT.max_event_exposure_pct),
                (exposure.total, TIGHT.max_total_exposure_pct),
            ):
                assert at_stake.with_orders <= share * equity
        since = len(story.actions)


@CAPS
@given(STYLES, STORIES)
def test_the_state_never_falls_but_by_a_named_latch_that_the_operator_or_its_own_end_cleared(
    style: str, steps: list[Step]
) -> None:
    story = Recorder(style)
    for step in steps:
        before = {latch.id: latch for latch in story.engine.account.latches.active}
        since = len(story.actions)
        story.live([step])
        ended = [r for r in records(story.actions[since:]) if isinstance(r, LatchCleared)]
        left = story.engine.account.latches
        for key, latch in before.items():
            now = left.get(key)
            cleared_by = {r.source for r in ended if latch_id(r.name, r.scope) == key}
            if now is None or now.level < latch.level:
                assert cleared_by == ({"operator"} if step == ("resume", key) else {"risk"})
                by_itself = latch.name in BY_THEMSELVES and latch.level is not TradingState.HALTED
                assert by_itself or cleared_by == {"operator"}


BY_THEMSELVES = {"stale_book", "clock_skew", "exchange_paused", "loss_streak", "correlation"}


@PATIENT
@given(STYLES, STORIES)
def test_every_order_is_journaled_first_and_sent_once_under_its_own_id(style: str, steps: list[Step]) -> None:
    story = lived(style, steps)
    sent = [intent.client_order_id for intent in submits(story.actions)]
    intended = [r.intent.client_order_id for r in records(story.actions) if isinstance(r, OrderIntended)]
    assert sent == intended
    assert len(set(sent)) == len(sent)


@PATIENT
@given(STYLES, STORIES)
def test_terminal_orders_never_change_but_for_fills_and_more_filled_than_ordered_halts(
    style: str, steps: list[Step]
) -> None:
    story = Recorder(style)
    ended: dict[str, OrderStatus] = {}
    for step in steps:
        story.live([step])
        for client_order_id, order in story.engine.account.orders.items():
            if client_order_id in ended:
                assert order.status is ended[client_order_id]
            elif order.status.is_terminal:
                ended[client_order_id] = order.status
    if any(order.filled > order.intent.count for order in story.engine.account.orders.values()):
        assert halts_begun(story.actions) > 0


@PATIENT
@given(STYLES, STORIES)
def test_the_same_events_give_the_same_actions(style: str, steps: list[Step]) -> None:
    story = lived(style, steps)
    again = engine(settings("maker" if style == "maker" else "taker"))
    actions = [action for event in story.events for action in again.handle(event)]
    assert sha256(actions) == sha256(story.actions)
    assert again.account.comparable() == story.engine.account.comparable()


@hypothesis_settings(PATIENT, max_examples=40)
@given(STYLES, STORIES)
def test_the_journal_read_back_is_the_state(style: str, steps: list[Step]) -> None:
    story = Recorder(style)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        journal = Journal(path)
        journal.append(records(story.actions))
        for step in steps:
            since = len(story.actions)
            story.live([step])
            new: list[JournaledEvent] = records(story.actions[since:])
            if new:
                journal.append(new)
        journal.close()
        reopened = Journal(path)
        account, trade_log = replayed(reopened.replay())
        reopened.close()
    assert account.comparable() == story.engine.account.comparable()
    assert account.open_orders == story.engine.account.open_orders
    assert journaled_lines(trade_log.entries) == journaled_lines(story.engine.trade_log.entries)


def test_stories_reach_fills_settlements_and_halts() -> None:
    """The stories above are worth something only if they get this far."""
    story = lived(
        "maker",
        [
            ("ack", 1),
            ("fill", 1, 0, 500, 10),
            ("fill", 1, 0, 500, 10),
            ("opposite", 1, 800),
            ("settle", A, PAYOUT),
            ("fill", 1, 1, 100, 0),
            ("settle", A, PAYOUT),
            ("halt",),
        ],
    )
    account = story.engine.account
    assert len(account.fill_ids) == 3
    assert account.settlements == 100 * PAYOUT
    assert account.latches.state is TradingState.HALTED
    assert desk().engine.account.comparable() != account.comparable()
