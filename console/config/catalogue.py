"""Every setting by its dotted key, read from the schema once."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from console.config.schema import SECTIONS, Settings
from console.config.secret_url import SecretUrl
from console.config.setting import Loosens

SettingValue = (
    Decimal | int | bool | str | SecretUrl | tuple[str, ...] | dict[str, str] | dict[str, tuple[str, ...]]
)


class SettingSpec(msgspec.Struct, frozen=True):
    """One declared setting; ``kind`` is its type, ``choices`` what a choice may be.

    ``holds_lists`` tells a table of lists from a table of texts.
    """

    section: str
    name: str
    kind: type
    choices: tuple[str, ...]
    holds_lists: bool
    default: SettingValue
    description: str
    unit: str
    low: Decimal | int | None
    high: Decimal | int | None
    loosens: Loosens | None

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def takes_effect(self) -> str:
        """When a change of it counts, in words."""
        return "at the next start" if self.loosens is None else "at once"

    @property
    def expected(self) -> str:
        """What a right value is, in words."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        if self.holds_lists:
            return "a table of lists of texts"
        if self.kind not in (int, Decimal):
            return _WORDS[self.kind]
        noun = "a whole number" if self.kind is int else "a number"
        return f"{noun} from {self.low} to {self.high}"

    def value_in(self, settings: Settings) -> SettingValue:
        value: SettingValue = getattr(getattr(settings, self.section), self.name)
        return value


_WORDS: Mapping[type, str] = {
    bool: "true or false",
    str: "text without control characters",
    SecretUrl: "an https:// address, or an http:// one of this machine, or nothing",
    tuple: "a list of texts",
    dict: "a table of texts",
}


def _spec(section: str, declared: dataclasses.Field[SettingValue], annotation: object) -> SettingSpec:
    origin = typing.get_origin(annotation)
    is_choice = origin is typing.Literal
    kind = str if is_choice else origin or annotation
    assert isinstance(kind, type)
    factory = declared.default_factory
    default = declared.default if factory is dataclasses.MISSING else factory()
    assert default is not dataclasses.MISSING
    return SettingSpec(
        section=section,
        name=declared.name,
        kind=kind,
        choices=typing.get_args(annotation) if is_choice else (),
        holds_lists=kind is dict and typing.get_origin(typing.get_args(annotation)[1]) is tuple,
        default=default,
        **declared.metadata,
    )


def _catalogue() -> dict[str, SettingSpec]:
    specs = {}
    for section, declaration in SECTIONS.items():
        annotations = typing.get_type_hints(declaration)
        for declared in dataclasses.fields(declaration):
            spec = _spec(section, declared, annotations[declared.name])
            specs[spec.key] = spec
    return specs


CATALOGUE: Mapping[str, SettingSpec] = _catalogue()
"""Dotted key to setting, in the order of the files."""
