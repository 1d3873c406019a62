"""What other settings would change now, before they are in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from console.config.changes import differences, loosens
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.values import shown
from console.domain.market import Market
from console.domain.money import COUNT_PER_CONTRACT
from console.domain.trading_state import TradingState
from console.engine.account_views import RestingView
from console.engine.snapshot import Snapshot
from console.risk.breaches import Breach, names_of, new_breaches
from console.risk.exposure import Exposure, MarketExposure, most_at_stake, worst_of_legs
from console.risk.groups import Grouping, Place
from console.risk.manager import at_trip
from console.risk.risk_day import RiskDays
from console.risk.switch_reader import read_switch, trips_of
from console.risk.switches.base import RiskView, ScopedTrip, Switch
from console.risk.switches.every import every_switch
from console.risk.text import dollars


class Proposed(msgspec.Struct, frozen=True):
    """One setting's values before and after, as a file writes them."""

    key: str
    old: str
    new: str
    loosens: bool


class Preview(msgspec.Struct, frozen=True):
    """What would change at once, each in a sentence; ``unknown`` says what cannot be told, if anything.

    ``withdrawn`` counts our orders that would be cancelled, since they rest where a limit would be exceeded.
    """

    proposed: tuple[Proposed, ...]
    trips: tuple[str, ...]
    breaches: tuple[str, ...]
    unknown: str = ""
    withdrawn: int = 0

    @property
    def loosens(self) -> bool:
        return any(change.loosens for change in self.proposed)


def preview(snapshot: Snapshot, after: Settings) -> Preview:
    """What settings other than the snapshot's would do to what it shows."""
    before, view = snapshot.settings, snapshot.risk
    proposed = tuple(
        Proposed(
            spec.key,
            shown(spec.value_in(before)),
            shown(spec.value_in(after)),
            loosens(spec, spec.value_in(before), spec.value_in(after)),
        )
        for spec in differences(before, after)
    )
    if view is None or view.exposure is None or view.equity is None:
        return Preview(
            proposed, (), (), "equity or exposure is not known yet: what it would breach is not either"
        )
    regrouped = _regrouped(view.exposure, before, after, snapshot.at_stake)
    known = names_of(view.exposure, view.equity, before.risk)
    found = new_breaches(known, regrouped, view.equity, after.risk)
    then = msgspec.structs.replace(view, exposure=regrouped)
    return Preview(
        proposed,
        tuple(_new_trips(snapshot, view, then, after)),
        (*_over(found, view, before.risk, after.risk), *_new_day(view, before.risk, after.risk)),
        withdrawn=_withdrawn(snapshot.resting, found, regrouped, after.risk.max_order_contracts),
    )


def _regrouped(exposure: Exposure, before: Settings, after: Settings, at_stake: Sequence[Market]) -> Exposure:
    """The same with what is at stake in its groups of other pins."""
    if before.risk.groups == after.risk.groups:
        return exposure
    grouping = Grouping(after.risk.groups)
    places = {market.ticker: grouping.place(market) for market in at_stake}
    legs: dict[Place, list[MarketExposure]] = {}
    for ticker, market in exposure.markets.items():
        legs.setdefault(places.get(ticker) or Place.alone(ticker), []).append(market)
    groups = dict.fromkeys((place.group for place in legs), worst_of_legs([], Place.alone("")))
    for place, members in legs.items():
        groups[place.group] = groups[place.group].plus(worst_of_legs(members, place))
    return msgspec.structs.replace(
        exposure, groups=groups, largest_group=most_at_stake(groups), places=places
    )


def _new_trips(snapshot: Snapshot, view: RiskView, regrouped: RiskView, after: Settings) -> Iterator[str]:
    """The switches that trip by the new thresholds and not by those in force."""
    before, trips = snapshot.settings, snapshot.trips_within_day
    now = every_switch(before.risk, before.quality)
    then = every_switch(after.risk, after.quality)
    for old, new in zip(now, then, strict=True):
        tripped = _trips(old, view)
        for part, trip in _trips(new, regrouped).items():
            if part in tripped:
                continue
            level, reason = trip.level or new.level, trip.reason
            if trips is not None and new.clears_itself:
                trips += 1
                level, reason = at_trip(trips, level, reason)
            yield f"{new.label} trips {' '.join(filter(None, (_word(level), trip.scope)))}: {reason}"


def _word(level: TradingState) -> str:
    return level.name.replace("_", "-")


def _trips(switch: Switch, view: RiskView) -> dict[tuple[TradingState, str], ScopedTrip]:
    """What a switch trips, by level and part of the markets."""
    return {(trip.level or switch.level, trip.scope): trip for trip in trips_of(read_switch(switch, view))}


def _over(
    found: Sequence[Breach], view: RiskView, before: RiskSettings, after: RiskSettings
) -> Iterator[str]:
    """Limits that are kept now and would be exceeded, each in a sentence."""
    for breach in found:
        name = f" {breach.name}" if breach.name else ""
        yield f"{breach.limit}{name}: {dollars(breach.used)} at worst, over {dollars(breach.cap)}"
    sent = view.orders_in_minute
    if sent is not None and before.max_orders_per_minute > sent >= after.max_orders_per_minute:
        yield f"order rate: {sent} sent in the newest minute, {after.max_orders_per_minute} would be allowed"


def _withdrawn(
    resting: Sequence[RestingView], found: Sequence[Breach], regrouped: Exposure, most: int
) -> int:
    """How many of our orders would be cancelled, as ``settings_change.beyond_limits`` has it."""
    return sum(
        order.leaves > most * COUNT_PER_CONTRACT
        or any(breach.holds_for(order.ticker, regrouped.place(order.ticker)) for breach in found)
        for order in resting
    )


def _new_day(view: RiskView, before: RiskSettings, after: RiskSettings) -> Iterator[str]:
    """Another zone or hour may begin a risk day now, which forgets what this one lost."""
    days = [
        RiskDays(limits.day_zone, limits.day_starts_hour).day_of(view.now_ns) for limits in (before, after)
    ]
    if days[1] > days[0]:
        yield f"risk day: {days[1]} begins at the next scan, and the day's loss counts from nothing"
