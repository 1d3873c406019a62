from __future__ import annotations

from pathlib import Path

from console_screen import Console, console
from fake_engine import FakeEngine


async def save(screen: Console) -> str:
    commands = screen.app.get_system_commands(screen.app.screen)
    next(command for command in commands if command.title == "Screenshot").callback()
    return await screen.look()


async def test_the_screen_is_saved_in_the_home_and_it_is_said_where(tmp_path: Path) -> None:
    home = tmp_path / "[/home"
    async with console(FakeEngine(), home=home, has_toasts=True) as screen:
        assert "saved as" in await save(screen)
        await save(screen)
    (saved,) = {path.name for path in (home / "screenshots").iterdir()}
    assert saved.startswith("kconsole-2")
    assert "RUNNING" in (home / "screenshots" / saved).read_text()


async def test_a_screenshot_that_cannot_be_saved_is_told_with_the_cause(tmp_path: Path) -> None:
    (tmp_path / "screenshots").write_text("a file")
    engine = FakeEngine()
    async with console(engine, home=tmp_path, has_toasts=True) as screen:
        text = await save(screen)
    assert "cannot be saved" in text
    assert "File exists" in " ".join(text.split())
    assert engine.halts == []
