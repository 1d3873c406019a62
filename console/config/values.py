"""Checks one value of one setting, and reads it from the text of a variable or an option."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, DecimalException

from console.config.catalogue import SettingSpec, SettingValue
from console.config.secret_url import SecretUrl

_MOST_DECIMALS = 6
_LONGEST_SHOWN = 80
_MOST_DIGITS = 30
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")


class WrongValueError(ValueError):
    """A value does not fit its setting; the text says what would."""


def checked(spec: SettingSpec, value: object) -> SettingValue:
    """The value as its setting's type; raises WrongValueError."""
    converted = _converted(spec, value)
    if converted is None or not _in_range(spec, converted):
        raise WrongValueError(f"must be {spec.expected}")
    if isinstance(converted, Decimal) and _decimals(converted) > _MOST_DECIMALS:
        raise WrongValueError(f"must have no more than {_MOST_DECIMALS} decimals")
    return converted


def from_text(spec: SettingSpec, text: str) -> object:
    """What a configuration file would hold for ``text``; a text that cannot be read stays text.

    Numbers, true and false are written as in a file, a text without quotes, a list with commas.
    """
    if spec.kind in (str, SecretUrl):
        return text
    if spec.kind is tuple and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    if spec.kind is Decimal and len(text) <= _MOST_DIGITS and text.isascii():
        try:
            return Decimal(text)
        except DecimalException:
            return text
    try:
        table = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def shown(value: object) -> str:
    """A value as a configuration file writes it, on one line and without control characters."""
    match value:
        case Decimal():
            text = format(value, "f") if abs(value.adjusted()) < _MOST_DIGITS else str(value)
        case tuple() | list():
            text = f"[{', '.join(shown(item) for item in value)}]"
        case dict():
            text = f"{{{', '.join(f'{_name(name)} = {shown(item)}' for name, item in value.items())}}}"
        case bool():
            text = str(value).lower()
        case SecretUrl():
            text = repr(value)
        case int():
            text = str(value) if value.bit_length() < _MOST_DIGITS * 4 else f"about 2^{value.bit_length()}"
        case _:
            text = f'"{"".join(map(_escaped, str(value)))}"'
    return text


def text_of(spec: SettingSpec, value: SettingValue) -> str:
    """The text from which ``from_text`` reads the value."""
    return str(value) if spec.kind is str else shown(value)


def shortened(value: object) -> str:
    """``shown``, cut to what fits a message."""
    text = shown(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _name(name: str) -> str:
    """A key as a file writes it: bare, or in quotes where it must be."""
    return name if _BARE_NAME.fullmatch(name) else shown(name)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"


def _converted(spec: SettingSpec, value: object) -> SettingValue | None:
    match value:
        case bool():
            return value if spec.kind is bool else None
        case int() if spec.kind is int:
            return value
        case int() if spec.kind is Decimal:
            return Decimal(value)
        case Decimal() if spec.kind is Decimal and value.is_finite():
            return value
        case str() if spec.kind is str and value.isprintable():
            return value if not spec.choices or value in spec.choices else None
        case str() if spec.kind is SecretUrl:
            return _address(value)
        case SecretUrl() if spec.kind is SecretUrl:
            return value
        case list() | tuple() if spec.kind is tuple and _are_texts([*value]):
            return tuple(value)
        case dict() if spec.holds_lists and _are_lists(value):
            return {name: tuple(items) for name, items in value.items()}
        case dict() if spec.kind is dict and not spec.holds_lists and _are_texts([*value, *value.values()]):
            return value
        case _:
            return None


def _address(text: str) -> SecretUrl | None:
    try:
        return SecretUrl(text)
    except ValueError:
        return None


def _decimals(value: Decimal) -> int:
    """How many decimals are needed to write the number."""
    if value.adjusted() < -_MOST_DIGITS:
        return -value.adjusted()
    return len(format(value, "f").partition(".")[2].rstrip("0"))


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) and value.isprintable() for value in values)


def _are_lists(table: dict[object, object]) -> bool:
    return _are_texts([*table]) and all(
        isinstance(v, list | tuple) and _are_texts([*v]) for v in table.values()
    )


def _in_range(spec: SettingSpec, value: SettingValue) -> bool:
    if spec.low is None or spec.high is None or not isinstance(value, int | Decimal):
        return True
    return spec.low <= value <= spec.high
