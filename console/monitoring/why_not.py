"""Why nothing was traded: how far candidates got, and what stopped them where."""

from __future__ import annotations

import enum
from collections import Counter

MAX_REASONS = 20
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


STEPS = tuple(FunnelStepName)

FunnelRow = tuple[str, int, tuple[tuple[str, int], ...]]
"""A step's label, how many passed it, and the commonest reasons to stop on the way into it."""


class WhyNot:
    """Counts candidates by the last step they passed and by what stopped them.

    A step keeps ``MAX_REASONS`` distinct reasons; later ones are counted together as "other".
    """

    def __init__(self) -> None:
        self._passed: Counter[FunnelStepName] = Counter()
        self._stopped: dict[FunnelStepName, Counter[str]] = {step: Counter() for step in STEPS}

    def refused(self, step: FunnelStepName, reason: str) -> None:
        """A candidate passed every step before ``step`` and stopped there."""
        self._pass(STEPS[: STEPS.index(step)])
        self._stop(step, reason)

    def sent(self) -> None:
        """A candidate passed every test and its order was sent."""
        self._pass(STEPS[: STEPS.index(FunnelStepName.FILLED)])

    def filled(self) -> None:
        """An order that was sent traded for the first time."""
        self._pass((FunnelStepName.FILLED,))

    def unfilled(self, reason: str) -> None:
        """An order that was sent ended without a trade."""
        self._stop(FunnelStepName.FILLED, reason)

    def rows(self, top: int = 3) -> tuple[FunnelRow, ...]:
        """Every step in order, with its ``top`` commonest reasons, ties by name."""
        return tuple(
            (
                step.value,
                self._passed[step],
                tuple(sorted(self._stopped[step].items(), key=lambda item: (-item[1], item[0]))[:top]),
            )
            for step in STEPS
        )

    def _pass(self, steps: tuple[FunnelStepName, ...]) -> None:
        self._passed.update(steps)

    def _stop(self, step: FunnelStepName, reason: str) -> None:
        reasons = self._stopped[step]
        known = reason in reasons or len(reasons) < MAX_REASONS
        reasons[reason if known else OTHER_REASON] += 1
