"""All that is known of one row, for the page that enter opens."""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.money import Price, cost
from console.engine.account_views import ExternalView, PositionView, RestingView
from console.engine.limit_views import Gauge, LatchView, SwitchView
from console.engine.log_views import LogEntry
from console.monitoring.responses import response_to
from console.tui import edges
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Tone, left, put
from console.tui.pane import Row
from console.tui.picture import Picture
from console.tui.views.common import clearing, signed, until

_LABEL = 18


def _fact(label: str, value: str | Line) -> Line:
    return (*left(put(label, Tone.MUTED), _LABEL), *(put(value) if isinstance(value, str) else value))


def _cents(price: int | None) -> str:
    return fmt.UNKNOWN if price is None else f"{fmt.cents(price)} c"


def _at(at_ns: int | None) -> str:
    return fmt.UNKNOWN if at_ns is None else f"{fmt.clock(at_ns)} ET, {fmt.clock_utc(at_ns)}"


def _log_of(ticker: str, picture: Picture) -> Iterable[Line]:
    """What was traded in a market, newest first."""
    entries = [e for e in reversed(picture.snapshot.log if picture.snapshot else ()) if e.ticker == ticker]
    if not entries:
        return
    yield EMPTY
    yield put("Traded here", Tone.STRONG)
    for entry in entries[:12]:
        size = "" if entry.contracts is None else f" {fmt.contracts(abs(entry.contracts))}"
        price = "" if entry.price is None else f" @ {fmt.cents(entry.price)}c"
        yield put(f"{fmt.clock(entry.at_ns)} {entry.kind.value} {entry.text}{size}{price}")


def of_position(position: PositionView, picture: Picture) -> Row:
    leaving = position.exit
    breaks_even = Price(position.average_price + _fee_each(position))
    lines = [
        put(position.ticker, Tone.STRONG),
        put(position.title),
        EMPTY,
        _fact("held", f"{fmt.contracts(position.contracts)} {position.side.outcome}"),
        _fact("average entry", _cents(position.average_price)),
        _fact("first entered", _at(position.entered_ns)),
        _fact("role", edges.role_of(position) or fmt.UNKNOWN),
        _fact("edge used", edges.used_in_words(position)),
        _fact("edge measured", edges.measured_in_words(edges.measured_of(position, picture.edges))),
        _fact("breaks even at", f"{_cents(breaks_even)}, with the fees so far"),
        _fact("mark", _cents(position.mark)),
        _fact("unrealised", signed(position.unrealised)),
        _fact("realised", signed(position.realised)),
        _fact("fees", fmt.dollars(position.fees)),
        _fact("worst case", fmt.dollars(-abs(position.worst_case))),
        _fact("group", position.group),
        _fact("series", position.series or fmt.UNKNOWN),
        _fact(
            "closes", (*until(position.close_ns, picture), *put(f"  {_at(position.close_ns)}", Tone.MUTED))
        ),
        _fact("exit at the bid", f"{_cents(leaving.price)}, {fmt.contracts(leaving.displayed)} shown"),
        _fact("  proceeds", f"{fmt.dollars(leaving.proceeds)}, fee about {fmt.dollars(leaving.fee)}"),
    ]
    if position.is_external:
        lines.append(put("not all of it was bought by us", Tone.WARN))
    lines += _log_of(position.ticker, picture)
    lines += [EMPTY, put(f"{picture.key('close_position')} closes it, {_stops(picture)}", Tone.ACCENT)]
    return Row(detail=lines, ticker=position.ticker)


def _stops(picture: Picture) -> str:
    return f"{picture.key('stop_trading')} stops its market or series"


