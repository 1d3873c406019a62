"""Sizes, depth and prints where a recording has none: drawn from laws fitted to recorded BTC order books.

Prices here are a level's own price as a bid for the outcome it buys, so one law serves both sides. All draws
come from generators seeded by a stable hash, so a seed gives the same market on every machine.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from fractions import Fraction

from console.domain.book import BookSide, Level
from console.domain.grid import WHOLE_CENTS, PriceGrid
from console.domain.market import Outcome
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, PRICE_PER_DOLLAR, Count, Price
from console.domain.time_units import NS_PER_S


@dataclass(frozen=True)
class Scales:
    """A coin's size and print rate beside those of the fitted market."""

    depth: float
    prints: float


# Depth was measured for each coin, prints for BTC, ETH, SOL and XRP; the other print scales are guesses.
_SCALES = {
    "BTC": Scales(1.0, 0.42),
    "BNB": Scales(0.5, 0.03),
    "HYPE": Scales(0.45, 0.03),
    "ETH": Scales(0.35, 0.05),
    "SOL": Scales(0.17, 0.03),
    "XRP": Scales(0.12, 0.03),
    "DOGE": Scales(0.10, 0.03),
    "ZEC": Scales(0.025, 0.02),
    "NEAR": Scales(0.02, 0.01),
}
_OTHER_SERIES = Scales(0.1, 0.03)


@dataclass(frozen=True)
class SizeLaw:
    """Lognormal size in contracts; ``memory`` is the correlation of log size over a second."""

    mu: float
    sigma: float
    memory: float
    is_tail: bool = False


_LOW_TAIL = SizeLaw(5.1, 1.95, 0.85, is_tail=True)
_HIGH_TAIL = SizeLaw(5.2, 2.05, 0.85, is_tail=True)
_LAWS = (
    (300, SizeLaw(7.6, 1.5, 0.65)),
    (1_000, SizeLaw(6.5, 1.7, 0.65)),
    (6_000, SizeLaw(5.7, 1.75, 0.65)),
    (9_000, SizeLaw(6.1, 1.7, 0.65)),
    (9_700, SizeLaw(6.5, 1.55, 0.70)),
    (PRICE_PER_DOLLAR, SizeLaw(8.1, 1.8, 0.65)),
)
_DEPTH_BY_CENT = (1.0, 1.6, 1.55, 0.9, 0.5, 0.45, 0.42, 0.38, 0.35, 0.31, 0.28)
_LEVELS = 10
_PRINTS_PER_S, _TAIL_PRINTS_PER_S = 3.6, 2.75  # on each side
_BURSTINESS, _TAIL_BURSTINESS = 6.0, 1.5
_LEAST_PRINTS_PER_S = 1e-9  # a drawn rate may round to zero, which has no waiting time
_PRINT_MU, _PRINT_SIGMA = 2.7, 1.7
_SWEPT_BY_PRINT, _TAIL_SWEPT_BY_PRINT = 0.42, 0.33


def generator(seed: int, *parts: object) -> random.Random:
    """A generator of its own for every seed and name."""
    text = "|".join(str(part) for part in (seed, *parts))
    return random.Random(hashlib.blake2b(text.encode(), digest_size=16).digest())  # noqa: S311 - a model


def scales_of(series_ticker: str) -> Scales:
    """The scales of a series such as KXETH15M; a guess for one that was not measured."""
    name = series_ticker.removeprefix("KX")
    return next((scales for coin, scales in _SCALES.items() if name.startswith(coin)), _OTHER_SERIES)


def size_law(own: Price, grid: PriceGrid) -> SizeLaw:
    """The law of a level's size; tails are where the grid is finer than a cent."""
    if grid != WHOLE_CENTS and own < 1_000:
        return _LOW_TAIL
    if grid != WHOLE_CENTS and own > 9_000:
        return _HIGH_TAIL
    return next(law for below, law in _LAWS if own < below)


