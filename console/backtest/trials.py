"""Backtests by the dozen, wherever an executor runs them; what is finished is kept and not run again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from console.backtest.doubts import Doubts, doubts_of
from console.backtest.setup import Setup
from console.backtest.timeline_parts import Stretch, TimelinePart
from console.config.secret_url import without_secret
from console.history.timeline import Timeline
from console.monitoring.performance import Performance, performance
from console.monitoring.trades import trades_of


@dataclass(frozen=True)
class Recording:
    """A history folder and what of it is used, for each process to open by itself."""

    folder: Path
    since_ns: int | None
    until_ns: int | None
    series: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a setup on a stretch of a recording, or on all of it.

    Trials of one ``key`` are the same to the last figure. ``holdout`` names a stretch that nothing may be
    chosen on, where the trial is run on one.
    """

    key: str
    setup: Setup
    recording: Recording
    stretch: Stretch | None = None
    holdout: str | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared between trials."""

    first_ns: int
    last_ns: int
    fills: int
    performance: Performance
    doubts: Doubts
    journal_hash: str


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    holdout: str | None
    figures: Figures


class FinishedTrials:
    """A file of finished trials, a line each; it grows and is never rewritten."""

    def __init__(self, path: Path) -> None:
        """Reads what is there; raises OSError."""
        self._path = path
        self._figures: dict[str, Figures] = {}
        self._holdouts: dict[str, set[str]] = {}
        self._ends_within_line = False
        for text in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
            self._ends_within_line = not text.endswith(b"\n")
            try:
                self._take(msgspec.json.decode(text, type=_Line))
            except msgspec.DecodeError:
                # Torn by a kill, or of another version: that trial is run again.
                continue

    def of(self, trial: Trial) -> Figures | None:
        return self._figures.get(trial.key)

    def other_runs_of(self, trial: Trial) -> int:
        """How many other trials have been run on the holdout of this one."""
        return len(self._holdouts.get(trial.holdout or "", set()) - {trial.key})

    def add(self, trial: Trial, figures: Figures) -> None:
        """Raises OSError."""
        line = _Line(key=trial.key, holdout=trial.holdout, figures=figures)
        begin = b"\n" if self._ends_within_line else b""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(begin + msgspec.json.encode(line) + b"\n")
        self._ends_within_line = False
        self._take(line)

    def _take(self, line: _Line) -> None:
        self._figures[line.key] = line.figures
        if line.holdout is not None:
            self._holdouts.setdefault(line.holdout, set()).add(line.key)


def sweep(trials: Sequence[Trial], executor: Executor) -> Iterator[tuple[Trial, Figures]]:
    """Run every trial and give each with its figures when it is done; those not begun are dropped at the end.

    Raises HistoryError, or what the executor raises when it fails.
    """
    trial_of = {executor.submit(run_trial, trial): trial for trial in trials}
    try:
        for future in as_completed(trial_of):
            yield trial_of[future], future.result()
    finally:
        for future in trial_of:
            future.cancel()


def run_trial(trial: Trial) -> Figures:
    """Run one trial here; raises HistoryError."""
    from console.backtest.run import run

    timeline = opened(trial.recording)
    part = timeline if trial.stretch is None else TimelinePart(timeline, trial.stretch)
    result = run(trial.setup, part)
    trades = trades_of(result)
    return Figures(
        first_ns=result.first_ns,
        last_ns=result.last_ns,
        fills=len(result.fills),
        performance=performance(result, trades),
        doubts=doubts_of(result, trades),
        journal_hash=result.journal_hash,
    )


@lru_cache(maxsize=1)
def opened(recording: Recording) -> Timeline:
    """The timeline of a recording, which this process opens once; raises HistoryError."""
    from console.history.folder import open_folder
    from console.history.usable import Period

    return open_folder(recording.folder, Period(recording.since_ns, recording.until_ns), recording.series)


_encode = msgspec.json.Encoder(order="deterministic", enc_hook=without_secret).encode


def digest(*parts: object) -> str:
    """A name for whatever these say, the same for the same."""
    return hashlib.sha256(_encode(parts)).hexdigest()


def files_digest(folder: Path) -> str:
    """A name for the files of a folder as they are now, by size and time of change."""
    stats = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return digest([(str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns) for path, stat in stats])


@lru_cache(maxsize=1)
def program_digest() -> str:
    """A name for this program as it is installed: another one may come to other figures."""
    package = Path(__file__).parents[1]
    files = sorted(path for path in package.rglob("*") if path.suffix in (".py", ".csv"))
    return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
