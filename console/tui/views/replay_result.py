"""What a replay says: both thresholds side by side, their equity, what speaks against it, and the trades."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable, Iterator, Sequence

from console.backtest.replay import ReplayRequest
from console.backtest.side_by_side import Side, SideBySide, TradeLine
from console.config.changes import differences
from console.config.values import shortened
from console.domain.time_units import NS_PER_S
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Tone, left, put, right, width_of
from console.tui.views.common import signed
from console.tui.views.replay_curve import curves, legend

_LABEL, _WIDEST_LABEL = 14, 26
_FIGURE = 10
_LEAST_CURVE_ROWS, _MOST_CURVE_ROWS = 6, 16
_MOST_TRADES = 50


def change_lines(request: ReplayRequest) -> list[Line]:
    """What is under test: each setting that differs, in force and tested."""
    lines = []
    for spec in differences(request.in_force, request.under_test):
        before, after = (
            shortened(spec.value_in(settings)) for settings in (request.in_force, request.under_test)
        )
        lines.append((*put(f"  {spec.name} "), *put(f"{before} → {after}", Tone.ACCENT)))
    return lines or [put("  nothing differs from what is in force", Tone.MUTED)]


def result_lines(request: ReplayRequest, it: SideBySide, width: int, height: int) -> list[Line]:
    """All of it; ``height`` is that of the pane."""
    moment = "%Y-%m-%d %H:%M"
    rows = min(_MOST_CURVE_ROWS, max(_LEAST_CURVE_ROWS, height // 4))
    tested = it.under_test
    return [
        _heading("Compared" if tested else "In force alone", width),
        put(f"{request.name} · {it.rows:,} rows"),
        put(f"{_utc(it.first_ns, moment)} to {_utc(it.last_ns, moment)} UTC", Tone.MUTED),
        put(f"fees: {_FEES[request.fees]}", Tone.MUTED),
        *change_lines(request),
        *_table(it, width),
        _heading("Equity, P&L in $", width),
        *curves(it.in_force.curve, tested.curve if tested else None, it.capital, width, rows),
        right(put(f"{_utc(it.first_ns, '%H:%M')} to {_utc(it.last_ns, '%H:%M')} UTC", Tone.MUTED), width),
        legend(has_test=tested is not None),
        *_against(it, width),
        *_trades(it, width),
    ]


_FEES = {"kalshi": "Kalshi's schedule", "profit": "a share of profits"}


def _utc(at_ns: int, form: str) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // NS_PER_S, dt.UTC):{form}}"


def _heading(text: str, width: int) -> Line:
    return (*put(f"{text} ", Tone.STRONG), *put("─" * max(0, width - len(text) - 1), Tone.FRAME))


# --- the table ------------------------------------------------------------------------------------------


def _table(it: SideBySide, width: int) -> Iterator[Line]:
    yield _row(width, "", put("in force", Tone.MUTED), put("tested", Tone.MUTED), put("diff", Tone.MUTED))
    yield _money(it, width, "net P&L $", lambda side: side.net)
    yield _row(
        width,
        "  95 % from",
        _bound(it.in_force, lambda interval: interval[0]),
        _bound(it.under_test, lambda interval: interval[0]),
        _interval_end(it, 0),
    )
    yield _row(
        width,
        "  95 % to",
        _bound(it.in_force, lambda interval: interval[1]),
        _bound(it.under_test, lambda interval: interval[1]),
        _interval_end(it, 1),
    )
    yield _money(it, width, "fees $", lambda side: -side.fees)
    yield _money(it, width, "deepest fall $", lambda side: -side.deepest_fall)
    yield _count(it, width, "trades ended", lambda side: side.trades)
    if any(side.open_trades for side in _sides(it)):
        yield _count(it, width, "trades open", lambda side: side.open_trades)
    yield _count(it, width, "fills", lambda side: side.fills)
    yield _rate(it, width, "trades won", lambda side: side.win_rate)
    yield _rate(it, width, "contracts won", lambda side: side.hit_rate)
    yield _rate(it, width, "break-even", lambda side: side.break_even)
    yield _count(it, width, "events lost", lambda side: side.lost_events)
    yield _count(it, width, "  of events", lambda side: side.events)
    yield from _counted(it, width, "limits denied", lambda side: side.denied)
    yield from _counted(it, width, "switches", lambda side: side.latches)


def _sides(it: SideBySide) -> Sequence[Side]:
    return (it.in_force,) if it.under_test is None else (it.in_force, it.under_test)


def _row(width: int, label: str, before: Line, after: Line, diff: Line = EMPTY) -> Line:
    figures = 3 * (_FIGURE + 1)
    room = min(_WIDEST_LABEL, max(_LABEL, width - figures))
    figure = max(6, min(_FIGURE, (width - room) // 3 - 1))
    cells = (right(cell, figure + 1) for cell in (before, after, diff))
    return (*left(put(label, Tone.MUTED if label.startswith(" ") else Tone.PLAIN), room), *_joined(cells))


def _joined(lines: Iterator[Line]) -> Line:
    return tuple(span for line in lines for span in line)


def _money(it: SideBySide, width: int, label: str, of: Callable[[Side], int | None]) -> Line:
    before, after = of(it.in_force), None if it.under_test is None else of(it.under_test)
    if it.under_test is None:
        return _row(width, label, signed(before), EMPTY)
    return _row(width, label, signed(before), signed(after), signed(_less(after, before)))


def _less(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _count(it: SideBySide, width: int, label: str, of: Callable[[Side], int]) -> Line:
    before = of(it.in_force)
    if it.under_test is None:
        return _row(width, label, put(f"{before:,}"), EMPTY)
    after = of(it.under_test)
    diff = put(f"{after - before:+,}") if after != before else put("same", Tone.MUTED)
    return _row(width, label, put(f"{before:,}"), put(f"{after:,}"), diff)


def _rate(it: SideBySide, width: int, label: str, of: Callable[[Side], float | None]) -> Line:
    before, after = of(it.in_force), None if it.under_test is None else of(it.under_test)
    diff = EMPTY if before is None or after is None else _points(after - before)
    return _row(width, label, _percent(before), _percent(after) if it.under_test else EMPTY, diff)


def _points(rate: float) -> Line:
    return put(f"{100 * rate:+.2f}") if rate else put("same", Tone.MUTED)


def _percent(rate: float | None) -> Line:
    return put(fmt.UNKNOWN, Tone.MUTED) if rate is None else put(f"{100 * rate:.2f}%")


def _bound(side: Side | None, of: Callable[[tuple[float, float]], float]) -> Line:
    if side is None:
        return EMPTY
    if side.interval is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    return _bound_text(of((side.interval.low, side.interval.high)))


def _interval_end(it: SideBySide, end: int) -> Line:
    if it.under_test is None:
        return EMPTY
    interval = it.difference_interval
    if interval is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    return _bound_text((interval.low, interval.high)[end])


def _bound_text(dollars: float) -> Line:
    text = f"{dollars:+,.2f}"
    return put("0.00" if text in ("+0.00", "-0.00") else text, Tone.MUTED)


def _counted(it: SideBySide, width: int, label: str, of: Callable[[Side], dict[str, int]]) -> Iterator[Line]:
    """A total, and a line for each name."""
    yield _count(it, width, label, lambda side: sum(of(side).values()))
    names = {
        name: max(of(side).get(name, 0) for side in _sides(it)) for each in _sides(it) for name in of(each)
    }
    for name in sorted(names, key=lambda name: (-names[name], name)):
        yield _count(it, width, f"  {name}", lambda side, name=name: of(side).get(name, 0))  # type: ignore[misc]


# --- what speaks against it -----------------------------------------------------------------------------


def _against(it: SideBySide, width: int) -> Iterator[Line]:
    """Every sentence once, under the run or runs that it is of."""
    first = it.in_force.warnings
    second = first if it.under_test is None else it.under_test.warnings
    shared = [text for text in first if text in second]
    parts = (
        ("Against the comparison", it.warnings),
        ("Against both" if it.under_test else "Against it", shared),
        ("Against under test", [text for text in second if text not in shared]),
        ("Against in force", [text for text in first if text not in shared]),
    )
    for heading, texts in parts:
        if texts:
            yield _heading(heading, width)
            for text in texts:
                for place, line in enumerate(textwrap.wrap(text, max(10, width - 2))):
                    yield (*put("! " if place == 0 else "  ", Tone.WARN), *put(line))


def warnings_in(it: SideBySide) -> int:
    """How many different sentences speak against it."""
    return len({*it.warnings, *(text for side in _sides(it) for text in side.warnings)})


# --- the trades -----------------------------------------------------------------------------------------


def _trades(it: SideBySide, width: int) -> Iterator[Line]:
    if it.under_test is None:
        return
    yield _heading(
        f"Trades: {len(it.added)} added, {len(it.removed)} removed, {it.changed} otherwise made", width
    )
    for sign, tone, trades in (("+", Tone.GAIN, it.added), ("-", Tone.LOSS, it.removed)):
        for trade in trades[:_MOST_TRADES]:
            yield _trade_line(sign, tone, trade, width)
        if len(trades) > _MOST_TRADES:
            yield put(f"  and {len(trades) - _MOST_TRADES:,} more", Tone.MUTED)


def _trade_line(sign: str, tone: Tone, trade: TradeLine, width: int) -> Line:
    """Added or removed; what it made stands at the right."""
    made = signed(trade.net)
    bought = f"{fmt.contracts(trade.contracts)} {trade.outcome} @ {fmt.cents(trade.entry)}"
    text = f"{_utc(trade.opened_ns, '%m-%d %H:%M')} {bought} {trade.ticker}"
    return (*put(f"{sign} ", tone), *left(put(text), max(0, width - 3 - width_of(made))), *put(" "), *made)
