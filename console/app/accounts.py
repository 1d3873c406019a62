"""The account that is traded: the exchange's, or a simulated one beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from console.app.launch import Launch
from console.app.parts import venue_of
from console.app.recording import RunRecording
from console.domain.market_events import TradePrinted
from console.domain.ports import Feed, HaltLine, Venue
from console.engine.gate import Gate
from console.exchange.clock import ServerClock
from console.exchange.feed import KalshiFeed
from console.exchange.halt_line import BlockingHaltLine
from console.exchange.hosts import Connection
from console.exchange.signing import Signer
from console.simulation.broker import Broker
from console.simulation.venue import SimulatedFeed, SimulatedHaltLine, SimulatedVenue


@dataclass(frozen=True)
class TradedAccount:
    """The account that is traded: where its orders go, and where what becomes of it is kept."""

    name: str
    journal: Path
    sentinel: Path
    make_venue: Callable[[Gate], Venue]
    make_feed: Callable[[Venue], Feed]
    make_halt_line: Callable[[], HaltLine]


def exchange_account(
    launch: Launch, connection: Connection, signer: Signer, clock: ServerClock, recording: RunRecording
) -> TradedAccount:
    """The account at the exchange."""
    deadline_s = float(launch.settings.exchange.request_timeout_seconds)
    return TradedAccount(
        name=connection.key_id,
        journal=launch.folder.journal,
        sentinel=launch.folder.halt_sentinel,
        make_venue=lambda gate: venue_of(
            launch, connection, signer, clock, lambda reduce_only: gate.permits(reduce_only=reduce_only)
        ),
        make_feed=lambda _venue: KalshiFeed(
            connection,
            signer,
            clock,
            wall_ns=time.time_ns,
            on_trade=recording.hear_trade,
            on_book=recording.hear_book,
        ),
        make_halt_line=lambda: BlockingHaltLine(connection, signer, clock, deadline_s=deadline_s),
    )


def simulated_account(
    launch: Launch, connection: Connection, signer: Signer, clock: ServerClock, recording: RunRecording
) -> TradedAccount:
    """A new account of a dry run. The engine holds nothing through which the exchange's could be changed."""
    broker = Broker(time.time_ns)

    def hear_trade(trade: TradePrinted) -> None:
        broker.print_trade(trade)
        if recording.hear_trade is not None:
            recording.hear_trade(trade)

    return TradedAccount(
        name=f"dry-run:{connection.key_id}:{time.time_ns()}",
        journal=launch.folder.dry_run_journal,
        sentinel=launch.folder.dry_run_sentinel,
        make_venue=lambda gate: SimulatedVenue(
            venue_of(launch, connection, signer, clock, lambda _reduce_only: False),
            broker,
            may_send=lambda reduce_only: gate.permits(reduce_only=reduce_only),
            wall_ns=time.time_ns,
        ),
        make_feed=lambda _venue: SimulatedFeed(
            KalshiFeed(
                connection,
                signer,
                clock,
                wall_ns=time.time_ns,
                on_trade=hear_trade,
                on_book=recording.hear_book,
            ),
            broker,
        ),
        make_halt_line=lambda: SimulatedHaltLine(broker),
    )
