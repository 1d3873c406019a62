"""Thresholds under test beside those in force, on one recording: what is asked for, and doing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from console.backtest.side_by_side import SideBySide, compare
from console.config.schema import Settings
from console.domain.money import Cash, Count

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.backtest.setup import Setup
    from console.history.timeline import Timeline

FeeModelName = Literal["kalshi", "profit"]


class ShippedRecording(msgspec.Struct, frozen=True):
    """A recording that comes with the program, and the time it covers (UTC)."""

    name: str
    since: str
    until: str


SHIPPED = (
    ShippedRecording("shipped, Feb 2026, 82 min", "2026-02-25T04:22", "2026-02-25T05:46"),
    ShippedRecording("shipped, Aug 2026, 18 h", "2026-08-17T05:32", "2026-08-17T23:46"),
)
"""The markets of the practice exchange; the second lasts longer than what practice plays of it."""


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to run; ``folder`` None is the shipped markets, ``home`` where a table of measured edges stands.

    ``fees`` is what the exchange charges in both runs, and ``assumed_depth`` the size of quotes recorded
    without one; with ``modelled_depth`` that is drawn. ``tried`` counts the thresholds among which these are
    being chosen.
    """

    folder: str | None
    name: str
    home: str
    in_force: Settings
    under_test: Settings
    capital: Cash
    fees: FeeModelName
    since_ns: int | None = None
    until_ns: int | None = None
    series: tuple[str, ...] = ()
    assumed_depth: Count | None = None
    modelled_depth: bool = False
    tried: int = 1


Tell = Callable[[str, int, int], None]
"""Hears the name of the run, and how many of its rows are done, of how many."""


def replay(request: ReplayRequest, tell: Tell) -> SideBySide:
    """Run both thresholds, or one run where they are the same.

    Raises HistoryError for a recording and ConfigError for an edge table that cannot be used.
    """
    with opened(request) as timeline:
        before = _report(request, request.in_force, timeline, tell, "in force")
        same = _charging(request.in_force, request.fees) == _charging(request.under_test, request.fees)
        after = None if same else _report(request, request.under_test, timeline, tell, "under test")
    return compare(before, after)


@contextmanager
def opened(request: ReplayRequest) -> Iterator[Timeline]:
    """The recording; raises HistoryError."""
    from console.history.folder import open_folder
    from console.history.own_days import readable
    from console.history.usable import Period

    period = Period(request.since_ns, request.until_ns)
    if request.folder is not None:
        with readable(Path(request.folder)) as files:
            yield open_folder(files, period, request.series)
        return
    with resources.as_file(resources.files("console.practice") / "data") as folder:
        yield open_folder(folder, period, request.series)


def setup_of(request: ReplayRequest, settings: Settings) -> Setup:
    """A run of these settings as asked for; raises ConfigError."""
    from console.backtest.fee_schedules import FeeSchedules
    from console.backtest.shipped_setup import shipped_setup
    from console.strategies.edge_table import edge_model_of

    charged = _charging(settings, request.fees)
    edge = edge_model_of(charged.edge, Path(request.home), time.time_ns())
    usual = shipped_setup(charged, edge, FeeSchedules.load(), request.capital)
    return replace(usual, assumed_depth=request.assumed_depth, modelled_depth=request.modelled_depth)


def _charging(settings: Settings, fees: FeeModelName) -> Settings:
    return replace(settings, fees=replace(settings.fees, model=fees))


def _report(request: ReplayRequest, settings: Settings, timeline: Timeline, tell: Tell, name: str) -> Report:
    from console.backtest.pieces import Pieces
    from console.backtest.report import Context, report_of
    from console.backtest.run import run
    from console.history.usable import Period
    from console.strategies.edge_table import measured_table

    setup = setup_of(request, settings)
    result = run(setup, Pieces(timeline, lambda rows: tell(name, rows, timeline.rows)))
    context = Context(
        data=request.name,
        period=Period(request.since_ns, request.until_ns),
        thresholds_tried=request.tried,
        edge_table=measured_table(setup.settings.edge, Path(request.home), time.time_ns()),
    )
    return report_of(result, setup, timeline.markets, context)
