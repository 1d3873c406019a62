"""``kconsole slippage``: what executions on recorded markets cost beyond the price decided at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from console.backtest.words import figure, some, wrapped
from console.commands.backtest_arguments import add_backtest_arguments, run_on, setup_from
from console.commands.common import print_json, visible
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import open_history
from console.commands.outputs import check_picture, drawn
from console.commands.progress import Bar
from console.monitoring.documents import document_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.monitoring.execution import Bps, Slippage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    parser.set_defaults(slippage_model="on")
    parser.add_argument("--png", metavar="FILE", type=Path, help="draw the histogram into this file")


class _Measured(NamedTuple):
    """The slippage of a run of that style, and what it must say of itself."""

    slippage: Slippage
    style: str
    declared: dict[str, str]
    warnings: list[str]


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder that cannot be used or where nothing was filled."""
    it = _measure(arguments)
    found = it.slippage
    if arguments.json:
        shown = found.taker if it.style == "taker" else found.maker
        histogram = {"histogram": [document_of(bar) for bar in shown.histogram]}
        said = {"declared": it.declared, "warnings": it.warnings}
        print_json({"role": it.style, **document_of(shown.touch), **histogram, **document_of(found), **said})
    else:
        for line in _text(it):
            print(visible(line))
    if arguments.png is not None:
        _draw(arguments.png, found)
    if not (found.taker.touch.n or found.maker.touch.n):
        raise UserError(
            f"{arguments.data}: nothing was filled, so nothing was measured; kconsole backtest says why"
        )
    return ExitCode.DONE


def _measure(arguments: argparse.Namespace) -> _Measured:
    setup = setup_from(arguments)
    if arguments.png is not None:
        check_picture(arguments.png)
    # They bring numpy and pyarrow, which a wrong option need not wait for.
    from console.backtest.declarations import declarations
    from console.backtest.doubts import doubts_of, in_words
    from console.monitoring.execution import slippage
    from console.monitoring.trades import trades_of

    with Bar("rows") as bar:
        bar.begin(f"reading {arguments.data}")
        timeline = open_history(arguments)
        bar.begin("running")
        result = run_on(timeline, setup, bar)
    settings, declared = setup.settings, declarations(setup)
    return _Measured(
        slippage(result.fills, float(settings.quality.max_slippage_bps)),
        settings.strategy_flb.style,
        {name: declared[name] for name in ("strategy", "latency", "fills", "slippage model")},
        list(in_words(doubts_of(result, trades_of(result)), setup)),
    )


def _text(it: _Measured) -> Iterator[str]:
    from console.backtest.histogram_text import histogram_text

    found = it.slippage
    for name, said in it.declared.items():
        yield from wrapped(f"{name}: ", said)
    yield ""
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
    for warning in it.warnings:
        yield from wrapped("! ", warning)


def _line(name: str, it: Bps) -> str:
    numbers = " ".join(f"{figure(each, '.1f'):>8}" for each in (it.mean, it.p50, it.p95, it.p99))
    return f"  {name:22} {it.n:>7,} {numbers}"


def _draw(file: Path, found: Slippage) -> None:
    from console.backtest.plots import save, slippage_figure

    with drawn(file):
        save(slippage_figure(found), file)
    print(f"histogram drawn to {file}", file=sys.stderr)
