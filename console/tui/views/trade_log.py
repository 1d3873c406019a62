"""The trade log: fills, settlements, refusals and changes of state, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.domain.money import complement
from console.engine.log_views import LogEntry, LogKind
from console.tui import formatting as fmt
from console.tui.cells import EMPTY, Line, Tone, fitting, left, middle, put, right, width_of
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.table import Align, Cell, Column
from console.tui.views import details
from console.tui.views.common import WAITING, data_age, signed

_TIME, _KIND = Column("time ET", 8, rank=0), Column("event", 7, rank=1)
_MARKET, _WIDE_MARKET = 12, 26
"""Cells of a ticker, in front of what happened there."""

_WITH_MARKET_FROM, _WITH_WIDE_FROM = 28, 64
"""From these widths of both together on."""

_PROFIT = 8
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


def _compact(width: int) -> Sequence[Column]:
    """Market and sentence are one column, so that what is of no market has all of it."""
    together = width - _TIME.width - _KIND.width - 2
    market = f"{'market':{_market(together)}} " if _market(together) else ""
    return (_TIME, _KIND, Column(f"{market}what", 12, rank=2, most=together))


def _market(width: int) -> int:
    if width < _WITH_MARKET_FROM:
        return 0
    return _WIDE_MARKET if width >= _WITH_WIDE_FROM else _MARKET


def _sentence(entry: LogEntry) -> Cell:
    """A whole entry, with the details there is room for; figures stand below each other."""

    def drawn(width: int) -> Line:
        cells = _market(width)
        if entry.ticker is None or not cells:
            return _happened(entry, width)
        market = left(put(middle(entry.ticker, cells)), cells + 1)
        return (*market, *_happened(entry, width - cells - 1))

    return drawn


def _happened(entry: LogEntry, width: int) -> Line:
    side, price = _traded(entry)
    if entry.contracts is None or price is None:
        return put(entry.text)
    contracts = fmt.contracts(abs(entry.contracts))
    size = f"{contracts:>4} {side:3}"
    made = EMPTY if entry.profit is None else right(signed(entry.profit), _PROFIT)
    fee = put("" if entry.fee is None else f" fee {fmt.dollars(entry.fee):>4}", Tone.MUTED)
    if entry.kind is LogKind.SETTLED:
        return _fitted([(0, put(f"{entry.text:8}")), (2, put(f" {size} ")), (1, made), (3, fee)], width)
    is_closing = entry.profit is not None
    in_full = put(f"{entry.text:6} {size} @ {_cents(price)}")
    if width_of(in_full) + width_of(made) > width:
        signed_size = f"{('-' if is_closing else '+') + contracts:>5} {side:3}"
        return _fitted([(0, put(signed_size)), (1, put(f" {_cents(price)}".rstrip())), (2, made)], width)
    slip = "" if entry.slippage is None else f" slip {fmt.bps(entry.slippage.touch_centibps):>3} bps"
    ranked = [(0, in_full), (1, made), (2, fee), (3, put(f" {_role(entry)}", Tone.MUTED))]
    return _fitted([*ranked, (4, put(slip, Tone.MUTED))], width)


def _fitted(parts: list[tuple[int, Line]], width: int) -> Line:
    return fitting([(rank, line) for rank, line in parts if width_of(line)], width, "")


def _cents(price: int) -> str:
    """As wide for every price, so that what follows stands in one column."""
    return f"{fmt.cents(price)}c".ljust(6)


def _head(entry: LogEntry) -> tuple[Cell, Cell]:
    return (put(fmt.clock(entry.at_ns), Tone.MUTED), put(entry.kind.value, _TONES[entry.kind]))


def _full_cells(entry: LogEntry) -> Sequence[Cell]:
    side, price = _traded(entry)
    if entry.ticker is None:
        return (*_head(entry), put(entry.text))
    head = (*_head(entry), lambda width: put(middle(entry.ticker or "", width)))
    if entry.contracts is None:
        return (*head, put(entry.text))
    return (
        *head,
        put(side),
        put(fmt.contracts(abs(entry.contracts))),
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
        columns=_FULL if is_full else _compact(width),
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
