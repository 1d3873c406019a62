"""``kconsole slippage``: what executions on recorded markets cost beyond the price decided at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from console.backtest.words import figure, some, wrapped
from console.commands.backtest_arguments import add_backtest_arguments, run_on, setup_from
from console.commands.common import print_json
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import open_history
from console.commands.pictures import drawn
from console.commands.progress import Bar
from console.monitoring.documents import document_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.monitoring.execution import Bps, Slippage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    parser.set_defaults(slippage_model="on")
    parser.add_argument("--png", metavar="FILE", type=Path, help="draw the histogram into this file")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder that cannot be used or where nothing was filled."""
    found, role = _measure(arguments)
    if arguments.json:
        shown = found.taker if role == "taker" else found.maker
        histogram = {"histogram": [document_of(bar) for bar in shown.histogram]}
        print_json({"role": role, **document_of(shown.touch), **histogram, **document_of(found)})
    else:
        for line in _text(found):
            print(line)
    if arguments.png is not None:
        _draw(arguments.png, found)
    if not (found.taker.touch.n or found.maker.touch.n):
        raise UserError(f"{arguments.data}: nothing was filled, so nothing was measured")
    return ExitCode.DONE


def _measure(arguments: argparse.Namespace) -> tuple[Slippage, str]:
    """The slippage of a run, and the role of its style."""
    setup = setup_from(arguments)
    # It brings numpy and pyarrow, which a wrong option need not wait for.
    from console.monitoring.execution import slippage

    with Bar("rows") as bar:
        bar.begin(f"reading {arguments.data}")
        timeline = open_history(arguments)
        bar.begin("running")
        fills = run_on(timeline, setup, bar).fills
    settings = setup.settings
    return slippage(fills, float(settings.quality.max_slippage_bps)), settings.strategy_flb.style


def _text(found: Slippage) -> Iterator[str]:
    from console.backtest.histogram_text import histogram_text

    yield f"SLIPPAGE, bps by contracts; the limit is {found.limit_bps:g}"
    yield f"  {'':22} {'fills':>7} {'mean':>8} {'p50':>8} {'p95':>8} {'p99':>8}"
    for name, role in (("takers", found.taker), ("makers", found.maker)):
        if role.touch.n:
            yield _line(f"{name}, to the touch", role.touch)
            yield _line(f"{name}, to the mid", role.mid)
            yield from histogram_text(role.histogram, found.limit_bps)
    if found.unmeasured:
        yield from wrapped(
            "! ", f"{some(found.unmeasured, 'fill')} had no touch to be measured against, and are left out"
        )


def _line(name: str, it: Bps) -> str:
    numbers = " ".join(f"{figure(each, '.1f'):>8}" for each in (it.mean, it.p50, it.p95, it.p99))
    return f"  {name:22} {it.n:>7,} {numbers}"


def _draw(file: Path, found: Slippage) -> None:
    from console.backtest.plots import save, slippage_figure

    with drawn(file):
        save(slippage_figure(found), file)
    print(f"histogram drawn to {file}", file=sys.stderr)
