"""What trading stands on: lines, clocks, budgets, the disk, and whether the exchange agrees with us."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from console.domain.order import OrderStatus
from console.domain.time_units import NS_PER_S
from console.engine.log_views import DeliveryView
from console.engine.snapshot import Snapshot
from console.monitoring.alerts import LITTLE_DISK_BYTES
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, bar, join, left, put, text_of, width_of, wrapped
from console.tui.pane import Content, Query, View
from console.tui.picture import LATE_NS, Picture
from console.tui.views.common import WAITING, data_age

_LABEL = 16
_BAR = 10
_FEW_TOKENS = 0.3
"""As much of the write budget is kept for cancels."""
_SIZES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_OLD_READ_NS = 60 * NS_PER_S
_SKEW_WARNS_MS = 1_000


class _Verdict(NamedTuple):
    line: Line
    is_bad: bool = False


_Check = tuple[str, _Verdict]


def _good(text: str) -> _Verdict:
    return _Verdict((*put("● ", Tone.GAIN), *put(text)))


def _bad(text: str, tone: Tone = Tone.WARN) -> _Verdict:
    return _Verdict(put(f"{'■' if tone is Tone.LOSS else '▲'} {text}", tone), is_bad=True)


def _judged(is_good: bool, text: str) -> _Verdict:
    return _good(text) if is_good else _bad(text)


def _told(text: str) -> _Verdict:
    """A figure that is neither good nor bad."""
    return _Verdict(put(f"  {text}"))


def _feed(picture: Picture) -> _Verdict:
    age_ns = picture.feed_age_ns
    if picture.snapshot is not None and not picture.snapshot.connected:
        return _bad(f"DOWN, last heard {fmt.age(age_ns)} ago", Tone.LOSS)
    if age_ns is None:
        return _bad("not heard yet")
    is_good = age_ns <= picture.feed_limit_ns
    stale = "" if is_good else "STALE "
    return _judged(is_good, f"{stale}{fmt.age(age_ns)}, limit {fmt.age(picture.feed_limit_ns)}")


def _exchange(snapshot: Snapshot, picture: Picture) -> _Verdict:
    exchange, now_ns = snapshot.exchange, picture.now_ns
    if exchange.exchange_active is None or exchange.trading_active is None:
        return _bad("not read")
    back = f", back in {_in(exchange.resumes_ns, now_ns)}" if exchange.resumes_ns is not None else ""
    if not exchange.exchange_active:
        return _bad(f"CLOSED{back}: cancel impossible now", Tone.LOSS)
    if not exchange.trading_active:
        return _bad(f"trading PAUSED{back}: cancel works")
    if picture.exchange_unheard_ns is not None:
        return _bad(f"was open {fmt.age(picture.exchange_unheard_ns)} ago")
    starts = exchange.pause_starts_ns
    return _good("open" if starts is None or starts <= now_ns else f"open, pause in {_in(starts, now_ns)}")


def _in(at_ns: int, now_ns: int) -> str:
    return fmt.age(max(0, at_ns - now_ns))


def _tokens(name: str, left_: int, capacity: int) -> _Check:
    share = left_ / capacity if capacity else 0.0
    verdict = _judged(share > _FEW_TOKENS, f"{left_} of {capacity}")
    gauge = bar(share, share, _BAR, Tone.WARN if verdict.is_bad else Tone.GAIN, ())
    return name, _Verdict(join([verdict.line, gauge], " "), verdict.is_bad)


def _size(count: int | None) -> str:
    if count is None:
        return fmt.UNKNOWN
    unit, size = next((unit, size) for unit, size in _SIZES if count >= size or unit == "kB")
    return f"{count / size:,.1f} {unit}"


def _lines_check(picture: Picture, snapshot: Snapshot) -> list[_Check]:
    beat = picture.heartbeat_age_ns
    skew, guard = snapshot.health.clock_skew_ms, snapshot.health
    checks: list[_Check] = [
        ("feed", _feed(picture)),
        ("order answered", _told(fmt.milliseconds(snapshot.order_round_trip_ns))),
        ("engine", _judged(beat <= LATE_NS, f"beat {fmt.age(beat)} ago")),
        ("exchange", _exchange(snapshot, picture)),
        ("clock", _bad("not read") if skew is None else _judged(abs(skew) < _SKEW_WARNS_MS, f"{skew:+} ms")),
    ]
    if guard.guard_seen_ns is not None:
        absent = guard.guard_absence
        checks.append(("guard", _good("watches") if absent is None else _bad(absent, Tone.LOSS)))
    tokens = snapshot.health.tokens
    if tokens is not None:
        checks.append(_tokens("read tokens", tokens.read, tokens.read_capacity))
        checks.append(_tokens("write tokens", tokens.write, tokens.write_capacity))
    return checks


def _disk(picture: Picture, snapshot: Snapshot) -> list[_Check]:
    health, free = snapshot.health, snapshot.health.disk_free_bytes
    written = None if health.journaled_ns is None else picture.now_ns - health.journaled_ns
    return [
        ("disk free", _bad("not known") if free is None else _judged(free >= LITTLE_DISK_BYTES, _size(free))),
        ("journal", _told(f"{_size(health.journal_bytes)}, wrote {fmt.age(written)} ago")),
    ]


def _drift(picture: Picture, snapshot: Snapshot) -> list[_Check]:
    """Ours held against the exchange's: whatever differs is the exchange's word against ours."""
    health = snapshot.health
    compared = None if health.compared_ns is None else picture.now_ns - health.compared_ns
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in snapshot.resting)
    if compared is None:
        positions = _bad("not compared yet")
    elif health.mismatch:
        positions = _bad(health.mismatch, Tone.LOSS)
    else:
        is_new = compared <= _OLD_READ_NS
        positions = _judged(is_new, f"agree, {'' if is_new else 'STALE '}{fmt.age(compared)} ago")
    cash = health.cash_difference
    return [
        ("positions", positions),
        ("cash", _bad("not read") if cash is None else _judged(not cash, _cash(cash))),
        ("unknown orders", _judged(not unknown, str(unknown))),
        ("external", _told(f"{len(snapshot.external)} orders, never touched")),
        ("log lines lost", _judged(not snapshot.log_lines_lost, str(snapshot.log_lines_lost))),
    ]


def _told_beside(picture: Picture, snapshot: Snapshot) -> list[_Check]:
    """Who is told beside the screen, and what did not reach them."""
    if not snapshot.deliveries:
        return [("receivers", _told("none are configured"))]
    return [(each.name, _delivery(each, picture.now_ns)) for each in snapshot.deliveries]


def _delivery(view: DeliveryView, now_ns: int) -> _Verdict:
    last = "" if view.delivered_ns is None else f", last {fmt.age(max(0, now_ns - view.delivered_ns))} ago"
    waiting = f", {view.waiting} waiting" if view.waiting else ""
    lost = f", {view.lost} lost" if view.lost else ""
    text = f"{view.delivered} delivered{last}{waiting}{lost}"
    return _bad(f"{text}: {view.trouble}") if view.trouble else _judged(not view.lost, text)


def _cash(difference: int) -> str:
    return f"theirs {fmt.dollars(difference, signed=True)}" if difference else "agrees"


_PARTS: tuple[tuple[str, Callable[[Picture, Snapshot], list[_Check]]], ...] = (
    ("Lines", _lines_check),
    ("Disk", _disk),
    ("Ours and the exchange's", _drift),
    ("Told beside the screen", _told_beside),
)


def _rows(label: str, line: Line, room: int) -> list[tuple[str, Line]]:
    """A check on as many rows as it takes: what is wrong is never cut off."""
    lines = [line] if width_of(line) <= room else wrapped(text_of(line), room, line[-1].tone)
    heads = [f" {label}", *[""] * (len(lines) - 1)]
    return [
        (f"{label} {n}", (*left(put(head, Tone.MUTED), _LABEL), *each))
        for n, (head, each) in enumerate(zip(heads, lines, strict=True))
    ]


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    rows: list[tuple[str, Line]] = []
    bad = 0
    for title, checks in _PARTS:
        rows.append((title, put(title, Tone.STRONG)))
        for label, verdict in checks(picture, snapshot):
            bad += verdict.is_bad
            rows += _rows(label, verdict.line, width - _LABEL)
    return Content(
        summary=[put(f"{bad} to look at", Tone.WARN) if bad else put("all good", Tone.GAIN)],
        age=data_age(picture.age_ns),
        keys=[key for key, _ in rows],
        cells=lambda index: [rows[index][1]],
    )


VIEW = View(action="health", name="Health", content=_content)
