"""How a request failed, by how much is known: nothing was sent, it was refused, or the outcome is open."""

from __future__ import annotations

from console.domain.ports import KeyRefusedError, VenueError, VenueRefusedError
from console.exchange.messages import decode
from console.exchange.messages.market_data import ErrorReply

NOT_FOUND = 404
TOO_FAST = 429
_EXPIRED_TIMESTAMP = "header_timestamp_expired"
_LONGEST_DETAIL = 300


class NotSentError(VenueError):
    """The request did not leave: it had no effect."""


class UnansweredError(VenueError):
    """The request may have left and no usable answer came: its effect is not known."""


class NotUnderstoodError(UnansweredError):
    """A whole answer came and was not the one expected."""


class ErrorReplyError(VenueError):
    """The exchange answered with an error status; ``code`` and ``detail`` are its own words."""

    def __init__(self, text: str, status: int, code: str, detail: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.detail = detail


class RefusedReplyError(ErrorReplyError, VenueRefusedError):
    """The exchange will not do what was asked: a 4xx other than "too fast" and "too slow"."""


class KeyRefusedReplyError(RefusedReplyError, KeyRefusedError):
    """A 401 or 403 that a fresh timestamp would not help."""


def may_repeat(method: str, error: VenueError, attempt: int) -> bool:
    """Whether a request that failed may be sent again; ``attempt`` counts from 1."""
    if isinstance(error, ErrorReplyError) and error.status == 401 and error.code == _EXPIRED_TIMESTAMP:
        return attempt == 1 and method != "POST"
    if method != "GET":
        return False
    if isinstance(error, ErrorReplyError):
        return error.status == TOO_FAST or error.status >= 500
    return not isinstance(error, NotUnderstoodError)


def error_reply(where: str, status: int, body: bytes) -> ErrorReplyError:
    """What an error status means; ``where`` is the request in words."""
    code, detail = _error_words(body)
    text = " ".join(part for part in (f"{where}: {status}", code, detail) if part)
    if status in (401, 403) and code != _EXPIRED_TIMESTAMP:
        text += "; check the API key, its private key and what it may do"
        return KeyRefusedReplyError(text, status, code, detail)
    refused = 400 <= status < 500 and status not in (408, 425, TOO_FAST)
    return (RefusedReplyError if refused else ErrorReplyError)(text, status, code, detail)


def _error_words(body: bytes) -> tuple[str, str]:
    """Code and message of an error body, as far as it has any; some come without the wrapping."""
    try:
        reply = decode(body, ErrorReply)
    except ValueError:
        return "", ""
    error = reply if reply.error is None else reply.error
    if isinstance(error, str):
        return "", error[:_LONGEST_DETAIL]
    detail = ": ".join(part for part in (error.message, error.details) if part)
    return error.code or "", detail[:_LONGEST_DETAIL]
