"""How much of its trading the console may do."""

from __future__ import annotations

import enum


class TradingState(enum.IntEnum):
    """From most to least permissive; the effective state is the highest of all latches."""

    RUNNING = 0
    PAUSED = 1
    REDUCE_ONLY = 2
    HALTED = 3
