"""How sure a measured rate or mean is, when the draws within an event are one draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Interval = tuple[float, float]
"""Lower and upper end of a two-sided 95 % interval."""

Z_95 = 1.959964
"""Standard errors to either side of a 95 % interval."""

FEW_OF_A_KIND = 5
"""With fewer won or lost draws than this a bootstrap cannot tell how rare the rarer kind is."""

_Z_POWER_80 = 0.841621
_DRAWS = 2_000
_SEED = 0
_MOST_INDICES = 1_000_000


def wilson(rate: float, n: float) -> Interval | None:
    """Wilson's score interval of a rate seen in ``n`` independent draws; None without any."""
    if n <= 0:
        return None
    z2 = Z_95**2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def variance_of_one_draw(n: int, expected: int, payout: int) -> int:
    """Of what ``n`` contracts of an event pay in all that together are expected to pay ``expected``.

    They are taken to win or lose together, as the bootstrap takes a cluster: never less than if they did not.
    """
    return expected * (n * payout - expected)


def effective_number(weights: Floats) -> float:
    """How many equal draws the unequal ones are worth (Kish): their number when all weigh the same."""
    squares = float((weights * weights).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def clustered_interval(sums: Floats, counts: Floats) -> Interval | None:
    """Bootstrap interval of sum(sums) / sum(counts), whole clusters drawn again and again.

    The draws are always alike, and so are the clusters in whatever order they come. None with fewer than
    two of them: one draw says nothing about the next.
    """
    import numpy as np

    clusters = len(sums)
    if clusters < 2:
        return None
    order = np.lexsort((sums, counts))
    sums, counts = sums[order], counts[order]
    generator = np.random.default_rng(_SEED)
    means = []
    chunk = max(1, _MOST_INDICES // clusters)
    for start in range(0, _DRAWS, chunk):
        drawn = generator.integers(0, clusters, (min(chunk, _DRAWS - start), clusters))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.percentile(np.concatenate(means), (2.5, 97.5))
    return float(low), float(high)


def where_few_differ(
    net: Sequence[float], weights: Sequence[float], loss_of: Callable[[float], float]
) -> tuple[Interval, float] | None:
    """What a unit of weight makes, and how likely chance makes as much, where few clusters lost or few won.

    By the share of weight lost: Wilson's interval of it and its score test. What a lost unit loses is taken
    from those that were lost, or from ``loss_of`` what a unit that was not lost gained. None where enough
    went either way, where none gained, and with fewer than two clusters.
    """
    total = math.fsum(weights)
    lost = math.fsum(weight for made, weight in zip(net, weights, strict=True) if made < 0)
    gained = math.fsum(made for made in net if made > 0)
    if len(net) < 2 or not gained:
        return None
    effective, share = total**2 / math.fsum(each * each for each in weights), lost / total
    if effective * min(share, 1 - share) >= FEW_OF_A_KIND:
        return None
    gain = gained / (total - lost)
    loss = -math.fsum(made for made in net if made < 0) / lost if lost else loss_of(gain)
    shares = wilson(share, effective)
    assert shares is not None, "there are clusters"
    even = gain / (gain + loss)
    z = abs(even - share) / math.sqrt(even * (1 - even) / effective)
    high, low = ((1 - each) * gain - each * loss for each in shares)
    return (low, high), math.erfc(z / math.sqrt(2))


def student_p_value(t: float, freedom: int) -> float:
    """Two-sided, of Student's t with so many degrees of freedom, from 1 on (Abramowitz and Stegun 26.7)."""
    angle = math.atan(abs(t) / math.sqrt(freedom))
    is_odd, squared = freedom % 2, math.cos(angle) ** 2
    term, series = math.cos(angle) if is_odd else 1.0, 0.0
    for power in range(is_odd, freedom - 1, 2):
        series += term
        term *= squared * (power + 1) / (power + 2)
    within = math.sin(angle) * series
    return max(0.0, 1 - (2 / math.pi * (angle + within) if is_odd else within))


def events_needed(price: float, edge: float, *, power_80: bool = False) -> int | None:
    """Independent events after which an edge stands two standard errors from zero; None for no edge.

    ``price`` is the chance it is an edge over, ``edge`` their difference, both of 1. With ``power_80`` the
    number at which four of five samples show it, at 95 %.
    """
    if not edge:
        return None
    errors = Z_95 + _Z_POWER_80 if power_80 else 2.0
    return math.ceil(errors**2 * price * (1 - price) / edge**2)
