"""Every endpoint of the practice exchange, held against Kalshi's own description of it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from practice_process import practice_process

SPECIFICATION = Path(__file__).parents[2] / ".." / "shared" / "kalshi" / "openapi.yaml"

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.exists(), reason="Kalshi's openapi.yaml is not in ../shared/kalshi"
)

_HOST = "https://external-api.kalshi.com"


@pytest.fixture(scope="module")
def document() -> Any:
    import yaml

    loaded = yaml.load(SPECIFICATION.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    # Its default is not among its own values, so that leaving it out would be an error.
    del loaded["components"]["parameters"]["MveHistoricalFilterQuery"]["schema"]["default"]
    return loaded


@pytest.fixture(scope="module")
def specification(document: Any) -> Any:
    from openapi_core import OpenAPI

    return OpenAPI.from_dict(document)


class Caller:
    """Makes signed requests and holds each, and its reply, against the description."""

    def __init__(self, client: httpx.Client, line: dict[str, str], specification: Any) -> None:
        self._client = client
        self._key_id = line["key_id"]
        key = load_pem_private_key(Path(line["private_key_path"]).read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self._specification = specification

    def __call__(self, method: str, path: str, status: int, body: object = None, /, **query: Any) -> Any:
        from openapi_core.testing import MockRequest, MockResponse

        content = None if body is None else json.dumps(body).encode()
        headers = self._headers(method, f"/trade-api/v2{path}")
        reply = self._client.request(method, path, content=content, params=query or None, headers=headers)
        assert reply.status_code == status, reply.text
        request = MockRequest(
            _HOST,
            method.lower(),
            f"/trade-api/v2{path}",
            args=query,
            headers=headers,
            data=content,
        )
        media_type = reply.headers.get("content-type", "")
        response = MockResponse(reply.content, status, dict(reply.headers), media_type)
        self._specification.validate_request(request)
        self._specification.validate_response(request, response)
        return reply.json() if reply.content else None

    def _headers(self, method: str, path: str) -> dict[str, str]:
        timestamp = str(time.time_ns() // 1_000_000)
        padding = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
        signature = self._key.sign(f"{timestamp}{method}{path}".encode(), padding, SHA256())
        return {
            "KALSHI-ACCESS-KEY": self._key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
            "Content-Type": "application/json",
        }


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory, specification: Any) -> Iterator[Caller]:
    with (
        practice_process(tmp_path_factory.mktemp("home"), "--speed", "100") as line,
        httpx.Client(base_url=line["rest"], trust_env=False) as client,
    ):
        yield Caller(client, line, specification)


@pytest.fixture
def market(caller: Caller) -> dict[str, Any]:
    """The market that stays open longest of those quoted on both sides."""
    while True:
        markets = caller("GET", "/markets", 200, status="open", limit=1000)["markets"]
        quoted = [m for m in markets if float(m["yes_bid_size_fp"]) >= 1 <= float(m["yes_ask_size_fp"])]
        if quoted:
            return max(quoted, key=lambda m: str(m["close_time"]))


def order(market: dict[str, Any], **details: Any) -> dict[str, Any]:
    return {
        "ticker": market["ticker"],
        "side": "bid",
        "count": "1.00",
        "price": "0.0100",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **details,
    }


@pytest.mark.parametrize(
    "path",
    [
        "/exchange/status",
        "/exchange/schedule",
        "/exchange/user_data_timestamp",
        "/account/endpoint_costs",
        "/account/limits",
        "/historical/cutoff",
        "/historical/markets",
        "/historical/trades",
        "/series",
        "/series/fee_changes",
        "/series/KXETH15M",
        "/events",
        "/markets",
        "/markets/trades",
        "/portfolio/balance",
        "/portfolio/positions",
        "/portfolio/orders",
        "/portfolio/fills",
        "/portfolio/settlements",
        "/portfolio/order_groups",
    ],
)
def test_a_reading_endpoint_is_as_described(caller: Caller, path: str) -> None:
    caller("GET", path, 200)


def test_one_market_its_event_and_its_book_are_as_described(caller: Caller, market: dict[str, Any]) -> None:
    caller("GET", f"/markets/{market['ticker']}", 200)
    caller("GET", f"/markets/{market['ticker']}/orderbook", 200, depth=3)
    candles = f"/series/{market['event_ticker'].split('-')[0]}/markets/{market['ticker']}/candlesticks"
    caller("GET", candles, 200, start_ts=0, end_ts=10**11, period_interval=60)
    caller("GET", "/markets/orderbooks", 200, tickers=[market["ticker"]])
    caller("GET", f"/events/{market['event_ticker']}", 200, with_nested_markets="true")
    caller("GET", "/events", 200, with_nested_markets="true", limit=2, status="open")


def test_orders_are_as_described(caller: Caller, market: dict[str, Any]) -> None:
    orders = "/portfolio/events/orders"
    expires = int(time.time()) + 60
    resting = caller(
        "POST", orders, 201, order(market, client_order_id="a", post_only=True, expiration_time=expires)
    )
    caller("GET", f"/portfolio/orders/{resting['order_id']}", 200)
    caller("GET", f"/portfolio/orders/{resting['order_id']}/queue_position", 200)
    caller("GET", "/portfolio/orders/queue_positions", 200, market_tickers=market["ticker"])
    caller("POST", f"{orders}/{resting['order_id']}/decrease", 200, {"reduce_to": "0.50"})
    caller("DELETE", f"{orders}/{resting['order_id']}", 200, market_ticker=market["ticker"])
    caller("DELETE", f"{orders}/{resting['order_id']}", 404)
    second = caller("POST", orders, 201, order(market, client_order_id="b"))["order_id"]
    caller("DELETE", f"{orders}/batched", 200, {"orders": [{"order_id": second}, {"order_id": "gone"}]})
    caller("POST", orders, 409, order(market, client_order_id="b"))
    caller("POST", orders, 400, order(market, count="900000.00", price="0.5000"))
    caller("DELETE", orders, 204)
    caller("GET", "/portfolio/orders", 200, status="canceled", limit=2)


def test_order_groups_are_as_described(caller: Caller, market: dict[str, Any]) -> None:
    groups = "/portfolio/order_groups"
    group = caller("POST", f"{groups}/create", 201, {"contracts_limit": 10})["order_group_id"]
    caller("POST", "/portfolio/events/orders", 201, order(market, order_group_id=group))
    caller("GET", groups, 200)
    caller("GET", f"{groups}/{group}", 200)
    caller("PUT", f"{groups}/{group}/trigger", 200, {})
    caller("PUT", f"{groups}/{group}/reset", 200, {})
    caller("PUT", f"{groups}/{group}/limit", 200, {"contracts_limit_fp": "5.00"})
    caller("DELETE", f"{groups}/{group}", 200)
    caller("GET", f"{groups}/{group}", 404)


def test_a_trade_and_its_settlement_are_as_described(caller: Caller, market: dict[str, Any]) -> None:
    taken = caller(
        "POST",
        "/portfolio/events/orders",
        201,
        order(market, price="0.9900", time_in_force="immediate_or_cancel"),
    )
    assert taken["fill_count"] == "1.00"
    caller("GET", "/portfolio/fills", 200, order_id=taken["order_id"])
    caller("GET", "/portfolio/positions", 200, ticker=market["ticker"])
    caller("GET", "/portfolio/balance", 200)
    caller("GET", "/markets/trades", 200, ticker=market["ticker"], limit=10)
    settled = None
    while settled is None:  # The market closes and pays within seconds at this speed.
        found = caller("GET", "/portfolio/settlements", 200, ticker=market["ticker"])["settlements"]
        settled = found[0] if found else None
    assert settled["yes_count_fp"] == "1.00"
    assert caller("GET", f"/markets/{market['ticker']}", 200)["market"]["status"] == "finalized"
    caller("GET", "/portfolio/positions", 200, settlement_status="settled")


def test_a_reply_that_lacks_a_field_would_be_noticed(caller: Caller) -> None:
    from openapi_core.exceptions import OpenAPIError
    from openapi_core.testing import MockRequest, MockResponse

    request = MockRequest(_HOST, "get", "/trade-api/v2/exchange/status")
    with pytest.raises(OpenAPIError):
        caller._specification.validate_response(request, MockResponse(b'{"exchange_active":true}'))


def test_an_unsigned_request_is_refused_as_described(caller: Caller) -> None:
    from openapi_core.testing import MockRequest, MockResponse

    reply = caller._client.get("/portfolio/balance")
    request = MockRequest(_HOST, "get", "/trade-api/v2/portfolio/balance")
    response = MockResponse(reply.content, 401, dict(reply.headers), reply.headers["content-type"])
    assert reply.status_code == 401
    caller._specification.validate_response(request, response)


def test_every_other_operation_of_kalshis_is_refused_by_name(caller: Caller, document: Any) -> None:
    """Implemented ones answer for themselves above; here is what is left, and nothing is forgotten."""
    for path, operations in document["paths"].items():
        concrete = path.replace("{", "x").replace("}", "")
        for method in operations.keys() & {"get", "post", "put", "delete"}:
            reply = caller._client.request(method.upper(), concrete)
            if reply.status_code == 501:
                assert reply.json()["error"]["code"] == "not_implemented"
            elif reply.status_code == 404:
                assert "does not exist" not in reply.json()["error"]["message"], concrete
            else:
                assert reply.status_code in (200, 400, 401), f"{method} {concrete}"
