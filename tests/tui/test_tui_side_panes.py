"""The day's money and the health of what trading stands on."""

from __future__ import annotations

import msgspec
import pytest
from console_screen import HUGE, NARROW, WIDE, console
from fake_engine import MINUTE, NOW, SECOND, FakeEngine, dollars

from console.domain.ports import Tokens
from console.engine.account_views import CurvePoint, Outcomes
from console.engine.snapshot import ExchangeView, HealthView
from console.tui.plain_text import in_ascii

CURVE = tuple(CurvePoint(NOW - (30 - n) * MINUTE, dollars(n - 12)) for n in range(31))
OUTCOMES = Outcomes(trades=50, won=47, expected=50 * 9_600, paid=50 * 9_300, events=50, squares=50)
GOOD = HealthView(
    clock_skew_ms=12,
    compared_ns=NOW - 2 * SECOND,
    cash_difference=dollars(0),
    guard_seen_ns=NOW,
    journaled_ns=NOW - SECOND,
    tokens=Tokens(190, 200, 95, 100),
    disk_free_bytes=80_000_000_000,
    journal_bytes=2_500_000,
)


def engine_with(**fields: object) -> FakeEngine:
    engine = FakeEngine()
    engine.change(**{"curve": CURVE, "outcomes": OUTCOMES, "health": GOOD, **fields})
    return engine


# --- the day ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_day_shows_its_curve_and_losses_beside_what_was_expected(size: tuple[int, int]) -> None:
    async with console(engine_with(), size) as screen:
        text = await screen.press("m", "z")
    for shown in (
        "+18.00",
        "-12.00",
        "11:34 ET",
        "94.0%  47 of 50",
        "lost per 100   6.0",
        "expected     4.0",
        "break-even   7.0",
    ):
        assert shown in text, shown
    assert "over break-even" not in text


async def test_more_losses_than_break_even_are_said_in_words() -> None:
    async with console(engine_with(outcomes=Outcomes(50, 45, 50 * 9_600, 50 * 9_300, 50, 50))) as screen:
        assert "10.0  over break-even" in await screen.press("m")


async def test_no_settled_market_is_no_hit_rate() -> None:
    async with console(engine_with(outcomes=Outcomes(), curve=())) as screen:
        text = await screen.press("m")
    assert "no market that we held has settled yet" in text
    assert "hit rate" not in text


async def test_a_large_screen_shows_the_day_beside_everything_else() -> None:
    async with console(engine_with(), HUGE) as screen:
        text = await screen.look()
    for shown in ("m Day", "w Why not", "lost per 100", "1 Positions", "4 Slippage"):
        assert shown in text


# --- health -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_good_health_is_said_with_its_figures(size: tuple[int, int]) -> None:
    async with console(engine_with(), size) as screen:
        text = await screen.press("i")
    for shown in (
        "all good",
        "0.2s, limit 30s",
        "95 of 100",
        "80.0 GB",
        "2.5 MB",
        "agree, 2.0s ago",
        "+12 ms",
    ):
        assert shown in text, shown


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"connected": False}, "DOWN, last heard"),
        ({"feed_age_ns": 41 * SECOND}, "STALE 41s"),
        ({"exchange": ExchangeView(True, False, NOW + 90 * MINUTE, None)}, "PAUSED, back in 1h30: cancel"),
        ({"exchange": ExchangeView(False, False, None, None)}, "CLOSED: cancel impossible now"),
        ({"health": msgspec.structs.replace(GOOD, tokens=Tokens(190, 200, 20, 100))}, "▲ 20 of 100"),
        ({"health": msgspec.structs.replace(GOOD, disk_free_bytes=50_000_000)}, "▲ 50.0 MB"),
        ({"health": msgspec.structs.replace(GOOD, mismatch="A: ours 3, theirs 0")}, "■ A: ours 3"),
        ({"health": msgspec.structs.replace(GOOD, compared_ns=NOW - 120 * SECOND)}, "STALE 2m ago"),
        ({"health": msgspec.structs.replace(GOOD, cash_difference=dollars(-5))}, "theirs -5.00"),
        ({"health": msgspec.structs.replace(GOOD, guard_absence="silent for 6 s")}, "silent for 6 s"),
        ({"health": msgspec.structs.replace(GOOD, clock_skew_ms=-2_300)}, "▲ -2300 ms"),
    ],
)
async def test_what_is_wrong_is_counted_and_said_in_words(change: dict[str, object], shown: str) -> None:
    async with console(engine_with(**change)) as screen:
        text = await screen.press("i", "z")
    assert shown in text
    assert "1 to look at" in text


async def test_what_is_not_known_is_not_good() -> None:
    async with console(engine_with(health=HealthView())) as screen:
        text = await screen.press("i")
    assert "not compared yet" in text
    assert "all good" not in text
    assert "tokens" not in text


async def test_a_maintenance_pause_that_is_near_counts_down_in_the_header() -> None:
    engine = engine_with(exchange=ExchangeView(True, True, None, NOW + 25 * MINUTE))
    async with console(engine) as screen:
        assert "open, pause in 25m" in await screen.look()


async def test_an_exchange_that_no_longer_says_how_it_is_is_not_called_open() -> None:
    engine = engine_with(exchange=ExchangeView(True, True, None, None, read_ns=NOW - 12 * SECOND))
    async with console(engine) as screen:
        assert "exchange was open" not in await screen.look()
        engine.change(exchange=ExchangeView(True, True, None, None, read_ns=NOW - 40 * SECOND))
        assert "exchange was open 40s ago" in await screen.look()
        assert "1 to look at" in await screen.press("i")


@pytest.mark.parametrize(("age_s", "said"), [(41, " STALE 41s "), (12, "─ 12s ")])
async def test_positions_are_as_old_as_the_prices_they_are_marked_at(age_s: int, said: str) -> None:
    async with console(engine_with(feed_age_ns=age_s * SECOND)) as screen:
        title = next(line for line in (await screen.look()).splitlines() if "1 Positions" in line)
    assert said in title


async def test_escape_leads_back_from_the_side_panel() -> None:
    async with console(engine_with()) as screen:
        assert "2 Risk limits" not in await screen.press("i")
        text = await screen.press("escape")
        assert "2 Risk limits" in text
        assert "i Health" not in text


# --- plain text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE])
async def test_ascii_draws_every_cell_with_ascii_alone(size: tuple[int, int]) -> None:
    async with console(engine_with(), size, is_ascii=True) as screen:
        for keys in ([], ["m"], ["i"], ["escape", "r"]):
            await screen.press(*keys)
            app = screen.app
            for strip in app.screen._compositor.render_strips():
                for segment in strip.apply_filter(app.get_line_filters()[-1], app.background_colors[0]):
                    assert segment.text.isascii(), segment.text


def test_text_keeps_its_width_in_ascii_and_what_has_no_letter_is_a_question_mark() -> None:
    assert in_ascii("╭─ São 30° ▁▅█ ●▲■ → …") == "+- Sao 30? _## *!# > ~"
    assert in_ascii("漢") == "?"
