"""``overrides.toml``: what the operator changed while a run was on, for the runs to come."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import tomli_w

from console.config.assignments import Assignment, Layer, Source
from console.config.catalogue import CATALOGUE
from console.config.errors import ConfigError
from console.config.load import Loaded, next_start, read_overrides
from console.config.schema import Settings
from console.engine.durable_file import replace_durably


class Overrides:
    """The file of one environment, and the layers around it as they were loaded."""

    def __init__(self, path: Path, loaded: Loaded) -> None:
        self._path = path
        self._loaded = loaded

    def refusal(self, keys: Iterable[str]) -> str | None:
        """Why one of these keys cannot be changed for good, or None when all can."""
        pins = (f"{key} {pin}" for key in keys if key in CATALOGUE and (pin := self._loaded.pin(key)))
        return next(pins, None)

    def write(self, settings: Settings, keys: Iterable[str]) -> None:
        """Have the values of these keys on disk; what the file beneath says anyway is left out.

        Raises ConfigError, also for values that fit only beside what an option or a variable pins: the next
        start, without those, would refuse the file.
        """
        kept = {said.key: said for said in read_overrides(self._path)}
        source = Source(Layer.OVERRIDES, str(self._path))
        for key in keys:
            value = CATALOGUE[key].value_in(settings)
            if value == self._loaded.beneath(key).value:
                kept.pop(key, None)
            else:
                kept[key] = Assignment(key, value, source)
        try:
            next_start(self._loaded, kept.values())
        except ConfigError as error:
            raise ConfigError(f"a start without the options of this one would refuse it: {error}") from None
        document: dict[str, dict[str, object]] = {}
        for key, said in kept.items():
            section, _, name = key.partition(".")
            document.setdefault(section, {})[name] = said.value
        try:
            replace_durably(self._path, tomli_w.dumps(document).encode())
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror}") from None
