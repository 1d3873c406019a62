"""Settings from their layers, each later one winning: defaults, file, overrides, variables, options."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from console.config.assignments import (
    Assignment,
    Layer,
    Source,
    from_options,
    from_table,
    from_variables,
    known_key,
    read_toml,
)
from console.config.catalogue import CATALOGUE, SettingValue
from console.config.errors import ConfigError
from console.config.schema import SECTIONS, Settings
from console.config.values import WrongValueError, checked, from_text, shortened

Environment = Literal["practice", "demo", "live"]
ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)

_FILE_NAMES: Mapping[Environment, str] = {
    "practice": "practice.toml",
    "demo": "demo.toml",
    "live": "production.toml",
}


DEFAULT = Source(Layer.DEFAULT, "default")


class Stated(msgspec.Struct, frozen=True):
    """A value, and the source that states it."""

    value: SettingValue
    source: Source


class Loaded(msgspec.Struct, frozen=True):
    """The settings in force and the source of each, by dotted key.

    ``stated`` is what the environment's file states, whatever a later layer makes of it.
    """

    settings: Settings
    sources: Mapping[str, Source]
    stated: Mapping[str, Stated]

    def beneath(self, key: str) -> Stated:
        """What is in force where ``overrides.toml`` says nothing."""
        return self.stated.get(key) or Stated(CATALOGUE[key].default, DEFAULT)

    def source_in(self, settings: Settings, key: str) -> Source:
        """Which layer a value comes from in settings that a run has changed since."""
        value = CATALOGUE[key].value_in(settings)
        if value == CATALOGUE[key].value_in(self.settings):
            return self.sources[key]
        beneath = self.beneath(key)
        return beneath.source if value == beneath.value else Source(Layer.OVERRIDES, "overrides.toml")

    def pin(self, key: str) -> str | None:
        """Why a run cannot change a setting: a layer above ``overrides.toml`` states it and wins again."""
        source = self.sources[key]
        if source.layer <= Layer.OVERRIDES:
            return None
        return f"is pinned by the {source.layer.name.lower()} {source.name}: start without that to change it"


def load(
    environment: Environment,
    *,
    config: Path | None = None,
    overrides: Path | None = None,
    variables: Mapping[str, str] = os.environ,
    options: Sequence[tuple[str, str]] = (),
) -> Loaded:
    """Settings of an environment; raises ConfigError.

    ``config`` replaces the environment's file, ``overrides`` may be absent on disk, and ``options`` are
    pairs of an option's name and its ``section.key=value``.
    """
    file = config or environment_file(environment)
    return _merged(
        (
            *from_table(read_toml(file), Source(Layer.FILE, str(file))),
            *read_overrides(overrides),
            *from_variables(variables),
            *from_options(options),
        )
    )


def check_options(options: Iterable[tuple[str, str]]) -> None:
    """Raise ConfigError for an option that names no setting, or a value it cannot have."""
    for assignment in from_options(options):
        _checked(assignment)


def environment_file(environment: Environment) -> Path:
    """The file that comes with the program: package data, or the checkout's ``config`` folder."""
    package_data = Path(__file__).parent / "environments"
    folder = package_data if package_data.is_dir() else Path(__file__).parents[2] / "config"
    return folder / _FILE_NAMES[environment]


def _merged(assignments: Iterable[Assignment]) -> Loaded:
    values: dict[str, SettingValue] = {}
    sources = dict.fromkeys(CATALOGUE, DEFAULT)
    stated: dict[str, Stated] = {}
    for assignment in assignments:
        key, source = assignment.key, assignment.source
        values[key], sources[key] = _checked(assignment), source
        if source.layer is Layer.FILE:
            stated[key] = Stated(values[key], source)
    return _together(values, sources, stated)


def next_start(loaded: Loaded, overrides: Iterable[Assignment]) -> Settings:
    """The settings without the layers above ``overrides.toml``, were these in it; raises ConfigError."""
    stated = (Assignment(key, each.value, each.source) for key, each in loaded.stated.items())
    return _merged((*stated, *overrides)).settings


def with_changes(settings: Settings, changes: Iterable[tuple[str, str]], source: Source) -> Settings:
    """Settings with other values, each a key with its text; raises ConfigError in the name of ``source``."""
    in_force = Source(Layer.DEFAULT, "in force")
    values = {key: spec.value_in(settings) for key, spec in CATALOGUE.items()}
    sources = dict.fromkeys(CATALOGUE, in_force)
    for stated, text in changes:
        key = known_key(stated, source.name)
        values[key] = _checked(Assignment(key, from_text(CATALOGUE[key], text), source))
        sources[key] = source
    return _together(values, sources, {}).settings


def _checked(assignment: Assignment) -> SettingValue:
    try:
        return checked(CATALOGUE[assignment.key], assignment.value)
    except WrongValueError as error:
        raise ConfigError(f"{assignment} {error}") from None


def _together(
    values: Mapping[str, SettingValue], sources: Mapping[str, Source], stated: Mapping[str, Stated]
) -> Loaded:
    """The settings with these values, and the rest at their defaults; raises ConfigError."""
    settings = Settings(
        **{
            section: declaration(
                **{
                    declared.name: values[key]
                    for declared in dataclasses.fields(declaration)
                    if (key := f"{section}.{declared.name}") in values
                }
            )
            for section, declaration in SECTIONS.items()
        }
    )
    loaded = Loaded(settings, sources, stated)
    _check_order(loaded)
    _check_zone(loaded)
    return loaded


_IN_ORDER = (
    ("strategy_flb.longshot_threshold", "strategy_flb.favorite_threshold", True),
    ("risk.max_single_position_pct", "risk.max_correlated_group_pct", False),
    ("risk.max_correlated_group_pct", "risk.max_total_exposure_pct", False),
    ("risk.max_orders_per_minute", "risk.tripwire_orders_per_minute", False),
    ("quality.slippage_min_fills", "quality.slippage_window_fills", False),
    ("universe.min_seconds_to_close", "universe.max_seconds_to_close", True),
)
"""Pairs of which the first must not be above the second, or with True must be below it."""


def _check_order(loaded: Loaded) -> None:
    for lower, upper, strictly in _IN_ORDER:
        low, high = (CATALOGUE[key].value_in(loaded.settings) for key in (lower, upper))
        assert isinstance(low, int | Decimal)
        assert isinstance(high, int | Decimal)
        if low > high or (strictly and low == high):
            below = Assignment(lower, low, loaded.sources[lower])
            above = Assignment(upper, high, loaded.sources[upper])
            # The later layer is the one to blame: the other stood before it.
            if above.source.layer > below.source.layer:
                blamed, other, relation = above, below, "above" if strictly else "at least"
            else:
                blamed, other, relation = below, above, "below" if strictly else "at most"
            value = shortened(other.value)
            raise ConfigError(
                f"{blamed} must be {relation} {other.key}, which is {value} ({other.source.name})"
            )


def _check_zone(loaded: Loaded) -> None:
    key = "risk.day_zone"
    zone = loaded.settings.risk.day_zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        stated = Assignment(key, zone, loaded.sources[key])
        raise ConfigError(f"{stated} must be a time zone such as UTC or America/New_York") from None


def read_overrides(path: Path | None) -> Sequence[Assignment]:
    """What the console's own file states; nothing where there is none. Raises ConfigError."""
    try:
        if path is None or not path.stat():
            return ()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return tuple(from_table(read_toml(path), Source(Layer.OVERRIDES, str(path))))
