"""When the account is read: every few seconds, and at once when something may be otherwise than known."""

from __future__ import annotations

import asyncio
import contextlib

from console.engine.account_reader import AccountReader
from console.engine.failures import Failures

UNKNOWN_READS_S = (1.0, 3.0, 7.0, 15.0)
"""When the account is read after an order's outcome became unknown; later reads come by themselves."""

_EVERY_S = 5.0


class ReconcileJob:
    """Reads the account again and again, one reading at a time."""

    def __init__(self, reader: AccountReader, failures: Failures) -> None:
        self._reader = reader
        self._reading = asyncio.Lock()
        self._is_due = asyncio.Event()
        self.reconcile_guarded = failures.guarded("account", self.reconcile)

    def hurry(self) -> None:
        """Have it read now."""
        self._is_due.set()

    def hurry_for_unknown(self) -> None:
        """Have it read when an order of unknown fate may be listed."""
        for after_s in UNKNOWN_READS_S:
            asyncio.get_running_loop().call_later(after_s, self.hurry)

    async def reconcile(self) -> None:
        """Read the account; raises VenueError."""
        async with self._reading:
            await self._reader.reconcile()

    async def run(self) -> None:
        while True:
            # Not wait_for, which in Python 3.11 can swallow the cancellation that ends this job.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._is_due.wait()
            self._is_due.clear()
            await self.reconcile_guarded()
