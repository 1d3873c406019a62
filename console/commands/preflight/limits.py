"""Checks of the settings alone: none may permit more than the guide's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from console.commands.preflight.outcome import Outcome, failed, passed
from console.config.catalogue import CATALOGUE
from console.config.schema import Settings
from console.config.values import shown


def _at_most_the_guides(*keys: str) -> Callable[[Settings], Outcome]:
    """Each is above nothing, and not above its default, which is the guide's."""

    def check(settings: Settings) -> Outcome:
        said, wrong = [], []
        for key in keys:
            spec = CATALOGUE[key]
            value, most = spec.value_in(settings), spec.default
            assert isinstance(value, Decimal)
            assert isinstance(most, Decimal)
            said.append(f"{key} = {shown(value)}")
            if not 0 < value <= most:
                wrong.append(f"{key} should be above 0 and at most {shown(most)}, the guide's")
        return failed("; ".join([*said, *wrong])) if wrong else passed("; ".join(said))

    return check


CHECKS: Mapping[str, Callable[[Settings], Outcome]] = {
    "fractional_kelly": _at_most_the_guides("risk.kelly_fraction"),
    "group_limit": _at_most_the_guides("risk.max_correlated_group_pct"),
    "daily_limits": _at_most_the_guides("risk.max_daily_loss_dollars", "risk.max_daily_loss_pct"),
}
