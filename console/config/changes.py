"""Which settings a running engine takes, and whether another value permits more."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2b

from console.config.assignments import Layer, Source
from console.config.catalogue import CATALOGUE, SettingSpec, SettingValue
from console.config.errors import ConfigError
from console.config.load import with_changes
from console.config.schema import Settings

_ASKED = Source(Layer.OVERRIDES, "the change")


def settings_hash(settings: Settings) -> str:
    """Names these settings in sixteen hexadecimal digits, however their numbers are written."""
    values = [(key, _plain(spec.value_in(settings))) for key, spec in CATALOGUE.items()]
    return blake2b(repr(values).encode(), digest_size=8).hexdigest()


def _plain(value: SettingValue) -> SettingValue:
    return value.normalize() if isinstance(value, Decimal) else value


def changed(settings: Settings, changes: Iterable[tuple[str, str]]) -> Settings:
    """What a running engine's settings become, each change a key with its text; raises ConfigError."""
    asked = tuple(changes)
    after = with_changes(settings, asked, _ASKED)
    for key, _ in asked:
        refusal = start_only(CATALOGUE[key])
        if refusal is not None:
            raise ConfigError(f"{key} {refusal}")
    return after


def start_only(spec: SettingSpec) -> str | None:
    """Why a running engine takes no other value, or None where it does."""
    if spec.loosens is None:
        return "takes effect at the next start: write it in the configuration file, or start with --set"
    return None


def differences(before: Settings, after: Settings) -> tuple[SettingSpec, ...]:
    """The settings that have another value."""
    return tuple(spec for spec in CATALOGUE.values() if spec.value_in(before) != spec.value_in(after))


def loosens(spec: SettingSpec, before: SettingValue, after: SettingValue) -> bool:
    """Whether another value permits more; one without a direction is taken to."""
    if before == after:
        return False
    if isinstance(before, int | Decimal) and isinstance(after, int | Decimal) and spec.loosens != "either":
        return after > before if spec.loosens == "up" else after < before
    return True
