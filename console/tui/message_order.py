"""Waiting until a widget has come to what it was sent before."""

from __future__ import annotations

import asyncio
import contextlib

from textual.message_pump import MessagePump

_AT_MOST_S = 0.5
"""One that is being removed may never come to it."""


async def heard_by(pump: MessagePump) -> None:
    """Wait until every message that was sent to it before this call has been handled."""
    heard = asyncio.Event()
    if pump.call_later(heard.set):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), _AT_MOST_S)
