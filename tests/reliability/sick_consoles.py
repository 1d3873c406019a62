"""kconsole with one thing wrong, to be run in a terminal of its own by ``terminal.in_terminal``."""

from __future__ import annotations

import asyncio
import faulthandler
import fcntl
import os
import signal
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import RenderableType

from console.cli import main
from console.commands import session
from console.engine.loop import EngineLoop
from console.exchange.hosts import read_connection
from console.tui.app import ConsoleApp

BUSY_S = 0.02


def busy(arguments: list[str]) -> int:
    """kconsole whose engine's thread has no pause."""
    start = EngineLoop._start

    async def burn() -> None:
        while True:
            until = time.monotonic() + BUSY_S
            while time.monotonic() < until:
                pass
            await asyncio.sleep(0)

    async def started(self: EngineLoop) -> None:
        await start(self)
        self._jobs.create_task(burn()).add_done_callback(lambda _: None)

    async def cancel_resting(self: EngineLoop) -> int | None:
        left = await cancel(self)
        for task in asyncio.all_tasks():
            if task.get_coro().__name__ == "burn":  # type: ignore[union-attr]
                task.cancel()
        return left

    cancel = EngineLoop._cancel_resting
    EngineLoop._start = started  # type: ignore[method-assign]
    EngineLoop._cancel_resting = cancel_resting  # type: ignore[method-assign]
    return main(arguments)


def hung(arguments: list[str]) -> int:
    """kconsole whose engine's thread stops for ever once there is a file ``hang`` in the home."""
    home = Path(arguments[arguments.index("--home") + 1])
    tick = EngineLoop._tick

    async def ticked(self: EngineLoop) -> None:
        if (home / "hang").exists():
            (home / "hung").touch()
            threading.Event().wait()
        await tick(self)

    EngineLoop._tick = ticked  # type: ignore[method-assign]
    return main(arguments)


def hung_screen(arguments: list[str]) -> int:
    """kconsole whose screen stops for ever at the key for the alerts."""
    from console.tui.app import ConsoleApp

    def stop(self: ConsoleApp) -> None:
        home = Path(arguments[arguments.index("--home") + 1])
        (home / "hung").touch()
        threading.Event().wait()

    ConsoleApp.action_alerts = stop  # type: ignore[method-assign]
    return main(arguments)


def deaf_to_hangups(arguments: list[str]) -> int:
    """kconsole on a terminal that is not its controlling one, so that no signal tells of its end."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Path("/dev/tty").open("rb") as controlling:
        fcntl.ioctl(controlling, termios.TIOCNOTTY)
    return main(arguments)


def in_background(arguments: list[str]) -> int:
    """kconsole as a shell's background job: not of the terminal's foreground group."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os._exit(main(arguments))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_a_dumb_terminal(arguments: list[str]) -> int:
    """kconsole where nothing can be placed on the screen, as in an editor's shell."""
    os.environ["TERM"] = "dumb"
    return main(arguments)


def into_a_file(arguments: list[str]) -> int:
    """kconsole with its standard error redirected."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return main(arguments)


# --- crashes: at the key for the alerts, with a private key in a local variable and in the message -----


def _crash_at_key(arguments: list[str], crash: Callable[[ConsoleApp, str], None]) -> int:
    key = _private_key(arguments)

    def action(self: ConsoleApp) -> None:
        crash(self, key)

    ConsoleApp.action_alerts = action  # type: ignore[method-assign]
    return main(arguments)


def _private_key(arguments: list[str]) -> str:
    attached = Path(arguments[arguments.index("--attach") + 1])
    return Path(read_connection(attached).private_key_path).read_text()


class RichError(Exception):
    """An exception that Textual would draw instead of print."""

    def __rich__(self) -> RenderableType:
        return str(self)


def crash_in_key(arguments: list[str]) -> int:
    def crash(_app: ConsoleApp, private_key: str) -> None:
        raise RuntimeError(f"cannot show {private_key}")

    return _crash_at_key(arguments, crash)


def crash_drawn(arguments: list[str]) -> int:
    def crash(_app: ConsoleApp, private_key: str) -> None:
        raise RichError(private_key)

    return _crash_at_key(arguments, crash)


def crash_in_timer(arguments: list[str]) -> int:
    def crash(app: ConsoleApp, private_key: str) -> None:
        def fail() -> None:
            raise KeyError(private_key)

        app.set_timer(0.01, fail)

    return _crash_at_key(arguments, crash)


def crash_in_thread(arguments: list[str]) -> int:
    def crash(_app: ConsoleApp, private_key: str) -> None:
        def fail() -> None:
            raise ValueError(f"not a price: {private_key}")

        threading.Thread(target=fail, name="helper").start()

    return _crash_at_key(arguments, crash)


def crash_in_engine(arguments: list[str]) -> int:
    tick = EngineLoop._tick
    wanted = threading.Event()
    key = _private_key(arguments)

    async def ticked(self: EngineLoop) -> None:
        if wanted.is_set():
            private_key = key
            raise RuntimeError(f"no tick with {private_key}")
        await tick(self)

    EngineLoop._tick = ticked  # type: ignore[method-assign]
    return _crash_at_key(arguments, lambda _app, _key: wanted.set())


def crash_of_interpreter(arguments: list[str]) -> int:
    return _crash_at_key(arguments, lambda _app, _key: faulthandler._sigsegv())  # type: ignore[attr-defined]


def crash_at_start(arguments: list[str]) -> int:
    private_key = _private_key(arguments)

    def running_engine(_launch: object) -> None:
        raise RuntimeError(f"no engine for {private_key}")

    session.running_engine = running_engine  # type: ignore[assignment,attr-defined]
    return main(arguments)
