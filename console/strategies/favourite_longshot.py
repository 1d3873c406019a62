"""Buys favourites and sells longshots, where the crowd pays too little and too much."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from console.config.schema import QualitySettings, StrategySettings
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import FeeModel, UnknownFeeTypeError
from console.domain.market import Market
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
from console.risk.sizing import Proposal
from console.strategies.base import Refusal, level_traded
from console.strategies.edge import EdgeModel

FAVOURITE = "FLB_FAVORITE"
LONGSHOT = "FLB_LONGSHOT"

_BPS = 10_000
_ONE_CONTRACT = Count(COUNT_PER_CONTRACT)
# Fees are rounded once an order, so one contract's share is read off an order of many.
_CONTRACTS_IN_ESTIMATE = 100


class _Candidate(msgspec.Struct, frozen=True):
    """The side to trade and the level at which it is priced."""

    side: BookSide
    level: Level

    @property
    def paid(self) -> Price:
        return self.side.price_paid(self.level.price)


class FavouriteLongshot:
    """Tests price, liquidity, spread and edge after fees, in that order, and proposes what passes all."""

    def __init__(
        self, settings: StrategySettings, quality: QualitySettings, edge: EdgeModel, fees: FeeModel
    ) -> None:
        self._style = settings.style
        self._favourite = Price(settings.favorite_threshold * PRICE_PER_CENT)
        self._longshot = Price(settings.longshot_threshold * PRICE_PER_CENT)
        self._min_depth = Count(settings.min_depth_contracts * COUNT_PER_CONTRACT)
        self._min_edge = Fraction(settings.min_edge_to_trade) * CASH_PER_DOLLAR
        self._max_spread_bps = Fraction(quality.max_spread_bps)
        self._edge = edge
        self._fees = fees
        self._price_reason = _zones(settings)
        self._depth_reason = f"size < {settings.min_depth_contracts}"
        self._spread_reason = f"over {quality.max_spread_bps.normalize():f} bps"
        self._edge_reason = f"< {settings.min_edge_to_trade} $"

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        """Judge one market now."""
        if not market.is_open(now_ns):
            return Refusal(FunnelStepName.SCANNED, "not open")
        candidate = self._candidate(quote)
        if candidate is None or not market.grid.contains(candidate.level.price):
            return Refusal(FunnelStepName.PRICE, self._price_reason)
        return self._quote_refusal(quote, candidate) or self._with_edge(market, quote, candidate)

    def _candidate(self, quote: Quote) -> _Candidate | None:
        bought = level_traded(quote, BookSide.BID, self._style)
        if bought is not None and self._favourite <= bought.price < PAYOUT:
            return _Candidate(BookSide.BID, bought)
        sold = level_traded(quote, BookSide.ASK, self._style)
        if sold is not None and 0 < sold.price <= self._longshot:
            return _Candidate(BookSide.ASK, sold)
        return None

    def _quote_refusal(self, quote: Quote, candidate: _Candidate) -> Refusal | None:
        bid, ask, twice_mid = quote.bid, quote.ask, quote.twice_mid_of(candidate.side)
        if bid is None or ask is None or twice_mid is None:
            return Refusal(FunnelStepName.LIQUIDITY, "one-sided")
        if quote.is_crossed:
            return Refusal(FunnelStepName.LIQUIDITY, "crossed or locked")
        if candidate.level.size < self._min_depth:
            return Refusal(FunnelStepName.LIQUIDITY, self._depth_reason)
        if Fraction(2 * _BPS * (ask.price - bid.price), twice_mid) > self._max_spread_bps:
            return Refusal(FunnelStepName.SPREAD, self._spread_reason)
        return None

    def _with_edge(self, market: Market, quote: Quote, candidate: _Candidate) -> Proposal | Refusal:
        win_probability = self._edge.win_probability(market.category, quote, candidate.side, self._style)
        if win_probability is None:
            return Refusal(FunnelStepName.EDGE, "no estimate")
        fee = self._fee_per_contract(market, candidate, win_probability)
        if fee is None:
            return Refusal(FunnelStepName.EDGE, "fee unknown")
        edge = cost(win_probability, _ONE_CONTRACT) - cost(candidate.paid, _ONE_CONTRACT) - fee
        if edge < self._min_edge:
            return Refusal(FunnelStepName.EDGE, self._edge_reason)
        is_taker = self._style == "taker"
        return Proposal(
            ticker=market.ticker,
            side=candidate.side,
            price=candidate.level.price,
            win_probability=win_probability,
            fee_per_contract=fee,
            is_taker=is_taker,
            displayed=candidate.level.size if is_taker else None,
            strategy=FAVOURITE if candidate.side is BookSide.BID else LONGSHOT,
        )

    def _fee_per_contract(self, market: Market, candidate: _Candidate, win_probability: Price) -> Cash | None:
        """Fee on the trade, and the one on profit as often as it is expected; None by an unknown rule."""
        if market.fees is None:
            return None
        count = Count(_CONTRACTS_IN_ESTIMATE * COUNT_PER_CONTRACT)
        is_taker = self._style == "taker"
        try:
            on_trade = self._fees.on_trade(market.fees, candidate.paid, count, is_taker=is_taker)
        except UnknownFeeTypeError:
            return None
        on_profit = self._fees.on_profit(cost(complement(candidate.paid), count))
        expected = on_trade + Fraction(on_profit * win_probability, PAYOUT)
        return Cash(-(-expected // _CONTRACTS_IN_ESTIMATE))


def _zones(settings: StrategySettings) -> str:
    """The prices traded, as the reason not to trade at another."""
    dearest_no = 100 - settings.longshot_threshold
    if dearest_no == settings.favorite_threshold:
        return f"not {settings.favorite_threshold}-99c"
    return f"not YES {settings.favorite_threshold}-99c or NO {dearest_no}-99c"
