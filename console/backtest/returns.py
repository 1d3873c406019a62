"""Returns of recorded markets: the changes of their mids from tick to tick of one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.domain.money import PRICE_PER_DOLLAR
from console.domain.time_units import NS_PER_S
from console.history.schema import HistoryError
from console.risk.correlation import MIN_OVERLAP

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from console.history.columns import Indices, Prices, Quotes
    from console.history.timeline import Timeline

    Ints = npt.NDArray[np.int64]

CLOCKS_S = (86_400, 3_600, 600, 60, 10, 1)
"""The clocks to choose from, in seconds."""

_TICKS_IN_LIFE = 2 * MIN_OVERLAP
# Two markets share about half of their lives.

_UNSEEN = 2**63 - 1
_UNKNOWN = -1

MOST_SAMPLES = 16_000_000
"""So many mids, or cells of a table, take 128 MB as floats."""


@dataclass(frozen=True)
class Mids:
    """Each market's mid at the ticks up to which it was quoted anew, in order of time within a market.

    Tick N is the time N x ``every_s``; its mid is that of the last quote until then, doubled to be whole, and
    -1 when a side was empty. ``first`` and ``last`` are the ticks by market, ``last`` below ``first`` for one
    that was never quoted.
    """

    every_s: int
    tick: Ints
    market: Indices
    twice_mid: Prices
    first: Ints
    last: Ints

    def quoted(self) -> Ints:
        """The places of the markets with a quote."""
        import numpy as np

        return np.flatnonzero(self.last >= self.first)


def sample_mids(timeline: Timeline, every_s: int | None = None) -> Mids:
    """The mids of a timeline's quotes on a clock of ``every_s`` seconds.

    Without one it is the longest at which half of the markets live through forty ticks. Raises HistoryError
    for a timeline without quotes, or of more mids than memory should hold.
    """
    import numpy as np

    first_ns, last_ns = _lives(timeline)
    lives = (last_ns - first_ns)[last_ns >= first_ns]
    if not len(lives):
        raise HistoryError("no market was quoted in this recording; returns need quotes or candles")
    if every_s is None:
        median = float(np.median(lives)) / NS_PER_S
        every_s = next((each for each in CLOCKS_S if median >= _TICKS_IN_LIFE * each), CLOCKS_S[-1])
    step = every_s * NS_PER_S
    parts: list[tuple[Ints, Indices, Prices]] = []
    held = 0
    for each in timeline.slices():
        parts.append(_sampled(each.quotes, step))
        held += len(parts[-1][0])
        if held > MOST_SAMPLES:
            raise too_much(f"more than {MOST_SAMPLES:,} prices", every_s)
    tick, market, twice_mid = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Mids(every_s, tick, market, twice_mid, _ticks(first_ns, step), _ticks(last_ns, step))


def too_much(what: str, every_s: int) -> HistoryError:
    """The refusal of what would not fit in memory."""
    return HistoryError(
        f"{what} at steps of {every_s} s are too much to compare at once; "
        "choose fewer by --series, --from and --to, or longer steps by --every"
    )


def returns_together(mids: Mids, tickers: list[str]) -> Iterator[pd.DataFrame]:
    """The returns of markets in tables, apart for those that were never quoted at the same time.

    A column a market and a row a tick at which any market of the table was quoted anew. A quote stands until
    the next; before a market's first quote, after its last and where a side is empty there is no return.
    Unit: twice the change of the mid, as Price. Raises HistoryError for a table too large.
    """
    import numpy as np

    cohorts = _cohorts(mids)
    number = np.zeros(len(mids.first), dtype=np.int32)
    for index, cohort in enumerate(cohorts):
        number[cohort] = index
    of_row = number[mids.market]
    order = np.argsort(of_row, kind="stable")
    ends = np.searchsorted(of_row[order], np.arange(1, len(cohorts)))
    for cohort, rows in zip(cohorts, np.split(order, ends), strict=True):
        yield _returns(mids, cohort, rows, [tickers[place] for place in cohort])


def _lives(timeline: Timeline) -> tuple[Ints, Ints]:
    """The time of each market's first and last quote."""
    import numpy as np

    first = np.full(len(timeline.markets), _UNSEEN, dtype=np.int64)
    last = np.full(len(timeline.markets), -1, dtype=np.int64)
    for each in timeline.slices():
        np.minimum.at(first, each.quotes.market, each.quotes.ts_ns)
        np.maximum.at(last, each.quotes.market, each.quotes.ts_ns)
    return first, last


def _sampled(quotes: Quotes, step: int) -> tuple[Ints, Indices, Prices]:
    """The last quote of each market at each tick."""
    import numpy as np

    tick = _ticks(quotes.ts_ns, step)
    order = np.lexsort((tick, quotes.market))
    tick, market = tick[order], quotes.market[order]
    is_last = np.ones(len(order), dtype=np.bool_)
    is_last[:-1] = (tick[1:] != tick[:-1]) | (market[1:] != market[:-1])
    bid, ask = quotes.bid[order][is_last], quotes.ask[order][is_last]
    two_sided = (bid > 0) & (ask < PRICE_PER_DOLLAR)
    twice_mid = np.where(two_sided, bid + ask, _UNKNOWN).astype(np.int16)
    return tick[is_last], market[is_last], twice_mid


def _ticks(ts_ns: Ints, step: int) -> Ints:
    """The first tick at which each time is known, which a tick's own time is."""
    return -(-ts_ns // step)


def _cohorts(mids: Mids) -> list[Ints]:
    """The places of quoted markets, apart where no market lives on into what follows."""
    import numpy as np

    quoted = mids.quoted()
    order = quoted[np.argsort(mids.first[quoted], kind="stable")]
    reach = np.maximum.accumulate(mids.last[order])
    return np.split(order, np.flatnonzero(mids.first[order][1:] >= reach[:-1]) + 1)


def _returns(mids: Mids, cohort: Ints, rows: Ints, tickers: list[str]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    ticks, row = np.unique(mids.tick[rows], return_inverse=True)
    if len(cohort) * max(len(cohort), len(ticks)) > MOST_SAMPLES:
        raise too_much(f"{len(cohort):,} markets, quoted at {len(ticks):,} times,", mids.every_s)
    column = np.zeros(len(mids.first), dtype=np.int64)
    column[cohort] = np.arange(len(cohort))
    table = np.full((len(ticks), len(cohort)), np.nan)
    # A slice may end within a tick: of two mids for one place the later has to win, and does.
    table[row, column[mids.market[rows]]] = mids.twice_mid[rows]
    standing = pd.DataFrame(table, index=ticks, columns=tickers).ffill()
    in_life = ticks[:, np.newaxis] <= mids.last[cohort]
    return standing.where(in_life & (standing != _UNKNOWN)).diff().iloc[1:]
