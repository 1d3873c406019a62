"""Reads the account from the exchange and takes what we did not know; tells what cannot be explained."""

from __future__ import annotations

from console.domain.events import BalanceRead, PositionsCompared
from console.domain.order import OrderStatus
from console.engine.core import Engine
from console.engine.outside import Outside, Step
from console.engine.reconcile import (
    READ_LAG_NS,
    Absences,
    AccountReads,
    Differences,
    difference_text,
    order_events,
    position_differences,
    settlement_events,
)

OVERLAP_NS = 300_000_000_000
"""How far before the last complete read a read of fills and settlements begins: lists may lag."""


class AccountReader:
    """Compares complete reads with the engine's account, again and again."""

    def __init__(self, engine: Engine, outside: Outside, step: Step) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._absences: dict[str, Absences] = {}
        self._differences: Differences = {}
        self._differ_since_ns = 0
        self._read_ns = 0

    @property
    def mismatch(self) -> str | None:
        """How the exchange's positions differ from ours, by the last quiet read; None when they agree."""
        return difference_text(self._differences) if self._differences else None

    async def reconcile(self) -> None:
        """Read the account and take what is news; raises VenueError when any read fails.

        Fills and settlements are read from shortly before the last complete read on.
        """
        venue, account = self._out.venue, self._engine.account
        since_ns = max(0, self._read_ns - OVERLAP_NS)
        began_ns, before = self._out.wall_ns(), (len(account.fill_ids), account.cash)
        orders = await venue.orders()
        fills = await venue.fills(since_ns)
        settlements = await venue.settlements(since_ns)
        positions = await venue.positions()
        cash = await venue.balance()
        reads = AccountReads(self._out.wall_ns(), orders, fills, settlements, positions, cash)
        quiet = (len(account.fill_ids), account.cash) == before
        self._read_ns = began_ns
        for event in [*order_events(account, reads, self._absences), *settlement_events(account, reads)]:
            quiet = False
            self._step(event)
        if quiet and not any(order.status is OrderStatus.SENDING for order in account.open_orders):
            self._compare(reads)

    def _compare(self, reads: AccountReads) -> None:
        """Tell that positions agree, or that they differ for longer than lists may lag."""
        differences = position_differences(self._engine.account, reads)
        if differences != self._differences:
            self._differences, self._differ_since_ns = differences, reads.at_ns
        elif not differences or reads.at_ns - self._differ_since_ns >= READ_LAG_NS:
            self._step(PositionsCompared(at_ns=reads.at_ns, mismatch=difference_text(differences)))
        self._step(BalanceRead(at_ns=reads.at_ns, cash=reads.cash))
