"""What to tell when a picture cannot be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.commands.errors import ExitCode, UserError


@contextmanager
def drawn(where: Path) -> Iterator[None]:
    """Draw within the block; raises UserError in place of what a drawing may raise."""
    from console.backtest.plots import NoPlotsError

    try:
        yield
    except NoPlotsError:
        raise UserError("--png needs matplotlib: pip install 'kconsole[report]'", ExitCode.USAGE) from None
    except OSError as error:
        raise UserError(f"--png {where} cannot be written: {error.strerror}") from None
