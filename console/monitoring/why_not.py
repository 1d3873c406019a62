"""Why nothing was traded: how far candidates got, and what stopped them where."""

from __future__ import annotations

import enum

MAX_REASONS = 150
"""More than our own limits and switches can say; what an exchange writes may have no end."""

OTHER_REASON = "other"


class FunnelStepName(enum.StrEnum):
    """The tests between a market that was looked at and a fill, in their order."""

    SCANNED = "scanned"
    PRICE = "price"
    LIQUIDITY = "liquidity"
    SPREAD = "spread"
    EDGE = "edge after fees"
    LIMITS = "limits"
    SENT = "sent"
    FILLED = "filled"


_ENDS = {
    "CloseCancel": "market closed",
    "ExpiryCancel": "expired",
    "HaltCancel": "trading paused",
    "PostOnlyCrossCancel": "would have crossed",
    "SelfTradeCancel": "met our own order",
}
"""The exchange's names for how an order ended, as an operator would say it."""

STEPS = tuple(FunnelStepName)

FunnelRow = tuple[str, int, tuple[tuple[str, int], ...]]
"""A step's label, how many passed it, and the commonest reasons to stop on the way into it."""


class WhyNot:
    """Counts candidates by what stopped them; how far they got follows from it.

    A step keeps ``MAX_REASONS`` distinct reasons; later ones are counted together as "other".
    """

    def __init__(self) -> None:
        self._stopped: dict[FunnelStepName, dict[str, int]] = {step: {} for step in STEPS}
        self._sent = 0
        self._filled = 0

    def refused(self, step: FunnelStepName, reason: str) -> None:
        """A candidate passed every step before ``step`` and stopped there; it was not sent yet."""
        reasons = self._stopped[step]
        try:
            reasons[reason] += 1
        except KeyError:
            reason = reason if len(reasons) < MAX_REASONS else OTHER_REASON
            reasons[reason] = reasons.get(reason, 0) + 1

    def sent(self) -> None:
        """A candidate passed every test and its order was sent."""
        self._sent += 1

    def filled(self) -> None:
        """An order that was sent traded for the first time."""
        self._filled += 1

    def unfilled(self, reason: str) -> None:
        """An order that was sent ended without a trade; ``reason`` as the exchange names it."""
        self.refused(FunnelStepName.FILLED, _ENDS.get(reason, reason))

    def rows(self, top: int = 3) -> tuple[FunnelRow, ...]:
        """Every step in order, with its ``top`` commonest reasons, ties by name."""
        passed = self._passed()
        return tuple(
            (
                step.value,
                passed[step],
                tuple(sorted(self._stopped[step].items(), key=lambda item: (-item[1], item[0]))[:top]),
            )
            for step in STEPS
        )

    def _passed(self) -> dict[FunnelStepName, int]:
        """How many passed each step: all that were sent or stopped at a later one."""
        passed = {FunnelStepName.FILLED: self._filled}
        further = self._sent
        for step in reversed(STEPS[:-1]):
            passed[step] = further
            further += sum(self._stopped[step].values())
        return passed
