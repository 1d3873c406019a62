"""What a routine review says: its steps, each with figures and a verdict in words."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.backtest.words import some
from console.config.schema import Settings
from console.domain.fees import FeeModel
from console.monitoring.days import Days, days_of
from console.monitoring.documents import Document, iso
from console.monitoring.figures import PeriodFigures, figures_of
from console.monitoring.period import PeriodRecords
from console.monitoring.records import Records
from console.monitoring.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTHING = "nothing was traded in this period"

FEWEST_EVENTS = 30
"""With fewer, an interval of whole events is narrower than it claims to be."""


class Verdict(enum.StrEnum):
    FINE = "fine"
    LOOK = "look at this"
    UNSURE = "cannot tell"
    NOTHING = "nothing traded"
    NO_HISTORY = "no history"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under headings; the columns at ``words`` hold words, the others figures."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture by its name; drawing raises NoPlotsError."""

    name: str
    draw: Callable[[], Figure]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task of the routine: what it asks, what was found, and the figures for programs.

    ``notes`` are sentences; ``drawn`` are lines of plain characters that stand as they are.
    """

    id: str
    task: str
    verdict: Verdict
    found: str
    figures: Document
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()

    def document(self) -> Document:
        return {
            "id": self.id,
            "task": self.task,
            "verdict": self.verdict.value,
            "found": self.found,
            "notes": list(self.notes),
            "figures": self.figures,
        }


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What is reviewed: a period from ``first_ns`` to before ``last_ns``, and what was traded in it.

    ``traded`` and ``figures`` are None where no account was open by then, and ``why_nothing`` says why.
    """

    environment: str
    first_ns: int
    last_ns: int
    settings: Settings
    fee_model: FeeModel
    traded: PeriodRecords | None
    figures: PeriodFigures | None
    why_nothing: str

    @property
    def days(self) -> Days:
        """The risk days, of which it is whole ones."""
        return days_of(self.settings.risk)

    @property
    def period(self) -> str:
        """Its first and last day, or the only one."""
        first, last = self.days.day_of(self.first_ns), self.days.day_of(self.last_ns - 1)
        return f"{first}" if first == last else f"{first} to {last}"

    def minute(self, at_ns: int) -> str:
        """A time on the clock of the risk day."""
        return f"{self.days.local(at_ns):%m-%d %H:%M}"

    @property
    def records(self) -> Records | None:
        return None if self.traded is None else self.traded.records


@dataclass(frozen=True, kw_only=True)
class Review:
    """One routine, done."""

    routine: str
    of: Reviewed
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.routine.upper()} REPORT  {self.of.environment}, {self.of.period} ({self.of.days})"

    def document(self) -> Document:
        """All of it for programs; money is dollar strings."""
        return {
            "routine": self.routine,
            "environment": self.of.environment,
            "from": iso(self.of.first_ns),
            "to": iso(self.of.last_ns),
            "days": str(self.of.days),
            "notes": list(self.notes),
            "steps": [step.document() for step in self.steps],
        }


def reviewed(
    environment: str,
    period: tuple[int, int],
    settings: Settings,
    fee_model: FeeModel,
    traded: PeriodRecords | None,
    why_nothing: str,
) -> Reviewed:
    """A period with its figures."""
    figures = (
        None
        if traded is None
        else figures_of(traded.records, fee_model, settings.quality, days_of(settings.risk))
    )
    return Reviewed(
        environment=environment,
        first_ns=period[0],
        last_ns=period[1],
        settings=settings,
        fee_model=fee_model,
        traded=traded,
        figures=figures,
        why_nothing=why_nothing,
    )


def notes_of(of: Reviewed, now_ns: int) -> tuple[str, ...]:
    """What to know before reading any figure."""
    last = of.days.day_of(of.last_ns - 1)
    notes = [f"{last} has not begun yet"] if of.days.start_ns(last) > now_ns else []
    if of.traded is None:
        return (*notes, of.why_nothing)
    records = of.traded.records
    if of.traded.accounts > 1:
        notes.append(
            f"{of.traded.accounts} accounts were traded one after the other; what each opened with is no "
            "profit, and what an earlier one left open counts in equity as last marked, in no trade's profit"
        )
    if records.left_out:
        markets = some(len(records.left_out), "market")
        notes.append(
            f"left out, because somebody else traded there too: {markets}, such as {records.left_out[0]}"
        )
    if of.figures is not None:
        notes += _notes_of_open(
            of.figures, None if of.traded.marked_ns is None else of.minute(of.traded.marked_ns)
        )
    return tuple(notes)


def _notes_of_open(it: PeriodFigures, marked: str | None) -> Iterator[str]:
    """``marked`` is when prices were known."""
    known = it.performance.open_trades - it.unmarked
    if known and marked is not None:
        yield f"open at prices of {marked}: {some(known, 'trade')}"
    if it.unmarked:
        yield (
            f"open without a price that is known, and so in no profit or loss: {some(it.unmarked, 'trade')}"
        )


def nothing(id: str, task: str, found: str = NOTHING) -> Step:  # noqa: A002 - the field's name
    """A step of which there is nothing to say."""
    return Step(id=id, task=task, verdict=Verdict.NOTHING, found=found, figures={})


def too_few(events: int) -> str:
    """Why nothing can be claimed of so many events."""
    are = "event is" if events == 1 else "events are"
    return f"{events:,} {are} too few for a claim ({FEWEST_EVENTS} are asked)"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest: one to look at before one that cannot be told."""
    found = set(verdicts)
    return next((each for each in (Verdict.LOOK, Verdict.UNSURE) if each in found), Verdict.FINE)


def between(interval: Interval | None, form: str) -> str:
    """``+1.0 to +2.0``; a dash where there is none."""
    return "-" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"
