"""Positions and the orders that rest beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from console.domain.money import cost
from console.domain.order import OrderStatus
from console.engine.account_views import ExternalView, PositionView, RestingView
from console.engine.snapshot import Snapshot
from console.tui import edges
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Span, Tone, middle, put, width_of
from console.tui.pane import Content, Query, Row, View
from console.tui.picture import Picture
from console.tui.table import Align, Cell, Column
from console.tui.views import details
from console.tui.views.common import WAITING, data_age, outcome, price_age, signed, until

_COLUMNS = (
    Column("market", 11, rank=0, most=30),
    Column("side", 4, rank=1),
    Column("qty", 5, Align.DECIMAL, rank=2),
    Column("avg c", 5, Align.DECIMAL, rank=4),
    Column("mark c", 7, Align.DECIMAL, rank=5),
    Column("P&L $", 8, Align.DECIMAL, rank=3),
    Column("worst $", 9, Align.DECIMAL, rank=7),
    Column("in", 4, Align.RIGHT, rank=6),
)
_WIDE = (
    msgspec.structs.replace(_COLUMNS[0], width=23),
    *_COLUMNS[1:],
    Column("realised", 8, Align.DECIMAL, rank=8),
    Column("fees", 6, Align.DECIMAL, rank=9),
    Column("edge c", 6, Align.DECIMAL, rank=10),
    Column("measured c", 11, rank=14),
    Column("role", 5, rank=12),
    Column("since", 5, rank=13),
    Column("group", 12, rank=11, most=26),
)
_WIDE_FROM = 104
"""From this width on, markets are named in full and there is room for more columns."""

_ORDERS: Sequence[tuple[str, Callable[[PositionView], tuple[bool, object]]]] = (
    ("worst case", lambda p: (False, -abs(p.worst_case))),
    ("P&L", lambda p: (p.unrealised is None, p.unrealised or 0)),
    ("close", lambda p: (p.close_ns is None, p.close_ns or 0)),
    ("market", lambda p: (False, p.ticker)),
)

_EXTERNAL = "external"
"""Whose an order is that is not ours."""

_RESTING_WORDS = {
    OrderStatus.RESTING: "rests",
    OrderStatus.SENDING: "sending",
    OrderStatus.UNKNOWN: "UNKNOWN",
}

_MOMENT = re.compile(r"@ \d{4}-\d\d-\d\dT(\d\d:\d\d):\d\dZ$")

_Row = PositionView | RestingView | ExternalView


def _rows(snapshot: Snapshot, query: Query) -> list[_Row]:
    """Positions in the order asked for, each followed by its orders; then orders without a position.

    External orders come after ours.
    """
    key = _ORDERS[query.order][1]
    positions = [p for p in snapshot.positions if query.admits(p.ticker, p.group, p.side.outcome)]
    held = {p.ticker for p in snapshot.positions}
    orders: list[RestingView | ExternalView] = [
        *(r for r in snapshot.resting if query.admits(r.ticker, r.side.outcome, r.status.value)),
        *(r for r in snapshot.external if query.admits(r.ticker, r.side.outcome, _EXTERNAL)),
    ]
    rows: list[_Row] = []
    for position in sorted(positions, key=key):
        rows.append(position)
        rows.extend(r for r in orders if r.ticker == position.ticker)
    rows.extend(r for r in orders if r.ticker not in held)
    return rows


def _key(row: _Row) -> str:
    match row:
        case PositionView(ticker=ticker):
            return ticker
        case RestingView(client_order_id=client_order_id):
            return client_order_id
        case ExternalView(order_id=order_id):
            return order_id


def _position_cells(position: PositionView, picture: Picture) -> Sequence[Cell]:
    return (
        lambda width: put(middle(position.ticker, width), Tone.STRONG),
        outcome(position.side),
        put(fmt.contracts(abs(position.contracts))),
        put(fmt.cents(position.average_price)),
        put(fmt.cents(position.mark), Tone.PLAIN if position.mark is not None else Tone.MUTED),
        signed(position.unrealised),
        put(fmt.dollars(-abs(position.worst_case))),
        _closes(position.close_ns, picture),
        signed(position.realised),
        put(fmt.dollars(position.fees), Tone.MUTED),
        edges.used_in_cents(position),
        edges.measured_in_cents(edges.measured_of(position, picture.edges)),
        put(edges.role_of(position) or fmt.UNKNOWN, Tone.MUTED),
        put(fmt.UNKNOWN if position.entered_ns is None else fmt.clock(position.entered_ns)[:5], Tone.MUTED),
        lambda width: put(_short_group(position.group, width), Tone.MUTED),
    )


def _closes(close_ns: int | None, picture: Picture) -> Cell:
    def drawn(width: int) -> Line:
        line = until(close_ns, picture)
        return line if width_of(line) <= width else put("over", Tone.WARN)

    return drawn


def _short_group(group: str, width: int) -> str:
    """A group's name, its moment as the time of day where there is no room for the date."""
    return group if len(group) <= width else _MOMENT.sub(r"\1", group)


