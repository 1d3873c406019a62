"""Records as documents for programs: money as dollar strings, times and days as ISO text."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from console.domain.money import Cash, Count, Price, format_cash, format_count, format_price

Document = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMATS: Mapping[object, Callable[[Any], str]] = {
    Cash: format_cash,
    Count: format_count,
    Price: format_price,
}
_AS_THEY_ARE = {str, int, bool, float}


def document_of(record: msgspec.Struct) -> Document:
    """Every field by its declared type; one that ends in ``_ns`` is a time and loses that ending.

    Members of a tuple are of one type.
    """
    document: Document = {}
    for name, key, kind in _fields(type(record)):
        value = getattr(record, name)
        if key != name:
            document[key] = None if value is None else iso(value)
        else:
            document[key] = _plain(value, kind)
    return document


def iso(at_ns: int) -> str:
    """A time in UTC to the microsecond."""
    return (_EPOCH + timedelta(microseconds=at_ns // 1_000)).isoformat()


@cache
def _fields(kind: type) -> tuple[tuple[str, str, Any], ...]:
    """Name, key in the document and declared type of each."""
    return tuple((name, name.removesuffix("_ns"), each) for name, each in get_type_hints(kind).items())


@cache
def _of_union(kind: Any) -> Any:  # noqa: ANN401 - whatever may be declared
    """What is declared, or the first of several that is not None."""
    if get_origin(kind) in (types.UnionType, typing.Union):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def _plain(value: Any, kind: Any) -> Any:  # noqa: ANN401 - any field of any record
    if value is None:
        return None
    kind = _of_union(kind)
    if kind in _FORMATS:
        return _FORMATS[kind](value)
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, msgspec.Struct):
        return document_of(value)
    if isinstance(value, Mapping):
        return {key: _plain(each, get_args(kind)[1]) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, get_args(kind)[0]) for each in value]
    return msgspec.to_builtins(value)
