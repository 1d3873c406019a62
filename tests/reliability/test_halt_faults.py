"""Faults on the halt's own requests, on real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import msgspec
import pytest
from conftest import Count, Tell
from fault_proxy import FaultProxy, fault_proxy
from faults import ORDERS, html, reset_after, reset_before, sometimes, status
from own_exchange import OwnExchange, order, own_exchange, venue_to

from console.app import halting
from console.domain.account_events import OrderAcked
from console.domain.order import OrderStatus, TimeInForce
from console.engine import halt_rounds

pytestmark = pytest.mark.timeout(1800)

TICKER = "HALT-1"
PREFIX = "kc-1-"
ORDERS_LEFT = 4
FAULTS = [status(429), status(500), status(503, forwards=True), reset_before, reset_after, html(502)]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running:
        running.list_market(TICKER)
        running.show(TICKER, 92, 93)
        yield running


@pytest.fixture
def proxy(exchange: OwnExchange) -> Iterator[FaultProxy]:
    with fault_proxy(exchange.connection) as between:
        yield between


def leave_orders(exchange: OwnExchange, seed: str) -> dict[int, str]:
    """Orders of ours at rest, and one of another's; their group."""

    async def placed() -> str:
        venue = venue_to(exchange.connection)
        group = await venue.create_group(0)
        for client_order_id in (*(f"{PREFIX}{seed}-{n}" for n in range(ORDERS_LEFT)), f"by-hand-{seed}"):
            intent = msgspec.structs.replace(
                order(client_order_id, TICKER, cents=50),
                time_in_force=TimeInForce.GOOD_TILL_CANCELED,
                group_id=group if client_order_id.startswith(PREFIX) else None,
                expires_s=int(time.time()) + 600,
            )
            assert isinstance(await venue.submit(intent), OrderAcked)
        await venue.close()
        return group

    return {0: asyncio.run(placed())}


def resting(exchange: OwnExchange) -> list[str]:
    orders = exchange.do(lambda practice: practice.account.open_orders())
    return [each.request.client_order_id for each in orders if each.status is OrderStatus.RESTING]


@pytest.mark.parametrize("trigger", ["fails now and then", "is refused, and so is the deletion"])
def test_faults_on_the_cancels_themselves_delay_a_halt_and_never_make_it_lie(
    exchange: OwnExchange,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    count: Count,
    tell: Tell,
    trigger: str,
) -> None:
    monkeypatch.setattr(halt_rounds, "_RETRY_S", 0.02)
    monkeypatch.setattr(halt_rounds, "_PROOF_S", 0.02)
    rounds, took_ms, before = count(5, 250), [], set(resting(exchange))
    for seed in range(rounds):
        groups = leave_orders(exchange, f"{trigger[:2]}{seed}")
        assert sum(name.startswith(PREFIX) for name in resting(exchange)) == ORDERS_LEFT
        proxy.on("DELETE", f"{ORDERS}/*", sometimes(0.5, FAULTS, seed=seed))
        proxy.on("GET", "/portfolio/orders", sometimes(0.3, FAULTS, seed=seed))
        proxy.on("DELETE", "/portfolio/order_groups/*", status(400))
        refused = trigger.startswith("is")
        proxy.on(
            "PUT", "/portfolio/order_groups/*", status(400) if refused else sometimes(0.5, FAULTS, seed=seed)
        )
        target = halting.Target(proxy.connection, groups, lambda o: o.client_order_id.startswith(PREFIX))
        began = time.monotonic()
        left = halting.cancel_at_exchange(target, patience_s=30)
        took_ms.append(round((time.monotonic() - began) * 1000))
        proxy.heal()
        assert left.confirmed, f"seed {seed}: {left}"
        assert not any(name.startswith(PREFIX) for name in resting(exchange)), f"seed {seed}"
    assert len(set(resting(exchange)) - before) == rounds, "orders of others stay"
    tell(f"{rounds} halts, half of their cancels failing: longest {max(took_ms)} ms to proof")
