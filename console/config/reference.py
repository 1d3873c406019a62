"""Writes ``docs/configuration.md`` from the schema: ``python -m console.config.reference``."""

from __future__ import annotations

import inspect
import sys

from console.config.catalogue import CATALOGUE, SettingSpec
from console.config.schema import SECTIONS
from console.config.values import shown

_HEAD = """\
# Configuration

A setting has one key, `section.name`. Where several layers state it, the last of these wins:

1. the default, in the tables below;
2. the environment's file: `config/practice.toml`, `config/demo.toml`, or `config/production.toml` for live.
   `--config FILE` takes the place of it;
3. `overrides.toml` in the environment's folder of the home, which the console writes;
4. a variable: `KCONSOLE_` and the key in capitals, with two underscores for the dot
   (`KCONSOLE_RISK__KELLY_FRACTION=0.2`);
5. an option: `--set risk.kelly_fraction=0.2`, as often as needed.

`kconsole config show` prints every value and the layer that set it; `kconsole config check [FILE]` says
what is wrong, with exit code 2; `kconsole config schema` prints what the tables below do. An unknown key is
an error, and so is a value out of range: nothing is corrected in silence. In a variable or an option a list
is written with commas (`--set universe.categories=Crypto,Sports`) and a table as in TOML.

A longshot threshold must be below the favourite's; one position may not be allowed more than one group,
nor a group more than everything together; the orders allowed in a minute may not be more than the tripwire's,
nor the fewest fills to judge slippage by more than its window; the nearest time to close must be below the
furthest. Numbers have at most six decimals.

The console's Thresholds tab (`t`) changes what counts at once while it trades, keeps it in `overrides.toml`
and can undo it; what the file beneath says anyway is not repeated there. A variable or an option pins its
setting: the tab refuses to change it, since it would win again at the next start; a value that fits only
beside such a pin is for that run only. A dry run keeps no change. Entry orders that rest where a change makes
a limit exceeded are cancelled: the next quote makes smaller ones where there is room. A start that reads
other values than were in force last (the process was killed before the file was written, or a file or an
option says otherwise since) tells them as an alert and in the history of edits, from where `u` brings them
back.

The home is the folder of `--home`, else of `KCONSOLE_HOME`, else the platform's own for state; `kconsole
info` prints every path.
"""


def markdown() -> str:
    """The whole document."""
    parts = [_HEAD]
    for section, declaration in SECTIONS.items():
        rows = "".join(_row(spec) for spec in CATALOGUE.values() if spec.section == section)
        parts.append(
            f"## {section}\n\n{inspect.getdoc(declaration)}\n\n"
            f"| setting | default | unit | may be | a change counts | what it is |\n"
            f"|---|---|---|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def _row(spec: SettingSpec) -> str:
    cells = (
        f"`{spec.name}`",
        f"`{shown(spec.default)}`",
        spec.unit,
        spec.expected,
        spec.takes_effect,
        spec.description,
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
