"""The screen as a file, named for when and of what it was taken."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

_NS_PER_MICROSECOND = 1_000
_PRIVATE = 0o700


def save_screenshot(svg: str, home: Path, at_ns: int, *, is_replay: bool) -> Path:
    """Write an SVG to the home's ``screenshots``, for the user alone; ``at_ns`` is UTC. Raises OSError."""
    folder = home.absolute() / "screenshots"
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    at = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=at_ns // _NS_PER_MICROSECOND)
    path = folder / f"kconsole-{'replay-' if is_replay else ''}{at:%Y%m%dT%H%M%S.%f}Z.svg"
    path.write_text(svg, encoding="utf-8")
    return path
