"""What the exchange says of our account against what we hold: reads in, events out, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from console.domain.account_events import (
    NEVER_PLACED,
    ExternalFilled,
    ExternalOrdersListed,
    MarketSettled,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.book import NO_QUOTE
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.money import Cash, Count, format_count
from console.domain.order import (
    Fill,
    Order,
    OrderIntent,
    OrderReport,
    OrderStatus,
    PositionReport,
    Settlement,
    TimeInForce,
)
from console.engine.account import Account
from console.engine.client_ids import instance_of

NEGATIVE_READS_TO_DISMISS = 5
NEGATIVE_TIME_TO_DISMISS_NS = 60_000_000_000
READ_LAG_NS = 5_000_000_000
"""Lists may lag the exchange's own writes; a younger order that is missing proves nothing."""

LIST_MARGIN_NS = 60_000_000_000
"""How much before an order was sent a list must begin to be sure to have it: clocks differ."""

OVERLAP_NS = 300_000_000_000
"""How far before the last complete read a read of fills and settlements begins: lists may lag."""

ADOPTED = "adopted"
"""Strategy of an order that only its listing tells of."""

Differences = Mapping[Ticker, tuple[Count, Count]]
"""Positions that are not the exchange's: ticker to (ours, theirs)."""


class AccountReads(msgspec.Struct, frozen=True):
    """One complete set of reads, taken in this order; each list is complete.

    ``orders`` has each resting order and each that was placed from ``orders_since_ns`` on. They were read at
    ``began_ns`` by the exchange's clock, and ``at_ns`` is by ours.
    """

    began_ns: int
    at_ns: int
    orders: Sequence[OrderReport]
    fills: Sequence[Fill]
    settlements: Sequence[Settlement]
    positions: Sequence[PositionReport]
    cash: Cash
    orders_since_ns: int = 0


class Absence(msgspec.Struct):
    """How often, and since when, an unresolved order was missing from a complete list."""

    first_ns: int
    reads: int = 0