def _fee_each(position: PositionView) -> int:
    """Fees so far of one contract, as a price, rounded up."""
    return -(-position.fees // abs(position.contracts))


def of_order(order: RestingView, picture: Picture) -> Row:
    lines = [
        put(order.ticker, Tone.STRONG),
        put(order.title),
        EMPTY,
        _fact("buys", f"{fmt.contracts(order.count)} {order.side.outcome} at {_cents(order.price)}"),
        _fact("still open", fmt.contracts(order.leaves)),
        _fact("costs at most", fmt.dollars(cost(order.price, order.leaves))),
        _fact("state", order.status.value),
        _fact("sent", f"{_at(order.sent_ns)}, {fmt.age(picture.now_ns - order.sent_ns)} ago"),
        _fact("our id", order.client_order_id),
        _fact("the exchange's", order.order_id or fmt.UNKNOWN),
        EMPTY,
        put(f"{picture.key('cancel_order')} cancels it, {_stops(picture)}", Tone.ACCENT),
    ]
    return Row(detail=lines, ticker=order.ticker, order=order.client_order_id)


def of_external(order: ExternalView) -> Row:
    lines = [
        put(order.ticker, Tone.STRONG),
        EMPTY,
        _fact("buys", f"{fmt.contracts(order.leaves)} {order.side.outcome} at {_cents(order.price)}"),
        _fact("the exchange's id", order.order_id),
        put("placed elsewhere: it counts, and is never touched from here", Tone.WARN),
    ]
    return Row(detail=lines, ticker=order.ticker)


def of_log_entry(entry: LogEntry, picture: Picture) -> Row:
    role = fmt.UNKNOWN if entry.is_taker is None else "taker" if entry.is_taker else "maker"
    lines = [
        put(f"{entry.kind.value} {entry.text}", Tone.STRONG),
        put(entry.ticker or ""),
        EMPTY,
        _fact("at", _at(entry.at_ns)),
    ]
    if entry.contracts is not None:
        lines += [
            _fact("contracts", fmt.contracts(abs(entry.contracts))),
            _fact("price", _cents(entry.price)),
            _fact("fee", fmt.dollars(entry.fee)),
            _fact("role", role),
            _fact("profit", signed(entry.profit)),
            *_slippage(entry),
        ]
    if entry.ticker is not None:
        lines += _log_of(entry.ticker, picture)
    return Row(detail=lines, ticker=entry.ticker)


def _slippage(entry: LogEntry) -> Iterable[Line]:
    """What a fill of ours cost against the market at its decision."""
    if entry.slippage is not None:
        yield _fact("slippage", f"{fmt.bps(entry.slippage.touch_centibps)} bps of the touch at the decision")
        yield _fact("  of the mid", f"{fmt.bps(entry.slippage.mid_centibps)} bps")


def of_switch(switch: SwitchView, picture: Picture) -> Row:
    read = None if switch.evaluated_ns is None else picture.now_ns - switch.evaluated_ns
    return Row(
        detail=[
            put(switch.label, Tone.STRONG),
            EMPTY,
            _fact("state", switch.state.value),
            _fact("reading", switch.reading),
            _fact("trips at", switch.threshold),
            _fact("read", f"{fmt.age(read)} ago"),
            _fact(
                "since", _at(switch.since_ns) if switch.since_ns is not None else "never, of what is known"
            ),
            _fact("clears", switch.clears),
            _fact("what to do", put(response_to(switch.key, picture.key), Tone.ACCENT)),
        ]
    )


def of_latch(latch: LatchView, picture: Picture) -> Row:
    lines = [
        put(f"{latch.level.name.replace('_', '-')} by {latch.id}", Tone.STRONG),
        EMPTY,
        _fact("why", latch.reason),
        _fact("raised by", latch.source),
        _fact("since", _at(latch.since_ns)),
        _fact("holds for", latch.scope or "everything"),
        _fact("ends", clearing(latch, picture)),
        _fact("resume now", latch.refusal or f"{picture.key('resume')} may clear it"),
        _fact("what to do", put(response_to(latch.name, picture.key), Tone.ACCENT)),
    ]
    return Row(detail=lines)


def of_gauge(gauge: Gauge, amounts: tuple[str, str, str], picture: Picture) -> Row:
    used, with_resting, limit = amounts
    return Row(
        detail=[
            put(gauge.label, Tone.STRONG),
            put(gauge.detail),
            EMPTY,
            _fact("used", used if gauge.used is not None else "n/a: refuses new orders"),
            _fact("with resting", with_resting),
            _fact("limit", limit),
            _fact("warns from", f"{gauge.warn_percent} %"),
            _fact("read", f"{fmt.age(gauge.age_ns)} ago"),
            put(f"{picture.key('thresholds')} shows the settings behind it", Tone.ACCENT),
        ]
    )
