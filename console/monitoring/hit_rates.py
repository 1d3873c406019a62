"""How often what was bought won, by its price, against how often it has to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from console.domain.fees import FeeModel
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash
from console.monitoring.buckets import BUCKETS, bucket_of
from console.monitoring.performance import Part, part
from console.monitoring.statistics import Interval, effective_number, events_needed, wilson
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


def bucket_rows(trades: Iterable[Trade], fee_model: FeeModel) -> list[BucketRow]:
    """Every bucket in which something was bought, cheapest first."""
    members: defaultdict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        members[bucket_of(trade.entry).name].append(trade)
    rows = []
    for bucket in BUCKETS:
        if found := members[bucket.name]:
            money, contracts = part(bucket.name, found), sum(trade.contracts for trade in found)
            rows.append(
                BucketRow(
                    name=bucket.name,
                    lo=bucket.low // PRICE_PER_CENT,
                    hi=bucket.high // PRICE_PER_CENT,
                    n_contracts=contracts / COUNT_PER_CONTRACT,
                    mean_price=money.paid / contracts / PRICE_PER_CENT,
                    money=money,
                    judged=hit_rate(found, fee_model),
                )
            )
    return rows


def hit_rate(trades: Iterable[Trade], fee_model: FeeModel) -> HitRate | None:
    """Of those with a recorded result; the fee model says what winning would cost."""
    import numpy as np

    judged = [trade for trade in trades if trade.is_judged]
    if not judged:
        return None
    contracts: defaultdict[str, int] = defaultdict(int)
    missed: defaultdict[str, int] = defaultdict(int)
    for trade in judged:
        assert trade.payout is not None
        contracts[trade.market.event_ticker] += trade.contracts
        missed[trade.market.event_ticker] += trade.payout_if_won - trade.payout
    best = sum(trade.payout_if_won for trade in judged)
    rate = 1 - sum(missed.values()) / best
    effective = effective_number(np.array(list(contracts.values()), dtype=np.float64))
    break_even = _break_even(judged, Cash(best), fee_model)
    expected = sum(trade.expected for trade in judged) / best
    return HitRate(
        n_contracts=sum(contracts.values()) / COUNT_PER_CONTRACT,
        n_events=len(contracts),
        lost_events=sum(lost > 0 for lost in missed.values()),
        effective_events=effective,
        hit_rate=rate,
        interval=wilson(rate, effective),
        break_even=break_even,
        expected=expected,
        events_needed=_needed(break_even, expected),
    )


def _break_even(judged: Sequence[Trade], payout: Cash, fee_model: FeeModel) -> float:
    """The rate whose payout, less what is charged on profit, is what buying cost."""
    paid = sum(trade.paid for trade in judged)
    charged = sum(trade.buying_charges for trade in judged)
    return (paid + charged) / (payout - fee_model.on_profit(Cash(payout - paid)))


def _needed(break_even: float, expected: float) -> int | None:
    if not 0 < break_even < 1 or expected <= break_even:
        return None
    return events_needed(break_even, expected - break_even, power_80=True)
