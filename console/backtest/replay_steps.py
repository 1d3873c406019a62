"""A replay as the screen would have shown it: what the operator could see, step by step, kept in a file."""

from __future__ import annotations

import itertools
import os
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import IO, TYPE_CHECKING, NamedTuple

import msgspec

from console.backtest.replay import ReplayRequest, opened, setup_of
from console.config.schema import Settings
from console.config.secret_url import without_secret
from console.domain.account_events import MarketSettled, OrderFilled
from console.domain.engine_events import LatchRaised
from console.domain.events import JournaledEvent
from console.domain.time_units import NS_PER_S
from console.engine.log_views import LogKind
from console.engine.snapshot import Snapshot

if TYPE_CHECKING:
    from console.backtest.kernel import Kernel
    from console.history.timeline import Timeline

_MOST_STEPS = 10_000
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
_COMPRESSION = 1
_NOT_SHOWN = Settings()


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A moment of the recording: where it stands in the file, and how many trades and breaches there were."""

    at_ns: int
    offset: int
    length: int
    trades: int
    breaches: int


class Steps:
    """Every step so far, in order of time, no two at one; one thread adds, any may read."""

    def __init__(self) -> None:
        self._at_ns, self._offsets, self._lengths = array("q"), array("q"), array("q")
        self.trades, self.breaches = array("q"), array("q")

    def __len__(self) -> int:
        return len(self._at_ns)

    def add(self, step: Step) -> None:
        self._offsets.append(step.offset)
        self._lengths.append(step.length)
        self.trades.append(step.trades)
        self.breaches.append(step.breaches)
        # The last, because it is what says how many there are.
        self._at_ns.append(step.at_ns)

    def at_ns(self, index: int) -> int:
        return self._at_ns[index]

    def place(self, index: int) -> tuple[int, int]:
        """Offset and length in the file."""
        return self._offsets[index], self._lengths[index]

    def index_at(self, at_ns: int) -> int:
        """The newest step by then, at least the first."""
        return max(0, bisect_right(self._at_ns, at_ns) - 1)

    def next_with_more(self, counts: Sequence[int], index: int) -> int | None:
        """The first step after this one at which a count has grown."""
        end = len(self)
        found = bisect_right(counts, counts[index], lo=index, hi=end)
        return found if found < end else None

    @staticmethod
    def last_with_more(counts: Sequence[int], index: int) -> int | None:
        """The newest step before this one at which a count had grown."""
        if index == 0 or not counts[index - 1]:
            return None
        return bisect_left(counts, counts[index - 1], hi=index)


def read_step(file: int, offset: int, length: int, settings: Settings) -> Snapshot:
    """What could be seen at a step that a run of these settings wrote; ``file`` is a descriptor."""
    packed = zlib.decompress(os.pread(file, length, offset))
    return msgspec.structs.replace(_decoder.decode(packed), settings=settings)


_decoder = msgspec.msgpack.Decoder(Snapshot, dec_hook=lambda kind, text: kind(text))


def write_steps(
    request: ReplayRequest,
    file: IO[bytes],
    opens: Callable[[int, int], None],
    tell: Callable[[Step], None],
) -> None:
    """Run the thresholds under test and write what could be seen; ``opens`` hears when rows begin and end.

    Raises HistoryError, ConfigError, and OSError when there is no room.
    """
    from console.backtest.kernel import Kernel, first_ns_of

    with opened(request) as timeline:
        first_ns, last_ns = _extent(timeline)
        opens(first_ns, last_ns)
        # Every row, so that positions are marked as they would have been.
        setup = replace(setup_of(request, request.under_test), skip_ahead=False)
        slices = timeline.slices()
        first = next(slices)
        kernel = Kernel(setup, timeline, first_ns_of(first))
        writer = _Writer(kernel, last_ns, _between_ns(last_ns - first_ns), file, tell)
        writer.begin(first_ns)
        kernel.run(itertools.chain([first], slices), lambda rows: None)
        writer.end()


def _extent(timeline: Timeline) -> tuple[int, int]:
    from console.backtest.kernel import first_ns_of, last_ns_of

    ends = [(first_ns_of(each), last_ns_of(each)) for each in timeline.slices()]
    return ends[0][0], max(last_ns for _, last_ns in ends)


def _between_ns(covered_ns: int) -> int:
    """The time from step to step: as short as a bounded number of them allows."""
    least_s = covered_ns / _MOST_STEPS / NS_PER_S
    return next((step for step in _STEPS_S if step >= least_s), int(least_s) + 1) * NS_PER_S


class _Seen(NamedTuple):
    """A step that is not written before a later one comes."""

    at_ns: int
    picture: Snapshot
    trades: int
    breaches: int


class _Writer:
    """Looks on at equal steps while there are rows, and whenever something was traded or breached."""

    def __init__(
        self, kernel: Kernel, last_ns: int, between_ns: int, file: IO[bytes], tell: Callable[[Step], None]
    ) -> None:
        from console.engine.picture import Painter, Surroundings

        self._kernel = kernel
        self._engine = kernel.desk.engine
        self._last_ns = last_ns
        self._between_ns = between_ns
        self._file = file
        self._tell = tell
        self._painter = Painter()
        self._around = Surroundings("practice", False, (), True, None)
        self._offset = self._trades = self._breaches = self._logged = 0
        self._asked_ns = -1
        self._seen: _Seen | None = None
        kernel.desk.on_record = self._hear

    def begin(self, first_ns: int) -> None:
        self._ask(first_ns, self._look_again)

    def end(self) -> None:
        """Write what can be seen last: what was paid out at the end is marked after it was told."""
        self._look(self._kernel.now_ns)
        if self._seen is not None:
            self._write(self._seen)

    def _ask(self, at_ns: int, look: Callable[[int], None]) -> None:
        from console.backtest.agenda import Phase

        self._kernel.agenda.add(at_ns, Phase.LOOK, look)

    def _hear(self, record: JournaledEvent) -> None:
        if isinstance(record, LatchRaised):
            self._breaches += 1
        elif not isinstance(record, OrderFilled | MarketSettled):
            return
        at_ns = self._kernel.desk.now_ns
        if at_ns != self._asked_ns:
            self._asked_ns = at_ns
            self._ask(at_ns, self._look)

    def _look_again(self, at_ns: int) -> None:
        self._look(at_ns)
        if at_ns < self._last_ns:
            self._ask(min(self._last_ns, at_ns + self._between_ns), self._look_again)

    def _look(self, at_ns: int) -> None:
        """Take what can be seen now; of several looks at one time the last counts."""
        self._asked_ns = -1
        if self._seen is not None:
            if self._seen.at_ns < at_ns:
                self._write(self._seen)
            at_ns = max(at_ns, self._seen.at_ns)
        picture = self._painter.take(self._engine, at_ns, self._around)
        for entry in takewhile(lambda entry: entry.sequence > self._logged, reversed(picture.log)):
            self._trades += entry.kind in (LogKind.FILL, LogKind.SETTLED)
        self._logged = picture.log[-1].sequence if picture.log else 0
        self._seen = _Seen(at_ns, picture, self._trades, self._breaches)

    def _write(self, seen: _Seen) -> None:
        shown = msgspec.structs.replace(
            seen.picture, feed_age_ns=0, order_ids=(), settings=_NOT_SHOWN, edits=(), risk=None, at_stake=()
        )
        packed = zlib.compress(msgspec.msgpack.encode(shown, enc_hook=without_secret), _COMPRESSION)
        self._file.write(packed)
        self._tell(Step(seen.at_ns, self._offset, len(packed), seen.trades, seen.breaches))
        self._offset += len(packed)
