"""A dict of which a copy costs the same however large it is."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TypeVar, overload

Key = TypeVar("Key")
Value = TypeVar("Value")
Default = TypeVar("Default")

_MOST_CHANGES = 32
"""As many are copied at once; with one more they are folded into a base of their own."""


class LayeredDict(MutableMapping[Key, Value]):
    """What changed lately over a base that copies share and nobody changes; no value is None."""

    __slots__ = ("_base", "_changes")

    def __init__(
        self, base: dict[Key, Value] | None = None, changes: dict[Key, Value | None] | None = None
    ) -> None:
        self._base: dict[Key, Value] = {} if base is None else base
        self._changes: dict[Key, Value | None] = {} if changes is None else changes

    def copy(self) -> LayeredDict[Key, Value]:
        """The same as it is now; what becomes of either is not seen in the other."""
        if len(self._changes) > _MOST_CHANGES:
            self._fold()
        return LayeredDict(self._base, dict(self._changes))

    def _fold(self) -> None:
        self._base, self._changes = self.as_dict(), {}

    def as_dict(self) -> dict[Key, Value]:
        """All of it in a dict of its own, of which the values are found much faster one after the other."""
        base = self._base.copy()
        for key, value in self._changes.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = value
        return base

    @overload
    def get(self, key: Key) -> Value | None: ...
    @overload
    def get(self, key: Key, default: Value | Default) -> Value | Default: ...
    def get(self, key: Key, default: Value | Default | None = None) -> Value | Default | None:
        # Spelled out: what is inherited raises and catches where nothing is found.
        value = self._changes[key] if key in self._changes else self._base.get(key)
        return default if value is None else value

    def __getitem__(self, key: Key) -> Value:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        self._changes[key] = value

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self._changes[key] = None

    def __iter__(self) -> Iterator[Key]:
        yield from (key for key in self._base if key not in self._changes)
        yield from (key for key, value in self._changes.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
