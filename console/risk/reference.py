"""Writes ``docs/kill-switches.md`` from the switches: ``python -m console.risk.reference``."""

from __future__ import annotations

import inspect
import sys

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.time_units import NS_PER_S
from console.risk.manager import GOOD_FOR_NS, TRIPS_TO_HALT
from console.risk.switches.base import READS_KEEP_NS, Switch
from console.risk.switches.every import every_switch

_HEAD = f"""\
# Kill switches

Every switch is fed by events that pass through the engine's loop, and is read at each tick (twice a second)
or at each scan, whichever its table says; every new order asks all of them again. One that trips raises a
latch of its name, which is journaled and survives a restart. The effective state is the strictest of all
latches; clearing one ends that one alone.

| action | what it does |
|---|---|
| PAUSED | cancels entry orders and makes none; exits stay |
| REDUCE_ONLY | as that, and only what reduces a position may be sent |
| HALTED | cancels every order of ours and lists until none is left; nothing is sent |

- An input that is not known refuses new orders and shows as unknown; it does not trip. A read of the exchange
  that is older than {READS_KEEP_NS // NS_PER_S} s is not known.
- A switch that fails to compute trips.
- Where it clears by itself, its input must have been good for {GOOD_FOR_NS // NS_PER_S} s. Such a trip that
  is number {TRIPS_TO_HALT} of all of them within 24 h halts and waits for the operator, except in practice.
- A pause of a set length ends when the wall clock says so and that much time has really passed, so that
  neither a restart nor a clock that steps shortens it.
- Where resuming starts a count anew, the operator may resume whatever the switch reads: what it counts cannot
  improve while nothing is traded. Any other latch is cleared only once its switch reads well.

Thresholds are the defaults; `docs/configuration.md` has the settings.
"""


def markdown() -> str:
    """The whole document."""
    switches = every_switch(RiskSettings(), QualitySettings())
    rows = "".join(
        f"| [{switch.label}](#{switch.key}) | `{switch.key}` | {switch.threshold} | {switch.level.name} "
        f"| {switch.scope} | {switch.clears} |\n"
        for switch in switches
    )
    table = f"| switch | latch | trips at | action | on | clears |\n|---|---|---|---|---|---|\n{rows}"
    return "\n".join([_HEAD, table, *(_section(switch) for switch in switches)])


def _section(switch: Switch) -> str:
    facts = (
        ("fed by", switch.fed_by),
        ("unit", switch.unit),
        ("trips at", switch.threshold),
        ("minimum sample", switch.minimum_sample),
        ("warns at", switch.warns_at),
        ("action", switch.level.name),
        ("on", switch.scope),
        ("clears", switch.clears),
        ("evaluated at each", switch.evaluated_at.value),
        ("why this threshold", switch.why),
    )
    rows = "".join(f"| {name} | {value} |\n" for name, value in facts)
    return f"## {switch.key}\n\n{inspect.getdoc(switch)}\n\n| | |\n|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
