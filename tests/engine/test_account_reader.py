"""Reads of the account that race with what the feed tells, and differences that do not go away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from engine_builders import SECOND, START, A, Desk, contracts, desk, exchange_id, settings
from scripted_venue import ScriptedExchange, ScriptedFeed, ScriptedHaltLine, ScriptedVenue, run_of

from console.domain.events import EngineEvent, Resume, TradingState
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count
from console.domain.order import Fill, OrderIntent, PositionReport, Settlement
from console.domain.ports import Universe
from console.engine.account_reader import OVERLAP_NS, AccountReader
from console.engine.gate import Gate, Sentinel
from console.engine.halter import Halter
from console.engine.journal import Journal
from console.engine.outside import Outside
from console.engine.snapshot import Snapshot

TEN = contracts(10)


def position(held: Count, ticker: Ticker = A) -> PositionReport:
    return PositionReport(ticker, held, Cash(0))


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
    trading = desk(settings("maker"))
    intent = trading.enter()
    trading.ack(intent)
    trading.fill(intent, TEN)
    exchange = ScriptedExchange()
    exchange.cash = trading.engine.account.cash
    exchange.positions = [position(TEN)]
    exchange.accept(intent, exchange_id(intent))
    gate, sentinel = Gate(), Sentinel(tmp_path / "HALT")

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


def test_positions_that_still_differ_forbid_to_resume(tmp_path: Path) -> None:
    exchange = ScriptedExchange()
    exchange.positions = [position(TEN)]
    with run_of(tmp_path, exchange) as run:

        def is_halted(snapshot: Snapshot) -> bool:
            return any(latch.name == "position_mismatch" for latch in snapshot.latches)

        run.seen("halted", is_halted)
        assert run.worker.wait_halted(20)
        difference = "ours 0.00, the exchange's 10.00"
        run.seen("why it may not end", lambda s: difference in (s.latches[0].refusal or ""))
        run.worker.send(Resume(at_ns=time.time_ns(), latch="position_mismatch", reason="seen"))
        told = run.seen("the refusal", lambda s: "not cleared" in s.alerts[-1].text)
        assert is_halted(told)
