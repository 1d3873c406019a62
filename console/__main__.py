"""``kconsole``, also as ``python -m console``: an interrupt while the program is still loading is one too."""

from __future__ import annotations

import sys

_INTERRUPTED = 130
"""``ExitCode.INTERRUPTED``, before anything could be imported."""


def main() -> int:
    """The command line's exit code."""
    try:
        from console import cli
    except KeyboardInterrupt:
        return _INTERRUPTED
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
