"""Reads the account from the exchange and takes what we did not know; halts on what cannot be explained."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain.events import BalanceRead
from console.domain.market import Ticker
from console.domain.money import Count
from console.domain.order import OrderStatus
from console.engine.core import Engine
from console.engine.outside import Outside, Step
from console.engine.reconcile import (
    Absences,
    AccountReads,
    mismatch_latch,
    order_events,
    position_differences,
    settlement_events,
)


class AccountReader:
    """Compares complete reads with the engine's account, again and again."""

    def __init__(self, engine: Engine, outside: Outside, step: Step) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._absences: dict[str, Absences] = {}
        self._mismatch: Mapping[Ticker, tuple[Count, Count]] = {}

    async def reconcile(self) -> None:
        """Read the whole account and take what is news; raises VenueError when any read fails."""
        venue, account = self._out.venue, self._engine.account
        orders = await venue.orders()
        fills = await venue.fills()
        settlements = await venue.settlements()
        fills_before = len(account.fill_ids)
        positions = await venue.positions()
        cash = await venue.balance()
        reads = AccountReads(self._out.wall_ns(), orders, fills, settlements, positions, cash)
        quiet = len(account.fill_ids) == fills_before
        for event in [*order_events(account, reads, self._absences), *settlement_events(account, reads)]:
            quiet = False
            self._step(event)
        if quiet and not any(order.status is OrderStatus.SENDING for order in account.open_orders):
            self._compare(reads)

    def _compare(self, reads: AccountReads) -> None:
        """Halt on a difference of positions that two quiet reads in a row agree on."""
        differences = position_differences(self._engine.account, reads)
        if differences and differences == self._mismatch:
            self._step(mismatch_latch(reads.at_ns, differences))
        self._mismatch = differences
        self._step(BalanceRead(at_ns=reads.at_ns, cash=reads.cash))
