"""Who is told beside the screen, and what did not reach them, in the Health and Alerts tabs."""

from __future__ import annotations

import pytest
from console_screen import NARROW, WIDE, console
from fake_engine import NOW, SECOND, FakeEngine

from console.engine.log_views import DeliveryView

FINE = DeliveryView("ntfy", delivered=12, delivered_ns=NOW - 3 * SECOND)
FAILING = DeliveryView("webhook", delivered=2, waiting=4, failed=1, dropped=3, trouble="no answer within 5 s")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_health_counts_what_arrived_and_says_what_did_not(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(deliveries=(FAILING, FINE))
    async with console(engine, size) as screen:
        # Zoomed: the last rows of Health are below what a side pane of this height shows.
        text = " ".join((await screen.press("i", "z", "end")).split())
    assert "12 delivered, last 3.0s ago" in text
    assert "4 waiting, 4 lost: no answer within 5 s" in text


async def test_the_alerts_say_who_was_not_told() -> None:
    engine = FakeEngine()
    engine.change(deliveries=(FAILING, FINE))
    async with console(engine) as screen:
        text = await screen.press("a")
    assert "webhook: 4 lost" in text
    assert "ntfy" not in text
