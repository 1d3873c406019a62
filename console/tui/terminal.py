"""The terminal as it was found, to be given back whatever became of the screen."""

from __future__ import annotations

import contextlib
import os
import termios

_LEAVE = (
    "\x1b[?2004l"  # bracketed paste off
    "\x1b[?7h"  # lines wrap
    "\x1b[?2048l"  # no reports of the size
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"  # mouse off
    "\x1b[<u"  # keys as they were
    "\x1b[?1049l"  # the normal screen
    "\x1b[?25h"  # the cursor
    "\x1b[?1004l"  # no reports of the focus
)


class TerminalState:
    """A terminal's line settings at the time this is made."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._attributes = termios.tcgetattr(descriptor)

    def restore(self) -> None:
        """Set the line as it was; a terminal that is gone needs nothing."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._attributes)

    def leave_screen(self) -> None:
        """Also leave the modes of a screen that cannot do it itself; may block as long as the terminal."""
        self.restore()
        with contextlib.suppress(OSError):
            os.write(2, _LEAVE.encode())