def draw_result(seed: int, key: str, bid: Price, ask: Price) -> Outcome:
    """A result drawn at a market's last middle; an empty side counts at 0 or one dollar."""
    middle = Fraction(bid + ask, 2 * PRICE_PER_DOLLAR)
    return "yes" if generator(seed, key, "result").random() < middle else "no"


class SideRun:
    """One side of a book while its best price stands."""

    def __init__(
        self, rng: random.Random, side: BookSide, best: Price, grid: PriceGrid, scales: Scales
    ) -> None:
        self._rng = rng
        self._side = side
        self._scales = scales
        self.own = side.price_paid(best)
        self._law = size_law(self.own, grid)
        self._deviation = rng.gauss(0.0, 1.0)
        self._burst_shape = _TAIL_BURSTINESS if self._law.is_tail else _BURSTINESS
        self._prints_per_s = scales.prints * (_TAIL_PRINTS_PER_S if self._law.is_tail else _PRINTS_PER_S)
        self._below = self._draw_below(grid)
        self._stop_share = rng.random()

    def _draw_below(self, grid: PriceGrid) -> tuple[Level, ...]:
        levels: list[Level] = []
        own = grid.floor(Price(self.own - 1))
        while own is not None and len(levels) < _LEVELS - 1:
            law = size_law(own, grid)
            cents = min((self.own - own) // PRICE_PER_CENT, len(_DEPTH_BY_CENT) - 1)
            size = self._size(law, self._rng.gauss(0.0, 1.0), _DEPTH_BY_CENT[cents])
            levels.append(Level(self._side.price_paid(own), size))
            own = grid.floor(Price(own - 1))
        return tuple(levels)

    def _size(self, law: SizeLaw, deviation: float, factor: float = 1.0) -> Count:
        contracts = round(self._scales.depth * factor * math.exp(law.mu + law.sigma * deviation))
        return Count(max(1, contracts) * COUNT_PER_CONTRACT)

    def churn(self, seconds: float) -> None:
        """Let the best size move on as it does in so many recorded seconds."""
        kept = self._law.memory**seconds
        self._deviation = kept * self._deviation + math.sqrt(1 - kept * kept) * self._rng.gauss(0.0, 1.0)

    @property
    def best_size(self) -> Count:
        return self._size(self._law, self._deviation)

    def levels(self, best_size: Count) -> tuple[Level, ...]:
        """The side, best first."""
        return (Level(self._side.price_paid(self.own), best_size), *self._below)

    def prints(self, start_ns: int, end_ns: int) -> list[tuple[int, Count]]:
        """Takers that want the best between two recorded times; each second has a rate of its own."""
        found: list[tuple[int, Count]] = []
        for second_ns in range(start_ns, end_ns, NS_PER_S):
            burst = self._rng.gammavariate(self._burst_shape, 1 / self._burst_shape)
            per_ns = max(burst * self._prints_per_s, _LEAST_PRINTS_PER_S) / NS_PER_S
            at = second_ns + self._rng.expovariate(per_ns)
            while at < min(second_ns + NS_PER_S, end_ns):
                contracts = max(1, round(self._rng.lognormvariate(_PRINT_MU, _PRINT_SIGMA)))
                found.append((int(at), Count(contracts * COUNT_PER_CONTRACT)))
                at += self._rng.expovariate(per_ns)
        return found

    def prints_end_ns(self, start_ns: int, end_ns: int, next_own: Price | None) -> int:
        """When a run's prints end: before a better price the level is left alone for a drawn share."""
        if next_own is not None and next_own > self.own:
            return start_ns + int(self._stop_share * (end_ns - start_ns))
        return end_ns

    def is_swept_by_print(self) -> bool:
        """Draws whether a level that gives way was traded away, or else cancelled."""
        return self._rng.random() < (_TAIL_SWEPT_BY_PRINT if self._law.is_tail else _SWEPT_BY_PRINT)
