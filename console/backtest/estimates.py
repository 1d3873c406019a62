"""Win rate, edge and return of groups of prices, with intervals that take an event for one draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from console.backtest.panels import Panel
from console.domain.fees import KalshiFees
from console.domain.market import FeeTerms
from console.domain.money import (
    CASH_PER_CENT,
    COUNT_PER_CONTRACT,
    PRICE_PER_CENT,
    PRICE_PER_DOLLAR,
    Count,
    Price,
)
from console.monitoring.statistics import (
    FEW_OF_A_KIND,
    Interval,
    clustered_interval,
    effective_number,
    wilson,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

ORDER_CONTRACTS = 100
"""Fees are rounded once an order: one of this size, of which a contract bears its share."""

# Which series charge makers is not recorded: the dearer schedule, beside the edge before fees.
_TAKER_TERMS = FeeTerms()
_MAKER_TERMS = FeeTerms("quadratic_with_maker_fees")


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """One group of prices. Prices are cents, edges and fees points (cents a contract), rates of 1.

    ``effective_events`` is how many equally large events the events are worth; ``ci`` is the interval of
    ``edge``, None when one event is all there is.
    """

    n_observations: int
    n_contracts: float
    n_markets: int
    n_events: int
    effective_events: float
    win_rate: float
    win_rate_ci: Interval | None
    mean_price: float
    edge: float
    ci: Interval | None
    fee: float
    net_edge: float
    break_even: float
    return_pct: float
    net_return_pct: float
    losses_per_100: float


def estimates_by(panel: Panel, group: Ints, event: Ints) -> Iterator[tuple[int, Estimate]]:
    """The estimate of each group of a panel's rows, by the group's number; ``event`` is that of each market.

    A displayed price counts once in each market, side and group, where it was first seen: a quote that stood
    for an hour was one chance. Every trade counts.
    """
    import numpy as np

    if not len(group):
        return
    if panel.source == "quote":
        chance = (2 * panel.market + panel.is_yes) * (int(group.max()) + 1) + group
        _, first = np.unique(chance, return_index=True)
        panel, group = panel.rows(first), group[first]
    order = np.argsort(group, kind="stable")
    panel, group = panel.rows(order), group[order]
    names, starts = np.unique(group, return_index=True)
    for name, start, end in zip(names, starts, [*starts[1:], len(group)], strict=True):
        yield int(name), _estimate(panel.rows(np.arange(start, end)), event)


def _estimate(panel: Panel, event_of_market: Ints) -> Estimate:
    import numpy as np

    _, event = np.unique(event_of_market[panel.market], return_inverse=True)
    counts = np.bincount(event).astype(np.float64)
    excess = PRICE_PER_DOLLAR * panel.won - panel.price
    sums = np.bincount(event, weights=excess / PRICE_PER_CENT).astype(np.float64)
    n = len(panel.price)
    # Ints are summed before they are divided, so that the order of rows changes no digit.
    wins, paid = int(panel.won.sum()), int(panel.price.sum()) / PRICE_PER_CENT
    win_rate, mean_price, edge = wins / n, paid / n, (100 * wins - paid) / n
    effective = effective_number(counts)
    win_rate_ci = wilson(win_rate, effective)
    fee = _mean_fee(panel)
    return Estimate(
        n_observations=n,
        n_contracts=int(panel.count.sum()) / COUNT_PER_CONTRACT,
        n_markets=len(np.unique(panel.market)),
        n_events=len(counts),
        effective_events=effective,
        win_rate=win_rate,
        win_rate_ci=win_rate_ci,
        mean_price=mean_price,
        edge=edge,
        ci=_edge_interval(clustered_interval(sums, counts), win_rate, win_rate_ci, mean_price, effective),
        fee=fee,
        net_edge=edge - fee,
        break_even=(mean_price + fee) / 100,
        return_pct=100 * edge / mean_price,
        net_return_pct=100 * (edge - fee) / (mean_price + fee),
        losses_per_100=100 * (1 - win_rate),
    )


def _edge_interval(
    bootstrap: Interval | None,
    win_rate: float,
    win_rate_ci: Interval | None,
    mean_price: float,
    effective: float,
) -> Interval | None:
    """The bootstrap's, made as wide as Wilson's where too few events went either way to resample."""
    if bootstrap is None or win_rate_ci is None:
        return None
    if effective * min(win_rate, 1 - win_rate) >= FEW_OF_A_KIND:
        return bootstrap
    low, high = win_rate_ci
    return min(bootstrap[0], 100 * low - mean_price), max(bootstrap[1], 100 * high - mean_price)


def _mean_fee(panel: Panel) -> float:
    """Points a contract, of an order of ``ORDER_CONTRACTS`` at each price."""
    import numpy as np

    is_taker = panel.role == "taker"
    prices, times = np.unique(panel.price, return_counts=True)
    total = sum(
        int(n) * order_fee(Price(int(price)), is_taker=is_taker)
        for price, n in zip(prices, times, strict=True)
    )
    return total / (CASH_PER_CENT * ORDER_CONTRACTS * len(panel.price))


def order_fee(price: Price, *, is_taker: bool) -> int:
    """What an order of ``ORDER_CONTRACTS`` pays the exchange, as cash."""
    terms = _TAKER_TERMS if is_taker else _MAKER_TERMS
    count = Count(ORDER_CONTRACTS * COUNT_PER_CONTRACT)
    return KalshiFees().on_trade(terms, price, count, is_taker=is_taker)
