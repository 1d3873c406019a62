"""What one drawing of the screen is made from: the engine's snapshot and what is known besides it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.config.schema import Settings
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.handle import EngineHandle
from console.engine.snapshot import Snapshot
from console.tui.edges import MeasuredEdges
from console.tui.keymap import key_of

LATE_NS = NS_PER_S
"""Ten pictures are made in a second: one older than this is called stale, which is seen within two."""

STOPPED_NS = 5 * NS_PER_S
"""An engine that was silent for so long is said to have stopped."""


STATUS_LATE_NS = 15 * NS_PER_S
"""The exchange is asked every five seconds how it is: what it said longer ago is no longer what it says."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known at ``now_ns``, UTC; ages grow between two snapshots."""

    snapshot: Snapshot | None
    heartbeat_age_ns: int
    failure: str | None
    outage: str | None
    halt: HaltView
    now_ns: int
    feed_limit_ns: int
    keymap: Mapping[str, str] = msgspec.field(default_factory=dict)
    edges: MeasuredEdges = msgspec.field(default_factory=dict)

    def key(self, action: str) -> str:
        """The key of an action, as it is written on the screen."""
        return key_of(action, self.keymap)

    @property
    def age_ns(self) -> int | None:
        """Age of the snapshot."""
        return None if self.snapshot is None else max(0, self.now_ns - self.snapshot.at_ns)

    @property
    def feed_age_ns(self) -> int | None:
        """Time since the feed proved itself, the snapshot's own age included."""
        if self.snapshot is None or self.snapshot.feed_age_ns is None:
            return None
        return self.snapshot.feed_age_ns + (self.age_ns or 0)

    @property
    def exchange_unheard_ns(self) -> int | None:
        """How long ago the exchange said how it is, once that is too long; None while it is not."""
        read_ns = None if self.snapshot is None else self.snapshot.exchange.read_ns
        age_ns = 0 if read_ns is None else self.now_ns - read_ns
        return age_ns if age_ns > STATUS_LATE_NS else None

    @property
    def is_engine_stopped(self) -> bool:
        return self.failure is not None or self.heartbeat_age_ns > STOPPED_NS

    @property
    def state(self) -> TradingState | None:
        """The state in force: a halt that was asked for counts before the engine has heard of it."""
        if self.halt.phase is not HaltPhase.IDLE:
            return TradingState.HALTED
        return None if self.snapshot is None else self.snapshot.state

    @property
    def is_alarming(self) -> bool:
        """Whether nothing trades: a halt, an engine that does not answer, or an exchange that has ended."""
        return self.state is TradingState.HALTED or self.is_engine_stopped or self.outage is not None


def read(
    engine: EngineHandle,
    settings: Settings,
    now_ns: int,
    *,
    keymap: Mapping[str, str],
    edges: MeasuredEdges,
) -> Picture:
    """Look at the engine once; nothing here waits for it. Until it speaks, ``settings`` are in force."""
    snapshot = engine.snapshot()
    in_force = settings if snapshot is None else snapshot.settings
    return Picture(
        snapshot=snapshot,
        heartbeat_age_ns=engine.heartbeat_age_ns(),
        failure=engine.failure(),
        outage=engine.outage(),
        halt=engine.halt_view(),
        now_ns=now_ns,
        feed_limit_ns=int(in_force.quality.max_stale_book_seconds * NS_PER_S),
        keymap=keymap,
        edges=edges,
    )
