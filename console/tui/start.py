"""The screen, made so that its first drawing comes soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.config.garbage import put_off_searches, search_again
from console.config.load import Loaded
from console.engine.handle import EngineHandle

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

_SCREEN = "screen"


def make_app(
    engine: EngineHandle,
    loaded: Loaded,
    *,
    home: Path,
    wall_ns: Callable[[], int] = time.time_ns,
    is_readonly: bool = False,
    is_ascii: bool = False,
) -> ConsoleApp:
    """A console to run; nothing is searched for garbage before it was first drawn.

    What is loaded for it stays, so that a search finds nothing there, then or later.
    """
    put_off_searches(_SCREEN)
    from console.tui.app import ConsoleApp

    return ConsoleApp(
        engine,
        loaded,
        home=home,
        wall_ns=wall_ns,
        is_readonly=is_readonly,
        is_ascii=is_ascii,
        on_drawn=lambda: search_again(_SCREEN),
    )
