"""What every kill switch is: a reading of the account against a threshold."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import ClassVar, Literal

import msgspec

from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.engine_events import GuardSeen
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.exposure import Exposure

WARNS_AT = Fraction(7, 10)
"""Share of a threshold from which a switch warns, unless it says another."""

_WARNS, _WARNS_OF = WARNS_AT.as_integer_ratio()

MAY_OVERTAKE_NS = NS_PER_S
"""By how much what was learned may be ahead of the event at hand, before the clock has stepped back."""

READS_KEEP_NS = 120 * NS_PER_S
"""How long a read of the exchange counts as known; the engine reads each of them every few seconds."""


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """What switches may read, at ``now_ns``; a figure that is not known is None.

    ``monotonic_ns`` is the same moment on a clock that never steps; durations are measured by it.

    Equity is at the prices at which positions could be sold, without deposits and withdrawals of the day.
    ``feed_proved_ns`` is when the subscription last proved itself; None before it first did. Of the
    ``losses_in_a_row``, as many as ``losses_answered`` have had their pause. ``taker_slippage`` is in
    hundredths of a basis point, of the fills that count, newest last. Minutes and hours are the newest, up to
    ``now_ns``. ``clock_step_ns`` is how far the wall clock stepped, until feed and account were heard anew.
    Of the orders of unknown outcome ``unknown_since_ns`` has since when each is. ``foreign_order`` tells of
    an order of another kconsole, empty when none is listed.
    """

    now_ns: int
    monotonic_ns: int | None = None
    equity: Cash | None = None
    day_open_equity: Cash | None = None
    high_water: Cash | None = None
    feed_proved_ns: int | None = None
    followed_books: int | None = None
    dark_books: int | None = None
    losses_in_a_row: int | None = None
    losses_answered: int = 0
    taker_slippage: tuple[int, ...] | None = None
    errors_in_hour: int | None = None
    scans_without_fill: int | None = None
    exposure: Exposure | None = None
    rejects_in_minute: int | None = None
    orders_in_minute: int | None = None
    notional_in_minute: Cash | None = None
    contradiction: str | None = None
    unknown_since_ns: tuple[int, ...] | None = None
    foreign_order: str | None = None
    positions: PositionsCompared | None = None
    clock: ClockSkewRead | None = None
    clock_step_ns: int = 0
    exchange: ExchangeStatusRead | None = None
    journaled_ns: int | None = None
    journal_failure: str | None = None
    key_refusal: str | None = None
    guard: GuardSeen | None = None

    @property
    def feed_age_ns(self) -> int | None:
        """How long the feed has proved nothing; negative after a clock stepped back."""
        return None if self.feed_proved_ns is None else self.now_ns - self.feed_proved_ns

    @property
    def skew_ms(self) -> int | None:
        """How far our clock is ahead of the exchange's, while that is known."""
        clock = self.clock
        return None if clock is None or not is_known(clock.at_ns, self.now_ns) else clock.skew_ms

    @property
    def status(self) -> ExchangeStatusRead | None:
        """What the exchange says of itself, while that is known."""
        read = self.exchange
        return None if read is None or not is_known(read.at_ns, self.now_ns) else read

    @property
    def mismatch(self) -> str | None:
        """How positions differed when they were compared last; None before they first were."""
        return None if self.positions is None else self.positions.mismatch

    @property
    def is_compared(self) -> bool:
        """Whether positions were compared lately."""
        return self.positions is not None and is_known(self.positions.at_ns, self.now_ns)

    @property
    def oldest_unknown_ns(self) -> int | None:
        """For how long the outcome of an order is not known; None where all are."""
        return max(0, self.now_ns - min(self.unknown_since_ns)) if self.unknown_since_ns else None


class ReadingState(enum.StrEnum):
    """``UNKNOWN`` refuses new orders without tripping: what cannot be read is not proved safe."""

    ARMED = "armed"
    WARNING = "warning"
    TRIPPED = "tripped"
    UNKNOWN = "unknown"


