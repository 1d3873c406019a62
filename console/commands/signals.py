"""What a command does when it is told to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from console.commands.errors import SignalledError

_ENDING = (signal.SIGTERM, signal.SIGHUP)

_Result = TypeVar("_Result")
_Handler = Callable[[int, FrameType | None], object] | int | None


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an interrupt does, so that it removes what is not complete."""
    before = {number: signal.signal(number, _end) for number in _heeded()}
    try:
        yield
    finally:
        _restore(before)


def run_until_signalled(main: Coroutine[None, None, _Result]) -> _Result:
    """As ``asyncio.run``, but SIGTERM and SIGHUP cancel it as an interrupt does; raises SignalledError.

    What a handler raises would be lost where the loop itself catches what a callback raises.
    """
    arrived: list[signal.Signals] = []

    async def heeding() -> _Result:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel(number: signal.Signals) -> None:
            arrived.append(number)
            task.cancel()

        for number in before:
            loop.add_signal_handler(number, cancel, number)
        return await main

    before = {number: signal.getsignal(number) for number in _heeded()}
    try:
        return asyncio.run(heeding())
    except asyncio.CancelledError:
        if arrived:
            raise SignalledError(arrived[0]) from None
        raise
    finally:
        _restore(before)


def _heeded() -> list[signal.Signals]:
    # One that is ignored was meant to be, as by nohup.
    return [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]


def _restore(before: Mapping[signal.Signals, _Handler]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SignalledError(number)
