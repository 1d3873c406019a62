"""Every WebSocket message of the practice exchange, held against Kalshi's own description of it."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
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
from websockets.sync.client import connect

SPECIFICATION = Path(__file__).parents[2] / ".." / "shared" / "kalshi" / "asyncapi.yaml"

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.exists(), reason="Kalshi's asyncapi.yaml is not in ../shared/kalshi"
)

SCHEMAS = {
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "order_group_updates": "orderGroupUpdatesPayload",
}
CHANNELS = [
    "orderbook_delta",
    "ticker",
    "trade",
    "fill",
    "user_orders",
    "market_positions",
]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with practice_process(tmp_path_factory.mktemp("home"), "--speed", "100") as told:
        yield told


@pytest.fixture(scope="module")
def components() -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(SPECIFICATION.read_text(), Loader=loader)["components"]


def signed(line: dict[str, str], method: str, path: str) -> dict[str, str]:
    key = load_pem_private_key(Path(line["private_key_path"]).read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    timestamp = str(time.time_ns() // 1_000_000)
    padding = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
    signature = key.sign(f"{timestamp}{method}{path}".encode(), padding, SHA256())
    return {
        "KALSHI-ACCESS-KEY": line["key_id"],
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


def post(line: dict[str, str], path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = signed(line, "POST", f"/trade-api/v2{path}")
    reply = httpx.post(line["rest"] + path, json=body, headers=headers, trust_env=False)
    assert reply.status_code == 201, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def buy_something(line: dict[str, str]) -> None:
    """Take one contract of a market that is offered."""
    while True:
        listed = httpx.get(f"{line['rest']}/markets?status=open&limit=1000", trust_env=False).json()[
            "markets"
        ]
        offered = [m for m in listed if float(m["yes_ask_size_fp"]) >= 1]
        if offered:
            break
    order = {
        "ticker": max(offered, key=lambda m: str(m["close_time"]))["ticker"],
        "side": "bid",
        "count": "1.00",
        "price": "0.9900",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "client_order_id": "one",
    }
    post(line, "/portfolio/events/orders", order)


def test_every_kind_of_message_is_as_described(line: dict[str, str], components: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validators = {
        type_: jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": components}
        )
        for type_, name in SCHEMAS.items()
    }
    seen: Counter[str] = Counter()
    headers = signed(line, "GET", "/trade-api/ws/v2")
    with connect(line["ws"], additional_headers=headers, proxy=None, max_queue=None) as socket:

        def send(id_: int, cmd: str, **params: Any) -> None:
            socket.send(json.dumps({"id": id_, "cmd": cmd, "params": params}))

        listed = httpx.get(f"{line['rest']}/markets?limit=1000", trust_env=False).json()["markets"]
        tickers = [market["ticker"] for market in listed]
        send(1, "subscribe", channels=["market_lifecycle_v2", "order_group_updates"])
        send(2, "subscribe", channels=CHANNELS, market_tickers=tickers, use_yes_price=True)
        send(3, "update_subscription", sids=[3], action="add_markets", market_tickers=["NOPE"])
        send(4, "update_subscription", sids=[3], action="jump", market_tickers=["NOPE"])
        send(5, "unsubscribe", sids=[4])
        send(6, "subscribe", channels=["ticker"])
        post(line, "/portfolio/order_groups/create", {"contracts_limit": 1})
        buy_something(line)
        while seen.keys() != SCHEMAS.keys():
            message = json.loads(socket.recv(timeout=30))
            seen[message["type"]] += 1
            if seen[message["type"]] <= 20:
                validators[message["type"]].validate(message)
