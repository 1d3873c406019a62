"""What a walk forward says, as a document and as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from console.backtest.sweep import Pair
from console.backtest.trials import Figures
from console.backtest.walk_forward import Window
from console.backtest.words import dollars, figure, some, wrapped
from console.domain.money import Cash, format_cash
from console.domain.time_units import NS_PER_DAY, NS_PER_HOUR
from console.monitoring.documents import Document, iso
from console.strategies.edge_table import EdgeTable


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """A window, the pair that was best in its training, and what that made there and in the test.

    Without a pair nothing was traded in the training. ``other_runs`` counts trials of other settings that
    saw this test before. ``fitted`` are the edges measured in the training, where it traded by those.
    """

    window: Window
    pair: Pair | None
    trained: Figures | None
    tested: Figures | None
    other_runs: int
    fitted: EdgeTable | None = None

    @property
    def lacks_events(self) -> str | None:
        """Why there was nothing to trade, if there was not."""
        if not self.window.train.events:
            return "no event lived wholly within the training"
        return None if self.window.test.events else "no event lived wholly within the test"

    @property
    def failure(self) -> str | None:
        """Why the window shows nothing, if it does not."""
        if self.lacks_events:
            return self.lacks_events
        if self.tested is None:
            return "no pair traded in the training"
        return None if self.tested.fills else "nothing was traded in the test"


class WalkForward(msgspec.Struct, frozen=True, kw_only=True):
    """Every window, in order; ``tried`` pairs stood to choose from, ``against`` is said against the tests."""

    windows: tuple[Walked, ...]
    tried: int
    against: tuple[str, ...]

    @property
    def failed(self) -> int:
        return sum(each.failure is not None for each in self.windows)

    @property
    def net_pnl(self) -> Cash | None:
        """What all tests made together, each begun with the same capital; None while one is not known."""
        made = [each.tested.performance.total_pnl for each in self.windows if each.tested is not None]
        known = [each for each in made if each is not None]
        return Cash(sum(known)) if known and len(known) == len(made) else None

    def warnings(self) -> list[str]:
        said = []
        if self.failed:
            said.append(
                f"{self.failed} of {some(len(self.windows), 'window')} traded nothing and show nothing: "
                "take a longer --train or --test, or a wider --grid"
            )
        seen = max(each.other_runs for each in self.windows)
        if seen:
            said.append(
                f"these tests have been run under {some(seen, 'other choice')} of settings before: what was "
                "chosen after looking at them is not tested by them"
            )
        unmeasured = sum(each.fitted is not None and not each.fitted.cells for each in self.windows)
        if unmeasured:
            said.append(
                f"{some(unmeasured, 'training')} had no announced result of a market with a category: no "
                "edge could be measured there, and the published marks were traded by"
            )
        return [*said, *self.against]

    def document(self) -> Document:
        """All of it for programs; money is dollar strings."""
        return {
            "windows": [_document(each) for each in self.windows],
            "failed": self.failed,
            "tried": self.tried,
            "net_pnl": None if self.net_pnl is None else format_cash(self.net_pnl),
            "warnings": self.warnings(),
        }

    def text(self) -> Iterator[str]:
        yield _lengths(self.windows[0].window)
        cells = [len(each.fitted.cells) for each in self.windows if each.fitted is not None]
        if cells:
            yield f"edges: measured in each training, {min(cells):,} to {max(cells):,} cells"
        yield (
            f"{'TEST (UTC)':22} {'events':>6} {'purged':>6} {'pair':>6} {'trained':>10} {'trades':>6} "
            f"{'net P&L':>10} {'bps':>6}"
        )
        for why, windows in groupby(self.windows, lambda each: each.lacks_events):
            if why is None:
                for each in windows:
                    yield from _lines([each])
            else:
                # A gap of the recording may be hundreds of windows.
                yield from _lines(list(windows))
        yield ""
        yield f"all tests: net {dollars(self.net_pnl)}"
        for warning in self.warnings():
            yield from wrapped("! ", warning)


def _lengths(window: Window) -> str:
    """What every window is made of; a training is the shorter by its embargo."""
    (since_ns, trained_ns), (tested_ns, until_ns) = (
        (stretch.since_ns or 0, stretch.until_ns or 0) for stretch in (window.train, window.test)
    )
    return (
        f"each window: training {_length(trained_ns - since_ns)}, embargo {_length(tested_ns - trained_ns)}, "
        f"test {_length(until_ns - tested_ns)}"
    )


def _length(span_ns: int) -> str:
    if span_ns and span_ns % NS_PER_DAY == 0:
        return some(span_ns // NS_PER_DAY, "day")
    return some(span_ns // NS_PER_HOUR, "hour")


def _lines(alike: Sequence[Walked]) -> Iterator[str]:
    """One window, or several of which nothing was run for the same reason."""
    it = alike[0]
    events = sum(len(each.window.test.events or ()) for each in alike)
    purged = sum(each.window.purged for each in alike)
    trained = None if it.trained is None else it.trained.performance.total_pnl
    tested = None if it.tested is None else it.tested.performance
    yield (
        f"{_period(it, alike[-1]):22} {events:>6,} {purged:>6,} {it.pair or 'none'!s:>6} "
        f"{dollars(trained):>10} {0 if tested is None else tested.trades:>6,} "
        f"{dollars(None if tested is None else tested.total_pnl):>10} "
        f"{figure(None if tested is None else tested.net_bps, '+.0f'):>6}"
    )
    if it.failure is not None:
        yield f"! FAILED{f', {len(alike):,} windows' if len(alike) > 1 else ''}: {it.failure}"


def _period(first: Walked, last: Walked) -> str:
    """The days of the tests, with their hours where they do not begin at midnight."""
    begin_ns, end_ns = first.window.test.since_ns or 0, last.window.test.until_ns or 0
    begin, end = iso(begin_ns), iso(end_ns)
    if begin_ns % NS_PER_DAY or end_ns % NS_PER_DAY:
        return f"{begin[:13]} {end[5:13]}"
    return f"{begin[:10]} {end[:10]}"


def _document(it: Walked) -> Document:
    window = it.window
    return {
        "train_from": iso(window.train.since_ns or 0),
        "train_to": iso(window.train.until_ns or 0),
        "test_from": iso(window.test.since_ns or 0),
        "test_to": iso(window.test.until_ns or 0),
        "train_events": len(window.train.events or ()),
        "test_events": len(window.test.events or ()),
        "purged_events": window.purged,
        "edge_cells": None if it.fitted is None else len(it.fitted.cells),
        "pair": None if it.pair is None else str(it.pair),
        "train": _figures(it.trained),
        "test": _figures(it.tested),
        "other_runs": it.other_runs,
        "failure": it.failure,
    }


def _figures(figures: Figures | None) -> Document | None:
    if figures is None:
        return None
    it = figures.performance
    return {
        "fills": figures.fills,
        "trades": it.trades,
        "win_rate": it.win_rate,
        "net_pnl": None if it.total_pnl is None else format_cash(it.total_pnl),
        "total_fees": format_cash(it.total_fees),
        "sharpe": it.sharpe_ratio,
        "net_bps": it.net_bps,
        "p_value": it.p_value,
        "max_drawdown": format_cash(it.max_drawdown.fall),
        "journal_hash": figures.journal_hash,
    }
