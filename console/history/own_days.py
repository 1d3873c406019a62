"""Days of one's own trading that a home has recorded, and the files of a history folder that they make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec

from console.config.errors import ConfigError, LockHeldError
from console.config.home import Home, Lock
from console.config.load import Environment
from console.domain.time_units import NS_PER_S
from console.history.collect_files import write_files
from console.history.collect_store import CollectError, CollectStore, StoreReader
from console.history.schema import HistoryError

DAY_STORE = "day.sqlite"
_MARKETS = "markets.parquet"
_VIEW = "view-"
_NICENESS = 10
_LEAST_FREE_BYTES = 1_000_000_000


class OwnDay(msgspec.Struct, frozen=True):
    """A day (UTC) on which an environment traded, and the folder of what its feed told."""

    day: date
    environment: str
    folder: Path


def own_days_in(home: Path) -> tuple[OwnDay, ...]:
    """Those that can be replayed, the newest first."""
    found = [
        OwnDay(day, environment, folder)
        for environment in get_args(Environment)
        for day, folder in _folders(Home(home).environment(environment).days)
        if (folder / DAY_STORE).exists() or (folder / _MARKETS).exists()
    ]
    return tuple(sorted(found, key=lambda each: each.day, reverse=True))


def folder_of(days: Path, at_ns: int) -> Path:
    """Where what was told at a time is recorded."""
    return days / _day_of(at_ns).isoformat()


def make_folder(days: Path, at_ns: int) -> Path:
    """The same folder, for the user alone; raises OSError."""
    folder = folder_of(days, at_ns)
    for each in (days, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    return folder


def forget_days(days: Path, keep: int, now_ns: int) -> None:
    """Remove days but the newest of the calendar, of which today is one; raises OSError."""
    first = _day_of(now_ns) - timedelta(days=keep - 1)
    for day, folder in _folders(days):
        if day < first:
            shutil.rmtree(folder)


def keep_beside(days: Path) -> None:
    """Have the files of days that are over made by a process of its own; raises OSError."""
    if any(_is_over(folder) and (folder / DAY_STORE).exists() for _, folder in _folders(days)):
        subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-P", "-m", "console.history.own_days", str(days)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _day_of(at_ns: int) -> date:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).date()


def _folders(days: Path) -> Iterator[tuple[date, Path]]:
    """By day, in no order; what is called otherwise is somebody else's."""
    try:
        found = [each for each in days.iterdir() if each.is_dir() and not each.is_symlink()]
    except OSError:
        return
    for folder in found:
        with suppress(ValueError):
            yield date.fromisoformat(folder.name), folder


@contextmanager
def readable(folder: Path) -> Iterator[Path]:
    """A folder whose files can be read: of a recorded day made from its store, of any other its own.

    The files of a day that is over stay in its folder and the store goes; those of a day that may still grow
    are made anew and go with the block. Raises HistoryError.
    """
    with ExitStack() as stack:
        files = folder
        try:
            if (folder / DAY_STORE).exists() and not (_is_over(folder) and _keep_files(folder)):
                files = stack.enter_context(_passing_files(folder))
        except (CollectError, ConfigError) as error:
            raise HistoryError(str(error)) from None
        except OSError as error:
            raise HistoryError(f"{error.filename or folder} cannot be written: {error.strerror}") from None
        yield files


def _is_over(folder: Path) -> bool:
    return folder.name < datetime.now(UTC).date().isoformat()


def _keep_files(folder: Path) -> bool:
    """Have the files of a day for good; False while a run may still add to it."""
    try:
        store = CollectStore(folder, DAY_STORE)
    except LockHeldError:
        return False
    with store:
        _write_private(folder, store)
        # What a killed process leaves of these beside the files is made into the same files again.
        for path in folder.glob(f"{DAY_STORE}*"):
            path.unlink(missing_ok=True)
    return True


@contextmanager
def _passing_files(folder: Path) -> Iterator[Path]:
    """Files for as long as the block lasts; those of processes that were killed go too."""
    for left in folder.glob(f"{_VIEW}*/lock"):
        with suppress(LockHeldError, ConfigError), Lock(left, f"{left.parent}"):
            shutil.rmtree(left.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_VIEW, dir=folder, ignore_cleanup_errors=True) as name:
        view = Path(name)
        with Lock(view / "lock", name):
            with StoreReader(folder / DAY_STORE) as store:
                _write_private(view, store)
            yield view


def _write_private(folder: Path, store: StoreReader) -> None:
    for written in write_files(folder, store, lambda _: None).values():
        written.path.parent.chmod(0o700)
        written.path.chmod(0o600)


def main() -> None:
    """Make the files of the days that are over, as far as the disk has room: a store can be replayed too."""
    os.nice(_NICENESS)
    for _, folder in _folders(Path(sys.argv[1])):
        store = folder / DAY_STORE
        if _is_over(folder) and store.exists():
            with suppress(CollectError, ConfigError, OSError):
                if shutil.disk_usage(folder).free > store.stat().st_size + _LEAST_FREE_BYTES:
                    _keep_files(folder)


if __name__ == "__main__":
    main()
