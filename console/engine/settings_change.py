"""Other settings for a running engine: decided here, in one step, or refused."""

from __future__ import annotations

from collections.abc import Iterable

from console import __version__
from console.config.catalogue import CATALOGUE, SettingSpec
from console.config.changes import changed, differences, settings_hash
from console.config.errors import ConfigError
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.values import WrongValueError, checked, from_text, text_of
from console.domain.commands import ChangeSettings
from console.domain.engine_events import SettingChange, SettingsChanged
from console.domain.money import COUNT_PER_CONTRACT, Cash
from console.domain.order import Order
from console.engine.verbs import OPERATOR
from console.risk.breaches import Names, new_breaches
from console.risk.exposure import Exposure
from console.risk.latches import Latches, group_scope

START = "start"
"""Who changes what a run reads otherwise than the one before left it."""

_GROUPS = "risk.groups"


def decide(command: ChangeSettings, settings: Settings, latches: Latches) -> tuple[Settings, SettingsChanged]:
    """The settings that a command leads to, and what to journal of it; raises ConfigError when it may not."""
    after = changed(settings, command.changes)
    specs = differences(settings, after)
    if not specs:
        raise ConfigError("every value asked for is in force already")
    if any(spec.key == _GROUPS for spec in specs):
        _check_no_group_is_latched(latches)
    changes = tuple(
        SettingChange(
            spec.key,
            old=text_of(spec, spec.value_in(settings)),
            new=text_of(spec, spec.value_in(after)),
        )
        for spec in specs
    )
    return after, SettingsChanged(
        at_ns=command.at_ns,
        changes=changes,
        reason=command.reason,
        source=OPERATOR,
        program=__version__,
        settings=settings_hash(after),
    )


def lost_at_start(edits: Iterable[SettingsChanged], settings: Settings, at_ns: int) -> SettingsChanged | None:
    """What earlier runs changed and this one was not started with, as a change of its own, or None.

    A process that ends between the journal's commit and the write of the file leaves such a difference; so
    does a change that could not be written, and a file or an option that says otherwise since.
    """
    last = {change.key: change.new for edit in edits for change in edit.changes if change.key in CATALOGUE}
    changes = tuple(
        SettingChange(key, old=text, new=text_of(CATALOGUE[key], CATALOGUE[key].value_in(settings)))
        for key, text in last.items()
        if not _says(CATALOGUE[key], text, settings)
    )
    if not changes:
        return None
    return SettingsChanged(
        at_ns=at_ns,
        changes=changes,
        reason="this start read other values than were in force last",
        source=START,
        program=__version__,
        settings=settings_hash(settings),
    )


def _says(spec: SettingSpec, text: str, settings: Settings) -> bool:
    """Whether a text stands for the value in force."""
    try:
        return checked(spec, from_text(spec, text)) == spec.value_in(settings)
    except WrongValueError:
        return False


def beyond_limits(
    orders: Iterable[Order], known: Names, exposure: Exposure, equity: Cash | None, limits: RiskSettings
) -> list[Order]:
    """The entries that rest where a limit is exceeded that was not ``known`` to be, or that are too large."""
    found = [] if equity is None else new_breaches(known, exposure, equity, limits)

    def is_beyond(order: Order) -> bool:
        ticker = order.intent.ticker
        is_large = order.leaves > limits.max_order_contracts * COUNT_PER_CONTRACT
        return is_large or any(breach.holds_for(ticker, exposure.place(ticker)) for breach in found)

    return [order for order in orders if not order.intent.reduce_only and is_beyond(order)]


def _check_no_group_is_latched(latches: Latches) -> None:
    """A market that left its group would leave the group's latch behind."""
    held = next((latch for latch in latches.active if latch.scope.startswith(group_scope(""))), None)
    if held is not None:
        raise ConfigError(f"{_GROUPS} cannot change while {held.id} is in force: resume it first")
