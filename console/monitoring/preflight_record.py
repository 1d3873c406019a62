"""What the pre-flight checks found last, in a file of an environment, and how much of it still counts.

It is no part of the journal: that belongs to a running engine, and nothing here changes what is held.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec

from console import __version__
from console.config.changes import settings_hash
from console.config.program_settings import HistorySettings, InterfaceSettings, PracticeSettings
from console.config.schema import Settings
from console.domain.time_units import NS_PER_DAY
from console.monitoring.checklist import ITEMS, Item

_LATEST_NS = 2**63 - 1


class Status(enum.StrEnum):
    """``OPEN`` was never checked or answered; ``OUTDATED`` was, and counts no more."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    OUTDATED = "outdated"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, or what was answered by whom, and under which settings and program.

    ``evidence`` names all that it was found from, where that alone decides it.
    """

    passed: bool
    detail: str
    at_ns: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_NS)]
    by: str
    settings: str
    program: str = __version__
    evidence: str = ""


class Standing(msgspec.Struct, frozen=True):
    """What an item is worth now."""

    item: Item
    status: Status
    detail: str


class RecordError(Exception):
    """The record cannot be read; the text is one sentence."""


class _Record(msgspec.Struct):
    items: dict[str, Finding] = {}


def read_record(path: Path) -> dict[str, Finding]:
    """The newest finding of each item by its id, nothing where there is no file; raises RecordError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Record).items
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RecordError(
            f"{path}: is no record of pre-flight checks: {error}; remove it and run them again"
        ) from None


def encoded(findings: Mapping[str, Finding]) -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(_Record(dict(findings))))


def trading_hash(settings: Settings) -> str:
    """Names the settings by which real money would be traded, whatever is shown, practised and recorded."""
    others = replace(settings, ui=InterfaceSettings(), practice=PracticeSettings(), history=HistorySettings())
    return settings_hash(others)


def standings(findings: Mapping[str, Finding], settings: Settings, now_ns: int) -> tuple[Standing, ...]:
    """Every item of the checklist, in its order."""
    in_force = trading_hash(settings)
    return tuple(_standing(item, findings.get(item.id), in_force, now_ns) for item in ITEMS)


def _standing(item: Item, found: Finding | None, in_force: str, now_ns: int) -> Standing:
    if found is None:
        said = (
            "never answered: `kconsole preflight` asks it on a terminal" if item.question else "never checked"
        )
        return Standing(item, Status.OPEN, said)
    outdated = _outdated(item, found, in_force, now_ns)
    if outdated is not None:
        return Standing(item, Status.OUTDATED, f"{outdated}; then: {found.detail}")
    return Standing(item, Status.PASSED if found.passed else Status.FAILED, found.detail)


def _outdated(item: Item, found: Finding, in_force: str, now_ns: int) -> str | None:
    """Why a finding counts no more, if so."""
    age_days = (now_ns - found.at_ns) / NS_PER_DAY
    if item.by_settings and found.program != __version__:
        return f"found by version {found.program}, and {__version__} runs"
    if item.by_settings and found.settings != in_force:
        return "the settings have changed since"
    if item.lasts_days is not None and age_days < 0:
        return "found at a time that is still to come, by a clock that was wrong"
    if item.lasts_days is not None and age_days > item.lasts_days:
        return f"{age_days:.0f} days old, and counts for {item.lasts_days}"
    return None


def in_words(standing: Sequence[Standing]) -> str:
    """How many items stand how, such as ``30 passed, 2 failed, 5 open``."""
    counts = {status: sum(each.status is status for each in standing) for status in Status}
    return ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
