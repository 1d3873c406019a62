"""What long work is doing, on standard error when that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

_CLEAR_LINE = "\r\033[K"


class Steps:
    """Shows the step that runs, on one line, which is gone when the block ends."""

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()

    def begin(self, name: str) -> None:
        if self._shows:
            print(f"{_CLEAR_LINE}{name} ...", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shows:
            print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)
