"""Reads of the account that race with what the feed tells, and differences that do not go away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    SECOND,
    START,
    A,
    B,
    Desk,
    contracts,
    desk,
    dollars,
    exchange_id,
    market,
    records,
    replayed,
    settings,
)
from scripted_venue import ScriptedExchange, ScriptedFeed, ScriptedHaltLine, ScriptedVenue, fails, run_of

from console.domain.book import BookSide
from console.domain.commands import Resume
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, PositionReport, Settlement
from console.domain.ports import Universe, VenueError
from console.domain.trading_state import TradingState
from console.engine.account_reader import AccountReader
from console.engine.gate import Gate, Sentinel
from console.engine.halter import Halter
from console.engine.journal import Journal
from console.engine.outside import Outside
from console.engine.reconcile import LIST_MARGIN_NS, OVERLAP_NS
from console.engine.snapshot import Snapshot

TEN = contracts(10)


def position(held: Count, ticker: Ticker = A) -> PositionReport:
    return PositionReport(ticker, held, Cash(0), Cash(0))


class Reads:
    """A desk, what the exchange says, and the reader between them."""

    def __init__(self, trading: Desk, exchange: ScriptedExchange, outside: Outside) -> None:
        self.trading, self.exchange, self.venue = trading, exchange, outside.venue
        self.reader = AccountReader(trading.engine, outside, self._step)

    def _step(self, event: EngineEvent) -> None:
        self.trading.take(event)

    async def reconcile(self, after_s: float = 5) -> None:
        self.trading.later(after_s)
        await self.reader.reconcile()


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[tuple[Reads, OrderIntent]]:
    """Ten contracts held, as the exchange says too."""
    trading = desk(settings("maker"), market(A), market(B))
    intent = trading.enter()
    trading.ack(intent)
    trading.fill(intent, TEN)
    exchange = ScriptedExchange()
    exchange.cash = trading.engine.account.cash
    exchange.positions = [position(TEN)]
    exchange.accept(intent, exchange_id(intent))
    sentinel = Sentinel(tmp_path / "HALT")
    gate = Gate(sentinel)

    halter = Halter(
        gate,
        sentinel,
        lambda: ScriptedHaltLine(exchange),
        groups=dict,
        is_ours=lambda _: False,
        wall_ns=time.time_ns,
    )
    journal = Journal(tmp_path / "journal.sqlite")

    outside = Outside(
        journal=journal,
        venue=ScriptedVenue(exchange),
        feed=ScriptedFeed(),
        gate=gate,
        sentinel=sentinel,
        halter=halter,
        wall_ns=lambda: trading.now_ns,
        monotonic_ns=time.monotonic_ns,
        account_name="account-1",
        universe=Universe(),
        arms_itself=True,
    )
    yield Reads(trading, exchange, outside), intent
    journal.close()
    halter.stop()


Held = tuple[Reads, OrderIntent]


async def test_a_difference_of_positions_halts_once_it_outlasts_the_lag_of_lists(held: Held) -> None:
    reads, _ = held
    reads.exchange.positions = [position(Count(0))]
    await reads.reconcile()
    await reads.reconcile(after_s=4.9)
    assert reads.trading.state is TradingState.RUNNING
    await reads.reconcile(after_s=0.1)
    reads.trading.tick()
    assert reads.trading.latches == {"position_mismatch"}


async def test_a_payout_that_positions_show_before_settlements_do_is_no_difference(held: Held) -> None:
    reads, _ = held
    reads.exchange.positions = []
    for _ in range(5):
        await reads.reconcile(after_s=0.5)
    reads.exchange.settlements = [Settlement(A, PAYOUT, reads.trading.now_ns)]
    await reads.reconcile()
    await reads.reconcile()
    assert reads.trading.state is TradingState.RUNNING
    assert reads.trading.engine.account.held == {}


async def test_a_payout_told_by_the_feed_between_two_reads_is_no_difference(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, _ = held
    trading, exchange = reads.trading, reads.exchange
    told = len(trading.engine.alerts)

    async def settled_by_the_feed() -> Cash:
        before = exchange.cash
        trading.settle(PAYOUT)
        exchange.cash = trading.engine.account.cash
        return before

    monkeypatch.setattr(reads.venue, "balance", settled_by_the_feed)
    await reads.reconcile()
    assert reads.reader.mismatch is None
    assert len(trading.engine.alerts) == told


async def test_later_reads_begin_shortly_before_the_last(held: Held) -> None:
    reads, intent = held
    old = Fill(
        "old", exchange_id(intent), A, intent.side, intent.price, TEN, Cash(0), False, START - OVERLAP_NS
    )
    await reads.reconcile()
    reads.exchange.fills = [old]
    reads.trading.later(OVERLAP_NS / SECOND)
    await reads.reconcile()
    assert not reads.trading.engine.account.knows_fill("old")
    reads.exchange.fills = [msgspec.structs.replace(old, at_ns=reads.trading.now_ns - OVERLAP_NS + SECOND)]
    await reads.reconcile(after_s=0)
    assert reads.trading.engine.account.knows_fill("old")


def set_clock(reads: Reads, seconds: int) -> None:
    """Set our clock, as the exchange's answers then show."""
    assert isinstance(reads.venue, ScriptedVenue)
    reads.trading.now_ns += seconds * SECOND
    reads.venue.skew_ms = (reads.venue.skew_ms or 0) + seconds * 1000


