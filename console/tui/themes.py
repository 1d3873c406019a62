"""How tones look: the console's own themes and the style of each tone in the theme in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from console.tui.cells import Tone

_DARK = {
    "gain": "#5fd38d",
    "loss": "#ff7b72",
    "warn": "#f2c14e",
    "halt": "#ff4d4f",
    "muted": "#7d8896",
    "frame": "#3b4654",
    "track": "#3b4654",
    "headline": "#f2f5f8",
    "focus": "#6cb6ff",
    "on-badge": "#0c1117",
}

_LIGHT = {
    "gain": "#116636",
    "loss": "#b42318",
    "warn": "#8a5a00",
    "halt": "#b42318",
    "muted": "#5b6673",
    "frame": "#b3bcc7",
    "track": "#b3bcc7",
    "headline": "#0c1117",
    "focus": "#0b62c4",
    "on-badge": "#ffffff",
}

_COLOUR_BLIND = {
    **_DARK,
    "gain": "#56b4e9",
    "loss": "#e69f00",
    "warn": "#f0e442",
    "halt": "#d55e00",
    "focus": "#cc79a7",
}

KCONSOLE = Theme(
    name="kconsole",
    primary="#6cb6ff",
    secondary="#8b98a8",
    accent="#6cb6ff",
    foreground="#c9d3de",
    background="#0c1117",
    surface="#111820",
    panel="#18212b",
    success=_DARK["gain"],
    warning=_DARK["warn"],
    error=_DARK["loss"],
    variables=_DARK,
)

KCONSOLE_LIGHT = Theme(
    name="kconsole-light",
    primary="#0b62c4",
    secondary="#5b6673",
    accent="#0b62c4",
    foreground="#1c242d",
    background="#fbfcfd",
    surface="#f0f3f6",
    panel="#e6eaef",
    success=_LIGHT["gain"],
    warning=_LIGHT["warn"],
    error=_LIGHT["loss"],
    dark=False,
    variables=_LIGHT,
)

KCONSOLE_COLOUR_BLIND = Theme(
    name="kconsole-colour-blind",
    primary="#cc79a7",
    secondary="#8b98a8",
    accent="#cc79a7",
    foreground="#d5dbe1",
    background="#0c1117",
    surface="#111820",
    panel="#18212b",
    success=_COLOUR_BLIND["gain"],
    warning=_COLOUR_BLIND["warn"],
    error=_COLOUR_BLIND["loss"],
    variables=_COLOUR_BLIND,
)
"""Gain and loss in blue and orange of the Okabe-Ito palette."""

_WORDS = ("gain", "loss", "warn", "halt", "muted", "headline", "focus")
_TINTS = (("halt", 0.28), ("warn", 0.16))
"""Of the header and of a replay's bar, as in the style sheet."""
_LEAST_CONTRAST = 4

OWN_THEMES = (KCONSOLE, KCONSOLE_LIGHT, KCONSOLE_COLOUR_BLIND)


def theme_problem(name: str) -> str | None:
    """Why there is no such theme, in one sentence; None where there is."""
    names = {*BUILTIN_THEMES, *(theme.name for theme in OWN_THEMES)}
    return (
        None
        if name in names
        else f"ui.theme: there is no theme {name!r}; use one of {', '.join(sorted(names))}"
    )


def contrast(one: Color, other: Color) -> float:
    """Between their lightnesses, from 1 for none to 21, as the guidelines for the web have it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    linear = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in color.normalized)
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def variables_for(theme: Theme) -> dict[str, str]:
    """Our variables for a theme that does not define them, as its own colours can be read."""
    if theme in OWN_THEMES:
        return theme.variables
    wanted = _wanted(theme)
    grounds = theme.to_color_system().generate()
    background = Color.parse(grounds["background"])
    if background.ansi is not None:
        # What the terminal draws is not known.
        return wanted
    under = [Color.parse(grounds[name]) for name in ("background", "surface", "panel")]
    under += [background.blend(Color.parse(wanted[name]), share) for name, share in _TINTS]
    return wanted | {name: _readable(Color.parse(wanted[name]), under, theme) for name in _WORDS}


def _readable(color: Color, grounds: Sequence[Color], theme: Theme) -> str:
    """The colour, moved towards black or white as far as it takes on all of these grounds."""
    towards = Color.parse("white" if theme.dark else "black")
    shades = (color.blend(towards, step / 20) for step in range(21))
    found = (each for each in shades if min(contrast(each, ground) for ground in grounds) >= _LEAST_CONTRAST)
    return next(found, towards).hex


def _wanted(theme: Theme) -> dict[str, str]:
    return {
        "gain": theme.success or _DARK["gain"],
        "loss": theme.error or _DARK["loss"],
        "warn": theme.warning or _DARK["warn"],
        "halt": theme.error or _DARK["halt"],
        "muted": theme.secondary or _DARK["muted"],
        "frame": theme.secondary or _DARK["frame"],
        "track": theme.secondary or _DARK["track"],
        "headline": theme.foreground or theme.primary,
        "focus": theme.accent or theme.primary,
        "on-badge": theme.background or ("#000000" if theme.dark else "#ffffff"),
    }


_FOREGROUND = {
    Tone.STRONG: "headline",
    Tone.MUTED: "muted",
    Tone.FRAME: "frame",
    Tone.ACCENT: "focus",
    Tone.GAIN: "gain",
    Tone.LOSS: "loss",
    Tone.WARN: "warn",
    Tone.TRACK: "track",
    Tone.BADGE_GAIN: "gain",
    Tone.BADGE_WARN: "warn",
    Tone.BADGE_HALT: "halt",
    Tone.FOCUS: "focus",
}
_BOLD = {Tone.STRONG, Tone.WARN, Tone.BADGE_GAIN, Tone.BADGE_WARN, Tone.BADGE_HALT, Tone.FOCUS}
# Reversed rather than given a background, so that they stand out where colours are stripped.
_REVERSED = {Tone.BADGE_GAIN, Tone.BADGE_WARN, Tone.BADGE_HALT, Tone.FOCUS}


def style_of(tone: Tone, variables: Mapping[str, str]) -> Style:
    """The style of a tone over a widget's own."""
    name = _FOREGROUND.get(tone)
    color = Color.parse(variables[name]).rich_color if name else None
    background = None
    if tone in _REVERSED:
        background = Color.parse(variables["on-badge"]).rich_color
    return Style(
        color=color,
        bgcolor=background,
        bold=True if tone in _BOLD else None,
        reverse=True if tone in _REVERSED else None,
    )
