"""Runs of the program in processes of their own that are told to end, killed, or denied the disk."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.app import UncleanError, offline_engine
from console.commands.errors import ExitCode
from console.commands.preflight.arena import PATIENCE_S, Arena, TimeUpError, wait_for
from console.config.assignments import VARIABLE_PREFIX
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
_ALTERNATE_SCREEN = "\x1b[?1049"
_ROWS, _COLUMNS = 40, 120


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
    with _Terminal() as terminal:
        words = [*arena.words(home, *_MAKER), "--ascii"]
        with _program(words, terminal.slave) as console:
            wait_for("the console on its screen", terminal.is_drawn)
            _wait_for_status(arena, home, "orders", console)
            wait_for("an order of the console resting", lambda: arena.resting() > 0)
            began_s = time.monotonic()
            console.send_signal(signal.SIGTERM)
            code = _code_of(console)
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
    with _program([*words, *_AT_LONGEST]) as trading:
        _wait_for_status(arena, KILLED, "fills", trading)
        _kill(trading)
    for seconds in _AGAIN_S:
        with _program([*words, "--for", str(seconds)]) as again:
            out, said = _output_of(again)
        if again.returncode != ExitCode.DONE:
            code = again.returncode
            raise TimeUpError(f"started again it ended with exit code {code}: {_last_line(said)}")
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
    with _program([*words, *_set(_MAKER), *_AT_LONGEST]) as run:
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
    with _program(words, command=command) as run:
        out, said = _output_of(run)
    found = json.loads(out).get("latches", []) if out else []
    latched = {latch["name"]: latch["level"] for latch in found}
    if run.returncode != ExitCode.FAILED or latched.get("journal") != TradingState.HALTED.name:
        raise TimeUpError(f"it ended with exit code {run.returncode}, latched {latched}: {_last_line(said)}")
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


# --- processes --------------------------------------------------------------------------------------------


@contextmanager
def _program(
    words: list[str], terminal: int | None = None, command: list[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The program in a session of its own; what is left of it when the block ends is killed."""
    streams = subprocess.PIPE if terminal is None else terminal
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*(command or [sys.executable, "-P", "-m", "console.cli"]), *words],
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=streams,
        stderr=streams,
        text=True,
        start_new_session=True,
        env=_environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _environment() -> dict[str, str]:
    """Without the operator's settings: nobody is to be told of what is made to fail."""
    others = {name: text for name, text in os.environ.items() if not name.startswith(VARIABLE_PREFIX)}
    return {**others, "TERM": "xterm-256color"}


def _wait_for_status(arena: Arena, home: str, key: str, process: subprocess.Popen[str]) -> None:
    """Until a run has one of these; raises TimeUpError."""
    path: Path = arena.folder(home).status

    def has_one() -> bool:
        if process.poll() is not None:
            raise TimeUpError(f"the run ended by itself with exit code {process.returncode}")
        with contextlib.suppress(OSError, msgspec.DecodeError):
            status: dict[str, object] = msgspec.json.decode(path.read_bytes())
            return bool(status[key])
        return False

    wait_for(f"{key} of a run", has_one)


def _code_of(process: subprocess.Popen[str]) -> int:
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise TimeUpError(f"it had not ended {PATIENCE_S:.0f} s after it was told to") from None


def _output_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=2 * PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise TimeUpError(f"it had not ended after {2 * PATIENCE_S:.0f} s") from None


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["it said nothing"])[-1].removeprefix("kconsole: ")


class _Terminal:
    """A pseudo-terminal that takes all that is drawn on it."""

    def __enter__(self) -> _Terminal:
        self._master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._before = termios.tcgetattr(self.slave)
        self._drawn = bytearray()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        os.close(self.slave)
        os.close(self._master)

    def is_drawn(self) -> bool:
        """Whether a program has the whole screen."""
        return f"{_ALTERNATE_SCREEN}h".encode() in self._drawn

    def check(self) -> None:
        """Raise TimeUpError when the terminal is not as it was."""
        self._stop()
        left, entered = (self._drawn.rfind(f"{_ALTERNATE_SCREEN}{mode}".encode()) for mode in "lh")
        if left < entered:
            raise TimeUpError("the terminal was left on the alternate screen")
        if termios.tcgetattr(self.slave) != self._before:
            raise TimeUpError("the terminal's line settings were not put back")

    def _stop(self) -> None:
        self._ended.set()
        self._reader.join()

    def _read(self) -> None:
        # What was drawn last is still taken.
        while select.select([self._master], [], [], 0 if self._ended.is_set() else 0.1)[0] or (
            not self._ended.is_set()
        ):
            if select.select([self._master], [], [], 0)[0]:
                self._drawn += os.read(self._master, 65_536)
