"""What long work is doing, on standard error when that is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self

_CLEAR_LINE = "\r\033[K"
_SHOWN_EVERY_S = 0.1
_CELLS = 20


class Steps:
    """Shows the step that runs, on one line, which is gone when the block ends."""

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()

    def begin(self, name: str) -> None:
        if self._shows:
            self._show(f"{name} ...")

    def _show(self, text: str) -> None:
        """On one line of the terminal: what goes on to another would stay there."""
        cells = shutil.get_terminal_size().columns - 1
        print(f"{_CLEAR_LINE}{text[:cells]}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shows:
            print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)


class Bar(Steps):
    """Shows how much of counted work is done, how fast it goes and for how long still, as ``Steps`` does.

    When the block is interrupted it says how far it got, on whatever standard error is.
    """

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit
        self._name = ""
        self._done = self._total = self._did_before = 0
        self._began_s = self._shown_s = 0.0

    def begin(self, name: str) -> None:
        super().begin(name)
        self._name = f"{name} "
        self._done = self._total = 0

    def count(self, done: int, total: int, *, did_before: int = 0) -> None:
        """So many units of all are done, of which ``did_before`` took no time."""
        now_s = time.monotonic()
        if not self._total:
            self._began_s, self._shown_s = now_s, 0.0
        self._done, self._total, self._did_before = done, total, did_before
        if self._shows and (now_s - self._shown_s >= _SHOWN_EVERY_S or done == total):
            self._shown_s = now_s
            self._show(self._line(now_s))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is KeyboardInterrupt and sys.stderr is not None:
            far = f"after {self._done:,} of {self._total:,} {self._unit}" if self._total else "at the start"
            print(f"kconsole: {self._name}interrupted {far}", file=sys.stderr)

    def _line(self, now_s: float) -> str:
        share = min(1.0, self._done / self._total) if self._total else 1.0
        filled = int(share * _CELLS)
        bar = "#" * filled + "." * (_CELLS - filled)
        pace = ""
        rate = (self._done - self._did_before) / max(now_s - self._began_s, 1e-9)
        if rate > 0:
            left_s = round(max(0, self._total - self._done) / rate)
            each = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
            pace = f" {each} {self._unit}/s, {left_s // 60}:{left_s % 60:02} left"
        return f"{self._name}[{bar}] {share:4.0%}{pace}"