def _resting_cells(order: RestingView, picture: Picture, *, is_under_position: bool) -> Sequence[Cell]:
    tone = Tone.WARN if order.status is OrderStatus.UNKNOWN else Tone.MUTED
    name = "order" if is_under_position else order.ticker

    def market(width: int) -> Line:
        return (Span("↳ ", tone), *put(middle(name, width - 2), tone))

    return (
        market,
        put(order.side.outcome, tone),
        put(fmt.contracts(order.leaves), tone),
        put(fmt.cents(order.price), tone),
        put(_RESTING_WORDS.get(order.status, order.status.value), tone),
        put("", tone),
        put(fmt.dollars(-cost(order.price, order.leaves)), tone),
        _closes(order.close_ns, picture),
        *[put("", tone)] * 6,
        put(f"sent {fmt.age(picture.now_ns - order.sent_ns)} ago", tone),
    )


def _external_cells(order: ExternalView, *, is_under_position: bool) -> Sequence[Cell]:
    name = "order" if is_under_position else order.ticker
    tone = Tone.MUTED

    def market(width: int) -> Line:
        return (Span("↳ ", tone), *put(middle(name, width - 2), tone))

    return (
        market,
        put(order.side.outcome, tone),
        put(fmt.contracts(order.leaves), tone),
        put(fmt.cents(order.price), tone),
        put("rests", tone),
        put(_EXTERNAL, tone),
        put(fmt.dollars(-cost(order.price, order.leaves)), tone),
        *[put("", tone)] * 8,
    )


def _summary(snapshot: Snapshot) -> list[Line]:
    unknown = sum(r.status is OrderStatus.UNKNOWN for r in snapshot.resting)
    bought_elsewhere = sum(p.is_external for p in snapshot.positions)
    return [
        put(f"{unknown} UNKNOWN", Tone.WARN) if unknown else EMPTY,
        put(f"{len(snapshot.positions)} open{_of_them(bought_elsewhere)}"),
        put(f"{len(snapshot.resting) - unknown} resting"),
        put(f"{len(snapshot.external)} external order{'' if len(snapshot.external) == 1 else 's'}")
        if snapshot.external
        else EMPTY,
        put(f"worst {fmt.dollars(-abs(snapshot.worst_case))}"),
    ]


def _of_them(external: int) -> str:
    return f" ({external} external)" if external else ""


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    rows = _rows(snapshot, query)
    held = {p.ticker for p in snapshot.positions}

    def cells(index: int) -> Sequence[Cell]:
        row = rows[index]
        if isinstance(row, PositionView):
            return _position_cells(row, picture)
        if isinstance(row, ExternalView):
            return _external_cells(row, is_under_position=row.ticker in held)
        return _resting_cells(row, picture, is_under_position=row.ticker in held)

    def row_of(index: int) -> Row:
        match rows[index]:
            case PositionView() as position:
                return details.of_position(position, picture)
            case RestingView() as order:
                return details.of_order(order, picture)
            case external:
                return details.of_external(external)

    return Content(
        summary=_summary(snapshot),
        age=price_age(picture),
        columns=_WIDE if width >= _WIDE_FROM else _COLUMNS,
        keys=[_key(row) for row in rows],
        cells=cells,
        row=row_of,
        message="nothing matches the filter" if query.text else "flat: no positions, no orders",
    )


VIEW = View(
    action="pane_1",
    name="Positions",
    content=_content,
    orders=tuple(name for name, _ in _ORDERS),
    is_filtered=True,
)
