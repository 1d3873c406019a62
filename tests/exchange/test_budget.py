from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.exchange.budget import RESERVED_FOR_CANCELS, Budget, TokenBucket
from console.exchange.messages.account import AccountLimitsReply, BucketLimit
from console.exchange.messages.market_data import EndpointCost, EndpointCostsReply

ORDERS = "/portfolio/events/orders"


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def budget(clock: Clock) -> Budget:
    made = Budget(clock)
    made.use(
        AccountLimitsReply(
            usage_tier="basic",
            read=BucketLimit(refill_rate=200, bucket_capacity=600),
            write=BucketLimit(refill_rate=100, bucket_capacity=100),
            grants=[],
        ),
        EndpointCostsReply(
            default_cost=10,
            endpoint_costs=[
                EndpointCost(method="DELETE", path="/trade-api/v2/portfolio/events/orders/:id", cost=2),
                EndpointCost(method="GET", path="/live_data/*rest", cost=5),
            ],
        ),
    )
    return made


async def may_go(made: Budget, method: str, path: str, *, urgent: bool = False) -> bool:
    """Whether a request goes at once."""
    task = asyncio.create_task(made.admit(method, path, urgent=urgent))
    await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    return done


async def test_new_orders_stop_at_the_share_kept_for_cancels() -> None:
    clock = Clock()
    made = budget(clock)
    assert [await may_go(made, "POST", ORDERS) for _ in range(8)] == [True] * 7 + [False]


async def test_cancels_go_at_once_even_when_the_bucket_is_empty() -> None:
    made = budget(Clock())
    assert all([await may_go(made, "DELETE", f"{ORDERS}/x", urgent=True) for _ in range(200)])
    assert not await may_go(made, "POST", ORDERS)


async def test_tokens_come_back_with_time() -> None:
    clock = Clock()
    made = budget(clock)
    for _ in range(7):
        await may_go(made, "POST", ORDERS)
    clock.now_ns += 99_000_000
    assert not await may_go(made, "POST", ORDERS)
    clock.now_ns += 2_000_000
    assert await may_go(made, "POST", ORDERS)


async def test_reads_do_not_use_up_what_writes_need() -> None:
    made = budget(Clock())
    assert [await may_go(made, "GET", "/markets") for _ in range(61)] == [True] * 60 + [False]
    assert await may_go(made, "POST", ORDERS)


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("DELETE", f"{ORDERS}/abc", 2),
        ("DELETE", ORDERS, 10),
        ("GET", f"{ORDERS}/abc", 10),
        ("GET", "/live_data/a/b", 5),
    ],
)
def test_an_endpoint_costs_what_the_exchange_says(method: str, path: str, cost: int) -> None:
    assert budget(Clock()).cost(method, path) == cost


@given(
    capacity=st.integers(20, 2_000),
    rate=st.integers(1, 2_000),
    steps=st.lists(st.tuples(st.integers(1, 14), st.integers(0, 2_000_000_000)), max_size=50),
)
def test_orders_never_use_up_what_is_kept_for_cancels(
    capacity: int, rate: int, steps: list[tuple[int, int]]
) -> None:
    """Whatever is sent when, as long as one order fits beside the reserve at all."""
    clock = Clock()
    bucket = TokenBucket(BucketLimit(refill_rate=rate, bucket_capacity=capacity), clock)
    keep = RESERVED_FOR_CANCELS * capacity
    for cost, pause_ns in steps:
        clock.now_ns += pause_ns
        if bucket.wait_s(cost, keep) == 0:
            bucket.take(cost)
        assert bucket.wait_s(int(keep), 0) == 0, "the reserve is there at once"
