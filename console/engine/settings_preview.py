"""What other settings would change now, before they are in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import msgspec

from console.config.changes import differences, loosens
from console.config.schema import RiskSettings, Settings
from console.config.values import shown
from console.domain.market import Market
from console.domain.money import Cash
from console.engine.snapshot import Snapshot
from console.risk.exposure import Exposure, MarketExposure, worst_of_legs
from console.risk.groups import Grouping, Place
from console.risk.manager import read_switch
from console.risk.risk_day import RiskDays
from console.risk.switches.base import RiskView, Switch
from console.risk.switches.every import every_switch
from console.risk.text import dollars


class Proposed(msgspec.Struct, frozen=True):
    """One setting's values before and after, as a file writes them."""

    key: str
    old: str
    new: str
    loosens: bool


class Preview(msgspec.Struct, frozen=True):
    """What would change at once, each in a sentence; ``unknown`` says what cannot be told, if anything."""

    proposed: tuple[Proposed, ...]
    trips: tuple[str, ...]
    breaches: tuple[str, ...]
    unknown: str = ""

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
    regrouped = _regrouped(view, view.exposure, before, after, snapshot.at_stake)
    breaches = (
        *_new_breaches(view, regrouped, before.risk, after.risk),
        *_new_day(view, before.risk, after.risk),
    )
    return Preview(proposed, tuple(_new_trips(view, regrouped, before, after)), breaches)


def _regrouped(
    view: RiskView, exposure: Exposure, before: Settings, after: Settings, at_stake: Sequence[Market]
) -> RiskView:
    """The same view with what is at stake in its groups of other pins."""
    if before.risk.groups == after.risk.groups:
        return view
    grouping = Grouping(after.risk.groups)
    places = {market.ticker: grouping.place(market) for market in at_stake}
    legs: dict[Place, list[MarketExposure]] = {}
    for ticker, market in exposure.markets.items():
        legs.setdefault(places.get(ticker) or Place.alone(ticker), []).append(market)
    groups = dict.fromkeys((place.group for place in legs), worst_of_legs([], Place.alone("")))
    for place, members in legs.items():
        groups[place.group] = groups[place.group].plus(worst_of_legs(members, place))
    return msgspec.structs.replace(view, exposure=msgspec.structs.replace(exposure, groups=groups))


def _new_trips(view: RiskView, regrouped: RiskView, before: Settings, after: Settings) -> Iterator[str]:
    """The switches that trip by the new thresholds and not by those in force."""
    now = every_switch(before.risk, before.quality)
    then = every_switch(after.risk, after.quality)
    for old, new in zip(now, then, strict=True):
        tripped = _trips(old, view)
        for part, reason in _trips(new, regrouped).items():
            if part not in tripped:
                yield f"{new.label} trips {part}: {reason}"


def _trips(switch: Switch, view: RiskView) -> dict[str, str]:
    """What a switch trips, as level and part of the markets, and why."""
    reading = read_switch(switch, view)
    level = (reading.level or switch.level).name.replace("_", "-")
    trips = {} if reading.trip is None else {level: reading.trip}
    for scoped in reading.scoped:
        trips[f"{(scoped.level or switch.level).name.replace('_', '-')} {scoped.scope}"] = scoped.reason
    return trips


def _new_breaches(
    view: RiskView, regrouped: RiskView, before: RiskSettings, after: RiskSettings
) -> Iterator[str]:
    """Limits on what may be at stake that are kept now and would be exceeded."""
    equity, exposure, then = view.equity, view.exposure, regrouped.exposure
    assert equity is not None
    assert exposure is not None
    assert then is not None
    total = {"": exposure.total.with_orders}
    markets = {ticker: market.worst.with_orders for ticker, market in exposure.markets.items()}
    events = {name: case.with_orders for name, case in exposure.events.items()}
    for label, key, now_used, then_used in (
        ("total exposure", "max_total_exposure_pct", total, total),
        ("position", "max_single_position_pct", markets, markets),
        ("event", "max_event_exposure_pct", events, events),
        ("group", "max_correlated_group_pct", _of_groups(exposure), _of_groups(then)),
    ):
        caps = [Cash(int(Fraction(getattr(limits, key)) * max(0, equity))) for limits in (before, after)]
        yield from _over(label, now_used, then_used, caps[0], caps[1])
    sent = view.orders_in_minute
    if sent is not None and before.max_orders_per_minute > sent >= after.max_orders_per_minute:
        yield f"order rate: {sent} sent in the newest minute, {after.max_orders_per_minute} would be allowed"


def _of_groups(exposure: Exposure) -> Mapping[str, Cash]:
    return {name: case.with_orders for name, case in exposure.groups.items()}


def _over(
    label: str, now: Mapping[str, Cash], then: Mapping[str, Cash], old_cap: Cash, new_cap: Cash
) -> Iterator[str]:
    for name, used in _largest_first(then):
        if used > new_cap and not now.get(name, Cash(0)) > old_cap:
            yield f"{label}{f' {name}' if name else ''}: {dollars(used)} at worst, over {dollars(new_cap)}"


def _largest_first(used: Mapping[str, Cash]) -> Iterable[tuple[str, Cash]]:
    return sorted(used.items(), key=lambda item: (-item[1], item[0]))


def _new_day(view: RiskView, before: RiskSettings, after: RiskSettings) -> Iterator[str]:
    """Another zone or hour may begin a risk day now, which forgets what this one lost."""
    days = [
        RiskDays(limits.day_zone, limits.day_starts_hour).day_of(view.now_ns) for limits in (before, after)
    ]
    if days[1] > days[0]:
        yield f"risk day: {days[1]} begins at the next scan, and the day's loss counts from nothing"
