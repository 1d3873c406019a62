"""The practice exchange's REST endpoints over a real socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from practice_support import TICKER, Client, running, settled

from console.practice.server import AddressError, GeneratedKey, PracticeServer, listen


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratedKey]:
    generated = GeneratedKey(tmp_path_factory.mktemp("keys"))
    yield generated
    generated.remove()


@pytest.fixture
async def practice(key: GeneratedKey) -> AsyncIterator[tuple[Client, PracticeServer]]:
    async with running(key) as (client, server):
        yield client, server


@pytest.fixture
def client(practice: tuple[Client, PracticeServer]) -> Client:
    return practice[0]


@pytest.fixture
def server(practice: tuple[Client, PracticeServer]) -> PracticeServer:
    return practice[1]


def code(reply_text: dict[str, dict[str, str]]) -> str:
    return reply_text["error"]["code"]


# --- who may ask ------------------------------------------------------------------------------------


async def test_public_endpoints_need_no_signature(client: Client) -> None:
    reply = await client.http.get("/markets", params={"status": "open"})
    assert [m["ticker"] for m in reply.json()["markets"]] == [TICKER]


async def test_account_endpoints_refuse_a_request_that_is_not_signed_by_the_key(client: Client) -> None:
    path = "/portfolio/balance"
    unsigned = await client.http.get(path)
    assert unsigned.status_code == 401
    other = await client.http.get(path, headers=client.headers("GET", "/trade-api/v2/portfolio/fills"))
    assert (other.status_code, code(other.json())) == (401, "authentication_error")
    stranger = {**client.headers("GET", f"/trade-api/v2{path}"), "KALSHI-ACCESS-KEY": "someone"}
    assert (await client.http.get(path, headers=stranger)).status_code == 401


@pytest.mark.parametrize(("late_s", "status"), [(10, 200), (-10, 200), (60, 401), (-60, 401)])
async def test_a_timestamp_too_far_from_the_clock_is_refused(
    client: Client, late_s: float, status: int
) -> None:
    headers = client.headers("GET", "/trade-api/v2/portfolio/balance", late_s=late_s)
    reply = await client.http.get("/portfolio/balance", headers=headers)
    assert reply.status_code == status
    if status == 401:
        assert code(reply.json()) == "header_timestamp_expired"


async def test_the_query_is_not_part_of_what_is_signed(client: Client) -> None:
    assert (await client.get("/portfolio/orders", status="resting", limit=5))["orders"] == []


def test_the_key_file_is_its_owners_alone_and_goes_with_the_key(tmp_path: Path) -> None:
    generated = GeneratedKey(tmp_path / "keys")
    assert generated.path.stat().st_mode & 0o777 == 0o600
    generated.remove()
    assert list((tmp_path / "keys").iterdir()) == []


def test_keys_of_exchanges_that_were_killed_are_swept_up_and_those_in_use_are_not(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from console.practice.server import GeneratedKey; "
        "print(GeneratedKey(Path(sys.argv[1])).path, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    left = Path(killed.stdout.strip())
    assert left.exists()
    (tmp_path / "mine.pem").write_text("an operator's own")
    first, second = GeneratedKey(tmp_path), GeneratedKey(tmp_path)
    assert set(tmp_path.iterdir()) == {first.path, second.path, tmp_path / "mine.pem"}
    first.remove()
    second.remove()


# --- what does not exist ----------------------------------------------------------------------------


async def test_the_first_order_endpoints_have_ended(client: Client) -> None:
    reply = await client.call("POST", "/portfolio/orders", {})
    assert reply.status_code == 410
    assert reply.json() == {
        "error": {
            "code": "deprecated_v1_order_endpoint",
            "message": "Please switch to the V2 endpoints",
            "details": "https://docs.kalshi.com/api-reference/orders/create-order-v2",
        }
    }


async def test_an_operation_that_practice_lacks_is_named(client: Client) -> None:
    reply = await client.call("GET", "/portfolio/deposits")
    assert reply.status_code == 501
    assert reply.json()["error"] == {
        "code": "not_implemented",
        "message": "GET /trade-api/v2/portfolio/deposits is not part of the practice exchange",
    }


async def test_a_path_that_kalshi_lacks_is_not_found(client: Client) -> None:
    assert (await client.call("GET", "/exchange/announcements")).status_code == 404
    assert (await client.call("GET", "/markets/NOPE")).status_code == 404


# --- orders -----------------------------------------------------------------------------------------


async def test_an_order_rests_is_listed_and_is_cancelled(client: Client) -> None:
    placed = await client.place("bid", "0.8000", "10.00", client_order_id="mine")
    assert placed.status_code == 201
    reply = placed.json()
    assert (reply["fill_count"], reply["remaining_count"]) == ("0.00", "10.00")
    assert "average_fill_price" not in reply
    (order,) = (await client.get("/portfolio/orders", status="resting"))["orders"]
    assert (order["client_order_id"], order["yes_price_dollars"]) == ("mine", "0.8000")
    path = f"/portfolio/events/orders/{reply['order_id']}"
    cancelled = await client.call("DELETE", path, market_ticker=TICKER)
    assert (cancelled.status_code, cancelled.json()["reduced_by"]) == (200, "10.00")
    assert (await client.call("DELETE", path)).status_code == 404
    one = await client.get(f"/portfolio/orders/{reply['order_id']}")
    assert (one["order"]["status"], one["order"]["remaining_count_fp"]) == ("canceled", "0.00")


async def test_a_fill_shows_in_fills_positions_and_balance(client: Client) -> None:
    reply = (await client.place("ask", "0.9000", "10.00", time_in_force="immediate_or_cancel")).json()
    assert (reply["fill_count"], reply["average_fill_price"]) == ("10.00", "0.900000")
    (fill,) = (await client.get("/portfolio/fills", order_id=reply["order_id"]))["fills"]
    assert (fill["outcome_side"], fill["is_taker"], fill["fee_cost"]) == ("no", True, "0.063000")
    positions = await client.get("/portfolio/positions")
    (position,) = positions["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-10.00", "1.000000")
    (event,) = positions["event_positions"]
    assert event["total_cost_dollars"] == "1.000000"
    balance = await client.get("/portfolio/balance")
    assert (balance["balance_dollars"], balance["balance"]) == ("9998.937000", 999_893)
    # Ten NO, sold at 1 - 0.91.
    assert balance["portfolio_value"] == 90


async def test_a_settled_position_moves_to_the_settled_list(client: Client, server: PracticeServer) -> None:
    await client.place("bid", "0.9100", "5.00", time_in_force="fill_or_kill")
    server.exchange.apply(settled("yes", simulated=True))
    assert (await client.get("/portfolio/positions"))["market_positions"] == []
    (position,) = (await client.get("/portfolio/positions", settlement_status="settled"))["market_positions"]
    assert (position["position_fp"], position["realized_pnl_dollars"]) == ("0.00", "0.450000")
    (settlement,) = (await client.get("/portfolio/settlements"))["settlements"]
    assert (settlement["revenue"], settlement["value"], settlement["yes_count_fp"]) == (500, 100, "5.00")
    market = (await client.get(f"/markets/{TICKER}"))["market"]
    assert (market["status"], market["result"], market["rules_secondary"]) == (
        "finalized",
        "yes",
        "simulated result",
    )


@pytest.mark.parametrize(
    ("details", "status", "expected"),
    [
        ({"price": "0.9050"}, 400, "invalid_price"),
        ({"price": "a lot"}, 400, "invalid_price"),
        ({"count": "0.001"}, 400, "invalid_order_size"),
        ({"count": "-1.00"}, 400, "invalid_order_size"),
        ({"count": "20000.00"}, 400, "insufficient_balance"),
        ({"side": "yes"}, 400, "invalid_request"),
        ({"ticker": "NOPE"}, 404, "market_not_found"),
        ({"exchange_index": 2}, 400, "invalid_parameter"),
        ({"time_in_force": "immediate_or_cancel", "expiration_time": 4_000_000_000}, 400, "invalid_order"),
    ],
)
async def test_a_wrong_order_is_refused_with_its_code(
    client: Client, details: dict[str, object], status: int, expected: str
) -> None:
    body: dict[str, object] = {"side": "bid", "price": "0.9000", "count": "1.00", **details}
    reply = await client.place(**body)  # type: ignore[arg-type]
    assert (reply.status_code, code(reply.json())) == (status, expected)


async def test_a_body_that_is_not_json_is_refused(client: Client) -> None:
    headers = client.headers("POST", "/trade-api/v2/portfolio/events/orders")
    reply = await client.http.post("/portfolio/events/orders", content=b"{", headers=headers)
    assert (reply.status_code, code(reply.json())) == (400, "invalid_request")


async def test_a_body_nested_beyond_reason_is_refused(client: Client) -> None:
    text = '{"x":' + "[" * 100_000
    headers = client.headers("POST", "/trade-api/v2/portfolio/events/orders")
    reply = await client.http.post("/portfolio/events/orders", content=text, headers=headers)
    assert reply.status_code == 400


@pytest.mark.parametrize("expires_s", [253_402_300_800, 10**15, 2**62])
async def test_an_expiry_after_the_last_year_is_refused(client: Client, expires_s: int) -> None:
    reply = await client.place("bid", "0.5000", "1.00", expiration_time=expires_s)
    assert (reply.status_code, code(reply.json())) == (400, "invalid_order")
    assert (await client.get("/portfolio/orders"))["orders"] == []


async def test_a_second_order_of_the_same_client_id_conflicts(client: Client) -> None:
    await client.place("bid", "0.8000", "1.00", client_order_id="mine")
    again = await client.place("bid", "0.8000", "1.00", client_order_id="mine")
    assert (again.status_code, code(again.json())) == (409, "order_already_exists")


async def test_cancel_all_answers_nothing_and_leaves_nothing(client: Client) -> None:
    for _ in range(3):
        await client.place("bid", "0.8000", "1.00")
    reply = await client.call("DELETE", "/portfolio/events/orders")
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await client.get("/portfolio/orders", status="resting"))["orders"] == []


async def test_a_batch_of_cancels_reports_each_failure_beside_the_successes(client: Client) -> None:
    order_id = (await client.place("bid", "0.8000", "1.00")).json()["order_id"]
    orders = [{"order_id": order_id}, {"order_id": "gone"}]
    reply = await client.call("DELETE", "/portfolio/events/orders/batched", {"orders": orders})
    first, second = reply.json()["orders"]
    assert (reply.status_code, first["reduced_by"]) == (200, "1.00")
    assert (second["reduced_by"], second["error"]["code"]) == ("0.00", "not_found")


async def test_a_decrease_and_the_queue_position(client: Client) -> None:
    order_id = (await client.place("bid", "0.9000", "10.00")).json()["order_id"]
    path = f"/portfolio/events/orders/{order_id}/decrease"
    reply = await client.call("POST", path, {"reduce_by": "4.00"})
    assert reply.json()["remaining_count"] == "6.00"
    assert (await client.call("POST", path, {})).status_code == 400
    one = await client.get(f"/portfolio/orders/{order_id}/queue_position")
    (listed,) = (await client.get("/portfolio/orders/queue_positions"))["queue_positions"]
    assert one["queue_position_fp"] == listed["queue_position_fp"] == "100.00"


async def test_an_order_group_is_created_triggered_reset_and_deleted(client: Client) -> None:
    groups = "/portfolio/order_groups"
    created = await client.call("POST", f"{groups}/create", {"contracts_limit": 100})
    group = created.json()["order_group_id"]
    order_id = (await client.place("bid", "0.8000", "1.00", order_group_id=group)).json()["order_id"]
    assert (await client.get(f"{groups}/{group}"))["orders"] == [order_id]
    assert (await client.call("PUT", f"{groups}/{group}/trigger")).json() == {}
    blocked = await client.place("bid", "0.8000", "1.00", order_group_id=group)
    assert code(blocked.json()) == "exceeded_order_group_risk_limit"
    await client.call("PUT", f"{groups}/{group}/reset")
    await client.call("PUT", f"{groups}/{group}/limit", {"contracts_limit_fp": "7.50"})
    (listed,) = (await client.get(groups))["order_groups"]
    assert listed["contracts_limit_fp"] == "7.50"
    assert (await client.call("DELETE", f"{groups}/{group}")).status_code == 200
    assert (await client.call("GET", f"{groups}/{group}")).status_code == 404


async def test_a_paused_exchange_says_so(client: Client, server: PracticeServer) -> None:
    server.exchange.pause()
    status = await client.get("/exchange/status")
    assert (status["exchange_active"], status["trading_active"]) == (True, False)
    assert status["exchange_index_statuses"][0]["trading_active"] is False
    server.exchange.resume_trading()
    assert (await client.get("/exchange/status"))["trading_active"] is True


# --- reading markets --------------------------------------------------------------------------------


async def test_the_book_lists_bids_of_both_outcomes_worst_first(client: Client) -> None:
    book = (await client.get(f"/markets/{TICKER}/orderbook"))["orderbook_fp"]
    assert book == {
        "yes_dollars": [["0.8900", "200.00"], ["0.9000", "100.00"]],
        "no_dollars": [["0.0800", "500.00"], ["0.0900", "50.00"]],
    }
    best = (await client.get(f"/markets/{TICKER}/orderbook", depth=1))["orderbook_fp"]
    assert best["no_dollars"] == [["0.0900", "50.00"]]
    several = await client.get("/markets/orderbooks", tickers=[TICKER, "NOPE"])
    assert several["orderbooks"][1]["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
    assert (await client.call("GET", f"/markets/{TICKER}/orderbook", depth=101)).status_code == 400


async def test_pages_follow_each_other_without_gap_or_repeat_while_orders_arrive(client: Client) -> None:
    placed = [(await client.place("bid", "0.5000", "1.00")).json()["order_id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await client.get("/portfolio/orders", limit=2, cursor=cursor)
        seen += [order["order_id"] for order in page["orders"]]
        cursor = page["cursor"]
        if not cursor:
            break
        await client.place("bid", "0.5000", "1.00")
    assert seen == placed[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 1001},
        {"limit": "many"},
        {"status": "live"},
        {"cursor": "?"},
        {"status": "open", "min_close_ts": 1},
        {"min_close_ts": 1, "min_created_ts": 1},
    ],
)
async def test_a_wrong_query_is_refused(client: Client, query: dict[str, object]) -> None:
    reply = await client.call("GET", "/markets", **query)
    assert (reply.status_code, code(reply.json())) == (400, "invalid_parameter")


def test_a_port_in_use_is_named() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=f"port {port} of 127.0.0.1"):
            listen(port)
