"""When a backtest scans: at equal steps, as live, but for those at which nothing could be found."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from console.backtest.agenda import Agenda, Phase
from console.domain.market import Ticker

if TYPE_CHECKING:
    from console.backtest.desk import Desk

_LONGEST_DAY_NS = 26 * 3_600_000_000_000
"""A day on which clocks go back is longer than another."""


LookedAt = tuple[Ticker, ...] | None
"""The markets that a scan looked at; None for every one."""


class ScanTimes:
    """Puts scans on an agenda, each at a whole number of steps after the first.

    While nothing is held, works, is latched or worth a look, only those are made that begin a risk day, until
    ``wake``. Near one of ``known_ns``, the scans of a run that is run again, it is made then, and steps go on
    from there.
    """

    def __init__(
        self,
        agenda: Agenda,
        desk: Desk,
        step_ns: int,
        scan: Callable[[int], LookedAt],
        known_ns: Sequence[int] = (),
    ) -> None:
        self._agenda = agenda
        self._desk = desk
        self._step_ns = step_ns
        self._scan = scan
        self._known_ns = known_ns
        self._last_ns = self._next_ns = 0
        self.is_idle = False

    def begin(self, at_ns: int) -> None:
        """The first scan is at this time."""
        self._plan(at_ns)

    def wake(self, at_ns: int) -> None:
        """A market is listed or worth a look now, so that the next scan on a step may find something."""
        self.is_idle = False
        steps = max(1, -(-(at_ns - self._last_ns) // self._step_ns))
        next_ns = self._last_ns + steps * self._step_ns
        if next_ns < self._next_ns:
            self._plan(next_ns)

    def _plan(self, at_ns: int) -> None:
        self._next_ns = at_ns
        self._agenda.add(at_ns, Phase.SCAN, self._due)

    def _due(self, at_ns: int) -> None:
        # One that was planned before the plan changed.
        if at_ns != self._next_ns:
            return
        looked_at = self._scan(at_ns)
        self._last_ns = at_ns
        if (known_ns := self._known_next(at_ns)) is not None:
            self._plan(known_ns)
            return
        self.is_idle = self._comes_nothing(at_ns, looked_at)
        self._plan(at_ns + (self._steps_to_next_day(at_ns) if self.is_idle else 1) * self._step_ns)

    def _known_next(self, at_ns: int) -> int | None:
        """The first that is known from half a step on, within one."""
        index = bisect_right(self._known_ns, at_ns + self._step_ns // 2)
        found_ns = next(iter(self._known_ns[index : index + 1]), None)
        return None if found_ns is None or found_ns > at_ns + 3 * self._step_ns // 2 else found_ns

    def _steps_to_next_day(self, at_ns: int) -> int:
        desk, step_ns = self._desk, self._step_ns
        day_of = desk.engine.risk_days.day_of
        today = day_of(desk.our_ns(at_ns))
        same_day = range(1, _LONGEST_DAY_NS // step_ns + 1)
        return 1 + bisect_right(same_day, today, key=lambda step: day_of(desk.our_ns(at_ns + step * step_ns)))

    def _comes_nothing(self, at_ns: int, looked_at: LookedAt) -> bool:
        """Whether nothing can come of time alone, but for a risk day."""
        account, markets = self._desk.engine.account, self._desk.engine.markets
        if account.held or account.working or account.latches.active:
            return False
        # One that drifts is wrong enough at some time, and over a gap would seem to have been set.
        if not self._desk.is_clock_steady:
            return False
        return not markets.are_to_change(self._desk.our_ns(at_ns)) if looked_at is None else not looked_at
