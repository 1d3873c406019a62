"""What of the pre-flight checklist is open, as arming shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from console.config.home import Home
from console.config.load import Environment
from console.config.schema import Settings
from console.monitoring.preflight_record import (
    RecordError,
    Standing,
    Status,
    in_words,
    read_record,
    standings,
)
from console.tui.cells import Line, Tone, put

_MOST_SHOWN = 6
_TONES = {Status.FAILED: Tone.LOSS, Status.OUTDATED: Tone.WARN, Status.OPEN: Tone.WARN}
_GRAVEST_FIRST = (Status.FAILED, Status.OUTDATED, Status.OPEN)


def preflight_of(
    home: Path, environment: Environment, now_ns: Callable[[], int]
) -> Callable[[Settings], Sequence[Line]]:
    """Reads what was found last, once, and words it for the settings in force."""
    try:
        findings = read_record(Home(home).environment(environment).preflight)
    except RecordError as error:
        lines = [put(f"■ pre-flight: {error}", Tone.LOSS)]
        return lambda _settings: lines
    return lambda settings: preflight_lines(standings(findings, settings, now_ns()), environment)


def preflight_lines(standing: Sequence[Standing], environment: Environment) -> list[Line]:
    """How many items stand how, and the gravest of what has not passed."""
    left = [each for status in _GRAVEST_FIRST for each in standing if each.status is status]
    if not left:
        return [put(f"● pre-flight: {in_words(standing)}", Tone.GAIN)]
    lines = [put(f"▲ pre-flight: {in_words(standing)}", Tone.WARN)]
    for each in left[:_MOST_SHOWN]:
        lines.append(put(f"  {each.status.value}: {each.item.title}", _TONES[each.status]))
    more = f"{len(left) - _MOST_SHOWN} more: " if len(left) > _MOST_SHOWN else ""
    lines.append(put(f"  {more}kconsole preflight --env {environment} --list", Tone.MUTED))
    return lines
