"""Runs of the program in processes of their own that are told to end, killed, or denied the disk."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from console.app import UncleanError, offline_engine
from console.commands.errors import ExitCode
from console.commands.preflight.arena import PATIENCE_S, Arena, TimeUpError, wait_for
from console.commands.preflight.processes import (
    Terminal,
    code_of,
    last_line,
    output_of,
    program,
    wait_for_status,
)
from console.domain.ports import VenueError
from console.domain.trading_state import TradingState
from console.engine.journal import JournalError

ENDED, KILLED, REFUSED = ("ended", "ended-again"), "killed", "refused"
"""The homes of these runs; a busy machine may need the second try."""

_MAKER = (("strategy_flb.style", "maker"),)
_TERMINATED = 128 + signal.SIGTERM
_TRIES = 3
_LASTS_S, _GUARD_S, _EXPIRES_S, _STOPPED_S = 15.0, 12.0, 2.0, 0.3
"""An order expires by itself within the last second of its market."""

_AGAIN_S = (3, 80)
"""An order that was on its way when its run was killed, and never arrived, counts as lost after 75 s."""
_AT_LONGEST = ("--for", str(round(2 * PATIENCE_S)))
"""So that a run ends also where the checks were killed before they could end it."""

_JOURNAL_BYTES = 400_000
_LIMITED = (
    "import resource, sys; hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]; "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard)); "
    "from console.cli import main; sys.exit(main(sys.argv[2:]))"
)


def shutdown(arena: Arena) -> str:
    """A console in a terminal is sent SIGTERM while orders rest; says how it ended. Raises TimeUpError."""
    for home in ENDED:
        took_s = _ended(arena, home)
        _check_nothing_is_left(arena, home)
        if not arena.folder(home).halt_sentinel.exists():
            return (
                f"ended {took_s:.1f} s after SIGTERM with exit code {_TERMINATED}; nothing rests, the "
                "terminal is as before"
            )
    raise TimeUpError(
        "the engine did not cancel what rested in time: a halt did, and the next start is halted"
    )


def _ended(arena: Arena, home: str) -> float:
    """How long a console took to end after SIGTERM, with the exit code and the terminal that it should."""
    with Terminal() as terminal:
        words = [*arena.words(home, *_MAKER), "--ascii"]
        with program(words, terminal.slave) as console:
            wait_for("the console on its screen", terminal.is_drawn)
            wait_for_status(arena, home, "orders", console)
            wait_for("an order of the console resting", lambda: arena.resting() > 0)
            began_s = time.monotonic()
            console.send_signal(signal.SIGTERM)
            code = code_of(console)
            took_s = time.monotonic() - began_s
        if code != _TERMINATED:
            raise TimeUpError(f"sent SIGTERM it ended with exit code {code}, not {_TERMINATED}")
        terminal.check()
    return took_s


def recovery(arena: Arena) -> str:
    """A run is killed while an order rests, the next while it trades, and a third goes on.

    Raises TimeUpError.
    """
    words = ["run", "--headless", "--json", *arena.words(KILLED)]
    if not any(_killed_while_resting(arena, words) for _ in range(_TRIES)):
        raise TimeUpError("the guard did not cancel an order of a killed run before its market closed")
    arena.folder(KILLED).status.unlink(missing_ok=True)
    with program([*words, *_AT_LONGEST]) as trading:
        wait_for_status(arena, KILLED, "fills", trading)
        _kill(trading)
    for seconds in _AGAIN_S:
        with program([*words, "--for", str(seconds)]) as again:
            out, said = output_of(again)
        if again.returncode != ExitCode.DONE:
            code = again.returncode
            raise TimeUpError(f"started again it ended with exit code {code}: {last_line(said)}")
        try:
            _check_nothing_is_left(arena, KILLED)
            break
        except TimeUpError:
            if seconds == _AGAIN_S[-1]:
                raise
    held = json.loads(out)
    return (
        f"killed while an order rested, which its guard cancelled, and while trading; started again: "
        f"{held['orders']} orders, {held['fills']} fills and {len(held['positions'])} positions are the "
        "exchange's, nothing rests"
    )


def _set(settings: Sequence[tuple[str, str]]) -> list[str]:
    return [word for key, value in settings for word in ("--set", f"{key}={value}")]


def _kill(run: subprocess.Popen[str]) -> None:
    run.kill()
    run.wait()


def _killed_while_resting(arena: Arena, words: list[str]) -> bool:
    """Whether an order of a run that was killed is cancelled before it expires, with no other run started."""
    with program([*words, *_set(_MAKER), *_AT_LONGEST]) as run:
        wait_for("an order that rests at the exchange and lasts", lambda: bool(arena.lasting(_LASTS_S)))
        # Stopped, so that it cancels nothing itself between the look and its end.
        run.send_signal(signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        resting = arena.lasting(_GUARD_S)
        _kill(run)
    if not resting:
        return False
    order = resting[-1]
    try:
        wait_for("the guard's cancel", lambda: arena.has_cancelled(order.client_order_id), _GUARD_S)
    except TimeUpError:
        return False
    return arena.lasts(order, _EXPIRES_S)


def journal_failure(arena: Arena) -> str:
    """A run whose disk refuses the journal must halt and end. Raises TimeUpError."""
    command = [sys.executable, "-P", "-c", _LIMITED, str(_JOURNAL_BYTES)]
    words = ["run", "--headless", "--json", *arena.words(REFUSED), *_AT_LONGEST]
    with program(words, command=command) as run:
        out, said = output_of(run)
    found = json.loads(out).get("latches", []) if out else []
    latched = {latch["name"]: latch["level"] for latch in found}
    if run.returncode != ExitCode.FAILED or latched.get("journal") != TradingState.HALTED.name:
        raise TimeUpError(f"it ended with exit code {run.returncode}, latched {latched}: {last_line(said)}")
    if not arena.folder(REFUSED).halt_sentinel.exists():
        raise TimeUpError("no halt file was written, so the next start would trade")
    _check_nothing_rests(arena)
    return (
        f"the disk refused the journal: it halted and ended with exit code {run.returncode}, nothing rests, "
        "and the next start is halted"
    )


def _check_nothing_rests(arena: Arena) -> None:
    resting = arena.resting()
    if resting:
        raise TimeUpError(f"{resting} of its orders rest at the exchange")


def _check_nothing_is_left(arena: Arena, home: str) -> None:
    """Compare the journal that a run left with the exchange; raises TimeUpError."""
    _check_nothing_rests(arena)
    launch = arena.launch(home)
    if launch.folder.run_file.exists():
        raise TimeUpError(f"{launch.folder.run_file.name} is left: something may rest")
    try:
        with offline_engine(launch) as offline:
            held = offline.engine.account
    except (UncleanError, VenueError, JournalError) as error:
        raise TimeUpError(str(error)) from None
    if held.open_orders:
        raise TimeUpError(f"{len(held.open_orders)} of its orders are not over")
