"""What prices did after the fills of makers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from console.domain.book import BookSide
from console.domain.money import PRICE_PER_CENT, PRICE_PER_DOLLAR
from console.domain.time_units import NS_PER_S
from console.monitoring.records import MARK_OUT_NS, FillRecord
from console.monitoring.statistics import Interval, clustered_interval

_TWICE_CENT = 2 * PRICE_PER_CENT


class MarkOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcome that makers bought was worth more at the mid after a time, in cents by contract.

    ``unknown`` fills had no mid then. The interval is a bootstrap of whole events.
    """

    outcome: str
    after_s: int
    fills: int
    unknown: int
    mean_cents: float | None
    interval: Interval | None


class MarkOutSums:
    """What mark-outs are made from, of fills that may be taken away again."""

    def __init__(self) -> None:
        self._makers = Counter[BookSide]()
        # Of each outcome and time, by event: fills, twice what they gained, and contracts.
        self._known: defaultdict[tuple[BookSide, int], dict[str, list[int]]] = defaultdict(dict)

    def add(self, record: FillRecord, event: str, sign: int = 1) -> None:
        """Of a taker's nothing."""
        fill = record.fill
        if fill.is_taker:
            return
        self._makers[fill.side] += sign
        for horizon, twice_mid in enumerate(record.twice_mids):
            if twice_mid is not None:
                known = self._known[fill.side, horizon]
                sums = known.setdefault(event, [0, 0, 0])
                sums[0] += sign
                sums[1] += sign * _twice_gained(record, twice_mid) * fill.count
                sums[2] += sign * fill.count
                if not sums[0]:
                    del known[event]

    def mark_outs(self, *, intervals: bool = True) -> list[MarkOut]:
        """Without intervals where nobody shows them."""
        return [
            self._mark_out(side, horizon, intervals=intervals)
            for side in BookSide
            if self._makers[side]
            for horizon in range(len(MARK_OUT_NS))
        ]

    def _mark_out(self, side: BookSide, horizon: int, *, intervals: bool) -> MarkOut:
        known = list(self._known[side, horizon].values())
        fills = sum(each for each, _, _ in known)
        gained, contracts = [each for _, each, _ in known], [each for _, _, each in known]
        return MarkOut(
            outcome=side.outcome,
            after_s=MARK_OUT_NS[horizon] // NS_PER_S,
            fills=self._makers[side],
            unknown=self._makers[side] - fills,
            mean_cents=sum(gained) / (sum(contracts) * _TWICE_CENT) if known else None,
            interval=_mark_out_interval(gained, contracts) if intervals else None,
        )


def _mark_out_interval(gained: Sequence[int], contracts: Sequence[int]) -> Interval | None:
    # Only here: a running console shows none, and would load it for them.
    import numpy as np

    return clustered_interval(np.array(gained) / _TWICE_CENT, np.array(contracts, dtype=np.float64))


def _twice_gained(record: FillRecord, twice_mid: int) -> int:
    """Twice what the outcome bought is worth more than its price at a mid, in ten-thousandths of a dollar."""
    side = record.fill.side
    twice_worth = twice_mid if side is BookSide.BID else 2 * PRICE_PER_DOLLAR - twice_mid
    return twice_worth - 2 * side.price_paid(record.fill.price)
