"""What the practice exchange refuses, in the exchange's own words."""

from __future__ import annotations


class RefusedError(Exception):
    """A request is refused with an HTTP status, a code and a message."""

    def __init__(self, status: int, code: str, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def not_found(what: str) -> RefusedError:
    return RefusedError(404, "not_found", f"{what} not found")


def invalid_parameter(message: str) -> RefusedError:
    return RefusedError(400, "invalid_parameter", message)
