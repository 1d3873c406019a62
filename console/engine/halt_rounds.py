"""The rounds of a halt against the exchange, in whatever thread or process they are made."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.domain.order import OrderReport
from console.domain.ports import HaltLine, VenueError, VenueRefusedError
from console.engine.crash_points import crash_point

log = logging.getLogger(__name__)

_EMPTY_LISTS_TO_CONFIRM = 2
_PROOF_S = 0.2
"""Between two lists without one of ours: a list may lag the exchange's own writes."""
_RETRY_S = 0.3
_LONGEST_RETRY_S = 2.0
_CANCELS_S = 3.0
"""After this long in one round the trigger is tried again, and the list shows whether it helped."""


class HaltRounds:
    """Triggers order groups, lists what rests and cancels what is ours, one round after the other.

    A line that failed is not used again. After each round the fields say what is known: ``resting`` is how
    many of ours were listed, None if no list was complete, and ``error`` is what went wrong; ``vain`` is how
    many rounds have passed since a list held none of ours.
    """

    def __init__(self, make_line: Callable[[], HaltLine], is_ours: Callable[[OrderReport], bool]) -> None:
        self.attempts = 0
        self.vain = 0
        self.resting: int | None = None
        self.error = ""
        self._make_line = make_line
        self._is_ours = is_ours
        self._line: HaltLine | None = None
        self._untriggered: dict[int, str] = {}
        self._asked: Counter[str] = Counter()
        self._empty_lists = 0

    def begin(self, groups: Mapping[int, str]) -> None:
        """Start anew, with these groups to trigger, each by its shard."""
        self._untriggered = dict(groups)
        self._asked.clear()
        self.attempts, self.vain, self._empty_lists, self.resting, self.error = 0, 0, 0, None, ""

    @property
    def is_confirmed(self) -> bool:
        """Whether two complete lists in a row held none of ours."""
        return self._empty_lists >= _EMPTY_LISTS_TO_CONFIRM

    @property
    def pause_s(self) -> float:
        """How long to wait before the next round."""
        return _PROOF_S if self._empty_lists else min(_RETRY_S * self.vain, _LONGEST_RETRY_S)

    def run(self) -> None:
        """One round; never raises."""
        self.attempts += 1
        self.resting, self.error = self._round()
        none_left = self.resting == 0 and not self.error
        self._empty_lists = self._empty_lists + 1 if none_left else 0
        self.vain = 0 if none_left else self.vain + 1

    def close(self) -> None:
        """Close the line; the next round opens another."""
        line, self._line = self._line, None
        if line is not None:
            try:
                line.close()
            except Exception as failure:  # noqa: BLE001 - a line that cannot be closed must not end the halt
                log.warning("the halt's line was not closed: %s", _words(failure))

    def _round(self) -> tuple[int | None, str]:
        try:
            line = self._line = self._line or self._make_line()
            error = self._trigger(line)
            ours = [order for order in line.resting() if self._is_ours(order)]
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the halt goes on
            self.close()
            return None, _words(failure)
        crash_point("halt: listed")
        return len(ours), self._cancel(line, ours) or error

    def _cancel(self, line: HaltLine, orders: list[OrderReport]) -> str:
        """Cancel those first that were asked for least, for as long as a round may take."""
        error, began = "", time.monotonic()
        for order in sorted(orders, key=lambda order: self._asked[order.order_id]):
            self._asked[order.order_id] += 1
            try:
                line.cancel(order.order_id, order.ticker, order.exchange_index)
            except Exception as failure:  # noqa: BLE001 - the other orders must be cancelled all the same
                error = _words(failure)
            if time.monotonic() - began > _CANCELS_S:
                break
        return error

    def _trigger(self, line: HaltLine) -> str:
        """Trigger what is left; a refusal does not hold up the proof by lists, and is tried anew."""
        error = ""
        for exchange_index, group_id in list(self._untriggered.items()):
            try:
                line.trigger_group(group_id, exchange_index)
            except VenueError as failure:
                if self.attempts == 1:
                    log.warning("order group %s was not triggered: %s", group_id, failure)
                if not isinstance(failure, VenueRefusedError):
                    error = str(failure)
            else:
                del self._untriggered[exchange_index]
                crash_point("halt: group triggered")
        return error


@dataclass(frozen=True)
class Remainder:
    """What is known to rest when the rounds end; ``error`` is why no more is known."""

    confirmed: bool
    resting: int | None
    error: str = ""


def cancel_until_none(rounds: HaltRounds, groups: Mapping[int, str], *, patience_s: float) -> Remainder:
    """Make rounds until none of ours is left, or patience is over."""
    deadline = time.monotonic() + patience_s
    rounds.begin(groups)
    try:
        while True:
            rounds.run()
            if rounds.is_confirmed:
                return Remainder(True, 0)
            if time.monotonic() + rounds.pause_s > deadline:
                return Remainder(False, rounds.resting, rounds.error)
            time.sleep(rounds.pause_s)
    finally:
        rounds.close()


def _words(failure: Exception) -> str:
    return str(failure) if isinstance(failure, VenueError) else f"{type(failure).__name__}: {failure}"
