"""Orders and positions that are not ours, on screen."""

from __future__ import annotations

import msgspec
import pytest
from console_screen import HUGE, NARROW, WIDE, console
from fake_engine import POSITIONS, FakeEngine

from console.domain.book import BookSide
from console.domain.money import Count, Price
from console.engine.account_views import ExternalView

ELSEWHERE = "KXWEB-26NOV22-A"


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE])
async def test_external_orders_and_positions_are_told_apart_from_ours(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    orders = tuple(
        ExternalView(f"x-{ticker}", ticker, BookSide.BID, Price(4_100), Count(700))
        for ticker in (ELSEWHERE, POSITIONS[0].ticker)
    )
    mixed = (msgspec.structs.replace(POSITIONS[0], is_external=True), *POSITIONS[1:])
    async with console(engine, size) as screen:
        before = await screen.look()
        assert "external" not in before
        engine.change(external=orders, positions=mixed, resting=())
        text = await screen.press("1", "z")
    for word in ("4 open (1 external)", "0 resting", "2 external orders"):
        assert word in text, word
    rows = [line for line in text.splitlines() if "↳" in line]
    assert ["external" in row and " 41 " in row for row in rows] == [True, True], rows


async def test_the_filter_finds_external_orders_by_that_word() -> None:
    engine = FakeEngine()
    engine.change(external=(ExternalView("x-1", ELSEWHERE, BookSide.ASK, Price(900), Count(100)),))
    async with console(engine, HUGE) as screen:
        await screen.press("1", "z", "/")
        text = await screen.press(*"external")
    assert ELSEWHERE in text
    assert POSITIONS[1].ticker not in text


async def test_flatten_says_that_it_sells_what_was_bought_elsewhere_too() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        text = await screen.press("F")
        assert "external" not in text
        await screen.press("escape")
        engine.change(positions=(msgspec.structs.replace(POSITIONS[0], is_external=True), *POSITIONS[1:]))
        assert "external positions are sold too" in await screen.press("F")
