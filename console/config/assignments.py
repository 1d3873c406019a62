"""What each layer states: a file, the variables, the options; a key that no setting has is refused."""

from __future__ import annotations

import difflib
import enum
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from console.config.catalogue import CATALOGUE
from console.config.errors import ConfigError
from console.config.schema import SECTIONS
from console.config.secret_url import SecretUrl
from console.config.values import from_text, shortened

HOME_VARIABLE = "KCONSOLE_HOME"
VARIABLE_PREFIX = "KCONSOLE_"


class Layer(enum.IntEnum):
    """Where a value can come from; the higher wins."""

    DEFAULT = 0
    FILE = 1
    OVERRIDES = 2
    VARIABLE = 3
    OPTION = 4


class Source(msgspec.Struct, frozen=True):
    """The layer that set a value, and the file, variable or option by name."""

    layer: Layer
    name: str


class Assignment(msgspec.Struct, frozen=True):
    """``value`` for ``key``, as some layer states it."""

    key: str
    value: object
    source: Source

    def __str__(self) -> str:
        is_secret = CATALOGUE[self.key].kind is SecretUrl
        value = "(hidden)" if is_secret else shortened(self.value)
        return f"{self.source.name}: {self.key} = {value}"


def from_table(document: Mapping[str, object], source: Source) -> Iterator[Assignment]:
    """Each value of a TOML document; raises ConfigError."""
    for section, table in document.items():
        _check_section(section, source.name)
        if not isinstance(table, dict):
            raise ConfigError(
                f"{source.name}: {section} = {shortened(table)} must be a section, written [{section}]"
            )
        for name, value in table.items():
            yield Assignment(known_key(f"{section}.{name}", source.name), value, source)


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file, its decimals exact; raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start + 1})") from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None


def from_variables(variables: Mapping[str, str]) -> Iterator[Assignment]:
    """Each variable that names a setting; raises ConfigError."""
    for variable, text in variables.items():
        if not variable.startswith(VARIABLE_PREFIX) or variable == HOME_VARIABLE:
            continue
        section, _, name = variable.removeprefix(VARIABLE_PREFIX).lower().partition("__")
        key = known_key(f"{section}.{name}", f"variable {variable}")
        yield Assignment(key, from_text(CATALOGUE[key], text), Source(Layer.VARIABLE, variable))


def from_options(options: Iterable[tuple[str, str]]) -> Iterator[Assignment]:
    """Each option's value; raises ConfigError."""
    for option, text in options:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"{option} {shortened(text)}: must be written section.key=value")
        key = known_key(key.strip(), option)
        yield Assignment(key, from_text(CATALOGUE[key], value.strip()), Source(Layer.OPTION, option))


def _check_section(section: str, where: str) -> None:
    if section not in SECTIONS:
        raise ConfigError(f"{where}: {_unknown('section', section, SECTIONS)}")


def known_key(key: str, where: str) -> str:
    """The key, if a setting has it; else raises ConfigError in the name of ``where``."""
    _check_section(key.partition(".")[0], where)
    if key not in CATALOGUE:
        raise ConfigError(f"{where}: {_unknown('key', key, CATALOGUE)}")
    return key


def _unknown(what: str, name: str, names: Iterable[str]) -> str:
    """One sentence with the nearest known name, or with all of them when none is near."""
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        section = name.partition(".")[0] + "."
        alike = [known for known in names if known.startswith(section)]
        hint = f"known are {', '.join(alike or names)}"
    return f"unknown {what} {shortened(name)}; {hint}"
