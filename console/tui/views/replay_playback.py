"""How a watched replay is played: where in the recording we are, how fast it goes, and the jumps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.backtest.replay_watch import WatchedReplay
from console.domain.money import Cash
from console.domain.time_units import NS_PER_S
from console.engine.halt_view import NOT_HALTING
from console.engine.snapshot import Snapshot
from console.tui.picture import Picture

SPEEDS: Sequence[int | None] = (1, 2, 4, 8, 16, 32, 64, None)
"""Recorded seconds a second; None is as fast as makes sense, all of it in ``_MOST_S``."""

_MOST_S = 20
_FIRST_SPEED = SPEEDS.index(8)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where we are, of what; ``read_ns`` is how far the replay has run, ``end_ns`` where it ends or will."""

    at_ns: int
    first_ns: int
    read_ns: int
    end_ns: int
    snapshot: Snapshot
    trade: int
    trades: int
    breach: int
    breaches: int

    def share(self, at_ns: int) -> float:
        """Of the time covered."""
        return (at_ns - self.first_ns) / max(1, self.end_ns - self.first_ns)


class Playback:
    """Plays a replay that is being run; ``seconds`` is a monotonic clock."""

    def __init__(self, run: WatchedReplay, seconds: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._seconds = seconds
        self._looked_s = seconds()
        self._at_ns: int | None = None
        self._speed = _FIRST_SPEED
        self._shown: tuple[int, Snapshot] | None = None
        self.is_playing = True

    # --- where it is --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._run.request.name

    @property
    def capital(self) -> Cash:
        """What it began with."""
        return self._run.request.capital

    @property
    def failure(self) -> str | None:
        """Why the replay did not come to its end, in one sentence."""
        return None if self._run.ended is None else self._run.ended.failure

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been run."""
        return self._run.ended is not None

    @property
    def speed(self) -> int | None:
        return SPEEDS[self._speed]

    def close(self) -> None:
        self._run.close()

    def advance(self) -> None:
        """Go on for the time that has passed since the last call, as far as the replay has run."""
        now_s = self._seconds()
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        if self._at_ns is None:
            if not self._run.steps:
                return
            self._at_ns = self._first_ns
        elif self.is_playing and self._at_ns < self._read_ns:
            self._at_ns = min(self._read_ns, self._at_ns + int(passed_s * self._ns_a_second))
        if self.is_complete and self._at_ns >= self._read_ns:
            # It may have stopped before the last row, and a place behind that was sought.
            self._at_ns = self._read_ns
            self.is_playing = False

    def place(self) -> Place | None:
        """None before there is a first step."""
        if self._at_ns is None:
            return None
        steps, index = self._run.steps, self._index
        if self._shown is None or self._shown[0] != index:
            seen = self._run.seen_at(index)
            if seen is None:
                self.is_playing = False
                return None
            self._shown = index, seen
        last = len(steps) - 1
        return Place(
            at_ns=self._at_ns,
            first_ns=self._first_ns,
            read_ns=self._read_ns,
            end_ns=self._end_ns,
            snapshot=self._shown[1],
            trade=steps.trades[index],
            trades=steps.trades[last],
            breach=steps.breaches[index],
            breaches=steps.breaches[last],
        )

    def picture(self, live: Picture) -> Picture:
        """What the panes show instead of the live engine; ages are those at the recorded moment."""
        place = self.place()
        return Picture(
            snapshot=None if place is None else place.snapshot,
            heartbeat_age_ns=0,
            failure=None,
            outage=None,
            halt=NOT_HALTING,
            now_ns=live.now_ns if place is None else place.snapshot.at_ns,
            feed_limit_ns=live.feed_limit_ns,
            keymap=live.keymap,
            edges=live.edges,
        )

    @property
    def _index(self) -> int:
        return self._run.steps.index_at(self._at_ns or 0)

    @property
    def _first_ns(self) -> int:
        return self._run.steps.at_ns(0)

    @property
    def _read_ns(self) -> int:
        return self._run.steps.at_ns(len(self._run.steps) - 1)

    @property
    def _end_ns(self) -> int:
        opened = self._run.opened
        return self._read_ns if self.is_complete or opened is None else max(opened.last_ns, self._read_ns)

    @property
    def _ns_a_second(self) -> float:
        return (self.speed or (self._end_ns - self._first_ns) / NS_PER_S / _MOST_S) * NS_PER_S

    # --- what keys do -------------------------------------------------------------------------------

    def play(self) -> None:
        """Play or pause; at the end, from the beginning."""
        if not self.is_playing and self.is_complete and self._at_ns == self._read_ns:
            self._at_ns = self._first_ns
        self.is_playing = not self.is_playing

    def change_speed(self, steps: int) -> None:
        self._speed = min(len(SPEEDS) - 1, max(0, self._speed + steps))

    def step(self, steps: int) -> None:
        """Pause, and go so many steps on or back."""
        if self._at_ns is not None:
            self._pause_at(min(len(self._run.steps) - 1, max(0, self._index + steps)))

    def seek(self, at_ns: int) -> None:
        """Go to a time; what has not been run yet is waited for."""
        if self._at_ns is not None:
            self._at_ns = min(self._end_ns, max(self._first_ns, at_ns))

    def seek_share(self, share: float) -> None:
        """Go to a share of the time covered."""
        if self._at_ns is not None:
            self.seek(self._first_ns + int(share * (self._end_ns - self._first_ns)))

    def next_trade(self) -> bool:
        """Pause at the next fill or settlement; whether there is one so far."""
        return self._jump(lambda index: self._run.steps.next_with_more(self._run.steps.trades, index))

    def previous_trade(self) -> bool:
        return self._jump(lambda index: self._run.steps.last_with_more(self._run.steps.trades, index))

    def next_breach(self) -> bool:
        """Pause where a latch is raised next."""
        return self._jump(lambda index: self._run.steps.next_with_more(self._run.steps.breaches, index))

    def _jump(self, find: Callable[[int], int | None]) -> bool:
        found = None if self._at_ns is None else find(self._index)
        if found is not None:
            self._pause_at(found)
        return found is not None

    def _pause_at(self, index: int) -> None:
        self._at_ns = self._run.steps.at_ns(index)
        self.is_playing = False
