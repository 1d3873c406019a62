"""The log of a run: one JSON object a line, in files of limited size, without secrets or control codes."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue

from console.config.errors import ConfigError

_FILE_BYTES = 10_000_000
_OLD_FILES = 5
_LINES_WAITING = 10_000
_CLOSING_S = 2.0

_ACCESS_HEADER = re.compile(r"""(KALSHI-ACCESS-[A-Z]+['"]?\s*[:=,]\s*b?['"]?)[^\s'",)}\]]+""", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)


def redacted(text: str) -> str:
    """The text without the values of Kalshi's access headers and without PEM blocks."""
    return _PEM.sub("[redacted key]", _ACCESS_HEADER.sub(r"\1[redacted]", text))


def error_text(error: BaseException) -> str:
    """An exception that nothing expected, in one line that may be shown and kept."""
    return " ".join(redacted(f"{type(error).__name__}: {error}").split())


class JsonLines(logging.Formatter):
    """A record as one line of ASCII JSON; ``at`` is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = redacted(self.formatException(record.exc_info))
        # JSON escapes every other control character; DEL is ASCII and would pass.
        return json.dumps(line).replace("\x7f", "\\u007f")


class LogFile:
    """Appends whole lines, for the user alone; a full file is put aside and the oldest of those dropped."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises OSError."""
        self.path = path
        self._descriptor = self._opened()

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return os.open(self.path, flags, 0o600)

    def write(self, line: bytes) -> None:
        """Append a line or, where there is no room for all of it, nothing; raises OSError."""
        status = os.fstat(self._descriptor)
        if not self._is_in_place(status) or status.st_size + len(line) > _FILE_BYTES:
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
            for number in range(_OLD_FILES, 0, -1):
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

    What finds no room, among the lines waiting or on the disk, is dropped and counted in ``lost``.
    ``on_trouble`` is called once, from that thread, with one sentence when the file refuses a line.
    """

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.on_trouble: Callable[[str], None] | None = None
        self._file = file
        self._waiting: Queue[bytes | None] = Queue(_LINES_WAITING)
        self._dropped = 0
        self._refused = 0
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    @property
    def lost(self) -> int:
        """How many lines are in no file and never will be."""
        return self._dropped + self._refused

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.put_nowait(self.format(record).encode("ascii") + b"\n")
        except Exception:  # noqa: BLE001 - a line that cannot be made or kept must not disturb who logs
            self._dropped += 1

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._file.write(line)
            except OSError as error:
                self._refused += 1
                tell, self.on_trouble = self.on_trouble, None
                if tell is not None:
                    tell(f"lines are lost: {self._file.path}: {error.strerror}")
        self._file.close()

    def close(self) -> None:
        """Write what waits and end, without a disk that hangs; once is enough, and more does nothing."""
        logging.getLogger().removeHandler(self)
        if self._writer.is_alive():
            with suppress(Full):
                self._waiting.put(None, timeout=_CLOSING_S)
            self._writer.join(_CLOSING_S)
        super().close()


def start_logging(folder: Path, name: str = "kconsole.log") -> RunLog:
    """Log everything from INFO up to files in ``folder`` until the handler is closed; raises ConfigError."""
    path = folder / name
    try:
        handler = RunLog(LogFile(path))
    except OSError as error:
        raise ConfigError(f"log {path} cannot be opened: {error.strerror}") from None
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # The HTTP client tells every request at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.raiseExceptions = False
    return handler
