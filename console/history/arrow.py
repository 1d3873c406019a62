"""pyarrow without pandas, which it would import at the first value that it converts."""

from __future__ import annotations

import sys
from functools import cache


class _NoPandas:
    """Finds no pandas, whether it is installed or not."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


@cache
def prepare_arrow() -> None:
    """Let pyarrow look for pandas once and not find it: 0.2 s and 50 MB, and nothing here hands it a frame.

    pandas can be imported afterwards, and pyarrow takes it for what is converted from or to its frames.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(finder)
