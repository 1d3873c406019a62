"""SIGKILL at random moments, with orders whose answers get lost: nothing forgotten, nothing doubled."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from arena import Arena, arena
from conftest import Count, Tell

pytestmark = pytest.mark.timeout(0)

KILLS_AN_ACCOUNT = 100
"""After so many a campaign goes on with a new home at a new exchange, whose lists are short again."""


def kill_one(place: Arena) -> None:
    """A run that is killed: mostly a while after some orders, else at any moment of its start."""
    drawn = place.random
    with place.run() as run:
        if drawn.random() < 0.8:
            place.wait_orders(run, drawn.randint(1, 6))
            time.sleep(drawn.uniform(0, 0.6))
        else:
            time.sleep(drawn.uniform(0, 0.5))
        run.raise_failure()
        run.kill()


def test_killed_at_any_moment_nothing_is_forgotten_and_nothing_doubled(
    tmp_path: Path, count: Count, tell: Tell
) -> None:
    kills = int(os.environ.get("RELIABILITY_KILLS", count(20, 200)))
    seed = random.SystemRandom().randrange(2**32)
    began, sent = time.monotonic(), 0
    tell(f"seed {seed}")
    for start in range(0, kills, KILLS_AN_ACCOUNT):
        here = min(kills - start, KILLS_AN_ACCOUNT)
        with arena(tmp_path / str(start), seed + start) as place:
            for _ in range(here):
                kill_one(place)
            result = place.close_the_books()
        faulty = sum(1 for asked in place.proxy.asked if asked.client_order_id and asked.fault)
        sent += place.orders_sent
        tell(f"{here} kills, {place.orders_sent} POSTs, {faulty} faulty: {result}")
        assert not result.differences, result.differences
        assert faulty
    tell(f"{kills} kills, {sent} POSTs, in {time.monotonic() - began:.0f} s")
