from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from exchange_builders import clock, connection, listed_order, signer
from scripted_exchange import Answer, Received, drip, raw, reply, scripted

from console.domain.ports import VenueError
from console.exchange.halt_line import BlockingHaltLine
from console.exchange.messages import account, encode


def line_to(rest: str, deadline_s: float = 5.0) -> BlockingHaltLine:
    return BlockingHaltLine(connection(rest), signer(), clock(), deadline_s=deadline_s)


async def test_a_thread_can_trigger_list_and_cancel() -> None:
    def script(request: Received) -> Answer:
        if request.method == "GET":
            page = account.OrdersReply(orders=[listed_order("a")], cursor="")
            return raw(200, encode(page))
        return reply(404 if request.method == "DELETE" else 200, {})

    def halt(line: BlockingHaltLine) -> list[str]:
        line.trigger_group("g", 2)
        resting = [order.order_id for order in line.resting()]
        for order_id in resting:
            line.cancel(order_id, "KXBTC-1", 2)
        line.close()
        return resting

    async with scripted(script) as exchange:
        assert await asyncio.to_thread(halt, line_to(exchange.rest)) == ["a"]
    trigger, listing, cancel = exchange.received
    assert (trigger.method, trigger.path) == ("PUT", "/portfolio/order_groups/g/trigger")
    assert listing.query["status"] == ["resting"]
    assert cancel.method == "DELETE"


async def test_an_error_under_a_success_status_is_no_triggered_group() -> None:
    def halt(line: BlockingHaltLine) -> None:
        try:
            line.trigger_group("g", 2)
        finally:
            line.close()

    async with scripted(lambda _: reply(200, {"error": {"code": "not_found"}})) as exchange:
        with pytest.raises(VenueError, match="not understood"):
            await asyncio.to_thread(halt, line_to(exchange.rest))


async def test_a_group_is_triggered_although_the_first_stamp_was_too_old() -> None:
    """A machine that slept stamps its first request with an old time."""

    def halt(line: BlockingHaltLine) -> None:
        line.trigger_group("g", 2)
        line.close()

    answers = [reply(401, {"error": {"code": "header_timestamp_expired"}}), reply(200, {})]
    async with scripted(lambda _: answers.pop(0)) as exchange:
        await asyncio.to_thread(halt, line_to(exchange.rest))
    assert len(exchange.received) == 2


async def test_an_exchange_that_drips_bytes_cannot_hold_up_a_halt() -> None:
    def halt(line: BlockingHaltLine) -> None:
        try:
            line.trigger_group("g", 2)
        finally:
            line.close()

    async with scripted(lambda _: drip) as exchange:
        with pytest.raises(VenueError, match=r"no answer within 0\.3 s"):
            await asyncio.to_thread(halt, line_to(exchange.rest, deadline_s=0.3))


async def test_a_hundred_cancels_do_not_wait_for_tokens() -> None:
    """They cost more than the write bucket holds, and the budget would make new orders wait."""

    def cancel_all(line: BlockingHaltLine) -> None:
        for number in range(100):
            line.cancel(f"o{number}", "KXBTC-1", 0)
        line.close()

    async with scripted(lambda _: reply(404, {})) as exchange:
        await asyncio.to_thread(cancel_all, line_to(exchange.rest))
    assert len(exchange.received) == 100


def answers_to_groups(trigger: int, delete: int) -> Callable[[Received], Answer]:
    return lambda request: reply(delete if request.method == "DELETE" else trigger, {})


async def test_a_group_that_is_refused_a_trigger_is_deleted_which_cancels_as_well() -> None:
    def halt(line: BlockingHaltLine) -> None:
        line.trigger_group("g", 2)
        line.close()

    async with scripted(answers_to_groups(trigger=400, delete=200)) as exchange:
        await asyncio.to_thread(halt, line_to(exchange.rest))
    _, deletion = exchange.received
    assert (deletion.method, deletion.path) == ("DELETE", "/portfolio/order_groups/g")
    assert deletion.query["exchange_index"] == ["2"]


@pytest.mark.parametrize(("trigger", "delete", "calls"), [(404, 500, 1), (400, 404, 2)])
async def test_a_group_that_is_gone_has_nothing_left_to_cancel(trigger: int, delete: int, calls: int) -> None:
    def halt(line: BlockingHaltLine) -> None:
        line.trigger_group("g", 2)
        line.close()

    async with scripted(answers_to_groups(trigger, delete)) as exchange:
        await asyncio.to_thread(halt, line_to(exchange.rest))
    assert len(exchange.received) == calls


@pytest.mark.parametrize(
    ("trigger", "delete", "calls"), [(503, 200, 1), (429, 200, 1), (400, 503, 2), (403, 403, 2)]
)
async def test_a_group_that_was_neither_triggered_nor_deleted_is_told(
    trigger: int, delete: int, calls: int
) -> None:
    def halt(line: BlockingHaltLine) -> None:
        try:
            line.trigger_group("g", 2)
        finally:
            line.close()

    async with scripted(answers_to_groups(trigger, delete)) as exchange:
        with pytest.raises(VenueError, match=str(delete if calls == 2 else trigger)):
            await asyncio.to_thread(halt, line_to(exchange.rest))
    assert len(exchange.received) == calls
