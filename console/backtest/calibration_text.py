"""A calibration as text of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from console.backtest.calibrate import Row
from console.backtest.calibration_report import Report
from console.backtest.edge_fit import prior_events
from console.backtest.observations import Coverage
from console.backtest.panels import BANDS
from console.backtest.published import BECKER_ALL, CATEGORY_SPREAD, OTHER_UNITS, REPLICATION
from console.domain.money import PRICE_PER_CENT
from console.monitoring.buckets import BUCKETS
from console.monitoring.statistics import Interval
from console.strategies.edge import PUBLISHED_MARKS
from console.strategies.edge_table import EdgeCell, EdgeTable

WIDTH = 80

_CENTS_OF = {bucket.name: bucket.cents for bucket in BUCKETS}
_PANELS = {
    ("taker", "quote"): "TAKER, AT DISPLAYED PRICES",
    ("taker", "trade"): "TAKER, AT PRICES TRADED",
    ("maker_yes", "trade"): "MAKER WHO BOUGHT YES, AT PRICES TRADED",
    ("maker_no", "trade"): "MAKER WHO BOUGHT NO, AT PRICES TRADED",
}


def report_text(report: Report, *, by_cent: bool) -> Iterator[str]:
    """The lines, with each cent by itself too when asked for."""
    yield f"CALIBRATION of {report.data}"
    for name, said in report.declarations().items():
        yield from _wrapped(f"{name.replace('_', ' ')}: ", said)
    yield from _coverage(report.observations.coverage)
    calibration = report.calibration
    for panel, title in _PANELS.items():
        buckets = _of(panel, calibration.buckets)
        if buckets:
            yield from ("", title, *_table(buckets))
            if by_cent:
                yield from ("", *_table(_of(panel, calibration.by_cent)))
            yield from ("", *_by_category(_of(panel, calibration.by_category)))
            yield from ("", *_by_time(_of(panel, calibration.by_time_to_close)))
    yield from ("", *_published(), "", *_edge_table(report.table), "")
    for warning in report.warnings():
        yield from _wrapped("! ", warning)


def _of(panel: tuple[str, str], rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if (row.role, row.price_source) == panel]


def _coverage(it: Coverage) -> Iterator[str]:
    yield from _wrapped(
        "counted: ", f"{it.markets:,} markets with a result, {it.quotes:,} quotes, {it.trades:,} trades"
    )
    dropped = {"quotes too wide": it.quotes_wide} | it.dropped
    rows = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    yield from _wrapped(
        "left out: ",
        f"{it.markets_without_result:,} markets without a result ({it.rows_without_result:,} rows); {rows}",
    )


def _edge_table(table: EdgeTable | None) -> Iterator[str]:
    yield "EDGE TABLE, points before fees"
    if table is None:
        yield from _wrapped(
            "  ", "no market has an announced result and a category: the published marks are the table"
        )
        return
    weights = ", ".join(f"{price}c {prior_events(price / 100):,.0f}" for price in (95, 85, 50))
    yield from _wrapped(
        "  ",
        "used = lower end (95 %) of the measured edge drawn to the published one, which counts for "
        f"P(1-P)/({CATEGORY_SPREAD:.2f} points)^2 events ({weights}): so far apart lie the categories in "
        "Becker, so wrong may the mark of all be for one. A category that is not here uses the published "
        "mark. Events are effective: as many as equally large ones are worth.",
    )
    yield (
        f"  {'category':16} {'cents':>6} {'role':9} {'events':>6} {'publ.':>6} {'meas.':>6} "
        f"{'95 % interval':>15} {'used':>6}"
    )
    for cell in table.cells:
        yield _cell_line(cell)


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield (
        f" {'cents':>6} {'events':>6} {'win %':>6} {'price':>6} {'edge':>6} {'95 % interval':>15} "
        f"{'net':>6} {'ret %':>6} {'publ.':>6} {'needed':>7}"
    )
    for row in rows:
        it = row.estimate
        needed = "n/a" if row.events_needed is None else _short(row.events_needed)
        yield (
            f" {f'{row.lo}-{row.hi}':>6} {it.n_events:>6,} {100 * it.win_rate:>6.2f} {it.mean_price:>6.2f} "
            f"{it.edge:>+6.2f} {_interval(it.ci):>15} {it.net_edge:>+6.2f} {it.net_return_pct:>+6.1f} "
            f"{_points(row.published):>6} {needed:>7}"
        )


def _by_category(rows: Sequence[Row]) -> Iterator[str]:
    names = sorted({row.category for row in rows if row.category is not None})
    return _pivot("category", names, {(row.category, row.lo): row for row in rows})


def _by_time(rows: Sequence[Row]) -> Iterator[str]:
    names = [name for name, _ in BANDS]
    return _pivot("time to close", names, {(row.time_to_close, row.lo): row for row in rows})


def _pivot(title: str, names: Iterable[str], rows: dict[tuple[str | None, int], Row]) -> Iterator[str]:
    """Edge and, below it, events of each bucket, a pair of lines for each name that has any."""
    yield f"  {f'edge by {title}':21}" + "".join(f"{bucket.cents:>8}" for bucket in BUCKETS)
    for name in names:
        found = [rows.get((name, bucket.low // PRICE_PER_CENT)) for bucket in BUCKETS]
        if any(found):
            edges = ["." if row is None else f"{row.estimate.edge:+.1f}" for row in found]
            events = ["" if row is None else f"{row.estimate.n_events:,}" for row in found]
            yield f"  {name[:21]:21}" + "".join(f"{edge:>8}" for edge in edges)
            yield f"  {'events':>21}" + "".join(f"{number:>8}" for number in events)


def _published() -> Iterator[str]:
    yield "PUBLISHED, points before fees (Becker 2026: 72.1 M trades, each once)"
    yield f"  {'cents':>6} {'both':>7} {'taker':>7} {'mk YES':>7} {'mk NO':>7} {'replication of BDW':>20}"
    for bucket in BUCKETS:
        marks = PUBLISHED_MARKS[bucket.name]
        roles = (marks.taker, marks.maker_yes, marks.maker_no)
        yield (
            f"  {bucket.cents:>6} {BECKER_ALL[bucket.name]:>+7.2f} "
            + " ".join(f"{mark / PRICE_PER_CENT:>+7.2f}" for mark in roles)
            + f" {REPLICATION[bucket.name]:>+20.2f}"
        )
    yield from _wrapped("  ", f"Other units, not to be compared: {OTHER_UNITS}.")


def _cell_line(cell: EdgeCell) -> str:
    interval = (
        None
        if cell.low is None or cell.high is None
        else (cell.low / PRICE_PER_CENT, cell.high / PRICE_PER_CENT)
    )
    return (
        f"  {cell.category[:16]:16} {_CENTS_OF[cell.bucket]:>6} {cell.role:9} {cell.events:>6,.0f} "
        f"{cell.published / PRICE_PER_CENT:>+6.2f} {cell.measured / PRICE_PER_CENT:>+6.2f} "
        f"{_interval(interval):>15} {cell.used / PRICE_PER_CENT:>+6.2f}"
    )


def _interval(interval: Interval | None) -> str:
    return "n/a" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"


def _points(points: float | None) -> str:
    return "n/a" if points is None else f"{points:+.2f}"


def _short(number: int) -> str:
    return f"{number:,}" if number < 1_000_000 else f"{number / 1_000_000:,.0f} M"


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(head + text, WIDTH, subsequent_indent="    ")
