"""What the exchange says of our account against what we hold: reads in, events out, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from console.domain.events import (
    EngineEvent,
    MarketSettled,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.market import Ticker
from console.domain.money import Cash, Count, format_count
from console.domain.order import Fill, Order, OrderReport, OrderStatus, PositionReport, Settlement
from console.engine.account import Account

NEGATIVE_READS_TO_DISMISS = 5
NEGATIVE_TIME_TO_DISMISS_NS = 60_000_000_000
READ_LAG_NS = 5_000_000_000
"""Lists may lag the exchange's own writes; a younger order that is missing proves nothing."""

Differences = Mapping[Ticker, tuple[Count, Count]]
"""Positions that are not the exchange's: ticker to (ours, theirs)."""


class AccountReads(msgspec.Struct, frozen=True):
    """One complete set of reads, taken in this order; each list is complete."""

    at_ns: int
    orders: Sequence[OrderReport]
    fills: Sequence[Fill]
    settlements: Sequence[Settlement]
    positions: Sequence[PositionReport]
    cash: Cash


class Absences(msgspec.Struct):
    """How often, and since when, an unresolved order was missing from a complete list."""

    first_ns: int
    reads: int = 0


def order_events(
    account: Account, reads: AccountReads, absences: dict[str, Absences]
) -> Iterator[EngineEvent]:
    """Events for orders and fills that the reads know better; ``absences`` is kept between calls."""
    listed = {report.client_order_id: report for report in reads.orders if report.client_order_id}
    owners = {report.order_id: report.client_order_id for report in reads.orders} | account.client_ids
    for fill in reads.fills:
        owner = owners.get(fill.order_id)
        if owner in account.orders and not account.knows_fill(fill.fill_id):
            yield OrderFilled(at_ns=reads.at_ns, client_order_id=owner, fill=fill)
    for order in account.open_orders:
        client_order_id = order.intent.client_order_id
        report = listed.get(client_order_id)
        if report is not None:
            absences.pop(client_order_id, None)
            if _is_news(order, report):
                yield OrderReported(
                    at_ns=reads.at_ns,
                    client_order_id=client_order_id,
                    order_id=report.order_id,
                    status=report.status,
                    filled=report.filled,
                    reason=report.reason,
                )
        elif reads.at_ns - order.sent_ns > READ_LAG_NS:
            yield from _missing(order, reads.at_ns, absences)


def _is_news(order: Order, report: OrderReport) -> bool:
    if order.status is not OrderStatus.RESTING or order.order_id != report.order_id:
        return True
    return report.status.is_terminal and order.ending is None


def _missing(order: Order, at_ns: int, absences: dict[str, Absences]) -> Iterator[EngineEvent]:
    """An order that no complete list holds: unknown at first, never placed only after long proof."""
    client_order_id = order.intent.client_order_id
    if order.status is OrderStatus.SENDING:
        yield OrderBecameUnknown(
            at_ns=at_ns, client_order_id=client_order_id, reason="sent, and not listed by the exchange"
        )
    absence = absences.setdefault(client_order_id, Absences(at_ns))
    absence.reads += 1
    expires_s = order.intent.expires_s
    expired = expires_s is None or at_ns > expires_s * 1_000_000_000
    long_enough = at_ns - absence.first_ns >= NEGATIVE_TIME_TO_DISMISS_NS
    if order.order_id is None and expired and long_enough and absence.reads >= NEGATIVE_READS_TO_DISMISS:
        del absences[client_order_id]
        yield OrderRejected(
            at_ns=at_ns,
            client_order_id=client_order_id,
            code="never_placed",
            message=f"missing from {absence.reads} complete lists over a minute",
        )


def settlement_events(account: Account, reads: AccountReads) -> Iterator[EngineEvent]:
    """Events for payouts that we have not booked: what was paid out is held no more."""
    for settlement in reads.settlements:
        if account.position(settlement.ticker).contracts:
            yield MarketSettled(at_ns=reads.at_ns, settlement=settlement)


def position_differences(account: Account, reads: AccountReads) -> Differences:
    """Markets in which the exchange's position is not ours: ticker to (ours, theirs)."""
    theirs: Mapping[Ticker, Count] = {p.ticker: p.position for p in reads.positions}
    ours = {ticker: position.contracts for ticker, position in account.held.items()}
    return {
        ticker: (ours.get(ticker, Count(0)), theirs.get(ticker, Count(0)))
        for ticker in sorted(ours.keys() | theirs.keys())
        if ours.get(ticker, 0) != theirs.get(ticker, 0)
    }


def difference_text(differences: Differences) -> str:
    """The first difference with both figures, and how many more there are; empty when there is none."""
    if not differences:
        return ""
    ticker, (ours, theirs) = next(iter(differences.items()))
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return f"{ticker}: ours {format_count(ours)}, the exchange's {format_count(theirs)}{more}"
