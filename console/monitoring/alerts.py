"""What is told before it hurts: each condition with its levels and what to do about it. All are warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from console.config.program_settings import MonitoringSettings

LITTLE_DISK_BYTES = 1_000_000_000
"""Free space below which the disk is worth a look; journal, backups and logs of a day are a tenth."""

FEWEST_EVENTS = 30
"""By trades of fewer events a shortfall of winners is not judged."""


class Condition(msgspec.Struct, frozen=True):
    """A share of a limit at which is told, and below which it may be told again.

    Without ``set_at`` a setting says the share: the field of ``MonitoringSettings`` of that name. Without
    ``reset_at`` it may be told again from a tenth of the limit less. What has neither is told by who notices.
    Where a kill switch ``trips_beyond`` the limit, that is told, and no more that it was near.
    """

    kind: str
    when: str
    response: str
    set_at: Fraction | None = None
    share_setting: str = ""
    reset_at: Fraction | None = None
    trips_beyond: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether figures are held against it."""
        return self.set_at is not None or bool(self.share_setting)

    def shares(self, settings: MonitoringSettings) -> tuple[Fraction, Fraction]:
        """Where it is set and where it is reset."""
        at = self.set_at
        if at is None:
            at = Fraction(getattr(settings, self.share_setting))
        return at, at - Fraction(1, 10) if self.reset_at is None else self.reset_at


_SWITCHES_WARN = Fraction(7, 10)

DAY_LOSS = Condition(
    "near daily loss",
    "the day's loss nears the limit that halts",
    "read in pane 5 what loses; {reduce_only} stops what adds to it, {flatten} closes all",
    share_setting="alert_at_loss_share",
    trips_beyond=True,
)
DRAWDOWN = Condition(
    "near drawdown",
    "the loss from the highest equity nears the limit that halts",
    "review the trades since the highest equity; {reduce_only} stops what adds to them",
    share_setting="alert_at_loss_share",
    trips_beyond=True,
)
EXPOSURE = Condition(
    "near exposure",
    "what is at stake in all markets is at its cap or above",
    "nothing is entered until it is below; pane 1 shows what holds it, {close_position} closes one",
    share_setting="alert_at_exposure_share",
)
GROUP = Condition(
    "near group",
    "a correlated group outgrew its cap by half of the margin at which it is only reduced; each group apart",
    "nothing is entered there; {close_position} brings it under its cap before it is only reduced",
    set_at=Fraction(1, 2),
    reset_at=Fraction(1, 4),
    trips_beyond=True,
)
ERRORS = Condition(
    "near errors",
    "errors within an hour near the number that pauses",
    "read in {alerts} and in the log which request fails; check the network",
    set_at=_SWITCHES_WARN,
    trips_beyond=True,
)
SLIPPAGE = Condition(
    "high slippage",
    "so many taker fills slip beyond the line that it nears what pauses",
    "compare makers and takers in pane 4; ask for more depth, or trade as maker",
    set_at=_SWITCHES_WARN,
    trips_beyond=True,
)
EDGE = Condition(
    "edge decay",
    f"of trades in {FEWEST_EVENTS} events or more fewer won than expected, by over two standard deviations "
    "with an event as one draw",
    "see hit rates and expected edge in the reports; {pause} until `kconsole calibrate` was looked at",
    set_at=Fraction(1),
    reset_at=Fraction(9, 16),  # one and a half standard deviations, squared as the figures are
)
FEED = Condition(
    "feed silent",
    "the feed proves nothing for nearly as long as pauses",
    "check the network and the feed age above; it reconnects by itself",
    set_at=_SWITCHES_WARN,
    trips_beyond=True,
)
DISK = Condition(
    "disk",
    f"less than {LITTLE_DISK_BYTES // 1_000_000_000} GB is free where the journal is",
    "free space in the home: without room nothing is traded",
    set_at=Fraction(1),
    reset_at=Fraction(4, 5),
)
DELIVERY = Condition(
    "not delivered",
    "an alert or a heartbeat did not reach its receiver",
    "`kconsole alerts test` says what is wrong; {health} counts what was lost; trading goes on",
)
METRICS = Condition(
    "no metrics",
    "a file of metrics is not written, or their page cannot be served",
    "free space in the home, and close what holds the file or the port; trading goes on",
)
RECORDING = Condition(
    "not recorded",
    "what the feed tells is not recorded for replay, or not all of it",
    "free space in the home; the day cannot be replayed from there on, and trading goes on",
)
UNKEPT = Condition(
    "settings unkept",
    "`overrides.toml` could not be written after a change",
    "free or repair the disk, then change it again: it holds for this run, and trading goes on",
)
CONDITIONS = {
    each.kind: each
    for each in (
        DAY_LOSS,
        DRAWDOWN,
        EXPOSURE,
        GROUP,
        ERRORS,
        SLIPPAGE,
        EDGE,
        FEED,
        DISK,
        DELIVERY,
        METRICS,
        RECORDING,
        UNKEPT,
    )
}


