"""Kill switches that a routine reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.backtest.routine import (
    NOTHING,
    Reviewed,
    Step,
    Table,
    Verdict,
    nothing,
)
from console.backtest.words import counts, some
from console.monitoring.documents import document_of
from console.monitoring.records import LatchRecord
from console.risk.switches.every import every_switch
from console.risk.switches.manual import ManualHalt


def kill_switches(of: Reviewed) -> Step:
    """Of any period; an operator's own halts and pauses are no kill switches and are only counted."""
    name, task = "kill_switches", "Verify that no kill switch was triggered"
    if of.records is None:
        return nothing(name, task, f"no kill switch was triggered: {NOTHING}")
    switches = {switch.key for switch in every_switch(of.settings.risk, of.settings.quality)}
    switches.discard(ManualHalt.key)
    held = [latch for latch in of.records.latches if latch.at_ns < of.last_ns]
    tripped = [each for each in held if each.at_ns >= of.first_ns and each.name.split()[0] in switches]
    earlier = [each for each in held if each.at_ns < of.first_ns and each.name.split()[0] in switches]
    others = [each for each in held if each.name.split()[0] not in switches]
    found = (
        f"{some(len(tripped), 'kill switch')} triggered: {counts(Counter(each.name for each in tripped))}"
        if tripped
        else "no kill switch was triggered"
    )
    if earlier:
        found += f"; {len(earlier):,} from before held on"
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if tripped or earlier else Verdict.FINE,
        found=found,
        tables=(_latches_table(of, [*earlier, *tripped]),) if tripped or earlier else (),
        notes=(*_reasons([*earlier, *tripped]), *_other_stops(others)),
        figures={
            "triggered": len(tripped),
            "held_from_before": len(earlier),
            "by_name": dict(Counter(each.name for each in tripped)),
            "latches": [document_of(each) for each in held],
        },
    )


def _latches_table(of: Reviewed, latches: Sequence[LatchRecord]) -> Table:
    return Table(
        headings=("at", "switch", "cleared"),
        words=(0, 1, 2),
        rows=tuple((of.minute(each.at_ns), each.name, _cleared(of, each)) for each in latches),
    )


def _reasons(latches: Sequence[LatchRecord]) -> list[str]:
    """The newest reason of each switch."""
    return [f"{name}: {reason}" for name, reason in {each.name: each.reason for each in latches}.items()]


def _other_stops(latches: Sequence[LatchRecord]) -> tuple[str, ...]:
    if not latches:
        return ()
    return (f"stops that are no kill switch: {counts(Counter(each.name for each in latches))}",)


def _cleared(of: Reviewed, latch: LatchRecord) -> str:
    if latch.cleared_ns is None:
        return "holds"
    return f"{of.minute(latch.cleared_ns)} by {'operator' if latch.by_operator else 'itself'}"
