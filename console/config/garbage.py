"""When Python searches for garbage: not while a run starts, nor later among what it then holds.

A search stops all threads, for half a second where twenty thousand trades are remembered.
"""

from __future__ import annotations

import gc
import threading

_lock = threading.Lock()
_starting: set[str] = set()


def put_off_searches(part: str) -> None:
    """Search no more until this part, and every other that starts, has started."""
    with _lock:
        if not _starting:
            # What an earlier run of this process held may be garbage by now.
            gc.unfreeze()
        _starting.add(part)
        gc.disable()


def search_again(part: str) -> None:
    """A part has started, or ended; once all have, only what is newer than now is searched."""
    with _lock:
        if part in _starting:
            _starting.remove(part)
            if not _starting:
                gc.freeze()
                gc.enable()
