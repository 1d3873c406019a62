"""How a setting is declared: its default, unit, range and help, beside its name and type."""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import Any, Literal

Loosens = Literal["up", "down", "either"]

MOST_DOLLARS = 1_000_000_000
MOST_CONTRACTS = 1_000_000
MOST_BPS = 10_000
MOST_SECONDS = 366 * 86_400


def setting(
    default: object,
    description: str,
    *,
    unit: str = "",
    low: Decimal | int | None = None,
    high: Decimal | int | None = None,
    loosens: Loosens | None = None,
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare one setting; ``low`` and ``high`` are allowed values themselves, and every number has both.

    ``loosens`` is the direction in which a change permits more, of a setting that a running engine takes;
    without it a setting counts from the next start.
    """
    metadata = {
        "description": description,
        "unit": unit,
        "low": low,
        "high": high,
        "loosens": loosens,
    }
    if isinstance(default, str) and default[:1].isdigit():
        default = Decimal(default)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
