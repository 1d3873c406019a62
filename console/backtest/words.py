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


def chance(p_value: float | None) -> str:
    """A p-value, which is never nothing."""
    return "below 0.001" if p_value is not None and p_value < 0.001 else figure(p_value, ".3f")


def counts(by_name: Mapping[str, int]) -> str:
    """``crossed 3, locked 1``, the largest first."""
    ordered = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered if count) or "none"


def some(count: int, one: str) -> str:
    """``1 fill``, ``2 fills``, ``2 switches``."""
    ending = "" if count == 1 else "es" if one.endswith("ch") else "s"
    return f"{count:,} {one}{ending}"


def wrapped(head: str, text: str) -> list[str]:
    """Lines of at most ``WIDTH`` columns."""
    return textwrap.wrap(head + text, WIDTH, subsequent_indent="    ")
