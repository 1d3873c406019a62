"""What a command raises when it cannot go on, and the exit codes of every command."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNCONFIRMED = 4
    INTERRUPTED = 130


class UserError(Exception):
    """A failure told to the user as one sentence on standard error, without a traceback."""

    def __init__(self, message: str, exit_code: int = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SignalledError(BaseException):
    """A signal ended a session before it had begun; like KeyboardInterrupt it is no failure to handle."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number
