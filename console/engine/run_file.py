"""What another process needs to halt a run that may not answer: a small file, replaced in one step."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from console.config.errors import ConfigError, LockHeldError
from console.config.home import EnvironmentFolder
from console.engine.durable_file import replace_durably

CRASH_LOOP = "crash_loop"
"""The latch under which a run comes up that follows too many unclean ends."""

_CRASH_LOOP_STARTS = 3
_CRASH_LOOP_NS = 600_000_000_000


class RunFileError(Exception):
    """The file cannot be read or written; the text names it."""


class RunFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run's exchange, key and orders; ``groups`` is its order group on each shard.

    It stays when the run dies, and is removed when a run ends with nothing of ours left at the exchange.
    ``left_resting`` says that the run ended by itself and was told to leave its orders there, and
    ``rests_nothing`` that it died and a halt has found none of its orders since.
    ``unclean_starts_ns`` are the starts up to this one that followed a run that died.
    """

    pid: int
    environment: str
    rest: str
    ws: str
    key_id: str
    private_key_path: str
    client_id_prefix: str
    started_ns: int
    groups: dict[int, str] = {}
    left_resting: bool = False
    rests_nothing: bool = False
    unclean_starts_ns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.client_id_prefix:
            raise ValueError("client_id_prefix is empty, and every order of the account would be ours")


def read_run_file(path: Path) -> RunFile | None:
    """The run described there, None without a file; raises RunFileError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunFile)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise RunFileError(f"run file {path} cannot be read: {error}") from None


def write_run_file(path: Path, run: RunFile) -> None:
    """Replace the file; it is on disk when this returns. Raises RunFileError."""
    try:
        replace_durably(path, msgspec.json.encode(run))
    except OSError as error:
        raise RunFileError(f"run file {path} cannot be written: {error.strerror}") from None


def note_nothing_rests(folder: EnvironmentFolder, halted: RunFile | None) -> None:
    """A halt was confirmed for this run; without effect while a console is there, which may send.

    The file stays, for it tells how often runs died. Raises RunFileError.
    """
    with suppress(LockHeldError, ConfigError), folder.lock():
        if halted is not None and read_run_file(folder.run_file) == halted:
            write_run_file(folder.run_file, msgspec.structs.replace(halted, rests_nothing=True))


class RunRecord:
    """The file of one run, from its start, which writes it, to its end; every call may raise RunFileError.

    ``earlier`` is the run whose file stood there; it is over and has been seen to. ``warning`` is what its
    orders still lack, for the operator.
    """

    def __init__(
        self, path: Path, run: RunFile, earlier: RunFile | None, *, warning: str | None = None
    ) -> None:
        self.warning = warning
        self._path = path
        self._earlier = earlier
        unclean_ns = _unclean_starts_ns(earlier, run.started_ns)
        self._write(msgspec.structs.replace(run, unclean_starts_ns=unclean_ns))

    @property
    def crash_loop(self) -> str | None:
        """Why this run must come up halted, where runs have died too often lately; never in practice."""
        starts_ns = self._run.unclean_starts_ns
        unclean = len(starts_ns) if self._run.started_ns in starts_ns else 0
        if self._run.environment == "practice" or unclean < _CRASH_LOOP_STARTS:
            return None
        minutes = _CRASH_LOOP_NS // 60_000_000_000
        return f"{unclean} starts after an unclean end within {minutes} minutes"

    def add_group(self, exchange_index: int, group_id: str) -> None:
        """Name a group before an order goes into it; one that it replaces takes no orders any more."""
        groups = self._run.groups | {exchange_index: group_id}
        self._write(msgspec.structs.replace(self._run, groups=groups))

    def leave(self) -> None:
        """The run ended and was told to leave its orders at the exchange."""
        self._write(msgspec.structs.replace(self._run, left_resting=True))

    def abandon(self) -> None:
        """The run ended before it sent anything: what stood there before stands again."""
        if self._earlier is None:
            self.remove()
        else:
            write_run_file(self._path, self._earlier)

    def remove(self) -> None:
        """Nothing of ours is left at the exchange."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise RunFileError(f"run file {self._path} cannot be removed: {error.strerror}") from None

    def _write(self, run: RunFile) -> None:
        write_run_file(self._path, run)
        self._run = run


def _unclean_starts_ns(earlier: RunFile | None, started_ns: int) -> tuple[int, ...]:
    if earlier is None:
        return ()
    recent = tuple(at_ns for at_ns in earlier.unclean_starts_ns if 0 <= started_ns - at_ns <= _CRASH_LOOP_NS)
    return recent if earlier.left_resting else (*recent, started_ns)
