"""Every theme that can be chosen is one in which figures and words can be read."""

from __future__ import annotations

import pytest
from console_screen import WIDE, console, loaded_as
from fake_engine import FakeEngine
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.tui.cells import Tone
from console.tui.themes import OWN_THEMES, contrast, style_of

LEAST = 3
"""What the guidelines for the web ask of large or bold letters; some themes give their own text no more."""

DRAWN = {theme.name for theme in OWN_THEMES} | {name for name in BUILTIN_THEMES if "ansi" not in name}
WORDS = (Tone.PLAIN, Tone.STRONG, Tone.MUTED, Tone.ACCENT, Tone.GAIN, Tone.LOSS, Tone.WARN)
BADGES = (Tone.BADGE_GAIN, Tone.BADGE_WARN, Tone.BADGE_HALT, Tone.FOCUS)


@pytest.mark.parametrize("theme", sorted(DRAWN))
async def test_what_is_said_can_be_read_wherever_it_stands(theme: str) -> None:
    loaded = loaded_as(Settings(ui=InterfaceSettings(theme=theme)))
    engine = FakeEngine()
    engine.halt("operator")
    async with console(engine, WIDE, loaded=loaded) as screen:
        variables = screen.app.theme_variables
        main = screen.app._main
        grounds = {name: Color.parse(variables[name]) for name in ("background", "surface", "panel")}
        grounds["header"] = main._header.background_colors[1]
        grounds["replay"] = main.replay_bar.background_colors[1]
        assert grounds["header"] != grounds["panel"]
        for place, ground in grounds.items():
            for tone in WORDS:
                color = style_of(tone, variables).color
                drawn = Color.from_rich_color(color) if color else Color.parse(variables["foreground"])
                assert contrast(drawn, ground) >= LEAST, (place, tone)
        for tone in BADGES:
            style = style_of(tone, variables)
            ground, drawn = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            assert contrast(drawn, ground) >= LEAST, tone


async def test_the_buttons_of_a_dialog_have_no_frame_without_colours_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(FakeEngine(), (60, 16)) as screen:
        text = await screen.press("F")
        assert "Flatten" in text
        assert not set("▔▊▎") & set(text.split("type flatten")[-1])
        text = await screen.press("tab", *"flatten")
        assert not set("▔▊▎") & set(text)
