"""The limits on what may be lost at worst that are exceeded, with every order filled that rests."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import msgspec

from console.config.risk_settings import RiskSettings
from console.domain.market import Ticker
from console.domain.money import Cash
from console.risk.exposure import Exposure
from console.risk.groups import Place

_TOTAL, _POSITION, _EVENT, _GROUP = "total exposure", "position", "event", "group"


class Breach(msgspec.Struct, frozen=True):
    """One limit exceeded by one market, event or group; without a ``name`` by everything together."""

    limit: str
    name: str
    used: Cash
    cap: Cash

    def holds_for(self, ticker: Ticker, place: Place) -> bool:
        """Whether a market there is part of what exceeds the limit."""
        part_of = {_TOTAL: "", _POSITION: ticker, _EVENT: place.event, _GROUP: place.group}
        return part_of[self.limit] == self.name


def breaches(exposure: Exposure, equity: Cash, limits: RiskSettings) -> Iterator[Breach]:
    """Every one, the largest of each limit first."""
    for limit, share, used in (
        (_TOTAL, limits.max_total_exposure_pct, {"": exposure.total}),
        (_POSITION, limits.max_single_position_pct, {t: m.worst for t, m in exposure.markets.items()}),
        (_EVENT, limits.max_event_exposure_pct, exposure.events),
        (_GROUP, limits.max_correlated_group_pct, exposure.groups),
    ):
        cap = Cash(int(Fraction(share) * max(0, equity)))
        for name, case in sorted(used.items(), key=lambda item: (-item[1].with_orders, item[0])):
            if case.with_orders > cap:
                yield Breach(limit, name, case.with_orders, cap)


Names = frozenset[tuple[str, str]]
"""Limits, each with the name of what exceeds it."""


def names_of(exposure: Exposure, equity: Cash | None, limits: RiskSettings) -> Names:
    """What is exceeded, without the figures; nothing while equity is not known."""
    found = () if equity is None else breaches(exposure, equity, limits)
    return frozenset((breach.limit, breach.name) for breach in found)


def new_breaches(known: Names, exposure: Exposure, equity: Cash, limits: RiskSettings) -> list[Breach]:
    """What exceeds a limit and is not known to."""
    return [b for b in breaches(exposure, equity, limits) if (b.limit, b.name) not in known]
