"""How fills slipped: each role's since the start, and the newest takers' against the touch."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

import msgspec

from console.config.trading_settings import QualitySettings
from console.domain.market import Ticker
from console.domain.money import Count
from console.monitoring.execution import Bar, bars_of
from console.monitoring.slippage import CENTIBPS_PER_BPS, RoleSums, SlippageSample

_MOST_TAKEN = 1_000
"""The longest window that may be set."""


class TakerSlippage(msgspec.Struct, frozen=True):
    """The mean of the newest takers' fills by contracts; None while they are not enough."""

    mean_bps: float | None
    fills: int


class FillSlippage:
    """Takes a sample of every fill, and what a trade recorded by hand slipped."""

    def __init__(self) -> None:
        self._by_role: defaultdict[str, RoleSums] = defaultdict(RoleSums)
        self._takers: deque[_Taken] = deque(maxlen=_MOST_TAKEN)

    def take(self, ticker: Ticker, sample: SlippageSample) -> None:
        self._by_role["taker" if sample.is_taker else "maker"].add(sample.touch_centibps, sample.contracts)
        if sample.is_taker:
            self.note_taker(ticker, sample.touch_centibps / CENTIBPS_PER_BPS, sample.contracts)

    def note_taker(self, ticker: Ticker, bps: float, contracts: Count) -> None:
        """Take what no fill tells; it counts among the newest alone."""
        self._takers.append(_Taken(ticker, bps, contracts))

    def forget_takers(self) -> None:
        """Another account begins."""
        self._takers.clear()

    def by_role(self) -> dict[str, tuple[Bar, ...]]:
        """Contracts of every fill of each role by slippage; no account or market is left out of it."""
        return {role: bars_of(sums.summary(0)) for role, sums in self._by_role.items()}

    def newest_takers(self, quality: QualitySettings, is_ours: Callable[[Ticker], bool]) -> TakerSlippage:
        """Of the markets that are ours, so many fills as the settings ask for."""
        ours = [each for each in self._takers if is_ours(each.ticker)]
        newest = ours[-quality.slippage_window_fills :]
        contracts = sum(each.contracts for each in newest)
        mean = sum(each.bps * each.contracts for each in newest) / contracts if contracts else None
        is_enough = len(newest) >= quality.slippage_min_fills
        return TakerSlippage(mean if is_enough else None, len(newest))


class _Taken(msgspec.Struct, frozen=True):
    """What a taker's fill slipped against the touch."""

    ticker: Ticker
    bps: float
    contracts: Count
