"""Buys favourites and sells longshots, where the crowd pays too little and too much."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property, lru_cache
from math import ceil
from typing import TYPE_CHECKING

from console.config.trading_settings import QualitySettings, StrategySettings
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import FeeModel, UnknownFeeTypeError
from console.domain.market import FeeTerms, Market
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    Cash,
    Count,
    Price,
    complement,
    cost,
)
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal
from console.strategies.edge import EdgeModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from console.strategies.base import Flags, QuoteColumns

FAVOURITE = "FLB_FAVORITE"
LONGSHOT = "FLB_LONGSHOT"

_BPS = 10_000
_ONE_CONTRACT = Count(COUNT_PER_CONTRACT)
_ESTIMATES_KEPT = 10_000
# Fees are rounded once an order, so one contract's share is read off an order of many.
_CONTRACTS_IN_ESTIMATE = 100

_NOT_OPEN = Refusal(FunnelStepName.SCANNED, "not open")
_ONE_SIDED = Refusal(FunnelStepName.LIQUIDITY, "one-sided")
_CROSSED = Refusal(FunnelStepName.LIQUIDITY, "crossed or locked")
_NO_ESTIMATE = Refusal(FunnelStepName.EDGE, "no estimate")
_FEE_UNKNOWN = Refusal(FunnelStepName.EDGE, "fee unknown")


class FavouriteLongshot:
    """Tests price, liquidity, spread and edge after fees, in that order, and proposes what passes all."""

    def __init__(
        self, settings: StrategySettings, quality: QualitySettings, edge: EdgeModel, fees: FeeModel
    ) -> None:
        self._style = settings.style
        self._is_taker = settings.style == "taker"
        self._favourite = Price(settings.favorite_threshold * PRICE_PER_CENT)
        self._longshot = Price(settings.longshot_threshold * PRICE_PER_CENT)
        self._min_depth = Count(settings.min_depth_contracts * COUNT_PER_CONTRACT)
        self._min_edge = Cash(ceil(Fraction(settings.min_edge_to_trade) * CASH_PER_DOLLAR))
        # As integers, spread / mid <= limit is: scale x spread <= limit x twice the mid.
        limit = Fraction(quality.max_spread_bps) / _BPS
        self._spread_limit, self._spread_scale = limit.numerator, 2 * limit.denominator
        self._edge = edge
        self._fees = fees
        self._fee_per_contract = lru_cache(_ESTIMATES_KEPT)(self._estimated_fee)
        self._off_price = Refusal(FunnelStepName.PRICE, _zones(settings))
        self._too_thin = Refusal(FunnelStepName.LIQUIDITY, f"size < {settings.min_depth_contracts}")
        too_wide = f"over {quality.max_spread_bps.normalize():f} bps"
        self._too_wide = Refusal(FunnelStepName.SPREAD, too_wide)
        self._too_dear = Refusal(FunnelStepName.EDGE, f"< {settings.min_edge_to_trade} $")

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        """Judge one market now; ``may_act`` has the same tests of a quote for many at once."""
        if not market.is_open(now_ns):
            return _NOT_OPEN
        bid, ask = quote.bid, quote.ask
        bought, sold = (ask, bid) if self._is_taker else (bid, ask)
        if bought is not None and self._favourite <= bought.price < PAYOUT:
            side, level = BookSide.BID, bought
        elif sold is not None and 0 < sold.price <= self._longshot:
            side, level = BookSide.ASK, sold
        else:
            return self._off_price
        if not market.grid.contains(level.price):
            return self._off_price
        if bid is None or ask is None:
            return _ONE_SIDED
        if bid.price >= ask.price:
            return _CROSSED
        if level.size < self._min_depth:
            return self._too_thin
        twice_mid = bid.price + ask.price if side is BookSide.BID else 2 * PAYOUT - bid.price - ask.price
        if self._spread_scale * (ask.price - bid.price) > self._spread_limit * twice_mid:
            return self._too_wide
        return self._with_edge(market, quote, side, level)

    def may_act(self, quotes: QuoteColumns) -> Flags:
        """Where price, liquidity and spread would pass in some market; the edge is not looked at."""
        import numpy as np

        bid, ask = quotes.bid, quotes.ask
        (bought, bought_size), (sold, sold_size) = (ask, quotes.ask_size), (bid, quotes.bid_size)
        if not self._is_taker:
            (bought, bought_size), (sold, sold_size) = (sold, sold_size), (bought, bought_size)
        favourite = (bought >= self._favourite) & (bought < PAYOUT)
        longshot = ~favourite & (sold > 0) & (sold <= self._longshot)
        size = np.where(favourite, bought_size, sold_size)
        has_spread = (bid > 0) & (ask < PAYOUT) & (bid < ask)
        twice_mid = np.where(favourite, bid + ask, 2 * PAYOUT - bid - ask)
        is_narrow = ask - bid <= self._widest_spreads[twice_mid]
        return (favourite | longshot) & has_spread & is_narrow & ((size < 0) | (size >= self._min_depth))

    @cached_property
    def _widest_spreads(self) -> npt.NDArray[np.int16]:
        """The widest spread that passes, by twice the mid."""
        import numpy as np

        limit, scale = self._spread_limit, self._spread_scale
        return np.array(
            [min(limit * twice_mid // scale, PAYOUT) for twice_mid in range(2 * PAYOUT + 1)], dtype=np.int16
        )

    def _with_edge(self, market: Market, quote: Quote, side: BookSide, level: Level) -> Proposal | Refusal:
        win_probability = self._edge.win_probability(market.category, quote, side, self._style)
        if win_probability is None:
            return _NO_ESTIMATE
        paid = side.price_paid(level.price)
        fee = None if market.fees is None else self._fee_per_contract(market.fees, paid, win_probability)
        if fee is None:
            return _FEE_UNKNOWN
        if (win_probability - paid) * _ONE_CONTRACT - fee < self._min_edge:
            return self._too_dear
        return Proposal(
            ticker=market.ticker,
            side=side,
            price=level.price,
            win_probability=win_probability,
            fee_per_contract=fee,
            is_taker=self._is_taker,
            displayed=level.size if self._is_taker else None,
            strategy=FAVOURITE if side is BookSide.BID else LONGSHOT,
        )

    def _estimated_fee(self, terms: FeeTerms, paid: Price, win_probability: Price) -> Cash | None:
        """Fee on the trade, and the one on profit as often as it is expected; None by an unknown rule."""
        count = Count(_CONTRACTS_IN_ESTIMATE * COUNT_PER_CONTRACT)
        try:
            on_trade = self._fees.on_trade(terms, paid, count, is_taker=self._is_taker)
        except UnknownFeeTypeError:
            return None
        on_profit = self._fees.on_profit(cost(complement(paid), count))
        expected = on_trade + Fraction(on_profit * win_probability, PAYOUT)
        return Cash(-(-expected // _CONTRACTS_IN_ESTIMATE))


def _zones(settings: StrategySettings) -> str:
    """The prices traded, as the reason not to trade at another."""
    dearest_no = 100 - settings.longshot_threshold
    if dearest_no == settings.favorite_threshold:
        return f"not {settings.favorite_threshold}-99c"
    return f"not YES {settings.favorite_threshold}-99c or NO {dearest_no}-99c"
