"""The log of a run: one JSON object a line, in files of limited size, without secrets or control codes.

``ts`` is UTC, ``source`` the part of the program, ``event`` a sentence or the journal's name of what was
journaled; ``fields`` has its particulars and ``error`` the trace of an exception, where there are any.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue

from console.config.errors import ConfigError
from console.config.redaction import redacted_fields

RUN_LOG = "kconsole.log"
GUARD_LOG = "guard.log"
DEFAULT_FILE_BYTES = 10_000_000
DEFAULT_FILES_KEPT = 5
_LINES_WAITING = 10_000
_CLOSING_S = 2.0

Fields = Callable[[], Mapping[str, object]]
"""The particulars of what happened, made by the thread that writes them."""

_Entry = dict[str, object]
_Waiting = tuple[int, _Entry | None]
"""What is to be written, None at the end, and how many lines were dropped before it."""


def with_fields(fields: Fields) -> dict[str, Fields]:
    """The ``extra`` of a logging call, for a line with these particulars."""
    return {"fields": fields}


def log_line(entry: Mapping[str, object]) -> bytes:
    """One line of ASCII JSON; ``fields`` may be a function that makes them."""
    made = {name: value() if callable(value) else value for name, value in entry.items()}
    text = json.dumps({name: redacted_fields(value) for name, value in made.items()}, allow_nan=False)
    # JSON escapes every other control character; DEL is ASCII and would pass.
    return text.replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def _now() -> str:
    return _time_text(datetime.now(UTC))


def _time_text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class LogFile:
    """Appends whole lines, for the user alone; a full file is put aside and the oldest of those dropped."""

    def __init__(
        self, path: Path, *, file_bytes: int = DEFAULT_FILE_BYTES, files_kept: int = DEFAULT_FILES_KEPT
    ) -> None:
        """Open or create the file; ``files_kept`` full ones stay beside it. Raises OSError."""
        self.path = path
        self._file_bytes = file_bytes
        self._files_kept = files_kept
        self._descriptor = self._opened()

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return os.open(self.path, flags, 0o600)

    def write(self, line: bytes) -> None:
        """Append a line or, where there is no room for all of it, nothing; raises OSError."""
        status = os.fstat(self._descriptor)
        if not self._is_in_place(status) or status.st_size + len(line) > self._file_bytes:
            self._begin_anew(status)
            status = os.fstat(self._descriptor)
        written = os.write(self._descriptor, line)
        if written < len(line):
            os.ftruncate(self._descriptor, status.st_size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _is_in_place(self, status: os.stat_result) -> bool:
        """Whether the name still leads to the open file: nobody reads one that was removed."""
        try:
            return os.path.samestat(status, self.path.stat())
        except FileNotFoundError:
            return False

    def _begin_anew(self, status: os.stat_result) -> None:
        if self._is_in_place(status):
            for number in range(self._files_kept, 0, -1):
                newer = self._numbered(number - 1) if number > 1 else self.path
                with suppress(FileNotFoundError):
                    newer.replace(self._numbered(number))
        before, self._descriptor = self._descriptor, self._opened()
        os.close(before)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def close(self) -> None:
        os.close(self._descriptor)


class RunLog(logging.Handler):
    """Has a thread of its own write the lines, so that a slow or full disk never holds up who logs.

    What finds no room, among the lines waiting or on the disk, is dropped and counted in ``lost``; the next
    line that does follows one that says how many are missing. ``on_trouble`` is called once, from that
    thread, with one sentence when the file refuses a line.
    """

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self.on_trouble: Callable[[str], None] | None = None
        self._file = file
        self._waiting: Queue[_Waiting] = Queue(_LINES_WAITING)
        self._dropped = 0
        self._refused = 0
        self._lost_told = 0
        self._traces = logging.Formatter()
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    @property
    def lost(self) -> int:
        """How many lines are in no file and never will be."""
        return self._dropped + self._refused

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.put_nowait((self._dropped, self._entry(record)))
        except Exception:  # noqa: BLE001 - a line that cannot be made or kept must not disturb who logs
            self._dropped += 1

    def _entry(self, record: logging.LogRecord) -> _Entry:
        """What was logged, with everything read that may change before it is written."""
        entry: _Entry = {
            "ts": _time_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "source": record.name,
            "event": record.getMessage(),
            "thread": record.threadName,
        }
        fields = getattr(record, "fields", None)
        if fields is not None:
            entry["fields"] = fields
        if record.exc_info:
            entry["error"] = self._traces.formatException(record.exc_info)
        return entry

    def _write(self) -> None:
        is_open = True
        while is_open:
            dropped, entry = self._waiting.get()
            is_open = entry is not None
            try:
                self._tell_of_lost(dropped + self._refused)
                if entry is not None:
                    self._file.write(log_line(entry))
            except OSError as error:
                self._refused += is_open
                tell, self.on_trouble = self.on_trouble, None
                if tell is not None:
                    tell(f"lines are lost: {self._file.path}: {error.strerror}")
            except Exception:  # noqa: BLE001 - fields that cannot be made must not end the log
                self._refused += 1
        self._file.close()

    def _tell_of_lost(self, lost: int) -> None:
        """Say in the file how many lines are missing in this place; raises OSError."""
        if lost > self._lost_told:
            entry = {"ts": _now(), "level": "warning", "source": __name__, "event": "lines were lost here"}
            self._file.write(log_line(entry | {"thread": "log", "fields": {"lines": lost - self._lost_told}}))
            self._lost_told = lost

    def close(self) -> None:
        """Write what waits and end, without a disk that hangs; once is enough, and more does nothing."""
        logging.getLogger().removeHandler(self)
        if self._writer.is_alive():
            with suppress(Full):
                self._waiting.put((self._dropped, None), timeout=_CLOSING_S)
            self._writer.join(_CLOSING_S)
        super().close()


def start_logging(
    folder: Path,
    name: str = RUN_LOG,
    *,
    file_bytes: int = DEFAULT_FILE_BYTES,
    files_kept: int = DEFAULT_FILES_KEPT,
) -> RunLog:
    """Log everything from INFO up to files in ``folder`` until the handler is closed; raises ConfigError."""
    path = folder / name
    try:
        handler = RunLog(LogFile(path, file_bytes=file_bytes, files_kept=files_kept))
    except OSError as error:
        raise ConfigError(f"log {path} cannot be opened: {error.strerror}") from None
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # The HTTP client tells every request at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.raiseExceptions = False
    return handler