Unit = Literal["cash", "count", "percent"]
"""What a measure counts: millionths of a dollar, things, or hundredths of a percent."""


class Measure(msgspec.Struct, frozen=True):
    """How much of a limit is used; None is not known."""

    label: str
    used: int | None
    limit: int | None
    unit: Unit


class ScopedTrip(msgspec.Struct, frozen=True):
    """Why a switch trips for a part of the markets; ``level`` as in a Reading."""

    scope: str
    reason: str
    level: TradingState | None = None


class Reading(msgspec.Struct, frozen=True):
    """A reading and its threshold, as text with units; ``trip`` is why it trips for everything, if it does.

    ``scoped`` are the trips of a switch that stops parts of the markets, each on its own. ``level`` is set
    where it trips at another level than its switch's.
    """

    state: ReadingState
    text: str
    threshold: str
    trip: str | None = None
    measures: tuple[Measure, ...] = ()
    scoped: tuple[ScopedTrip, ...] = ()
    level: TradingState | None = None


class EvaluatedAt(enum.StrEnum):
    """When a switch is read: at every tick, or at the scans that mark equity anew."""

    TICK = "tick"
    SCAN = "scan"


class Switch(ABC):
    """A kill switch; evaluating it changes nothing.

    Its latch bears its ``key`` and has its ``level``. One that ``clears_itself`` does so after its input was
    good for five seconds; one with ``lasts_ns`` once that has passed; any other waits for the operator. Where
    ``resets_on_resume`` the operator may clear it whatever it reads, and it counts anew from there: what it
    counts cannot improve while nothing is traded. ``clears`` says so on screen.

    The texts document the switch: what feeds it, its unit, the least it judges by, and why the threshold is
    what it is by default. ``reads`` names the figures of the view that a reading depends on, and so when it
    must be read anew.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    level: ClassVar[TradingState]
    scope: ClassVar[str] = "everything"
    evaluated_at: ClassVar[EvaluatedAt] = EvaluatedAt.TICK
    reads: ClassVar[tuple[str, ...]] = RiskView.__struct_fields__
    clears_itself: ClassVar[bool] = False
    resets_on_resume: ClassVar[bool] = False
    clears: str
    fed_by: ClassVar[str]
    unit: ClassVar[str]
    minimum_sample: str = "none"
    warns_at: ClassVar[str] = "70 %"
    why: ClassVar[str]
    lasts_ns: int | None = None

    @property
    @abstractmethod
    def threshold(self) -> str:
        """When it trips, in words, by the settings in force."""

    @abstractmethod
    def evaluate(self, view: RiskView) -> Reading: ...

    def is_over(self, scope: str, view: RiskView) -> bool:
        """Whether the part of the markets that a latch holds for is no more, and the latch ends with it."""
        return False


def unknown(threshold: str, *measures: Measure, text: str = "n/a") -> Reading:
    """What is not known refuses new orders and does not trip."""
    return Reading(ReadingState.UNKNOWN, text, threshold, None, measures)


def tripped(text: str, threshold: str, reason: str, *measures: Measure) -> Reading:
    return Reading(ReadingState.TRIPPED, text, threshold, reason, measures)


def safe(text: str, threshold: str, *measures: Measure, warns: bool) -> Reading:
    return Reading(ReadingState.WARNING if warns else ReadingState.ARMED, text, threshold, None, measures)


def nears(used: int | Fraction, limit: int | Fraction) -> bool:
    """Whether so much of a limit is used that its switch warns; nothing used never warns."""
    return used > 0 and used * _WARNS_OF >= limit * _WARNS


def is_known(read_ns: int, now_ns: int) -> bool:
    """Whether a read of the exchange is recent; one from the future is from another clock.

    A moment ahead is none: an event is stamped where it arrives, and one stamped later may overtake it.
    """
    return -MAY_OVERTAKE_NS <= now_ns - read_ns <= READS_KEEP_NS
