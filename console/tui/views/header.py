"""The lines at the top: where we trade, in which state, with what, and how fresh all of it is."""

from __future__ import annotations

from console.domain.actions import AlertLevel
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.limit_views import LatchView
from console.engine.log_views import AlertView
from console.engine.snapshot import Snapshot
from console.monitoring.responses import response_to
from console.risk.latches import EVERYTHING
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Span, Tone, between, clip, fitting, join, middle, put, width_of
from console.tui.picture import LATE_NS, Picture
from console.tui.sanitize import inert
from console.tui.views.common import clearing, signed

_STATE_WORDS = {
    TradingState.RUNNING: ("► RUNNING", Tone.BADGE_GAIN),
    TradingState.PAUSED: ("‖ PAUSED", Tone.BADGE_WARN),
    TradingState.REDUCE_ONLY: ("▼ REDUCE-ONLY", Tone.BADGE_WARN),
    TradingState.HALTED: ("■ HALTED", Tone.BADGE_HALT),
}
_ALERT_TONES = {AlertLevel.WARNING: Tone.WARN, AlertLevel.CRITICAL: Tone.LOSS}
_PAUSE_NEAR_NS = 2 * 3_600 * NS_PER_S
"""From this long before a maintenance pause on, the time left is shown instead of its hour."""

_SEPARATE_FROM = 100
"""From this width on, figures stand two cells apart and carry their full names."""


def header_lines(
    picture: Picture, width: int, critical: AlertView | None, *, is_readonly: bool, is_watching: bool
) -> list[Line]:
    """Two lines, or more where there is no room for all that must be said in two."""
    snapshot = picture.snapshot
    is_wide = width >= _SEPARATE_FROM
    gap = "  " if is_wide else " "
    environment = _environment(picture, is_readonly=is_readonly, is_beside=is_watching and is_wide)
    badges = join([environment, _state(picture)], " ")
    figures = join([badges, _capital(picture, is_wide=is_wide), _day(picture)], gap)
    ages = join(
        [_feed(picture), _round_trip(picture, is_wide=is_wide), _heartbeat(picture, is_wide=is_wide)], gap
    )
    urgent = _urgent(picture, critical, width - 2)
    status = [_exchange(picture), _clock(picture, is_wide=is_wide), _alerts(snapshot)]
    if is_wide:
        status = [join(status)]
    notes = [put(note, Tone.MUTED) for note in (snapshot.notes if snapshot else ())]
    if snapshot is not None and snapshot.log_lines_lost:
        notes.insert(0, put(f"{snapshot.log_lines_lost} log lines lost", Tone.WARN))
    choices = [notes, notes[:1], *([[]] if urgent else [])]
    start, rest = _packed([figures, ages], width, gap), [urgent]
    if len(start) > 1:
        start, rest = start[:1], [ages, urgent]
    drawings = [_packed([*rest, join(kept, " · "), *status], width, gap) for kept in choices]
    return [*start, *min(drawings, key=len)]


def _packed(pieces: list[Line], width: int, gap: str) -> list[Line]:
    """The pieces in order on few lines: the first of a line at its left, the others at its right."""
    lines: list[list[Line]] = []
    for piece in pieces:
        if not piece:
            continue
        if not lines or width_of(join([*lines[-1], piece], gap)) + 2 > width:
            lines.append([])
        lines[-1].append(piece)
    return [
        between((Span(" ", Tone.PLAIN), *line[0]), (*join(line[1:], gap), Span(" ", Tone.PLAIN)), width)
        for line in lines
    ]


def _environment(picture: Picture, *, is_readonly: bool, is_beside: bool) -> Line:
    """Where the engine trades; beside a replay, that it is the engine of which the header tells."""
    snapshot = picture.snapshot
    if snapshot is None:
        return put("KCONSOLE", Tone.STRONG)
    words = [f"{snapshot.environment.upper()}{' ENGINE' if is_beside else ''}"]
    if snapshot.dry_run:
        words.append("DRY RUN")
    if is_readonly:
        words.append("READ-ONLY")
    text = " · ".join(words)
    is_real = snapshot.environment == "live" and not snapshot.dry_run
    return put(f" {text} ", Tone.BADGE_WARN) if is_real else put(text, Tone.STRONG)


def _state(picture: Picture) -> Line:
    if picture.failure is not None:
        return put(" ■ ENGINE FAILED ", Tone.BADGE_HALT)
    if picture.state is None:
        return put(" … STARTING ", Tone.BADGE_WARN)
    words, tone = _STATE_WORDS[picture.state]
    if picture.is_alarming and picture.state is not TradingState.HALTED:
        return put(f" ? WAS {words[2:]} ", Tone.BADGE_WARN)
    stopped = _stopped(picture) if picture.state is TradingState.RUNNING else 0
    return put(f" {words}, {stopped} stopped ", Tone.BADGE_WARN) if stopped else put(f" {words} ", tone)


