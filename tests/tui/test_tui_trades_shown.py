"""What is shown of how a position was entered and what each fill cost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from console_screen import HUGE, WIDE, console
from fake_engine import NOW, POSITIONS, SNAPSHOT, FakeEngine

from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.domain.money import Count
from console.engine.account_views import Outcomes
from console.monitoring.buckets import bucket_of
from console.strategies.edge_table import VERSION, EdgeCell, EdgeTable, table_path
from console.tui.app import ConsoleApp
from console.tui.edges import role_of

AT = datetime.fromtimestamp(NOW // 1_000_000_000, UTC)


@pytest.mark.parametrize(
    ("as_maker", "role"), [(21_000, "maker"), (0, "taker"), (9_000, "mixed"), (None, "")]
)
def test_the_role_is_that_of_all_entries(as_maker: int | None, role: str) -> None:
    made = None if as_maker is None else Count(as_maker)
    assert role_of(msgspec.structs.replace(POSITIONS[0], as_maker=made)) == role


async def test_the_wide_screen_shows_role_and_time_of_entry_and_the_slippage_of_each_fill() -> None:
    engine = FakeEngine()
    engine.change(positions=POSITIONS[:1], log=SNAPSHOT.log[4:5])
    async with console(engine, HUGE) as screen:
        lines = (await screen.look()).splitlines()
    held = next(line for line in lines if "+1.89" in line)
    assert "taker" in held
    assert "12:00" in held
    fill = next(line for line in lines if " fill " in line).split()
    assert fill[fill.index("maker") + 1] == "1"


async def test_enter_tells_a_fill_s_slippage_of_the_touch_and_of_the_mid() -> None:
    engine = FakeEngine()
    entry = next(entry for entry in SNAPSHOT.log if entry.sequence == 3)
    engine.change(log=(entry,))
    async with console(engine) as screen:
        text = await screen.press("5", "enter")
    assert "3 bps of the touch at the decision" in text
    assert "3 bps" in text[text.index("of the mid") :]


def _measured(home: Path) -> None:
    cell = EdgeCell(
        category="Crypto",
        bucket=bucket_of(POSITIONS[0].average_price).name,
        role="taker",
        published=-30,
        measured=120,
        low=-40,
        high=280,
        events=340.0,
        used=90,
    )
    table = EdgeTable(
        version=VERSION, data="recorded", data_from=AT, data_to=AT, prior_points=1.0, cells=(cell,)
    )
    table_path(Settings().edge, home).write_bytes(msgspec.json.encode(table))


async def test_the_edge_used_stands_beside_what_was_measured_of_such_entries(tmp_path: Path) -> None:
    from console_screen import Console, loaded_as

    _measured(tmp_path)
    engine = FakeEngine()
    app = ConsoleApp(engine, loaded_as(Settings()), home=tmp_path, wall_ns=engine.wall_ns)
    async with app.run_test(size=WIDE) as pilot:
        text = await Console(app, pilot).press("1", "enter")
    assert "+1.50 c a contract" in text
    assert "+1.20 c (340 events, -0.40 to +2.80)" in text


async def test_without_a_measurement_that_is_said() -> None:
    async with console(FakeEngine()) as screen:
        assert "no measurement of such entries" in await screen.press("1", "enter")


async def test_the_day_shows_the_edge_used_beside_the_one_measured_with_its_interval() -> None:
    engine = FakeEngine()
    engine.change(
        outcomes=Outcomes(trades=50, won=47, expected=50 * 9_600, paid=50 * 9_300, events=50, squares=50)
    )
    async with console(engine) as screen:
        text = await screen.press("m", "z")
    assert "edge used      +3.0 c" in text
    assert "+1.0 c  n=50" in text
    assert "-9.2 and +4.9 c" in text


async def test_moved_keys_are_the_ones_that_sentences_name() -> None:
    keymap = {"resume": "f5", "halt": "f9", "close_position": "f6", "why_not": "f7", "alerts": "f8"}
    engine = FakeEngine()
    engine.change(log=())
    async with console(engine, ui=InterfaceSettings(keymap=keymap)) as screen:
        text = await screen.look()
        assert "f7 says why not" in text
        assert "f7 Why not" in await screen.press("f7")
        assert "f6 closes it" in await screen.press("1", "enter")
        await screen.press("escape")
        engine.failed = "no more"
        assert "f9 still cancels" in await screen.look()
