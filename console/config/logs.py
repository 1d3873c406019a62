"""The log of a run: one JSON object a line, rotated, without secrets or control characters."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from console.config.errors import ConfigError

_FILE_BYTES = 10_000_000
_OLD_FILES = 5

_ACCESS_HEADER = re.compile(r"""(KALSHI-ACCESS-[A-Z]+['"]?\s*[:=,]\s*b?['"]?)[^\s'",)}\]]+""", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)


def redacted(text: str) -> str:
    """The text without the values of Kalshi's access headers and without PEM blocks."""
    return _PEM.sub("[redacted key]", _ACCESS_HEADER.sub(r"\1[redacted]", text))


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


def start_logging(folder: Path) -> logging.Handler:
    """Log everything from INFO up to files in ``folder``; raises ConfigError.

    The handler returned is the root logger's; a failing write never reaches the screen.
    """
    path = folder / "kconsole.log"
    try:
        handler = RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="ascii")
    except OSError as error:
        raise ConfigError(f"log {path} cannot be opened: {error.strerror}") from None
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # The HTTP client tells every request at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.raiseExceptions = False
    return handler
