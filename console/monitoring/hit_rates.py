"""How often what was bought won, by its price, against how often it has to."""

from __future__ import annotations

from collections import Counter

import msgspec

from console.domain.fees import FeeModel
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash
from console.monitoring.buckets import BUCKETS, bucket_of
from console.monitoring.performance import Part, PartSums
from console.monitoring.statistics import Interval, events_needed, wilson
from console.monitoring.trades import Trade


class HitRate(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts bought in some trades, judged by what they paid, whether held until then or sold.

    Rates are of 1 and by contracts; a tie pays half. ``break_even`` is the rate at which their price, fees
    and slippage come back; ``expected`` is what the strategy took the rate to be. ``interval`` is Wilson's,
    of as many equally large events as theirs are worth. ``events_needed`` are what shows the expected edge
    in four samples of five, None where none was expected.
    """

    n_contracts: float
    n_events: int
    lost_events: int
    effective_events: float
    hit_rate: float
    interval: Interval | None
    break_even: float
    expected: float
    events_needed: int | None

    @property
    def losses_per_100(self) -> float:
        return 100 * (1 - self.hit_rate)

    @property
    def expected_losses_per_100(self) -> float:
        return 100 * (1 - self.expected)


class BucketRow(msgspec.Struct, frozen=True, kw_only=True):
    """The trades whose average entry lies in a bucket, ``lo`` to ``hi`` and ``mean_price`` in cents.

    ``judged`` is of those whose result was recorded, None where there are none.
    """

    name: str
    lo: int
    hi: int
    n_contracts: float
    mean_price: float
    money: Part
    judged: HitRate | None


class HitSums:
    """What a ``HitRate`` is made from, of trades that may be taken away again."""

    def __init__(self) -> None:
        self._contracts = self._squares = self._missed = self._lost_events = 0
        self._paid = self._charges = self._best = self._expected = 0
        self._events: dict[str, list[int]] = {}

    def add(self, trade: Trade, sign: int = 1) -> None:
        """Of one whose result was not recorded, nothing."""
        payout = trade.payout
        if payout is None or trade.market.is_drawn:
            return
        best, contracts = trade.payout_if_won, sign * trade.contracts
        missed = sign * (best - payout)
        self._contracts += contracts
        self._missed += missed
        self._best += sign * best
        self._paid += sign * trade.paid
        self._charges += sign * trade.buying_charges
        self._expected += sign * trade.expected
        name = trade.market.event_ticker
        event = self._events.setdefault(name, [0, 0, 0])
        before, lost_before = event[1], event[2] > 0
        event[0] += sign
        event[1] += contracts
        event[2] += missed
        self._squares += event[1] * event[1] - before * before
        self._lost_events += (event[2] > 0) - lost_before
        if not event[0]:
            del self._events[name]

    def rate(self, fee_model: FeeModel) -> HitRate | None:
        """None without any; the fee model says what winning would cost."""
        if not self._events:
            return None
        rate = 1 - self._missed / self._best
        effective = self._contracts**2 / self._squares
        expected = self._expected / self._best
        break_even = (self._paid + self._charges) / (
            self._best - fee_model.on_profit(Cash(self._best - self._paid))
        )
        return HitRate(
            n_contracts=self._contracts / COUNT_PER_CONTRACT,
            n_events=len(self._events),
            lost_events=self._lost_events,
            effective_events=effective,
            hit_rate=rate,
            interval=wilson(rate, effective),
            break_even=break_even,
            expected=expected,
            events_needed=_needed(break_even, expected),
        )


class BucketSums:
    """Trades by the bucket of their average entry, which may be taken away again."""

    def __init__(self) -> None:
        self._of = {bucket.name: (bucket, PartSums(), HitSums()) for bucket in BUCKETS}
        self._contracts = Counter[str]()

    def add(self, trade: Trade, net: Cash | None, sign: int = 1) -> None:
        name = bucket_of(trade.entry).name
        _, money, judged = self._of[name]
        money.add(trade, net, sign)
        judged.add(trade, sign)
        self._contracts[name] += sign * trade.contracts

    def rows(self, fee_model: FeeModel) -> list[BucketRow]:
        """Every bucket in which something was bought, cheapest first."""
        return [self._row(name, fee_model) for name, (_, money, _) in self._of.items() if money.trades]

    def won(self, name: str) -> int:
        """How many of a bucket made money."""
        return self._of[name][1].won

    def _row(self, name: str, fee_model: FeeModel) -> BucketRow:
        bucket, sums, judged = self._of[name]
        money, contracts = sums.part(name), self._contracts[name]
        return BucketRow(
            name=name,
            lo=bucket.low // PRICE_PER_CENT,
            hi=bucket.high // PRICE_PER_CENT,
            n_contracts=contracts / COUNT_PER_CONTRACT,
            mean_price=money.paid / contracts / PRICE_PER_CENT,
            money=money,
            judged=judged.rate(fee_model),
        )


def _needed(break_even: float, expected: float) -> int | None:
    if not 0 < break_even < 1 or expected <= break_even:
        return None
    return events_needed(break_even, expected - break_even, power_80=True)
