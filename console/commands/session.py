"""From a command line to a running engine, for the commands that run one."""

from __future__ import annotations

import argparse
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.app import EngineFailedError, ExposedKeyError, Launch, PracticeFailedError, running_engine
from console.commands.common import folder_of, load_settings, session_environment
from console.commands.ending import Ending
from console.commands.errors import ExitCode, UserError
from console.config.errors import ConfigError, LockHeldError
from console.config.load import Environment, Loaded
from console.config.logs import RUN_LOG
from console.config.redaction import error_text, redacted
from console.engine.overrides import Overrides
from console.engine.worker import EngineWorker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """A running engine, its settings, how it may come to end, where what happens is logged, and the home."""

    worker: EngineWorker
    loaded: Loaded
    ending: Ending
    logs: Path
    home: Path


@contextmanager
def engine_session(arguments: argparse.Namespace) -> Iterator[Session]:
    """A running engine with its settings; every failure is a UserError with an exit code.

    Raises SignalledError when a signal comes before ``ending.tell`` was called.
    """
    environment = session_environment(arguments)
    if environment == "live":
        raise UserError(
            "this version does not trade real money: it has not been tried on Kalshi's demo exchange yet; "
            "use --env demo",
            ExitCode.REFUSED,
        )
    loaded = load_settings(arguments)
    launch = _launch(arguments, environment, loaded)
    try:
        with Ending() as ending, running_engine(launch) as worker:
            session = Session(worker, loaded, ending, launch.folder.logs, launch.folder.path.parent)
            ending.keep_faults(session.logs)
            ending.watch(worker)
            with _failure_told(session):
                yield session
    except EngineFailedError as error:
        raise UserError(str(error), ExitCode.REFUSED if error.unsafe else ExitCode.FAILED) from None
    except ExposedKeyError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    except PracticeFailedError as error:
        raise UserError(str(error), ExitCode.FAILED) from None
    except (UserError, ConfigError, LockHeldError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - told, without what it may hold
        # A fault of the program: who mends it needs to know where, and nobody needs a key that is in it.
        trace = redacted("".join(traceback.format_exception(error)))
        raise UserError(f"it could not start, for a reason that nothing expected:\n{trace}") from None


def _launch(arguments: argparse.Namespace, environment: Environment, loaded: Loaded) -> Launch:
    folder = folder_of(arguments)
    return Launch(
        environment,
        loaded.settings,
        folder,
        arguments.attach,
        dry_run=arguments.dry_run,
        # What is tried in a dry run must not come into force where money is.
        overrides=None if arguments.dry_run else Overrides(folder.overrides, loaded),
    )


@contextmanager
def _failure_told(session: Session) -> Iterator[None]:
    """Halt at an exception that nothing expected, and tell it in a sentence."""
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:
        text = f"the session failed: {error_text(error)}"
        session.worker.halt(text)
        log.critical("the session failed", exc_info=error)
        raise UserError(failure_text(text, session.logs)) from None


def failure_text(failure: str, logs: Path) -> str:
    """What to tell when a part that nothing expected to fail ended a session."""
    return f"{failure}; trading is halted until it is resumed; details in {logs / RUN_LOG}"


def failure_error(failure: str, left: int | None) -> UserError:
    """What to raise after an engine that failed, when so many of our orders are left."""
    if left == 0:
        return UserError(failure)
    return UserError(f"{failure}; {left_text(left)}", ExitCode.UNCONFIRMED)


def left_text(left: int | None) -> str:
    """What to tell when a run could not end with nothing of ours resting."""
    if left is None:
        return "it is not confirmed that no order of ours rests: the exchange did not answer"
    return f"{left} of our orders still rest at the exchange"
