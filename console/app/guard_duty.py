"""What the guard process does: look at the run each second, and cancel for it when it hangs or dies."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from console.app.halting import DEADLINE_S, is_gone, target_of
from console.config.home import EnvironmentFolder
from console.domain.ports import HaltLine
from console.engine.gate import Sentinel
from console.engine.guard import LOOK_S, Duty, Line, Seen, Watch
from console.engine.halt_rounds import HaltRounds
from console.engine.heartbeats import Beat, Heartbeats
from console.engine.run_file import RunFile, RunFileError, read_run_file
from console.exchange.clock import ServerClock
from console.exchange.halt_line import BlockingHaltLine
from console.exchange.signing import KeyFileError, load_signer

READY = b"watching\n"
ENDING, ENDED = b"e", b"q"
"""What a run says on the guard's standard input; its end without a word is a death."""

_LINES = {ENDING: Line.ENDING, ENDED: Line.ENDED, b"": Line.BROKEN}
_WATCH_S = 1.0
_READ_S = 1.0

log = logging.getLogger(__name__)


class RunLine:
    """The pipe from the run; what it said last holds."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.says = Line.OPEN

    def wait(self, seconds: float) -> None:
        """Wait for a word, or that long."""
        if self.says in (Line.OPEN, Line.ENDING):
            if select.select([self._descriptor], [], [], seconds)[0]:
                self.says = _LINES[os.read(self._descriptor, 1)]
        else:
            time.sleep(seconds)


class FolderReader:
    """What the run's folder says, read each second in a thread: a disk that hangs must not stop the guard.

    ``run`` is the newest run file there was. It is settled when the file says that nothing must be cancelled,
    or is gone.
    """

    def __init__(
        self, folder: EnvironmentFolder, beats: Heartbeats, on_run: Callable[[RunFile], None]
    ) -> None:
        self.run: RunFile | None = None
        self.is_settled = False
        self.is_replaced = False
        self._path = folder.run_file
        self._beats = beats
        self._on_run = on_run
        self._trouble = ""
        self._asked: SimpleQueue[threading.Event] = SimpleQueue()
        threading.Thread(target=self._go, name="folder", daemon=True).start()

    def reads_anew(self, timeout_s: float) -> bool:
        """Have it read now; False when that took too long."""
        answered = threading.Event()
        self._asked.put(answered)
        return answered.wait(timeout_s)

    def _go(self) -> None:
        answered: threading.Event | None = None
        while True:
            self.is_replaced = self._beats.are_replaced
            trouble = self._read()
            if trouble and trouble != self._trouble:
                log.error("%s", trouble)
            self._trouble = trouble
            if answered is not None:
                answered.set()
            try:
                answered = self._asked.get(timeout=LOOK_S)
            except Empty:
                answered = None

    def _read(self) -> str:
        """Read once; what went wrong."""
        try:
            run = read_run_file(self._path)
            self.is_settled = run is None or run.left_resting
            if run is not None:
                self.run = run
                self._on_run(run)
        except (RunFileError, KeyFileError, ValueError) as error:
            self.is_settled = False
            return str(error)
        return ""


class Cancelling:
    """Rounds against the exchange in a thread, for as long as they are wanted."""

    def __init__(self) -> None:
        self.is_confirmed = False
        self._run: RunFile | None = None
        self._make_rounds: Callable[[], HaltRounds] | None = None
        self._ended = threading.Event()
        self._error = ""

    def prepare(self, run: RunFile) -> None:
        """Have in memory all that cancelling takes, the key too: the disk may be what hangs later.

        Raises KeyFileError or ValueError.
        """
        if self._run is None or _account(run) != _account(self._run):
            target, clock = target_of(run), ServerClock(time.time_ns)
            signer = load_signer(run.key_id, Path(run.private_key_path))

            def line() -> HaltLine:
                return BlockingHaltLine(target.connection, signer, clock, deadline_s=DEADLINE_S)

            self._make_rounds = lambda: HaltRounds(line, target.is_ours)
        self._run = run

    def begin(self) -> None:
        """Cancel everything of ours and go on until ``stop``; anew if that is under way."""
        self.stop()
        self._ended = threading.Event()
        threading.Thread(target=self._go, args=(self._ended,), name="cancelling", daemon=True).start()

    def stop(self) -> None:
        """Have the thread end after its round."""
        self._ended.set()
        self.is_confirmed = False

    def _go(self, ended: threading.Event) -> None:
        while self._make_rounds is None or self._run is None:
            if ended.wait(_WATCH_S):
                return
        rounds = self._make_rounds()
        rounds.begin(self._run.groups)
        while not ended.is_set():
            rounds.run()
            if not ended.is_set():
                self._tell(rounds)
            ended.wait(_WATCH_S if rounds.is_confirmed else rounds.pause_s)
        rounds.close()

    def _tell(self, rounds: HaltRounds) -> None:
        if rounds.is_confirmed and not self.is_confirmed:
            log.info("confirmed after %d rounds: no order of ours rests", rounds.attempts)
        if rounds.error != self._error:
            self._error = rounds.error
            log.warning("cancelling: %s", rounds.error or "the exchange answers again")
        self.is_confirmed = rounds.is_confirmed


def _account(run: RunFile) -> tuple[str, ...]:
    return run.rest, run.key_id, run.private_key_path, run.client_id_prefix


class GuardDuty:
    """One guard's work, from its start to its end."""

    def __init__(self, folder: EnvironmentFolder, *, is_practice: bool, line: int) -> None:
        """Raises OSError when the run's heartbeats cannot be read."""
        self._folder = folder
        self._is_practice = is_practice
        self._heartbeats = Heartbeats.open(folder.heartbeats)
        self._line = RunLine(line)
        self._watch = Watch(latches_death=not is_practice)
        self._parent = os.getppid()
        self._cancelling = Cancelling()
        self._reader = FolderReader(folder, self._heartbeats, self._cancelling.prepare)
        # From here on the run notices when it hangs.
        self._heartbeats.beat(Beat.GUARD)

    def serve(self) -> None:
        """Look until there is nothing left to guard."""
        while True:
            self._line.wait(LOOK_S)
            self._heartbeats.beat(Beat.GUARD)
            duty = self._watch.look(self._look())
            self._do(duty)
            if duty.ended is not None:
                break
        self._cancelling.stop()

    def _look(self) -> Seen:
        is_over = self._line.says in (Line.ENDED, Line.BROKEN)
        return Seen(
            monotonic_ns=time.monotonic_ns(),
            line=self._line.says,
            engine=self._heartbeats.count(Beat.ENGINE),
            screen=self._heartbeats.count(Beat.SCREEN),
            is_replaced=self._reader.is_replaced,
            is_confirmed=self._cancelling.is_confirmed,
            moot=self._why_moot() if is_over else None,
        )

    def _do(self, duty: Duty) -> None:
        if duty.halt is not None:
            self._cancelling.begin()
            if duty.latches:
                # A disk that hangs must not keep the guard from looking.
                threading.Thread(target=self._latch, args=(duty.halt,), daemon=True).start()
            log.warning("%s: cancelling%s", duty.halt, " and latching" if duty.latches else "")
        if duty.relents:
            self._cancelling.stop()
            log.warning("the run moves again: its own halt takes over")
        if duty.signal is not None:
            self._signal(duty.signal)
        if duty.ended is not None:
            log.info("ends: %s", duty.ended)

    def _latch(self, reason: str) -> None:
        try:
            Sentinel(self._folder.halt_sentinel).write(reason)
        except OSError as error:
            log.error("the halt file could not be written: %s", error)

    def _signal(self, number: signal.Signals) -> None:
        # While it is our parent its id can be no other process's.
        if os.getppid() == self._parent:
            log.critical("the run does not answer: %s to process %d", number.name, self._parent)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._parent, number)

    def _why_moot(self) -> str | None:
        if self._reader.reads_anew(_READ_S) and self._reader.is_settled:
            return "the run has left nothing that must not rest"
        if self._reader.run is not None and is_gone(self._reader.run):
            return "the practice exchange has ended too, and its account with it: nothing is left to cancel"
        return None
