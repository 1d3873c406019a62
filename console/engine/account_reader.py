"""Reads the account from the exchange and takes what we did not know; tells what cannot be explained."""

from __future__ import annotations

from console.domain.account_events import (
    AccountOpened,
    AccountRead,
    BalanceRead,
    DifferencesFound,
    PositionsCompared,
)
from console.domain.order import OrderStatus
from console.domain.ports import VenueError
from console.domain.time_units import NS_PER_MS
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.differences import in_words
from console.engine.outside import Outside, Step
from console.engine.reconcile import (
    LIST_MARGIN_NS,
    OVERLAP_NS,
    READ_LAG_NS,
    AccountReads,
    Differences,
    Reconciler,
    difference_text,
    position_differences,
)

_NOTE_READ_NS = 300_000_000_000
_OPENING_ATTEMPTS = 10


class AccountReader:
    """Compares complete reads with the engine's account, again and again."""

    def __init__(self, engine: Engine, outside: Outside, step: Step) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._reconciler = Reconciler(engine.account, engine.client_id_prefix)
        self._differences: Differences = {}
        self._differ_since_ns = 0
        self._read_ns = 0

    @property
    def mismatch(self) -> str | None:
        """How the exchange's positions differ from ours, by the last quiet read; None when they agree."""
        return difference_text(self._differences) if self._differences else None

    async def open_account(self, name: str) -> None:
        """Begin an account that is new to the journal, with what it holds; raises VenueError.

        Cash, positions and fills are read until two reads in a row agree, so that they are of one moment.
        """
        opened, before = await self._read_opening(name), None
        for _ in range(_OPENING_ATTEMPTS):
            if opened == before:
                break
            opened, before = await self._read_opening(name, opened.at_ns), opened
        else:
            raise VenueError(f"account {name}: it traded whenever it was read, so it could not be opened")
        self._step(opened)
        if opened.positions:
            held = tuple(in_words(position) for position in opened.positions)
            self._step(DifferencesFound(at_ns=opened.at_ns, differences=held))

    async def _read_opening(self, name: str, at_ns: int | None = None) -> AccountOpened:
        venue = self._out.venue
        cash = await venue.balance()
        # Only an answer tells how far our clock is from the exchange's.
        at_ns = self._exchange_ns() if at_ns is None else at_ns
        positions = tuple(position for position in await venue.positions() if position.position)
        fills = tuple(fill.fill_id for fill in await venue.fills(at_ns - OVERLAP_NS))
        return AccountOpened(at_ns=at_ns, account=name, cash=cash, positions=positions, earlier_fills=fills)

    async def reconcile_at_start(self) -> None:
        """Read the account for the first time in this run and tell what is news; raises VenueError."""
        news = await self.reconcile()
        if news:
            self._step(DifferencesFound(at_ns=self._out.wall_ns(), differences=news))

    async def reconcile(self) -> tuple[str, ...]:
        """Read the account and take what is news; the news in words. Raises VenueError when any read fails.

        Fills and settlements are read from shortly before the last complete read on that left nothing open,
        positions included: what explains them may be listed much later.
        """
        account = self._engine.account
        before = (len(account.fill_ids), account.cash)
        reads = await self._read()
        crash_point("reconcile: read")
        quiet = (len(account.fill_ids), account.cash) == before
        events = self._reconciler.events(reads)
        for event in events:
            self._step(event)
            crash_point("reconcile: one taken")
        if quiet and self._reconciler.is_settled:
            differences = position_differences(account, reads)
            if not differences:
                self._note_read(reads)
            if not any(order.status is OrderStatus.SENDING for order in account.open_orders):
                self._compare(reads, differences)
        return tuple(words for event in events if (words := in_words(event)))

    async def _read(self) -> AccountReads:
        venue, account = self._out.venue, self._engine.account
        began_ns = self._exchange_ns()
        since_ns = max(0, min(began_ns, max(self._read_ns, account.read_ns)) - OVERLAP_NS)
        oldest_ns = min((order.sent_ns for order in account.open_orders), default=since_ns)
        orders_since_ns = max(0, min(since_ns, oldest_ns) - LIST_MARGIN_NS)
        orders = await venue.orders(orders_since_ns)
        fills = await venue.fills(since_ns)
        settlements = await venue.settlements(since_ns)
        positions = await venue.positions()
        cash = await venue.balance()
        return AccountReads(
            began_ns=began_ns,
            at_ns=self._out.wall_ns(),
            orders=orders,
            fills=fills,
            settlements=settlements,
            positions=positions,
            cash=cash,
            orders_since_ns=orders_since_ns,
        )

    def _exchange_ns(self) -> int:
        """The exchange's time, as far as we know it: by it are its lists asked for and absences judged.

        A step of our own clock must neither hide a fill from the next read nor age what is missing.
        """
        return self._out.wall_ns() - (self._out.venue.skew_ms or 0) * NS_PER_MS

    def _note_read(self, reads: AccountReads) -> None:
        """Later reads may begin here, in another run too."""
        self._read_ns = reads.began_ns
        if abs(reads.began_ns - self._engine.account.read_ns) >= _NOTE_READ_NS:
            self._step(AccountRead(at_ns=reads.at_ns, read_ns=reads.began_ns))

    def _compare(self, reads: AccountReads, differences: Differences) -> None:
        """Tell that positions agree, or that they differ for longer than lists may lag."""
        if differences != self._differences:
            self._differences, self._differ_since_ns = differences, reads.began_ns
        elif not differences or reads.began_ns - self._differ_since_ns >= READ_LAG_NS:
            self._step(PositionsCompared(at_ns=reads.at_ns, mismatch=difference_text(differences)))
        self._step(BalanceRead(at_ns=reads.at_ns, cash=reads.cash))
