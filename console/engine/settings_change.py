"""Other settings for a running engine: decided here, in one step, or refused."""

from __future__ import annotations

from console import __version__
from console.config.changes import changed, differences, settings_hash
from console.config.errors import ConfigError
from console.config.schema import Settings
from console.config.values import text_of
from console.domain.events import ChangeSettings, SettingChange, SettingsChanged
from console.engine.verbs import OPERATOR
from console.risk.latches import Latches, group_scope

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


def _check_no_group_is_latched(latches: Latches) -> None:
    """A market that left its group would leave the group's latch behind."""
    held = next((latch for latch in latches.active if latch.scope.startswith(group_scope(""))), None)
    if held is not None:
        raise ConfigError(f"{_GROUPS} cannot change while {held.id} is in force: resume it first")