async def test_a_fill_that_is_listed_long_after_positions_show_it_is_found_all_the_same(held: Held) -> None:
    reads, intent = held
    await reads.reconcile()
    filled_ns = reads.trading.now_ns
    reads.exchange.positions = [position(Count(TEN + TEN))]
    for _ in range(10):
        await reads.reconcile(after_s=60)
    reads.trading.tick()
    assert "position_mismatch" in reads.trading.latches
    late = Fill("late", exchange_id(intent), A, intent.side, intent.price, TEN, Cash(0), False, filled_ns)
    reads.exchange.fills = [late]
    await reads.reconcile()
    await reads.reconcile()
    assert reads.trading.engine.account.knows_fill("late")
    assert reads.reader.mismatch is None


async def test_a_clock_that_is_set_forward_does_not_age_a_difference(held: Held) -> None:
    reads, _ = held
    reads.exchange.positions = [position(Count(0))]
    await reads.reconcile()
    set_clock(reads, 3_600)
    await reads.reconcile(after_s=1)
    reads.trading.tick()
    assert "position_mismatch" not in reads.trading.latches


async def test_a_clock_that_was_wrong_hides_no_fill_from_a_read(held: Held) -> None:
    reads, intent = held
    set_clock(reads, 3_600)
    await reads.reconcile()
    await reads.reconcile()
    at_the_exchange_ns = reads.trading.now_ns - 3_600 * SECOND
    missed = Fill(
        "missed", exchange_id(intent), A, intent.side, intent.price, TEN, Cash(0), False, at_the_exchange_ns
    )
    reads.exchange.fills = [missed]
    await reads.reconcile()
    assert reads.trading.engine.account.knows_fill("missed")


async def test_an_order_of_unknown_outcome_is_not_given_up_because_the_clock_was_set(held: Held) -> None:
    reads, _ = held
    trading = reads.trading
    lost = trading.enter(FAVOURITE, B)
    trading.lose_sight(lost)

    def is_given_up() -> bool:
        return lost not in [order.intent for order in trading.engine.account.open_orders]

    for _ in range(6):
        await reads.reconcile()
    set_clock(reads, 3_600)
    for _ in range(6):
        await reads.reconcile()
    assert not is_given_up()
    for _ in range(120):
        await reads.reconcile()
    assert is_given_up()


@pytest.mark.parametrize("call", ["orders", "fills", "settlements", "positions", "balance"])
async def test_a_read_that_fails_anywhere_is_no_read_at_all(held: Held, call: str) -> None:
    reads, intent = held
    reads.exchange.positions, reads.exchange.resting = [], {}
    missed = Fill(
        "new", exchange_id(intent), A, intent.side, intent.price, TEN, Cash(0), False, reads.trading.now_ns
    )
    reads.exchange.fills = [missed]
    reads.exchange.trouble = fails(call)
    before, actions = reads.trading.engine.account.comparable(), len(reads.trading.actions)
    for _ in range(10):
        with pytest.raises(VenueError):
            await reads.reconcile(after_s=20)
    assert reads.trading.engine.account.comparable() == before
    assert len(reads.trading.actions) == actions
    reads.exchange.trouble = lambda _call, _number: None
    await reads.reconcile()
    assert reads.trading.engine.account.knows_fill("new")


