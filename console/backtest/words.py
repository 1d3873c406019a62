"""Figures as a report words them; what is not known reads ``n/a``."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from console.domain.money import CASH_PER_DOLLAR

WIDTH = 80
UNKNOWN = "n/a"


def dollars(cash: int | None) -> str:
    """Signed, with cents: ``-$1,234.50``."""
    if cash is None:
        return UNKNOWN
    return f"{'-' if cash < 0 else ''}${abs(cash) / CASH_PER_DOLLAR:,.2f}"


def figure(value: float | None, form: str) -> str:
    """A number in a format of Python's, such as ``+.1f``."""
    return UNKNOWN if value is None else format(value, form)


def percent(share: float | None, places: int = 1) -> str:
    """A share of 1 as ``12.3 %``."""
    return UNKNOWN if share is None else f"{100 * share:.{places}f} %"


def counts(by_name: Mapping[str, int]) -> str:
    """``crossed 3, locked 1``, the largest first."""
    ordered = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered if count) or "none"


def some(count: int, one: str) -> str:
    """``1 fill``, ``2 fills``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def wrapped(head: str, text: str) -> list[str]:
    """Lines of at most ``WIDTH`` columns."""
    return textwrap.wrap(head + text, WIDTH, subsequent_indent="    ")
