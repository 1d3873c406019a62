"""What a look for the future found, as a document and as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from console.backtest.lookahead import Lookahead
from console.backtest.words import some, wrapped
from console.domain.money import format_count, format_price
from console.monitoring.documents import Document, document_of, iso
from console.monitoring.records import Decision


def document(found: Lookahead) -> Document:
    """All of it for programs."""
    return {
        "orders": found.made,
        "moments": [iso(at_ns) for at_ns in found.moments],
        "decisions": found.decisions,
        "changed": found.changed,
        "differences": [
            {
                "future": each.future,
                "at": iso(each.at_ns),
                "with_future": _document(each.with_future),
                "without": _document(each.without),
            }
            for each in found.differences
        ],
    }


def text(found: Lookahead) -> Iterator[str]:
    """What was compared, and the first decision that differed in each comparison that had one."""
    yield from wrapped(
        "",
        f"{some(found.made, 'order')} sent; the future was cut off and changed after "
        f"{some(len(found.moments), 'moment')}, and {some(found.decisions, 'decision')} before it compared: "
        f"{found.changed:,} changed",
    )
    for each in found.differences:
        yield from wrapped("! ", f"{iso(each.at_ns)}, future {each.future}")
        yield from wrapped("    with it:    ", _order(each.with_future))
        yield from wrapped("    without it: ", _order(each.without))


def _order(decision: Decision | None) -> str:
    if decision is None:
        return "no order"
    it = decision.intent
    return (
        f"{iso(decision.at_ns)} {it.ticker} {it.side.outcome} {format_count(it.count)} contracts at YES "
        f"{format_price(it.price)}, seen {it.quote}"
    )


def _document(decision: Decision | None) -> Document | None:
    return None if decision is None else {"at": iso(decision.at_ns), **document_of(decision.intent)}
