"""A slippage histogram in plain characters, a line a bar, with the limit drawn in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.monitoring.execution import Bar

_LONGEST = 52
_LIMIT = "limit"


def histogram_text(bars: Sequence[Bar], limit_bps: float) -> Iterator[str]:
    """From the first bar that holds something to the last; a bar is never empty where contracts are."""
    most = max((bar.n_contracts for bar in bars), default=0.0)
    filled = [place for place, bar in enumerate(bars) if bar.n_contracts]
    if not filled:
        return
    for bar in bars[filled[0] : filled[-1] + 1]:
        if bar.low == limit_bps:
            yield f"  {_LIMIT:>11} {'- ' * (_LONGEST // 2)}".rstrip()
        length = max(1, round(_LONGEST * bar.n_contracts / most)) if bar.n_contracts else 0
        yield f"  {_range(bar):>11} {'#' * length:{_LONGEST}} {bar.n_contracts:>10,.0f}".rstrip()


def _range(bar: Bar) -> str:
    if bar.low is None:
        return f"below {bar.high:g}"
    return f"{bar.low:g} and up" if bar.high is None else f"{bar.low:g} to {bar.high:g}"
