"""Losses in a row, counted from what closed and settled."""

from __future__ import annotations

from bisect import insort

from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.position import Position

RESULTS_KEPT = 1_000
"""The longest streak that a setting can ask for."""


class LossStreak:
    """The results of positions that ended, by the exchange's time; built by the journal's events alone.

    A position ends when it is flat, or turned over; its result is what it made since it was opened, with
    every fee. No result at all is neither a loss nor a win. ``losses`` are those since the last win, or since
    the operator's resume.
    """

    def __init__(self) -> None:
        self._results: list[tuple[int, Cash]] = []
        self._opened_at: dict[Ticker, Cash] = {}
        self.losses = self.answered = 0

    def changed(self, ticker: Ticker, before: Position, after: Position, at_ns: int) -> None:
        """A position changed by a fill or a settlement at this time of the exchange's."""
        net_before = Cash(before.realised - before.fees)
        if not before.contracts:
            self._opened_at[ticker] = net_before
        elif before.contracts * after.contracts <= 0:
            net_after = Cash(after.realised - after.fees)
            self._note(at_ns, Cash(net_after - self._opened_at.pop(ticker, net_before)))
            if after.contracts:
                self._opened_at[ticker] = net_after

    def answer(self) -> None:
        """A pause on these losses is over: only another loss is news."""
        self.answered = self.losses

    def reset(self) -> None:
        """The operator has seen it: the count starts anew."""
        self._results.clear()
        self.losses = self.answered = 0

    def comparable(self) -> object:
        return (tuple(self._results), dict(self._opened_at), self.answered)

    def _note(self, at_ns: int, result: Cash) -> None:
        insort(self._results, (at_ns, result), key=lambda each: each[0])
        del self._results[:-RESULTS_KEPT]
        self.losses = self._count()
        self.answered = min(self.answered, self.losses)

    def _count(self) -> int:
        count = 0
        for _, result in reversed(self._results):
            if result > 0:
                break
            count += result < 0
        return count
