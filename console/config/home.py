"""Where an operator's state lives, and the locks that keep it to one process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from console.config.assignments import HOME_VARIABLE
from console.config.errors import ConfigError, LockHeldError
from console.config.files import sync_folder
from console.config.load import Environment

_PRIVATE = 0o700
_LOOKS_FOR_HOLDER = 20
_BETWEEN_LOOKS_S = 0.01


@dataclass(frozen=True)
class EnvironmentFolder:
    """The files of one environment in a home; nothing is created until ``create``."""

    path: Path

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def status(self) -> Path:
        return self.path / "status.json"

    @property
    def overrides(self) -> Path:
        return self.path / "overrides.toml"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def halt_sentinel(self) -> Path:
        """While this file exists the environment is halted."""
        return self.path / "HALT"

    @property
    def run_file(self) -> Path:
        """How to halt the run that trades here, or that died here, from another process."""
        return self.path / "run.json"

    @property
    def heartbeats(self) -> Path:
        """Beats of the engine and the screen, which the guard watches."""
        return self.path / "heartbeats"

    @property
    def backups(self) -> Path:
        """Verified copies of the journal, one a day."""
        return self.path / "backups"

    @property
    def preflight(self) -> Path:
        """What the pre-flight checks found last."""
        return self.path / "preflight.json"

    @property
    def exports(self) -> Path:
        """Tables made from the journal, for other programs."""
        return self.path / "exports"

    @property
    def days(self) -> Path:
        """What the feed told while a run traded, a folder a day (UTC)."""
        return self.path / "days"

    @property
    def dry_run_journal(self) -> Path:
        """Of the simulated account: the exchange's and what was latched on it stand in ``journal``."""
        return self.path / "dry-run.sqlite"

    @property
    def has_dry_run(self) -> bool:
        """Whether a dry run was ever made here; so it is taken where that cannot be seen."""
        try:
            return self.dry_run_journal.exists()
        except OSError:
            return True

    @property
    def dry_run_sentinel(self) -> Path:
        """While this file exists a dry run is halted; a real halt is not lifted by resuming one."""
        return self.path / "HALT-dry-run"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    def key_file(self, private_key_path: str) -> Path:
        """The private key's file; a relative path starts in ``keys``."""
        return self.keys / _expanded(private_key_path)

    def create(self) -> None:
        """Make the folder and those in it, for the user alone and on disk to stay; raises ConfigError."""
        try:
            self.path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            for folder in (self.path, self.logs, self.keys):
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
                folder.chmod(_PRIVATE)
            for folder in (self.path, self.path.parent):
                sync_folder(folder)
        except OSError as error:
            raise ConfigError(_unusable(self.path.parent, error)) from None

    def lock(self) -> Lock:
        """Keep other processes out of this environment; raises LockHeldError, ConfigError."""
        return Lock(self.path / "lock", f"the {self.path.name} environment of {self.path.parent}")

    @property
    def is_in_use(self) -> bool:
        """Whether a process holds the lock; creates nothing."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


@dataclass(frozen=True)
class Home:
    """The folder that holds one folder for each environment."""

    root: Path

    def environment(self, name: Environment) -> EnvironmentFolder:
        return EnvironmentFolder(self.root / name)


def find_home(chosen: str | None, variables: Mapping[str, str] = os.environ) -> Home:
    """The home chosen by option, else by variable, else the platform's state folder; raises ConfigError."""
    named = chosen or variables.get(HOME_VARIABLE)
    root = (_expanded(named) if named else platformdirs.user_state_path("kconsole")).absolute()
    if "\0" in str(root) or str(root) != str(root).encode(errors="replace").decode():
        # It is written into the run file, and SQLite takes it as text.
        raise ConfigError(
            f"home {str(root)!r} cannot be used: its name is no text; choose another with --home"
        )
    return Home(root)


class Lock:
    """An exclusive lock on a file, held until ``release`` or the end of the process, however it ends.

    The file stays when the lock is released: removing it would let two processes lock two files. A child
    that was forked without exec holds the lock as well.
    """

    def __init__(self, path: Path, guarded: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise ConfigError(f"lock file {path} cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            os.close(self._descriptor)
            by = "another process" if holder is None else f"process {holder}"
            raise LockHeldError(f"{guarded} is in use by {by} (lock file {path})") from None
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigError(f"lock file {path} cannot be locked: {error.strerror}") from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigError(f"lock file {path} cannot be written: {error.strerror}") from None

    def _holder(self) -> int | None:
        """Who holds it; one that has only just got it may not have written so yet."""
        for _ in range(_LOOKS_FOR_HOLDER):
            written = os.pread(self._descriptor, 20, 0).strip()
            if written.isdigit() and _runs(int(written)):
                return int(written)
            time.sleep(_BETWEEN_LOOKS_S)
        return None

    def release(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def lock_key(host: str, key_id: str) -> Lock:
    """Keep other processes of this user off one account; raises LockHeldError, ConfigError."""
    try:
        with warnings.catch_warnings():
            # It warns that no runtime folder is set and falls back to one of the user's own.
            warnings.simplefilter("ignore")
            folder = platformdirs.user_runtime_path("kconsole")
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"no folder for locks: {error}; set XDG_RUNTIME_DIR to one of your own") from None
    name = hashlib.sha256(f"{host}\n{key_id}".encode()).hexdigest()[:32]
    return Lock(folder / f"{name}.lock", f"key {key_id} at {host}")


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such user's folder") from None


def _unusable(root: Path, error: OSError) -> str:
    reason = "not a directory" if isinstance(error, FileExistsError) else error.strerror
    return f"home {root} cannot be used: {error.filename or root}: {reason}; choose another with --home"
