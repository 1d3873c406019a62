"""What is to happen in a backtest, in order of true time."""

from __future__ import annotations

import enum
import heapq
import itertools
from collections.abc import Callable

NEVER_NS = 2**63 - 1


class Phase(enum.IntEnum):
    """The order in which things happen at one time.

    Trades met the book before it changed, payouts are there before an entry may use them, what we decide
    comes after all that was told then, and who only looks on sees all of it.
    """

    PRINT = 0
    DUE = 1
    BOOK = 2
    DISPLAY = 3
    LIST = 4
    DELIVER = 5
    ARRIVE = 6
    ANSWER = 7
    SCAN = 8
    LOOK = 9


class Agenda:
    """Calls to be made at their times, each with its time."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, int, int, Callable[[int], None]]] = []
        self._numbers = itertools.count()
        self.due_ns = 0

    def add(self, at_ns: int, phase: Phase, call: Callable[[int], None], order: int = 0) -> None:
        """``order`` decides within a phase, and then which was added first."""
        heapq.heappush(self._entries, (at_ns, phase, order, next(self._numbers), call))
        self.due_ns = self._entries[0][0]

    def run_before(self, at_ns: int, phase: Phase, order: int = 0) -> None:
        """Make every call that comes before this moment, those among them that the calls add."""
        entries, end = self._entries, (at_ns, phase, order)
        while entries and entries[0] < end:
            entry = heapq.heappop(entries)
            entry[4](entry[0])
        self.due_ns = entries[0][0] if entries else NEVER_NS

    def drop(self, phase: Phase) -> None:
        """Forget every call of a phase."""
        self._entries = [entry for entry in self._entries if entry[1] != phase]
        heapq.heapify(self._entries)

    @property
    def next_ns(self) -> int | None:
        return self._entries[0][0] if self._entries else None