class Figure(msgspec.Struct, frozen=True):
    """What a condition is judged by, in any unit, and what to say; None is not known and changes nothing.

    Those of one condition with different scopes are told apart.
    """

    condition: Condition
    used: Fraction | int | None
    limit: Fraction | int | None
    text: str
    scope: str = ""


class Watch:
    """Tells each condition once when it begins to hold, and again only after it was well below.

    One that comes again within the hour is counted, and told after it if it holds then, else with the next.
    """

    QUIET_NS = 3_600_000_000_000

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}

    def look(self, figures: Iterable[Figure], settings: MonitoringSettings, now_ns: int) -> Iterator[Figure]:
        """The figures to tell of."""
        self._forget(now_ns)
        for figure in figures:
            kept = self._kept.setdefault((figure.condition.kind, figure.scope), _Kept())
            kept.looked_ns = now_ns
            if kept.is_met(figure, settings) and kept.untold and not self._is_quiet(kept, now_ns):
                kept.told_ns = now_ns
                earlier, kept.untold = kept.untold - 1, 0
                more = f"; {earlier} times more since it was told last" if earlier else ""
                yield msgspec.structs.replace(figure, text=f"{figure.text}{more}")

    def _is_quiet(self, kept: _Kept, now_ns: int) -> bool:
        return kept.told_ns is not None and 0 <= now_ns - kept.told_ns < self.QUIET_NS

    def _forget(self, now_ns: int) -> None:
        """Groups go with their markets."""
        gone = [
            key for key, kept in self._kept.items() if key[1] and now_ns - kept.looked_ns >= self.QUIET_NS
        ]
        for key in gone:
            del self._kept[key]


class _Kept(msgspec.Struct):
    """Whether a condition holds, how often it began to without being told, and when it was looked at."""

    is_set: bool = False
    untold: int = 0
    told_ns: int | None = None
    looked_ns: int = 0

    def is_met(self, figure: Figure, settings: MonitoringSettings) -> bool:
        """Whether it is at its level now; counts each time that it begins to hold."""
        used, limit = figure.used, figure.limit
        if used is None or limit is None:
            return False
        if figure.condition.trips_beyond and used > limit:
            self.is_set, self.untold = True, 0
            return False
        set_at, reset_at = figure.condition.shares(settings)
        is_met = used > 0 and used >= set_at * limit
        if self.is_set:
            self.is_set = used > 0 and used >= reset_at * limit
        elif is_met:
            self.is_set = True
            self.untold += 1
        return is_met


class HeldBack(msgspec.Struct, frozen=True):
    """Alerts of a kind that were not told one by one, and the text of the last."""

    kind: str
    count: int
    text: str


class Repeats:
    """Lets a few alerts of a kind through in a while, and counts the others."""

    MOST = 5
    WHILE_NS = 60_000_000_000

    def __init__(self) -> None:
        self._begun: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._held: dict[str, HeldBack] = {}

    def admits(self, at_ns: int, kind: str, text: str) -> bool:
        """Whether this one is told by itself."""
        if kind not in self._begun:
            self._begun[kind] = at_ns
        told = self._told.get(kind, 0)
        if told < self.MOST:
            self._told[kind] = told + 1
            return True
        before = self._held.get(kind)
        self._held[kind] = HeldBack(kind, 1 if before is None else before.count + 1, text)
        return False

    def ended(self, at_ns: int) -> list[HeldBack]:
        """What was held back in the times that are over; a clock that was set back ends them too."""
        if not self._begun:
            return []
        over = [kind for kind, begun in self._begun.items() if not 0 <= at_ns - begun < self.WHILE_NS]
        for kind in over:
            del self._begun[kind], self._told[kind]
        return [self._held.pop(kind) for kind in over if kind in self._held]
