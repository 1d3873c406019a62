"""``kconsole replay --against-live``: a recorded day of one's own, run again beside what really happened."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    home_of,
    load_settings,
    print_json,
    visible,
)
from console.commands.errors import ExitCode, UserError
from console.commands.progress import Bar
from console.config.changes import settings_hash
from console.config.schema import Settings
from console.domain.account_events import MarketSettled, RunStarted
from console.domain.events import JournaledEvent
from console.domain.time_units import NS_PER_DAY, NS_PER_S
from console.engine.journal_chain import JournalError
from console.engine.journal_copy import journal_copy

if TYPE_CHECKING:
    from console.backtest.against_live import RunAgain
    from console.backtest.live_differences import Compared
    from console.backtest.live_report import AgainstLive
    from console.backtest.live_runs import LiveRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against-live",
        metavar="DAY",
        required=True,
        help="a day (UTC) on which this environment traded and that it recorded, such as 2026-03-01",
    )
    parser.add_argument("--dry-run", action="store_true", help="the dry runs of that day")
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError where something of that day is missing."""
    report = _report(arguments)
    if arguments.json:
        print_json(report.document())
    else:
        from console.backtest.live_report import against_live_text

        for line in against_live_text(report):
            print(visible(line))
    return ExitCode.DONE


def _report(arguments: argparse.Namespace) -> AgainstLive:
    """Raises ConfigError and UserError."""
    day = _day(arguments.against_live)
    recorded = _recorded(arguments, day)
    since_ns = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_S
    notes: list[str] = []
    with Bar("rows") as bar:
        events = _journaled(arguments, bar)
        # They bring numpy and pyarrow, which a wrong option need not wait for.
        from console.backtest.live_report import against_live
        from console.backtest.live_runs import live_runs

        runs = live_runs(events, since_ns, since_ns + NS_PER_DAY, _starts_of_others(arguments))
        if not runs:
            raise UserError(_no_run(arguments, day, events))
        found = _compared(arguments, recorded, runs, events, bar, notes)
    environment = f"{arguments.env}, dry run" if arguments.dry_run else arguments.env
    paid = {e.settlement.ticker: e.settlement.yes_value for e in events if isinstance(e, MarketSettled)}
    return against_live(day.isoformat(), environment, found, paid, notes)


# --- what there must be ---------------------------------------------------------------------------------


def _recorded(arguments: argparse.Namespace, day: date) -> Path:
    """The folder of the day; raises UserError."""
    from console.history.own_days import own_days_in

    days = {
        own.day: own.folder
        for own in own_days_in(home_of(arguments).root)
        if own.environment == arguments.env
    }
    if day in days:
        return days[day]
    there = ", ".join(each.isoformat() for each in sorted(days)) or "none"
    raise UserError(
        f"{arguments.env} has no recording of {day} in {folder_of(arguments).days}; recorded: {there} "
        "(history.record_days says how many days are kept)"
    )


def _journaled(arguments: argparse.Namespace, bar: Bar) -> list[JournaledEvent]:
    """All that the journal holds; raises UserError."""
    folder = folder_of(arguments)
    path = folder.dry_run_journal if arguments.dry_run else folder.journal
    bar.begin("reading the journal")
    try:
        with journal_copy(path) as copy:
            return list(copy.events())
    except FileNotFoundError:
        other = folder.journal if arguments.dry_run else folder.dry_run_journal
        hint = "without --dry-run" if arguments.dry_run else "with --dry-run"
        instead = f"; {other.name} does: ask for it {hint}" if other.exists() else ""
        raise UserError(
            f"nothing tells what happened on {arguments.against_live}: {path} does not exist{instead}"
        ) from None
    except JournalError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None


def _starts_of_others(arguments: argparse.Namespace) -> list[int]:
    """When runs began that went into the other journal of the environment, as far as it can be read."""
    folder = folder_of(arguments)
    path = folder.journal if arguments.dry_run else folder.dry_run_journal
    try:
        with journal_copy(path) as copy:
            return [event.at_ns for event in copy.events() if isinstance(event, RunStarted)]
    except (FileNotFoundError, JournalError):
        return []


def _no_run(arguments: argparse.Namespace, day: date, events: Sequence[JournaledEvent]) -> str:
    days = {datetime.fromtimestamp(event.at_ns // NS_PER_S, UTC).date() for event in events}
    there = ", ".join(each.isoformat() for each in sorted(days)[-5:]) or "none"
    what = "dry run" if arguments.dry_run else "run"
    return f"no {what} traded on {day}, as the journal of {arguments.env} has it; it tells of {there}"


# --- the runs -------------------------------------------------------------------------------------------


def _compared(
    arguments: argparse.Namespace,
    recorded: Path,
    runs: Sequence[LiveRun],
    events: Sequence[JournaledEvent],
    bar: Bar,
    notes: list[str],
) -> list[tuple[RunAgain, Compared]]:
    """Each run that was recorded, run again; what is not as it was goes to ``notes``. Raises UserError."""
    from console.backtest.against_live import World, run_again
    from console.backtest.fee_schedules import FeeSchedules
    from console.backtest.live_differences import compared
    from console.backtest.live_settings import settings_by_hash
    from console.history.folder import open_folder
    from console.history.own_days import readable
    from console.history.schema import EmptyHistoryError, HistoryError
    from console.history.usable import Period
    from console.strategies.edge_table import edge_model_of

    now = load_settings(arguments).settings
    known, home, found = settings_by_hash(now, events), home_of(arguments).root, []
    world = World(
        FeeSchedules.load(),
        lambda settings: edge_model_of(settings.edge, home, time.time_ns()),
        escalates=arguments.env != "practice",
    )
    try:
        bar.begin(f"reading {recorded}")
        with readable(recorded) as files:
            for number, each in enumerate(runs, 1):
                notes += _not_as_it_was(each, known, now)
                try:
                    timeline = open_folder(files, Period(each.began_ns, each.ended_ns))
                except EmptyHistoryError:
                    notes.append(
                        f"of the run of {_clock(each.began_ns)} nothing was recorded: it is left out"
                    )
                    continue
                bar.begin(f"run {number} of {len(runs)}")
                settings = known.get(each.settings, now)
                again = run_again(each, settings, timeline, world, bar.count)
                found.append((again, compared(again, timeline)))
    except HistoryError as error:
        raise UserError(str(error)) from None
    if not found:
        raise UserError(f"{recorded} holds nothing of the runs of that day: {notes[-1]}")
    return found


def _not_as_it_was(run: LiveRun, known: Mapping[str, Settings], now: Settings) -> Iterator[str]:
    began = _clock(run.began_ns)
    if run.settings not in known:
        yield (
            f"the run of {began} began with other settings ({run.settings}) than those of now "
            f"({settings_hash(now)}), and the journal does not tell which: those of now were used; give "
            "the options that it was started with"
        )
    if run.opening.resting:
        yield (
            f"when the run of {began} began {run.opening.resting} orders of the one before could still fill: "
            "the replay has none of them"
        )


def _clock(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC):%H:%M:%S}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--against-live {text}: not a day such as 2026-03-01", ExitCode.USAGE) from None
