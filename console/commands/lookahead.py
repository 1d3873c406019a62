"""``kconsole lookahead``: whether a decision depends on what came after it."""

from __future__ import annotations

import argparse

from console.commands.backtest_arguments import add_backtest_arguments, setup_from, whole
from console.commands.common import print_json, visible
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import open_history
from console.commands.progress import Bar

_MOST_MOMENTS = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    parser.add_argument(
        "--moments",
        metavar="N",
        type=_moments,
        default=5,
        help="decisions after which the future is cut off, and changed; default: 5",
    )


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder that cannot be used or where nothing was decided."""
    setup = setup_from(arguments)
    # They bring numpy and pyarrow, which a wrong option need not wait for.
    from console.backtest.lookahead import lookahead
    from console.backtest.lookahead_text import document, text
    from console.history.schema import HistoryError

    with Bar("rows") as bar:
        bar.begin(f"reading {arguments.data}")
        timeline = open_history(arguments)
        try:
            found = lookahead(setup, timeline, arguments.moments, bar.begin, bar.count)
        except HistoryError as error:
            raise UserError(f"{arguments.data}: {error}") from None
    if arguments.json:
        print_json(document(found))
    else:
        for line in text(found):
            print(visible(line))
    if not found.decisions:
        raise UserError(f"{arguments.data}: no order was sent, so nothing was compared")
    return ExitCode.FAILED if found.changed else ExitCode.DONE


def _moments(text: str) -> int:
    return whole(text, 1, _MOST_MOMENTS, "moments")