async def test_the_list_of_orders_begins_before_the_oldest_that_may_still_fill(held: Held) -> None:
    reads, intent = held
    sent_ns = reads.trading.engine.account.orders[intent.client_order_id].sent_ns
    for _ in range(3):
        await reads.reconcile(after_s=400)
    assert reads.exchange.orders_since_ns == sent_ns - LIST_MARGIN_NS
    reads.trading.report(intent, OrderStatus.CANCELED, TEN)
    reads.exchange.resting = {}
    await reads.reconcile()
    await reads.reconcile()
    assert reads.exchange.orders_since_ns == reads.trading.now_ns - 5 * SECOND - OVERLAP_NS - LIST_MARGIN_NS


async def test_a_restart_reads_on_from_where_the_journal_says_everything_was_taken(held: Held) -> None:
    reads, _ = held
    await reads.reconcile(after_s=400)
    account, _log = replayed(records(reads.trading.actions))
    assert account.read_ns == reads.trading.now_ns == reads.trading.engine.account.read_ns
    await reads.reconcile(after_s=299)
    assert reads.trading.engine.account.read_ns == account.read_ns


async def test_an_account_is_opened_with_what_two_reads_in_a_row_agree_on(held: Held) -> None:
    reads, _ = held
    exchange, trading = reads.exchange, reads.trading
    exchange.balances = iter((dollars("1000"), dollars("990"), dollars("980"), dollars("980")))
    exchange.positions = [PositionReport(A, TEN, Cash(5), dollars("9")), position(Count(0), "OLD")]
    exchange.fills = [Fill("old", "x", A, BookSide.BID, Price(9_000), TEN, Cash(5), False, trading.now_ns)]
    await reads.reader.open_account("account-2")
    account = trading.engine.account
    assert (account.name, account.cash, set(account.held)) == ("account-2", dollars("980"), {A})
    assert (account.position(A).paid, account.external) == (dollars("9"), {A})
    assert [alert.text for alert in trading.engine.alerts][-2:] == [
        "at the start: KXBTC15M-A: 10.00 YES held already, external",
        "1 difference to the exchange at the start, each taken over",
    ]
    exchange.balances, exchange.cash, exchange.resting = None, account.cash, {}
    await reads.reconcile()
    await reads.reconcile()
    assert account.fill_ids == set()
    assert trading.state is TradingState.RUNNING


async def test_an_account_opened_with_a_clock_that_is_ahead_misses_no_fill_that_follows(held: Held) -> None:
    reads, _ = held
    exchange, trading, venue = reads.exchange, reads.trading, reads.venue
    assert isinstance(venue, ScriptedVenue)
    exchange.positions, exchange.resting, exchange.cash = [], {}, dollars("1000")
    set_clock(reads, 3_600)
    ahead_ms, venue.skew_ms = venue.skew_ms, None

    def first_answer(_call: str, _number: int) -> None:
        venue.skew_ms = ahead_ms

    exchange.trouble = first_answer
    await reads.reader.open_account("account-2")
    at_the_exchange_ns = trading.now_ns - 3_600 * SECOND
    exchange.fills = [
        Fill("later", "x", A, BookSide.BID, Price(9_000), TEN, Cash(5), False, at_the_exchange_ns + SECOND)
    ]
    await reads.reconcile()
    assert trading.engine.account.knows_fill("later")


async def test_an_account_that_never_stands_still_is_not_opened(held: Held) -> None:
    reads, _ = held
    reads.exchange.balances = iter(map(Cash, range(100)))
    with pytest.raises(VenueError, match="account account-2: it traded whenever it was read"):
        await reads.reader.open_account("account-2")
    assert reads.trading.engine.account.name == "account-1"


def test_positions_that_still_differ_forbid_to_resume(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    with run_of(tmp_path, exchange) as run:
        exchange.positions = [position(TEN)]

        def is_halted(snapshot: Snapshot) -> bool:
            return any(latch.name == "position_mismatch" for latch in snapshot.latches)

        run.seen("halted", is_halted)
        assert run.worker.wait_halted(20)
        difference = "ours 0.00, the exchange's 10.00"
        run.seen("why it may not end", lambda s: difference in (s.latches[0].refusal or ""))
        run.worker.send(Resume(at_ns=time.time_ns(), latch="position_mismatch", reason="seen"))
        told = run.seen("the refusal", lambda s: "not cleared" in s.alerts[-1].text)
        assert is_halted(told)
