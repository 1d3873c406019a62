from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.exchange.hosts import DEMO, LIVE, ConnectionDataError, connection_to, read_connection

LINE = {
    "rest": "http://127.0.0.1:8000/trade-api/v2",
    "ws": "ws://127.0.0.1:8000/trade-api/ws/v2",
    "key_id": "k",
    "private_key_path": "/tmp/k.pem",
}


def test_the_line_of_a_practice_exchange_is_read(tmp_path: Path) -> None:
    path = tmp_path / "line.json"
    path.write_text(json.dumps(LINE) + "\n")
    assert read_connection(path).rest == LINE["rest"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rest": "http://example.com/trade-api/v2"}, "rest 'http://example.com"),
        ({"ws": "ws://example.com/trade-api/ws/v2"}, "ws 'ws://example.com"),
        ({"rest": "https://example.com/other"}, "rest 'https://example.com/other'"),
        ({"key_id": ""}, "key_id is empty"),
        ({"key_id": "a\nb"}, "characters that no API key id has"),
        ({"rest": "http://127.0.0.1:port/trade-api/v2"}, "rest 'http://127.0.0.1:port"),
        ({"private_key_path": 3}, "private_key_path"),
    ],
)
def test_a_line_that_names_an_unsafe_address_or_no_key_is_refused(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    path = tmp_path / "line.json"
    path.write_text(json.dumps({**LINE, **change}))
    with pytest.raises(ConnectionDataError, match=complaint) as caught:
        read_connection(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_garbled_line_is_refused_naming_the_file(tmp_path: Path) -> None:
    path = tmp_path / "line.json"
    with pytest.raises(ConnectionDataError, match=r"line\.json cannot be read"):
        read_connection(path)
    path.write_text("kconsole")
    with pytest.raises(ConnectionDataError, match=r"line\.json does not hold the line"):
        read_connection(path)


def test_demo_and_live_are_different_hosts_over_tls() -> None:
    for hosts in (DEMO, LIVE):
        assert connection_to(hosts, "k", "p").rest.startswith("https://")
    assert ".co/" in DEMO.rest
    assert ".com/" in LIVE.rest
    with pytest.raises(ConnectionDataError, match="key_id is empty"):
        connection_to(DEMO, "", "p")
