"""What became of an order that was sent: taken, refused for certain, or unknown."""

from __future__ import annotations

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected
from console.domain.ports import KEY_REFUSED, KeyRefusedError, SubmitOutcome, VenueError
from console.exchange.failures import ErrorReplyError, NotSentError
from console.exchange.messages.account import CreateOrderReply

_DUPLICATE = 409
# With these the exchange says that it did not take the order; any other error leaves that open.
_REFUSED = frozenset({400, 401, 403, 404, 410, 422, 429})


def outcome_of_reply(client_order_id: str, reply: CreateOrderReply, at_ns: int) -> SubmitOutcome:
    """Taken, when the answer is about this order."""
    if not reply.order_id or reply.client_order_id != client_order_id:
        reason = f"the exchange answered about order {reply.client_order_id!r}"
        return OrderBecameUnknown(at_ns=at_ns, client_order_id=client_order_id, reason=reason)
    return OrderAcked(at_ns=at_ns, client_order_id=client_order_id, order_id=reply.order_id)


def outcome_of_error(client_order_id: str, error: VenueError, at_ns: int) -> SubmitOutcome:
    """Refused, when it cannot have been taken; else unknown."""
    if isinstance(error, NotSentError):
        return OrderRejected(
            at_ns=at_ns, client_order_id=client_order_id, code="not_sent", message=str(error)
        )
    if isinstance(error, ErrorReplyError):
        if error.status in _REFUSED:
            refuses_key = isinstance(error, KeyRefusedError)
            code = KEY_REFUSED if refuses_key else error.code or str(error.status)
            message = str(error) if refuses_key else error.detail or str(error)
            return OrderRejected(at_ns=at_ns, client_order_id=client_order_id, code=code, message=message)
        if error.status == _DUPLICATE:
            reason = "duplicate id: it exists"
            return OrderBecameUnknown(at_ns=at_ns, client_order_id=client_order_id, reason=reason)
    return OrderBecameUnknown(at_ns=at_ns, client_order_id=client_order_id, reason=str(error))
