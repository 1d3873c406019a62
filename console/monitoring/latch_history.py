"""Which latches were in force, from when until when."""

from __future__ import annotations

import msgspec

from console.domain.engine_events import LatchCleared, LatchRaised
from console.monitoring.records import LatchRecord

_OPERATOR = "operator"


class LatchHistory:
    """Every latch that was raised, and how it was cleared."""

    def __init__(self) -> None:
        self._records: list[LatchRecord] = []

    def take(self, event: LatchRaised | LatchCleared) -> None:
        """A latch is raised, or what is in force under that name is cleared."""
        name = f"{event.name} {event.scope}".rstrip()
        if isinstance(event, LatchRaised):
            self._records.append(LatchRecord(event.at_ns, name, event.level.name, event.reason, None, False))
            return
        for place, record in enumerate(self._records):
            if record.name == name and record.cleared_ns is None:
                self._records[place] = msgspec.structs.replace(
                    record, cleared_ns=event.at_ns, by_operator=event.source == _OPERATOR
                )

    def since(self, first_ns: int) -> tuple[LatchRecord, ...]:
        """Those in force at any time from then on."""
        return tuple(each for each in self._records if (each.cleared_ns or first_ns) >= first_ns)
