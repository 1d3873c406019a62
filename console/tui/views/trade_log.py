"""The trade log: fills, settlements, refusals and changes of state, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.domain.money import complement
from console.engine.snapshot import LogEntry, LogKind
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Tone, fitting, middle, put, width_of
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.table import Align, Cell, Column
from console.tui.views import details
from console.tui.views.common import WAITING, data_age, signed

_TIME, _KIND = Column("time ET", 8, rank=0), Column("event", 7, rank=1)
_COMPACT = (_TIME, _KIND, Column("market", 12, rank=3, most=28), Column("what", 12, rank=2, most=70))
_FULL = (
    _TIME,
    _KIND,
    Column("market", 16, rank=1, most=28),
    Column("side", 4, rank=3),
    Column("qty", 7, Align.DECIMAL, rank=4),
    Column("price c", 7, Align.DECIMAL, rank=5),
    Column("P&L $", 8, Align.DECIMAL, rank=6),
    Column("fee $", 6, Align.DECIMAL, rank=7),
    Column("role", 5, rank=8),
    Column("slip", 4, Align.RIGHT, rank=9),
    Column("what", 14, rank=2, most=38),
)
_FULL_FROM = 117
"""From this width on, columns of their own leave room for whole tickers and half a sentence."""

_TONES = {
    LogKind.FILL: Tone.ACCENT,
    LogKind.SETTLED: Tone.STRONG,
    LogKind.REJECTED: Tone.LOSS,
    LogKind.UNKNOWN: Tone.WARN,
    LogKind.DENIED: Tone.MUTED,
    LogKind.STATE: Tone.WARN,
}

_ORDERS: Sequence[tuple[str, Callable[[LogEntry], tuple[object, ...]]]] = (
    ("newest", lambda e: ()),
    ("P&L", lambda e: (e.profit is None, e.profit or 0)),
    ("market", lambda e: (e.ticker is None, e.ticker or "")),
    ("event", lambda e: (e.kind.value,)),
)


def _traded(entry: LogEntry) -> tuple[str, int | None]:
    """The outcome traded and its price: selling what was held is told from the side that was held."""
    if entry.side is None:
        return "", entry.price
    if entry.kind is LogKind.FILL and entry.profit is not None and entry.price is not None:
        return entry.side.opposite.outcome, complement(entry.price)
    return entry.side.outcome, entry.price


def _role(entry: LogEntry) -> str:
    return "" if entry.is_taker is None else "taker" if entry.is_taker else "maker"


def _size(entry: LogEntry) -> tuple[str, str]:
    """Outcome, contracts and price of a trade, in full and for a narrow column."""
    side, price = _traded(entry)
    if entry.contracts is None or price is None:
        return "", ""
    size = fmt.contracts(abs(entry.contracts))
    if entry.kind is LogKind.SETTLED:
        return f"· {size} {side} at {fmt.cents(price)}c", ""
    sign = "-" if entry.profit is not None else "+"
    return f"{side} {size} @ {fmt.cents(price)}c", f"{sign}{size} {side} {fmt.cents(price)}c"


def _sentence(entry: LogEntry) -> Cell:
    """A whole entry in one column, with the details there is room for."""
    full, short = _size(entry)

    def drawn(width: int) -> Line:
        is_short = bool(short) and len(entry.text) + 1 + len(full) > width
        parts = [
            (0, put(short if is_short else entry.text)),
            (2, put("" if is_short else full)),
            (1, signed(entry.profit) if entry.profit is not None else EMPTY),
            (3, put("" if entry.fee is None else f"fee {fmt.dollars(entry.fee)}", Tone.MUTED)),
            (4, put(_role(entry), Tone.MUTED)),
            (
                5,
                put(f"slip {fmt.bps(entry.slippage.touch_centibps)}", Tone.MUTED)
                if entry.slippage
                else EMPTY,
            ),
        ]
        return fitting([(rank, line) for rank, line in parts if width_of(line)], width, " ")

    return drawn


def _head(entry: LogEntry) -> tuple[Cell, Cell, Cell]:
    return (
        put(fmt.clock(entry.at_ns), Tone.MUTED),
        put(entry.kind.value, _TONES[entry.kind]),
        lambda width: put(middle(entry.ticker or "", width)),
    )


def _full_cells(entry: LogEntry) -> Sequence[Cell]:
    side, price = _traded(entry)
    return (
        *_head(entry),
        put(side),
        put("" if entry.contracts is None else fmt.contracts(abs(entry.contracts))),
        put("" if price is None else fmt.cents(price)),
        signed(entry.profit) if entry.profit is not None else (),
        put("" if entry.fee is None else fmt.dollars(entry.fee), Tone.MUTED),
        put(_role(entry), Tone.MUTED),
        _slippage(None if entry.slippage is None else entry.slippage.touch_centibps),
        put(entry.text),
    )


def _slippage(centibps: int | None) -> Line:
    return EMPTY if centibps is None else put(fmt.bps(centibps), Tone.LOSS if centibps > 0 else Tone.MUTED)


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    entries = [e for e in reversed(snapshot.log) if query.admits(e.ticker, e.kind.value, e.text)]
    if query.order:
        entries.sort(key=_ORDERS[query.order][1])
    is_full = width >= _FULL_FROM
    return Content(
        summary=[put(f"{snapshot.fills} fills"), put(f"fees {fmt.dollars(snapshot.fees)}")],
        age=data_age(picture.age_ns),
        columns=_FULL if is_full else _COMPACT,
        keys=[str(e.sequence) for e in entries],
        cells=lambda i: _full_cells(entries[i]) if is_full else (*_head(entries[i]), _sentence(entries[i])),
        row=lambda i: details.of_log_entry(entries[i], picture),
        message="nothing matches the filter"
        if query.text
        else f"nothing traded yet; {picture.key('why_not')} says why not",
    )


VIEW = View(
    action="pane_5",
    name="Trade log",
    content=_content,
    orders=tuple(name for name, _ in _ORDERS),
    is_filtered=True,
)
