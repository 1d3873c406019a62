"""What can be done from a row: cancel this order, close this position, stop this market, read all of it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from console_screen import NARROW, WIDE, console
from fake_engine import NOW, POSITIONS, SNAPSHOT, FakeEngine, dollars

from console.domain.commands import CancelOrder, ClosePosition, StopTrading
from console.domain.money import Cash, Count, Price
from console.domain.trading_state import TradingState
from console.engine.account_views import NO_EXIT, ExitView
from console.engine.halt_view import HaltPhase
from console.tui import dialogs, typed_dialog
from console.tui.typed_dialog import TypedDialog

LARGEST = POSITIONS[0].ticker
EXIT = ExitView(Price(9_510), Count(30_000), dollars(199.71), dollars(0.68), Cash(420_000))


def holding(leaving: ExitView = EXIT) -> FakeEngine:
    """An engine whose largest position, the first row, could be sold."""
    engine = FakeEngine()
    first = msgspec.structs.replace(
        POSITIONS[0],
        exit=leaving,
        series="KXBTC15M",
        title="Bitcoin up?",
        worst_case=dollars(900),
        expected=Price(9_700),
    )
    resting = tuple(msgspec.structs.replace(order, series="KXSOL15M") for order in SNAPSHOT.resting)
    engine.change(positions=(first, *POSITIONS[1:]), resting=resting)
    return engine


# --- one order ----------------------------------------------------------------------------------------


async def test_the_order_under_the_cursor_is_cancelled_and_no_other() -> None:
    engine = holding()
    engine.change(positions=())
    async with console(engine) as screen:
        await screen.press("1", "o")
    assert engine.sent == [CancelOrder(at_ns=NOW, client_order_id="c-1")]


async def test_without_an_order_under_the_cursor_nothing_is_cancelled_and_it_says_so() -> None:
    engine = holding()
    async with console(engine, has_toasts=True) as screen:
        text = await screen.press("1", "o")
        assert "not on an order of ours" in text
    assert engine.sent == []


async def test_the_footer_offers_only_what_the_row_allows() -> None:
    engine = holding()
    async with console(engine, (240, 60)) as screen:
        footer = (await screen.press("1")).splitlines()[-1]
        assert "C close" in footer
        assert "o cancel order" not in footer
        footer = (await screen.press("3")).splitlines()[-1]
        assert "C close" not in footer
        engine.change(positions=())
        assert "o cancel order" in (await screen.press("1")).splitlines()[-1]


async def test_when_its_row_goes_the_cursor_stays_there_on_the_row_that_comes_in_its_place() -> None:
    engine = FakeEngine()
    engine.change(resting=())
    async with console(engine) as screen:
        shown = [key.split()[-1] for key in screen.app._main.positions.content.keys]
        await screen.press("1", "down", "down")
        held = tuple(POSITIONS[:])
        for gone, under in ((shown[2], shown[3]), (shown[0], shown[3])):
            held = tuple(each for each in held if each.ticker != gone)
            engine.change(positions=held)
            await screen.look()
            row = screen.app.row()
            assert row is not None
            assert row.ticker == under


# --- closing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_closing_shows_price_cost_and_fee_and_enter_cancels(size: tuple[int, int]) -> None:
    engine = holding()
    async with console(engine, size) as screen:
        text = await screen.press("1", "C")
        for shown in ("210 YES at 95.1c or better", "proceeds $199.71", "fees about $0.68", "+1.21 against"):
            assert shown in text, shown
        await screen.press("enter")
        assert not isinstance(screen.app.screen, TypedDialog)
    assert engine.sent == []


async def test_closing_goes_out_at_the_price_that_was_shown() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("1", "C", "tab", "enter")
    assert engine.sent == [ClosePosition(at_ns=NOW, ticker=LARGEST, least_price=Price(9_510))]


async def test_a_price_that_fell_after_it_was_shown_is_not_what_goes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine, the dialog is not drawn anew before the key.
    monkeypatch.setattr(typed_dialog, "_REDRAW_S", 3_600)
    engine = holding()
    async with console(engine) as screen:
        await screen.press("1", "C", "tab")
        fallen = msgspec.structs.replace(EXIT, price=Price(8_000))
        first = msgspec.structs.replace(POSITIONS[0], exit=fallen)
        engine.change(positions=(first, *POSITIONS[1:]))
        await screen.press("enter")
    assert engine.sent == [ClosePosition(at_ns=NOW, ticker=LARGEST, least_price=Price(9_510))]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": TradingState.HALTED}, "halted; F sells while halted"),
        ({"positions": POSITIONS[1:]}, "nothing is held there"),
        ({"positions": (msgspec.structs.replace(POSITIONS[0], exit=NO_EXIT),)}, "no bid"),
    ],
)
async def test_what_cannot_be_closed_any_more_is_refused_in_the_open_dialog(
    change: dict[str, object], why: str
) -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("1", "C", "tab")
        engine.change(**change)
        async with asyncio.timeout(60):
            while f"refused now: {why}" not in await screen.look():
                pass
        await screen.press("enter")
    assert engine.sent == []


async def test_what_cannot_be_closed_any_more_is_not_sent_before_the_dialog_shows_it() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("1", "C", "tab")
        engine.change(state=TradingState.HALTED)
        await screen.press("enter")
    assert engine.sent == []


async def test_halt_works_under_the_closing_dialog() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("1", "C", "f12")
    assert engine.halts == ["operator"]
    assert engine.halting.phase is HaltPhase.CANCELLING


# --- stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "scope"), [(["enter"], f"market:{LARGEST}"), (["down", "enter"], "series:KXBTC15M")]
)
async def test_a_market_or_its_series_is_stopped(keys: list[str], scope: str) -> None:
    engine = holding()
    async with console(engine) as screen:
        text = await screen.press("1", "S")
        assert "Stop every market of KXBTC15M" in text
        await screen.press(*keys)
    assert engine.sent == [StopTrading(at_ns=NOW, scope=scope)]


async def test_a_market_is_stopped_from_the_trade_log_too_and_escape_stops_nothing() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("5", "S", "escape")
        assert engine.sent == []
        await screen.press("5", "S", "enter")
    assert engine.sent == [StopTrading(at_ns=NOW, scope=f"market:{SNAPSHOT.log[-1].ticker}")]


async def test_a_console_that_may_only_look_sends_nothing_from_a_row() -> None:
    engine = holding()
    async with console(engine, is_readonly=True) as screen:
        for key in ("o", "C", "S"):
            await screen.press("1", key, "enter")
    assert engine.sent == []


# --- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["1"], ("Bitcoin up?", "+2.80 c a contract", "KXBTC15M", "Traded here", "breaks even at")),
        (["2"], ("total exposure", "2,000", "81", "warns from")),
        (["3"], ("slippage", "41 bps n=18", "50 bps", "what to do")),
        (["5"], ("post only would cross", LARGEST)),
    ],
)
async def test_enter_tells_all_that_is_known_of_a_row(keys: list[str], shown: tuple[str, ...]) -> None:
    async with console(holding()) as screen:
        text = await screen.press(*keys, "enter")
        for word in shown:
            assert word in text, word
        assert "1 Positions" in await screen.press("escape")


async def test_the_page_of_a_row_follows_it_and_says_when_it_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialogs, "_RECHECK_S", 0.01)
    engine = FakeEngine()
    engine.change(resting=())
    async with console(engine) as screen:
        await screen.press("1", "enter")
        moved = tuple(msgspec.structs.replace(each, mark=Price(4_210)) for each in POSITIONS)
        for positions, said in ((moved, "42.1 c"), ((), "Row, gone: as it was last")):
            engine.change(positions=positions)
            async with asyncio.timeout(10):
                while said not in await screen.look():
                    await screen.pilot.pause(0.01)
        assert "42.1 c" in await screen.look()
