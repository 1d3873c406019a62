"""Textual's driver for a terminal that may vanish, and keys that must not wait for the screen."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import select
import signal
import sys
import time
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable, Collection
from io import TextIOWrapper
from typing import IO, cast

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END, XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

log = logging.getLogger(__name__)

_POLL_S = 0.1
_LONGEST_IN_PASTE_S = 3.0
_MOST_BYTES = 4096
_MOST_KEYS, _MOST_KEYS_S = 200, 1.0
"""Nobody types so many in so short a time, nor does a key repeat so fast."""
_MOST_CELLS = 10_000
"""Of a side of the screen; a terminal may say anything, and so much is laid out."""


class TerminalDriver(LinuxDriver):
    """A vanished terminal is told to the process as SIGHUP, however it vanished; SIGTSTP does nothing."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._loop = asyncio.get_running_loop()
        self._file = cast(TextIOWrapper, _TerminalFile(sys.__stderr__ or sys.stderr))
        self._urgent_keys: Collection[str] = ()
        self._on_urgent_key: Callable[[], None] = _nothing
        self._on_flood: Callable[[], object] = _nothing
        self._keys_at_s: deque[float] = deque(maxlen=_MOST_KEYS)
        self._is_flooded = False
        # A suspended engine would leave its orders alone with the market.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, self._continued)

    def take_urgent(self, keys: Collection[str], call: Callable[[], None]) -> None:
        """Call at these keys from the thread that reads them; the screen is not given them."""
        self._urgent_keys, self._on_urgent_key = keys, call

    def tell_of_flood(self, call: Callable[[], object]) -> None:
        """Call, from that thread, when keys come so fast that the screen is not given them any more.

        That is a text pasted by a terminal that does not say so. None of it was meant as a key, and the
        screen would be behind by minutes.
        """
        self._on_flood = call

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key):
            if message.key in self._urgent_keys:
                self._on_urgent_key()
            elif not self._is_beyond_typing():
                super().process_message(message)
        elif not isinstance(message, events.Resize) or all(0 < side <= _MOST_CELLS for side in message.size):
            super().process_message(message)

    def _is_beyond_typing(self) -> bool:
        now_s = time.monotonic()
        was_flooded = self._is_flooded
        self._is_flooded = len(self._keys_at_s) == _MOST_KEYS and now_s - self._keys_at_s[0] < _MOST_KEYS_S
        self._keys_at_s.append(now_s)
        if self._is_flooded and not was_flooded:
            self._on_flood()
        return self._is_flooded

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            _hang_up()

    def run_input_thread(self) -> None:
        """As Textual's, but bytes that are no text or no key cost themselves alone, not every later key.

        What is pasted ends after a silence too: its own end may have been lost with a line that broke.
        """
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        heard_s = math.inf
        while not self.exit_event.is_set():
            text = ""
            if select.select([self.fileno], [], [], _POLL_S)[0]:
                read = os.read(self.fileno, _MOST_BYTES)
                if not read:
                    _hang_up()
                    return
                text, heard_s = decode(read), time.monotonic()
            elif time.monotonic() - heard_s > _LONGEST_IN_PASTE_S:
                # Nothing where nothing is being pasted.
                text, heard_s = BRACKETED_PASTE_END, math.inf
            for character in text:
                parser = self._parse(parser, character)
            for message in parser.tick():
                self.process_message(message)

    def _parse(self, parser: XTermParser, character: str) -> XTermParser:
        """Act on one more character; the parser for the next, which is a new one when this broke it."""
        try:
            messages = list(parser.feed(character))
        except (ValueError, OverflowError) as error:
            log.warning("the terminal sent what is no key: %s", error)
            return XTermParser(self._debug)
        for message in messages:
            self.process_message(message)
        return parser

    def _continued(self, _number: int, _frame: object) -> None:
        # In the loop: the signal may have interrupted a write, whose lock is held.
        self._loop.call_soon_threadsafe(self._take_terminal_back)

    def _take_terminal_back(self) -> None:
        """After a stop: whoever had the terminal meanwhile may have changed anything."""
        if self._writer_thread is not None:
            self.suspend_application_mode()
            self.resume_application_mode()
            self._app.refresh(layout=True)


class _TerminalFile:
    """Where the screen is written; writes to a terminal that is gone are dropped.

    An exception would end the thread that writes, and the screen would wait for it for ever.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._is_gone = False

    def write(self, text: str) -> None:
        self._try(lambda: self._file.write(text))

    def flush(self) -> None:
        self._try(self._file.flush)

    def fileno(self) -> int:
        return self._file.fileno()

    def _try(self, call: Callable[[], object]) -> None:
        if not self._is_gone:
            try:
                call()
            except OSError:
                self._is_gone = True
                _hang_up()


def _hang_up() -> None:
    os.kill(os.getpid(), signal.SIGHUP)


def _nothing() -> None:
    pass