class Reconciler:
    """Compares one read after the other with an account; keeps what is needed between them.

    ``is_settled`` is whether the last read left nothing open: every fill of it has its order.
    """

    def __init__(self, account: Account, client_id_prefix: str) -> None:
        self.is_settled = True
        self._account = account
        self._prefix = client_id_prefix
        self._absences: dict[str, Absence] = {}
        self._others: frozenset[str] | None = None

    def events(self, reads: AccountReads) -> list[EngineEvent]:
        """Everything that the reads know better, in the order in which it must be taken."""
        ours = {r.client_order_id: r for r in reads.orders if self._is_ours(r.client_order_id)}
        others = [r for r in reads.orders if not self._is_ours(r.client_order_id)]
        fills, unplaced = self._fills(reads, ours, others)
        adopted = [self._adoption(r, fills, reads) for r in ours.values() if self._is_adopted(r)]
        disturbed = {fill.ticker for fill in unplaced} | position_differences(self._account, reads).keys()
        events: list[EngineEvent] = [
            *adopted,
            *fills,
            *(_report(r, reads.at_ns) for r in ours.values() if self._is_adopted(r) or self._lives_on(r)),
            *self._order_news(reads, ours, disturbed | {event.fill.ticker for event in fills}),
            *settlement_events(self._account, reads),
        ]
        self.is_settled = not events and not unplaced
        events.append(self._external(reads, others))
        self._others = frozenset(report.order_id for report in others)
        return events

    def _is_ours(self, client_order_id: str) -> bool:
        return client_order_id.startswith(self._prefix) or client_order_id in self._account.orders

    def _is_adopted(self, report: OrderReport) -> bool:
        return report.client_order_id not in self._account.orders

    def _lives_on(self, report: OrderReport) -> bool:
        """Whether an order rests that we hold for refused or never placed."""
        order = self._account.orders.get(report.client_order_id)
        is_refused = order is not None and order.status is OrderStatus.REJECTED
        return is_refused and report.status is OrderStatus.RESTING

    # --- fills --------------------------------------------------------------------------------------

    def _fills(
        self, reads: AccountReads, ours: Mapping[str, OrderReport], others: Sequence[OrderReport]
    ) -> tuple[list[OrderFilled | ExternalFilled], list[Fill]]:
        """Events for fills that are news, and the fills of which it is not known yet whose they are."""
        owners = {report.order_id: report.client_order_id for report in ours.values()}
        owners |= self._account.client_ids
        known_others = {report.order_id for report in others} | (self._others or frozenset())
        unresolved = {
            (order.intent.ticker, order.intent.side)
            for order in self._account.open_orders
            if order.order_id is None and order.intent.client_order_id not in ours
        }
        events: list[OrderFilled | ExternalFilled] = []
        unplaced = []
        for fill in reads.fills:
            owner = owners.get(fill.order_id)
            if self._account.knows_fill(fill.fill_id) or fill.at_ns < self._account.opened_ns - OVERLAP_NS:
                continue
            if owner is not None:
                events.append(OrderFilled(at_ns=reads.at_ns, client_order_id=owner, fill=fill))
            elif fill.order_id in known_others or (fill.ticker, fill.side) not in unresolved:
                events.append(ExternalFilled(at_ns=reads.at_ns, fill=fill))
            else:
                unplaced.append(fill)
        return events, unplaced

    def _adoption(
        self, report: OrderReport, fills: Sequence[OrderFilled | ExternalFilled], reads: AccountReads
    ) -> OrderAdopted:
        told = sum(event.fill.count for event in fills if event.fill.order_id == report.order_id)
        filled = Count(max(0, report.filled - told))
        return OrderAdopted(
            at_ns=reads.at_ns, intent=adopted_intent(report), order_id=report.order_id, filled=filled
        )

    # --- orders -------------------------------------------------------------------------------------

    def _order_news(
        self, reads: AccountReads, ours: Mapping[str, OrderReport], disturbed: set[Ticker]
    ) -> Iterator[EngineEvent]:
        for order in self._account.open_orders:
            client_order_id = order.intent.client_order_id
            report = ours.get(client_order_id)
            if report is not None:
                self._absences.pop(client_order_id, None)
                if _is_news(order, report):
                    yield _report(report, reads.at_ns)
            elif _would_be_listed(order, reads):
                yield from self._missing(order, reads, is_disturbed=order.intent.ticker in disturbed)

    def _missing(self, order: Order, reads: AccountReads, *, is_disturbed: bool) -> Iterator[EngineEvent]:
        """An order that no complete list holds: unknown at first, never placed only after long proof.

        A fill or a position in its market that may be its own begins the proof anew.
        """
        client_order_id = order.intent.client_order_id
        if order.status is OrderStatus.SENDING:
            yield OrderBecameUnknown(
                at_ns=reads.at_ns,
                client_order_id=client_order_id,
                reason="sent, and not listed by the exchange",
            )
        if is_disturbed:
            self._absences.pop(client_order_id, None)
            return
        absence = self._absences.setdefault(client_order_id, Absence(reads.began_ns))
        absence.reads += 1
        expires_s = order.intent.expires_s
        expired = expires_s is None or reads.began_ns > expires_s * 1_000_000_000
        long_enough = reads.began_ns - absence.first_ns >= NEGATIVE_TIME_TO_DISMISS_NS
        if order.order_id is None and expired and long_enough and absence.reads >= NEGATIVE_READS_TO_DISMISS:
            del self._absences[client_order_id]
            yield OrderRejected(
                at_ns=reads.at_ns,
                client_order_id=client_order_id,
                code=NEVER_PLACED,
                message=f"missing from {absence.reads} complete lists over a minute",
            )

    def _external(self, reads: AccountReads, others: Sequence[OrderReport]) -> ExternalOrdersListed:
        """What rests of others; another kconsole's order counts while it rests, and once when it is new."""
        resting = tuple(report for report in others if report.status is OrderStatus.RESTING)
        foreign = (
            f"order {report.client_order_id} ({report.order_id}) was placed by another kconsole, {instance}"
            for report in others
            if (instance := instance_of(report.client_order_id)) is not None
            and (report in resting or (self._others is not None and report.order_id not in self._others))
        )
        return ExternalOrdersListed(at_ns=reads.at_ns, orders=resting, foreign=next(foreign, ""))


def adopted_intent(report: OrderReport) -> OrderIntent:
    """What a listing tells of an order; what we thought of the market when we sent it is lost."""
    return OrderIntent(
        client_order_id=report.client_order_id,
        ticker=report.ticker,
        side=report.side,
        price=report.price,
        count=Count(report.filled + report.remaining),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        quote=NO_QUOTE,
        # No edge is claimed for it.
        win_probability=report.side.price_paid(report.price),
        strategy=ADOPTED,
        exchange_index=report.exchange_index,
    )


def _report(report: OrderReport, at_ns: int) -> OrderReported:
    return OrderReported(
        at_ns=at_ns,
        client_order_id=report.client_order_id,
        order_id=report.order_id,
        status=report.status,
        filled=report.filled,
        reason=report.reason,
    )


def _is_news(order: Order, report: OrderReport) -> bool:
    if order.status is not OrderStatus.RESTING or order.order_id != report.order_id:
        return True
    return report.status.is_terminal and order.ending is None


def _would_be_listed(order: Order, reads: AccountReads) -> bool:
    """Whether the list of orders would have this one, if it existed."""
    is_old_enough = reads.began_ns - order.sent_ns > READ_LAG_NS
    return is_old_enough and order.sent_ns - LIST_MARGIN_NS >= reads.orders_since_ns


def settlement_events(account: Account, reads: AccountReads) -> Iterator[MarketSettled]:
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
