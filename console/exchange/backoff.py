"""How long to hold back after the exchange said that we are too fast."""

from __future__ import annotations

import asyncio
import random
import time

from console.domain.ports import Clock
from console.domain.time_units import NS_PER_S

_FIRST_S = 0.25
_LONGEST_S = 10.0
_LONGEST_ASKED_S = 60


class Backoff:
    """Waits for as long as the exchange asks; without a word of that, a random time that grows."""

    def __init__(self, monotonic_ns: Clock = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._refusals = 0
        self._until_ns = 0

    def refused(self, retry_after: str | None) -> None:
        """Take a refusal and its ``Retry-After``, of which only whole seconds are understood."""
        if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
            wait_s: float = min(int(retry_after[:9]), _LONGEST_ASKED_S)
        else:
            longest_s = min(_LONGEST_S, _FIRST_S * 2.0**self._refusals)
            wait_s = random.uniform(0, longest_s)  # noqa: S311 - jitter
        self._refusals = min(self._refusals + 1, 10)
        self._until_ns = max(self._until_ns, self._monotonic_ns() + int(wait_s * NS_PER_S))

    def served(self) -> None:
        """An answer that was no refusal: the next one counts as the first."""
        self._refusals = 0

    async def wait(self) -> None:
        """Return when a request may be sent again."""
        while (left_ns := self._until_ns - self._monotonic_ns()) > 0:  # noqa: ASYNC110 - no event, only time
            await asyncio.sleep(left_ns / NS_PER_S)
