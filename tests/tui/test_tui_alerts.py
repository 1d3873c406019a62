"""The alerts: what to do about each, and which of them stay in sight until they are seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console_screen import NARROW, WIDE, console
from fake_engine import NOW, SECOND, SNAPSHOT, FakeEngine

from console.config.schema import Settings
from console.domain.actions import AlertLevel
from console.domain.trading_state import TradingState
from console.engine.limit_views import LatchView
from console.engine.log_views import AlertView
from console.monitoring.responses import RESPONSES, error_kind, response_to
from console.risk.switches.every import every_switch
from console.tui.actions import ALL_ACTIONS, CONSOLE_ACTIONS
from console.tui.keymap import key_of, keys_of

BREACH = AlertView(2, NOW, AlertLevel.WARNING, "PAUSED slippage: 51 bps > 50 bps", "slippage")
CRITICAL = AlertView(3, NOW, AlertLevel.CRITICAL, "HALTED tripwire: 61 orders", "tripwire")
SLIPPED = LatchView("slippage", TradingState.PAUSED, "51 bps > 50 bps", "slippage", NOW)
FAILED_READ = AlertView(4, NOW - SECOND, AlertLevel.WARNING, "account: no answer within 5 s", "error account")


def default_key(action: str) -> str:
    return key_of(action, {})


def test_every_kill_switch_and_every_latch_has_a_response() -> None:
    settings = Settings()
    keys = {switch.key for switch in every_switch(settings.risk, settings.quality)}
    assert keys - RESPONSES.keys() == set()
    for latch in ("pause", "reduce_only", "disarmed", "flatten", "stopped", "overfill", "crash_loop"):
        assert latch in RESPONSES


def test_every_source_of_errors_that_the_engine_guards_has_a_response() -> None:
    engine = Path(__file__).parents[2] / "console" / "engine"
    texts = [path.read_text(encoding="utf-8") for path in engine.glob("*.py")]
    sources = [source for text in texts for source in re.findall(r'\bguarded\("(\w+)"', text)]
    assert sources
    for source in sources:
        assert error_kind(source) in RESPONSES
    assert response_to(error_kind("something new")), "one without words of its own is still answered"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_each_alert_stands_with_what_to_do_about_it(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(alerts=(BREACH, CRITICAL, FAILED_READ))
    async with console(engine, size) as screen:
        text = " ".join((await screen.press("a", "z")).split())
    for alert in (BREACH, CRITICAL, FAILED_READ):
        assert alert.text in text
        assert f"→ {response_to(alert.kind, default_key)}"[:40] in text
    assert "3 to look at" in text


async def test_a_breach_rings_and_stays_with_its_response_until_it_is_seen() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        rings = []
        screen.app.bell = lambda: rings.append(1)  # type: ignore[method-assign]
        engine.change(alerts=(*SNAPSHOT.alerts, BREACH), latches=(SLIPPED,))
        head = (await screen.look()).splitlines()[1]
        assert "51 bps > 50 bps" in head
        assert "over:" not in head
        assert "a: seen" in head
        assert len(rings) == 1
        await screen.press("a", "escape")
        assert "51 bps" not in (await screen.look()).splitlines()[1]


async def test_a_halt_that_was_cleared_is_told_as_past_until_it_is_seen() -> None:
    engine = FakeEngine()
    flattened = AlertView(3, NOW, AlertLevel.CRITICAL, "HALTED flatten: operator", "flatten", latch="flatten")
    tripped = LatchView("flatten", TradingState.HALTED, "operator", "operator", NOW)
    async with console(engine) as screen:
        engine.change(alerts=(flattened,), latches=(tripped,), state=TradingState.HALTED)
        assert "over:" not in (await screen.look())
        engine.change(latches=(), state=TradingState.RUNNING)
        head = (await screen.look()).splitlines()[1]
        assert "over: HALTED flatten: operator" in head
        assert "a: seen" in head
        engine.change(latches=(SLIPPED,), state=TradingState.PAUSED)
        assert "51 bps" in (await screen.look()).splitlines()[1], "what holds now comes first"


async def test_a_market_that_is_stopped_is_seen_in_the_state() -> None:
    engine = FakeEngine()
    stopped = LatchView("stopped", TradingState.PAUSED, "", "stopped", NOW, scope="series:KXBTC15M")
    async with console(engine, NARROW) as screen:
        engine.change(latches=(stopped,))
        assert "RUNNING, 1 stopped" in (await screen.look()).splitlines()[0]
        engine.change(latches=(stopped, SLIPPED), state=TradingState.PAUSED)
        assert "stopped" not in (await screen.look()).splitlines()[0]


async def test_what_merely_informs_does_not_stay() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        engine.change(alerts=(*SNAPSHOT.alerts, FAILED_READ))
        assert "no answer" not in (await screen.look()).splitlines()[1]


async def test_alerts_are_filtered_and_the_gravest_come_first_when_asked() -> None:
    engine = FakeEngine()
    engine.change(alerts=(CRITICAL, BREACH))
    async with console(engine) as screen:
        text = await screen.press("a", "s")
        assert text.index("61 orders") < text.index("51 bps")
        text = await screen.press("slash", *"slippage", "enter")
        assert "61 orders" not in text
        assert "51 bps" in text


async def test_enter_tells_an_alert_in_full() -> None:
    engine = FakeEngine()
    engine.change(alerts=(CRITICAL,))
    async with console(engine) as screen:
        text = await screen.press("a", "enter")
    assert "what to do" in text
    assert response_to("tripwire", default_key) in text


def test_what_to_do_names_the_keys_in_force_and_actions_where_there_are_none() -> None:
    actions = {action.id for action in ALL_ACTIONS}
    named = {name for text in RESPONSES.values() for name in re.findall(r"{(\w+)}", text)}
    assert named <= actions
    keys = {key for action in CONSOLE_ACTIONS for key in keys_of(action, {}) if not key.isdigit()}
    # An article, and seconds.
    keys -= {"a", "s"}
    for kind, text in RESPONSES.items():
        assert not keys & set(re.split(r"[ ;,.:]+", text)), kind
    assert response_to("pause", lambda _: "f5") == "f5, with a reason"
    assert response_to("no_fills").startswith("why not says")


async def test_the_header_counts_what_the_list_says_is_to_be_looked_at() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        assert " alert" not in "".join((await screen.look()).splitlines()[:3])
        late = AlertView(2, NOW, AlertLevel.WARNING, "the feed is late", "stale")
        engine.change(alerts=(*SNAPSHOT.alerts, late))
        text = await screen.press("a")
        assert "1 to look at" in text
        assert "1 alert" in "".join(text.splitlines()[:3])
