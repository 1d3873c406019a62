"""The practice exchange's HTTP and WebSocket application."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from console.exchange.messages import market_data
from console.practice import operations
from console.practice.account_api import AccountApi
from console.practice.auth import Authenticator
from console.practice.errors import RefusedError
from console.practice.exchange import PracticeExchange
from console.practice.groups_api import GroupsApi
from console.practice.history_api import HistoryApi
from console.practice.hub import Hub
from console.practice.orders_api import OrdersApi
from console.practice.public_api import PublicApi
from console.practice.requests import reply, signed

REST_ROOT = "/trade-api/v2"
WEBSOCKET_PATH = "/trade-api/ws/v2"

_log = logging.getLogger(__name__)


def build_app(exchange: PracticeExchange, authenticator: Authenticator) -> Starlette:
    """Everything Kalshi has, on one exchange and one API key."""
    hub = Hub(exchange, authenticator)
    private = [
        *OrdersApi(exchange).table(),
        *GroupsApi(exchange).table(),
        *AccountApi(exchange).table(),
    ]
    table = [
        # Before the markets: a path with a fixed last part comes before one with a name there.
        *HistoryApi(exchange.floor).table(),
        *PublicApi(exchange).table(),
        *((method, path, signed(handler, authenticator)) for method, path, handler in private),
        *operations.table(),
    ]
    return Starlette(
        routes=[
            *(Route(REST_ROOT + path, handler, methods=[method]) for method, path, handler in table),
            WebSocketRoute(WEBSOCKET_PATH, hub.connect),
        ],
        exception_handlers={
            RefusedError: _refused,
            HTTPException: _no_such_operation,
            Exception: _failed,
        },
    )


def _error(status: int, code: str, message: str, details: str | None = None) -> Response:
    body = market_data.ErrorBody(code=code, message=message, details=details)
    return reply(market_data.ErrorReply(error=body), status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _error(error.status, error.code, error.message, error.details)


async def _no_such_operation(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "method_not_allowed"
    return _error(error.status_code, code, f"{request.method} {request.url.path} does not exist")


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error(500, "internal_server_error", "the practice exchange failed")