def _stopped(picture: Picture) -> int:
    """How many latches hold a part of what is traded, such as a market or a series."""
    latches = picture.snapshot.latches if picture.snapshot else ()
    return sum(latch.scope != EVERYTHING for latch in latches)


def _capital(picture: Picture, *, is_wide: bool) -> Line:
    equity = picture.snapshot.equity if picture.snapshot else None
    return (*put("equity " if is_wide else "", Tone.MUTED), *put(fmt.dollars(equity), Tone.STRONG))


def _day(picture: Picture) -> Line:
    snapshot = picture.snapshot
    pnl = snapshot.day_pnl if snapshot else None
    share = fmt.percent(pnl, snapshot.day_open_equity if snapshot else None)
    amount = signed(pnl)
    label = put("day ", Tone.MUTED)
    return (*label, *amount, Span(" ", Tone.PLAIN), *put(share, amount[0].tone))


def _feed(picture: Picture) -> Line:
    age_ns = picture.feed_age_ns
    if picture.snapshot is not None and not picture.snapshot.connected:
        return put(f"feed DOWN {fmt.age(age_ns)}", Tone.LOSS)
    if age_ns is not None and age_ns > picture.feed_limit_ns:
        return put(f"feed STALE {fmt.age(age_ns)}", Tone.LOSS)
    return (*put("feed ", Tone.MUTED), *put(f"{fmt.age(age_ns):>4}"))


def _round_trip(picture: Picture, *, is_wide: bool) -> Line:
    round_trip = picture.snapshot.order_round_trip_ns if picture.snapshot else None
    return (*put("order " if is_wide else "ord ", Tone.MUTED), *put(f"{fmt.milliseconds(round_trip):>4}"))


def _heartbeat(picture: Picture, *, is_wide: bool) -> Line:
    if picture.is_engine_stopped:
        return put(f"ENGINE STOPPED {fmt.age(picture.heartbeat_age_ns)}", Tone.BADGE_HALT)
    if picture.heartbeat_age_ns > LATE_NS:
        return put(f"ENGINE LATE {fmt.age(picture.heartbeat_age_ns)}", Tone.WARN)
    return (
        *put("engine " if is_wide else "eng ", Tone.MUTED),
        *put(f"{fmt.age(picture.heartbeat_age_ns):>4}"),
    )


def _clock(picture: Picture, *, is_wide: bool) -> Line:
    utc = fmt.clock_utc(picture.now_ns) if is_wide else fmt.clock_utc_short(picture.now_ns)
    return (*put(f"{fmt.clock(picture.now_ns)} ET", Tone.STRONG), *put(f" {utc}", Tone.MUTED))


def _exchange(picture: Picture) -> Line:
    """The exchange's own word and how old it is, or its next maintenance window or when it resumes."""
    exchange, now_ns = picture.snapshot.exchange if picture.snapshot else None, picture.now_ns
    if exchange is None or exchange.exchange_active is None or exchange.trading_active is None:
        return put("exchange n/a", Tone.WARN)
    resumes = f", resumes {fmt.appointment(exchange.resumes_ns)}" if exchange.resumes_ns is not None else ""
    if not exchange.exchange_active:
        return put(f"exchange CLOSED{resumes}", Tone.LOSS)
    if not exchange.trading_active:
        return put(f"exchange PAUSED{resumes}", Tone.WARN)
    if picture.exchange_unheard_ns is not None:
        return put(f"exchange was open {fmt.age(picture.exchange_unheard_ns)} ago", Tone.WARN)
    starts = exchange.pause_starts_ns
    if starts is None or starts <= now_ns:
        return put("open", Tone.MUTED)
    is_near = starts - now_ns <= _PAUSE_NEAR_NS
    when = f"in {fmt.age(starts - now_ns)}" if is_near else fmt.appointment(starts)
    return put(f"open, pause {when}", Tone.WARN if is_near else Tone.MUTED)


def _alerts(snapshot: Snapshot | None) -> Line:
    """How many are to be looked at, as the list of them counts."""
    alerts = [alert for alert in snapshot.alerts if alert.level is not AlertLevel.INFO] if snapshot else []
    if not alerts:
        return EMPTY
    tone = _ALERT_TONES[max(alert.level for alert in alerts)]
    return put(f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}", tone)


