"""From a command line to a running engine, for the commands that run one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from console.app import EngineFailedError, ExposedKeyError, Launch, PracticeFailedError, running_engine
from console.commands.common import folder_of, load_settings, session_environment
from console.commands.errors import ExitCode, UserError
from console.config.load import Loaded
from console.engine.worker import EngineWorker


@contextmanager
def engine_session(arguments: argparse.Namespace) -> Iterator[tuple[EngineWorker, Loaded]]:
    """A running engine and its settings; every failure of its start is a UserError with an exit code."""
    environment = session_environment(arguments)
    if environment == "live":
        raise UserError(
            "this version does not trade real money: its kill switches are not complete; use --env demo",
            ExitCode.REFUSED,
        )
    loaded = load_settings(arguments)
    launch = Launch(
        environment, loaded.settings, folder_of(arguments), arguments.attach, dry_run=arguments.dry_run
    )
    try:
        with running_engine(launch) as worker:
            yield worker, loaded
    except EngineFailedError as error:
        raise UserError(str(error), ExitCode.REFUSED if error.unsafe else ExitCode.FAILED) from None
    except ExposedKeyError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    except PracticeFailedError as error:
        raise UserError(str(error), ExitCode.FAILED) from None


def left_text(left: int | None) -> str:
    """What to tell when a run could not end with nothing of ours resting."""
    if left is None:
        return "it is not confirmed that no order of ours rests: the exchange did not answer"
    return f"{left} of our orders still rest at the exchange"
