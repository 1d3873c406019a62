from __future__ import annotations

import msgspec
import pytest
from console_screen import HUGE, NARROW, WIDE, console
from fake_engine import GAUGES, NOW, POSITIONS, SECOND, SNAPSHOT, FakeEngine, dollars
from rich.cells import cell_len
from test_tui_sanitize import PAYLOADS

from console.domain.actions import AlertLevel
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.limit_views import LatchView
from console.engine.log_views import AlertView, FunnelStep, LogEntry, LogKind
from console.engine.snapshot import ExchangeView


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_hung_engine_is_told_in_words_in_the_header_and_in_every_pane(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    async with console(engine, size) as screen:
        engine.heartbeat_ns = 12 * SECOND
        engine.now_ns = NOW + 12 * SECOND
        text = await screen.look()
    assert "ENGINE STOPPED 12s" in text
    assert "WAS RUNNING" in text
    assert text.count("STALE 12s") == 5


async def test_a_late_engine_is_told_before_it_is_called_stopped() -> None:
    engine = FakeEngine()
    engine.heartbeat_ns = 3 * SECOND
    async with console(engine) as screen:
        text = await screen.look()
    assert "ENGINE LATE 3.0s" in text
    assert "STOPPED" not in text


async def test_a_failed_engine_says_why_and_what_still_works() -> None:
    engine = FakeEngine()
    engine.failed = "the journal could not be written: disk full"
    async with console(engine) as screen:
        text = await screen.look()
    assert "ENGINE FAILED" in text
    assert "disk full  f12 still cancels all orders" in text


async def test_a_failed_engine_says_what_still_rests_however_long_its_reason() -> None:
    engine = FakeEngine()
    engine.failed = f"/home/{'a/' * 40}journal.sqlite: 2 events could not be written: disk is full"
    engine.halting = HaltView(HaltPhase.CONFIRMED, "failed", requested_ns=NOW, confirmed_ns=NOW)
    async with console(engine, NARROW) as screen:
        text = await screen.look()
    assert "the engine ended" in text
    assert "disk is full  0 of ours resting at 12:04:31" in text


async def test_lost_log_lines_are_counted_in_the_header() -> None:
    engine = FakeEngine()
    async with console(engine, WIDE) as screen:
        assert "log lines lost" not in await screen.look()
        engine.change(log_lines_lost=7)
        text = await screen.look()
    assert "7 log lines lost" in text


@pytest.mark.parametrize("size", [(60, 16), NARROW, WIDE])
async def test_an_exchange_that_has_ended_is_told_with_what_to_do(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.ended_outside = "the practice exchange has ended: quit and start again"
    async with console(engine, size) as screen:
        text = await screen.look()
    assert "the practice exchange has ended: quit and start again" in text
    assert "WAS RUNNING" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_pause_says_why_and_how_it_ends(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    latch = LatchView("stale", TradingState.PAUSED, "no proof for 31 s", "switch", NOW - 30 * SECOND)
    engine.change(state=TradingState.PAUSED, latches=(latch,))
    async with console(engine, size) as screen:
        head = (await screen.look()).splitlines()[1]
    assert "12:04:01 stale: no proof for 31 s" in head
    assert "clears: 5 s of data" in head


async def test_the_operators_own_pause_says_which_key_ends_it() -> None:
    engine = FakeEngine()
    latch = LatchView("pause", TradingState.PAUSED, "operator", "operator", NOW)
    engine.change(state=TradingState.PAUSED, latches=(latch,))
    async with console(engine) as screen:
        head = (await screen.look()).splitlines()[1]
    assert "12:04:31 pause  r resumes" in head


async def test_a_latch_says_how_it_clears() -> None:
    engine = FakeEngine()
    latches = tuple(LatchView(name, TradingState.PAUSED, "", "x", NOW) for name in ("stale", "pause"))
    engine.change(state=TradingState.PAUSED, latches=latches)
    async with console(engine) as screen:
        lines = (await screen.press("3", "z")).splitlines()
    rows = [line for line in lines if "LATCHED" in line]
    assert "clears: 5 s of data; raised by x" in rows[0]
    assert "r resumes; raised by x" in rows[1]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_feed_past_its_limit_is_stale_in_words(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(feed_age_ns=41 * SECOND)
    async with console(engine, size) as screen:
        assert "feed STALE 41s" in await screen.look()
        engine.change(connected=False)
        assert "feed DOWN 41s" in await screen.look()


async def test_nothing_is_claimed_before_the_first_picture() -> None:
    async with console(FakeEngine(None)) as screen:
        text = await screen.look()
    assert "STARTING" in text
    assert "waiting for a first picture" in text
    assert "RUNNING" not in text
    assert "0.00" not in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_unknown_figures_are_not_zero(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(
        equity=None, day_pnl=None, day_open_equity=None, feed_age_ns=None, order_round_trip_ns=None,
        exchange=ExchangeView(None, None, None, None), positions=POSITIONS[3:], resting=(), log=(),
    )  # fmt: skip
    async with console(engine, size) as screen:
        text = await screen.look()
    head = text.splitlines()[0]
    assert head.count("n/a") == 5
    assert "exchange n/a" in text
    assert "0.00" not in head
    row = next(line for line in text.splitlines() if "KXXRP" in line)
    assert row.count("n/a") >= 2


async def test_an_unknown_gauge_refuses_instead_of_reading_zero() -> None:
    engine = FakeEngine()
    engine.change(gauges=GAUGES[4:5])
    async with console(engine) as screen:
        text = await screen.look()
    row = next(line for line in text.splitlines() if "drawdown" in line)
    assert "refuses" in row
    assert "n/a" in row
    assert "%" not in row


async def test_limits_in_use_carry_signs_beside_colour() -> None:
    async with console(FakeEngine()) as screen:
        text = await screen.look()
    lines = text.splitlines()
    for label, used in (("largest market", "!!95%"), ("order size", "!76%"), ("total exposure", "!81%")):
        assert used in next(line for line in lines if label in line)


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE])
async def test_a_limit_used_up_or_passed_reads_in_full(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    full, passed = (
        msgspec.structs.replace(GAUGES[0], key=label, label=label, used=used, with_resting=used)
        for label, used in (("used up", dollars(2_000)), ("passed", dollars(2_640)))
    )
    engine.change(gauges=(full, passed))
    async with console(engine, size) as screen:
        text = await screen.look()
    assert "!!100%" in text
    assert "!!132%" in text


async def test_a_maintenance_pause_says_when_trading_resumes() -> None:
    engine = FakeEngine()
    engine.change(exchange=ExchangeView(True, False, NOW + 3_600 * SECOND, None))
    async with console(engine) as screen:
        assert "exchange PAUSED, resumes Wed 13:04" in await screen.look()
        engine.change(exchange=ExchangeView(False, False, None, None))
        assert "exchange CLOSED" in await screen.look()


async def test_a_burst_of_alerts_leaves_the_header_in_sight() -> None:
    engine = FakeEngine()
    async with console(engine, (60, 16), has_toasts=True) as screen:
        long = "no connection to the exchange, " * 5
        alerts = tuple(AlertView(n, NOW, AlertLevel.WARNING, long) for n in range(2, 8))
        engine.change(alerts=(*SNAPSHOT.alerts, *alerts))
        await screen.look()
        lines = (await screen.look()).splitlines()
    assert "no connection" in "".join(lines)
    for line, word in zip(lines, ("10,012.41", "feed 0.2s", "12:04:31 ET"), strict=False):
        assert word in line


async def test_a_critical_alert_rings_and_stays_until_it_is_seen() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        rings = []
        screen.app.bell = lambda: rings.append(1)  # type: ignore[method-assign]
        engine.change(alerts=(*SNAPSHOT.alerts, AlertView(2, NOW, AlertLevel.CRITICAL, "position mismatch")))
        assert "position mismatch" in await screen.look()
        assert "position mismatch" in await screen.look()
        assert len(rings) == 1
        assert "■ critical" in await screen.press("a")
        assert "position mismatch" not in await screen.press("escape")


async def test_hostile_text_is_drawn_as_text_everywhere() -> None:
    engine = FakeEngine()
    payloads = tuple(PAYLOADS.values())
    engine.change(
        notes=payloads,
        positions=tuple(msgspec.structs.replace(POSITIONS[0], ticker=p, group=p) for p in payloads),
        log=tuple(LogEntry(n, NOW, LogKind.REJECTED, p, p) for n, p in enumerate(payloads)),
        latches=tuple(LatchView(p, TradingState.HALTED, p, p, NOW) for p in payloads),
        alerts=tuple(AlertView(n, NOW, AlertLevel.CRITICAL, p) for n, p in enumerate(payloads)),
        funnel=tuple(FunnelStep(p, 1, ((p, 1),)) for p in payloads),
    )
    engine.refusals = dict.fromkeys(payloads, "".join(payloads))
    engine.failed = payloads[0]
    async with console(engine, (240, 60)) as screen:
        for keys in ([], ["r"], ["escape", "a"], ["escape", "w"]):
            lines = (await screen.press(*keys)).splitlines()
            assert len(lines) == 60
            assert all(line.isprintable() and cell_len(line) == 240 for line in lines)
    assert engine.sent == []


async def test_markup_is_shown_as_it_was_sent() -> None:
    engine = FakeEngine()
    engine.change(log=(LogEntry(1, NOW, LogKind.REJECTED, None, "[red]field[/red] [@click=app.quit]x[/]"),))
    async with console(engine) as screen:
        assert "[red]field[/red] [@click=app.quit]x[/]" in await screen.press("5", "z")
