"""Sizes of quotes that were recorded without one, drawn from the laws of the practice exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from console.domain.grid import WHOLE_CENTS, PriceGrid
from console.domain.market import Market
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_DOLLAR, Price
from console.history.columns import UNKNOWN_SIZE, Quotes
from console.practice.model import scales_of, size_law

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bits = npt.NDArray[np.uint64]

_MOST = (2**31 - 1) // COUNT_PER_CONTRACT
_SIDES = ("bid", "ask")


class ModelledDepth:
    """The size at a best price is drawn when the price comes and stays while it stands.

    A draw depends on the seed, the ticker, the side and that time alone: not on where a recording is cut.
    """

    def __init__(self, seed: int, markets: Sequence[Market]) -> None:
        self._scale = np.array([scales_of(market.series_ticker).depth for market in markets])
        self._is_fine = np.array([market.grid != WHOLE_CENTS for market in markets])
        self._fine_grid = next((market.grid for market in markets if market.grid != WHOLE_CENTS), WHOLE_CENTS)
        self._keys = {side: _keys(seed, side, markets) for side in _SIDES}
        self._price = {side: np.full(len(markets), -1, dtype=np.int64) for side in _SIDES}
        self._since_ns = {side: np.zeros(len(markets), dtype=np.int64) for side in _SIDES}

    def sized(self, quotes: Quotes) -> Quotes:
        """The next quotes of the recording, each size known."""
        order = np.argsort(quotes.market, kind="stable")
        bid, ask = quotes.bid.astype(np.int64), quotes.ask.astype(np.int64)
        drawn = {
            "bid": self._drawn("bid", quotes, bid, bid, order),
            "ask": self._drawn("ask", quotes, ask, PRICE_PER_DOLLAR - ask, order),
        }
        return replace(
            quotes,
            bid_size=np.where(quotes.bid_size == UNKNOWN_SIZE, drawn["bid"], quotes.bid_size),
            ask_size=np.where(quotes.ask_size == UNKNOWN_SIZE, drawn["ask"], quotes.ask_size),
        )

    def _drawn(self, side: str, quotes: Quotes, price: Ints, own: Ints, order: Ints) -> npt.NDArray[np.int32]:
        """``own`` is what the price is as a bid for the outcome bought, for which the laws are."""
        market = quotes.market
        since_ns = self._since(side, quotes.ts_ns, market, price, order)
        mu, sigma = (
            np.where(self._is_fine[market], fine[own], whole[own])
            for fine, whole in zip(_laws(self._fine_grid), _laws(WHOLE_CENTS), strict=True)
        )
        contracts = self._scale[market] * np.exp(mu + sigma * _normal(self._keys[side][market], since_ns))
        return (np.clip(np.round(contracts), 1, _MOST) * COUNT_PER_CONTRACT).astype(np.int32)

    def _since(self, side: str, ts_ns: Ints, market: npt.NDArray[np.int32], price: Ints, order: Ints) -> Ints:
        """When each row's price came."""
        known_price, known_ns = self._price[side], self._since_ns[side]
        of, at, times = market[order], price[order], ts_ns[order]
        begins = np.ones(len(of), dtype=np.bool_)
        begins[1:] = of[1:] != of[:-1]
        before = np.empty_like(at)
        before[1:] = at[:-1]
        before[begins] = known_price[of[begins]]
        comes = at != before
        times = np.where(begins & ~comes, known_ns[of], times)
        first = np.maximum.accumulate(np.where(begins | comes, np.arange(len(of)), 0))
        times = times[first]
        known_price[of], known_ns[of] = at, times
        since = np.empty_like(times)
        since[order] = times
        return since


@lru_cache(maxsize=8)
def _laws(grid: PriceGrid) -> tuple[Floats, Floats]:
    """Mean and deviation of log size by price; at nothing and at a dollar nobody stands."""
    laws = [size_law(Price(min(own, PRICE_PER_DOLLAR - 1)), grid) for own in range(PRICE_PER_DOLLAR + 1)]
    return np.array([law.mu for law in laws]), np.array([law.sigma for law in laws])


def _keys(seed: int, side: str, markets: Sequence[Market]) -> Bits:
    names = (f"{seed}|{market.ticker}|{side}".encode() for market in markets)
    digests = b"".join(blake2b(name, digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _normal(keys: Bits, since_ns: Ints) -> Floats:
    """A standard normal number for each key and time, by Box and Muller."""
    one = _mixed(keys ^ _mixed(since_ns.astype(np.uint64)))
    other = _mixed(one)
    radius = np.sqrt(-2 * np.log1p(-_unit(one)))
    result: Floats = radius * np.cos(2 * np.pi * _unit(other))
    return result


def _mixed(bits: Bits) -> Bits:
    """SplitMix64 (Steele, Lea and Flood 2014)."""
    z = bits + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Bits = z ^ (z >> np.uint64(31))
    return result


def _unit(bits: Bits) -> Floats:
    """From 0 on and below 1."""
    return (bits >> np.uint64(11)).astype(np.float64) / 2**53