def _urgent(picture: Picture, critical: AlertView | None, width: int) -> Line:
    if picture.outage is not None:
        return put(picture.outage, Tone.BADGE_HALT)
    if picture.failure is not None:
        resting = _resting(picture) or put(f"{picture.key('halt')} still cancels all orders", Tone.STRONG)
        # A cause begins with the file that it is about and ends with what is wrong with it.
        ended = middle(f"the engine ended: {inert(picture.failure)}", max(12, width - width_of(resting) - 2))
        return _beside(put(ended, Tone.BADGE_HALT), resting, [], width)
    if picture.state is TradingState.HALTED:
        more = [(2, _kept(picture)), (3, _error(picture.halt))]
        return _beside(_cause(picture), _resting(picture), more, width)
    is_over = critical is not None and _is_over(critical, picture)
    if critical is not None and critical.level is AlertLevel.CRITICAL and not is_over:
        return _unseen(critical, Tone.BADGE_HALT, picture, width)
    if picture.state in (TradingState.PAUSED, TradingState.REDUCE_ONLY):
        return _beside(_cause(picture), _clears(picture), [], width)
    if critical is None:
        return EMPTY
    if is_over:
        past = put(f"▲ {fmt.clock(critical.at_ns)} over: {critical.text}", Tone.WARN)
        return _beside(past, put(f"{picture.key('alerts')}: seen", Tone.STRONG), [], width)
    return _unseen(critical, Tone.BADGE_WARN, picture, width)


def _is_over(alert: AlertView, picture: Picture) -> bool:
    """Whether it told of a latch that holds no more."""
    latches = picture.snapshot.latches if picture.snapshot else ()
    return bool(alert.latch) and alert.latch not in {latch.id for latch in latches}


def _unseen(alert: AlertView, tone: Tone, picture: Picture, width: int) -> Line:
    """An alert that nobody has acknowledged, with what to do about it if there is room."""
    text = put(f"▲ {fmt.clock(alert.at_ns)} {alert.text}", tone)
    seen = put(f"{picture.key('alerts')}: seen", Tone.STRONG)
    return _beside(text, seen, [(2, put(f"→ {response_to(alert.kind, picture.key)}"))], width)


def _beside(cause: Line, what_now: Line, more: list[tuple[int, Line]], width: int) -> Line:
    """A cause, cut so that what stands beside it is whole, and what more there is room for."""
    cause = clip(cause, max(12, width - width_of(what_now) - 2))
    return fitting([(1, cause), (0, what_now), *more], width)


def _cause(picture: Picture) -> Line:
    """When, by whom and why: of the halt thread's own request, else of the latch that holds."""
    halt = picture.halt
    if halt.requested_ns is not None:
        return put(f"{fmt.clock(halt.requested_ns)} {halt.reason}".rstrip(), Tone.STRONG)
    latch = _holding(picture)
    if latch is None:
        return EMPTY
    who = latch.source if latch.level is TradingState.HALTED else latch.name
    reason = "" if latch.reason in ("", latch.source) else f": {latch.reason}"
    return put(f"{fmt.clock(latch.since_ns)} {who}{reason}", Tone.STRONG)


def _holding(picture: Picture) -> LatchView | None:
    """A latch that holds the state in force."""
    latches = picture.snapshot.latches if picture.snapshot else ()
    return next((latch for latch in latches if latch.level is picture.state), None)


def _clears(picture: Picture) -> Line:
    latch = _holding(picture)
    if latch is None:
        return EMPTY
    return put(clearing(latch, picture), Tone.MUTED)


def _resting(picture: Picture) -> Line:
    halt = picture.halt
    if halt.phase is HaltPhase.CONFIRMED and halt.confirmed_ns is not None:
        return put(f"0 of ours resting at {fmt.clock(halt.confirmed_ns)} (read twice)", Tone.GAIN)
    resting = "unknown how many" if halt.resting is None else str(halt.resting)
    if halt.phase is HaltPhase.CANCELLING:
        return put(f"cancelling, {resting} resting", Tone.WARN)
    if halt.phase is HaltPhase.UNCONFIRMED:
        again = f"{picture.key('halt')} cancels again"
        words = f"HALT UNCONFIRMED  {resting} resting, retrying ({halt.attempts})  {again}"
        return put(words, Tone.BADGE_HALT)
    return EMPTY


def _error(halt: HaltView) -> Line:
    return put(halt.error, Tone.WARN) if halt.error else EMPTY


def _kept(picture: Picture) -> Line:
    count = len(picture.snapshot.positions) if picture.snapshot else 0
    words = f"{count} position{' stays' if count == 1 else 's stay'} · " if count else ""
    return put(f"{words}{picture.key('resume')} resumes", Tone.MUTED)
