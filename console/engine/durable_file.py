"""Small files that are on disk when a call returns."""

from __future__ import annotations

import os
from pathlib import Path

from console.config.files import open_private, sync_folder


def replace_durably(path: Path, content: bytes) -> os.stat_result:
    """Put a file in place in one step, for the user alone; what it then is. Raises OSError."""
    # Two processes may write the same file at once.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open_private(partial) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return written
