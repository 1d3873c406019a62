"""How many contracts to trade: fractional Kelly on cost, then every limit in turn."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import msgspec

from console.config.risk_settings import RiskSettings
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    Cash,
    Count,
    cost,
)
from console.risk.exposure import Exposure
from console.risk.proposal import ONE_CONTRACT, Proposal, Standing
from console.risk.text import dollars, percent

_ALL = Fraction(1)


class Sized(msgspec.Struct, frozen=True):
    """The size allowed, in whole contracts, why in one sentence, and the limit that bound it by name."""

    count: Count
    reason: str
    bound_by: str


class _RefusedError(Exception):
    """Something that sizing needs is unknown or impossible."""


def size(proposal: Proposal, standing: Standing, limits: RiskSettings) -> Sized:
    """The largest size that Kelly and every limit allow; zero, with the reason, when any refuses.

    Costs include the fee, so that no limit is passed after it was paid. Nothing unknown is taken for zero.
    """
    try:
        equity, cash = _known(standing.equity, "equity"), _known(standing.cash, "cash")
        unit = _unit_cost(proposal)
        stake = _kelly_stake(proposal, unit, equity, standing, limits)
        caps = _caps(proposal, unit, equity, cash, standing, limits)
    except _RefusedError as refusal:
        return Sized(Count(0), str(refusal), str(refusal))
    contracts, wanted, bound_by = stake.contracts(unit), 0, None
    for cap in caps:
        if cap.contracts < contracts:
            contracts, wanted, bound_by = cap.contracts, contracts, cap
    count = Count(contracts * COUNT_PER_CONTRACT)
    if bound_by is not None:
        return Sized(count, bound_by.sentence(wanted), bound_by.name)
    reason = f"{stake.name}: {dollars(stake.cash)} at {dollars(unit)} a contract"
    return Sized(count, reason, stake.name)


def _known(value: Cash | None, name: str) -> Cash:
    # Written so that a NaN, which no comparison holds for, refuses as well.
    if value is None:
        raise _RefusedError(f"{name} unknown")
    if not value > 0:
        raise _RefusedError(f"{name} is not positive")
    return value


def _setting(limits: RiskSettings, key: str) -> Fraction:
    value: Decimal = getattr(limits, key)
    if not value.is_finite() or value < 0:
        raise _RefusedError(f"{key} is {value}, not a number of at least 0")
    return _fraction(value)


_fraction = lru_cache(Fraction)
"""A setting is asked for at every proposal, and there are few."""


def _unit_cost(proposal: Proposal) -> Cash:
    """Price and fee of one contract of the outcome bought."""
    if not 0 < proposal.price < PAYOUT:
        raise _RefusedError("price is not between 0 and 1 $")
    if proposal.fee_per_contract is None:
        raise _RefusedError("fee unknown")
    if not proposal.fee_per_contract >= 0:
        raise _RefusedError("fee is negative")
    unit = Cash(proposal.cost_per_contract + proposal.fee_per_contract)
    if not unit < CASH_PER_DOLLAR:
        raise _RefusedError("price and fee leave nothing to win")
    return unit


class _Stake(msgspec.Struct, frozen=True):
    """What to bet before any limit, exactly, as a quotient, and what it is called."""

    name: str
    numerator: int
    denominator: int

    @property
    def cash(self) -> Cash:
        return Cash(self.numerator // self.denominator)

    def contracts(self, unit: Cash) -> int:
        return self.numerator // (self.denominator * unit)


def _kelly_stake(
    proposal: Proposal, unit: Cash, equity: Cash, standing: Standing, limits: RiskSettings
) -> _Stake:
    """Free equity x fraction x (q - c) / (1 - c), for win probability q and cost c of a 1 $ payout."""
    if not 0 < proposal.win_probability < PAYOUT:
        raise _RefusedError("win probability is not between 0 and 1")
    edge = cost(proposal.win_probability, ONE_CONTRACT) - unit
    if edge <= 0:
        raise _RefusedError("no edge after fees")
    fraction = _setting(limits, "kelly_fraction")
    if not fraction:
        raise _RefusedError("kelly_fraction is 0")
    free = equity - standing.exposure.total.with_orders
    if free <= 0:
        raise _RefusedError("all equity is at stake already")
    numerator = free * fraction.numerator * edge
    denominator = fraction.denominator * (CASH_PER_DOLLAR - unit)
    share = _drawdown_share(equity, standing.high_water, limits)
    if share is _ALL:
        return _Stake("Kelly stake", numerator, denominator)
    name = f"Kelly stake, {percent(share)} of it in a drawdown"
    return _Stake(name, numerator * share.numerator, denominator * share.denominator)


def _drawdown_share(equity: Cash, high_water: Cash | None, limits: RiskSettings) -> Fraction:
    """From all of the stake at the drawdown where scaling starts to nothing at the one that halts."""
    start, end = _setting(limits, "drawdown_scale_from_pct"), _setting(limits, "max_drawdown_pct")
    if start >= end:
        return _ALL
    highest = _known(high_water, "high-water mark")
    # Mostly so, and told without a fraction.
    if (highest - equity) * start.denominator <= highest * start.numerator:
        return _ALL
    return max(Fraction(0), (end - 1 + Fraction(equity, highest)) / (end - start))


class _Cap(msgspec.Struct, frozen=True):
    """A limit, the contracts it leaves, and how it speaks of more."""

    name: str
    contracts: int

    def sentence(self, wanted: int) -> str:
        return f"{self.name}: {wanted:,} contracts wanted, {self.contracts:,} allowed"


class _Bar(_Cap, frozen=True):
    """A limit that leaves nothing, and why."""

    why: str

    def sentence(self, wanted: int) -> str:
        return f"{self.name}: {self.why}"


class _ExposureCap(_Cap, frozen=True):
    """A share of equity; ``used`` of it is lost together with the trade, ``scope`` at worst without it."""

    limit: Fraction
    scope: Cash
    used: Cash
    unit: Cash
    equity: Cash

    def sentence(self, wanted: int) -> str:
        would_be = Fraction(max(self.scope, self.used + wanted * self.unit), self.equity)
        return f"{self.name}: {percent(self.limit)} of equity would be {percent(would_be)}"


def _caps(
    proposal: Proposal, unit: Cash, equity: Cash, cash: Cash, standing: Standing, limits: RiskSettings
) -> list[_Cap]:
    """Every limit, in the order in which they are asked."""
    caps = _exposure_caps(proposal, unit, equity, standing.exposure, limits)
    if proposal.is_taker:
        if proposal.displayed is None:
            raise _RefusedError("displayed depth unknown")
        caps.append(_Cap("displayed depth", max(0, proposal.displayed // COUNT_PER_CONTRACT)))
    caps.append(_Cap("order size", max(0, limits.max_order_contracts)))
    caps += _order_rate_bar(standing, limits)
    caps += _collar_bar(proposal, standing, limits)
    caps.append(_Cap("cash", max(0, (cash - standing.exposure.reserved) // unit)))
    return caps


def _exposure_caps(
    proposal: Proposal, unit: Cash, equity: Cash, exposure: Exposure, limits: RiskSettings
) -> list[_Cap]:
    place = exposure.place(proposal.ticker)
    in_market = exposure.stake_of_market(proposal.ticker, proposal.side)
    in_event = exposure.stake_of_event(proposal.ticker, proposal.side)
    caps: list[_Cap] = []
    for name, key, scope, stake in (
        ("position limit", "max_single_position_pct", in_market.at_worst, in_market),
        ("group limit", "max_correlated_group_pct", exposure.group(place.group).with_orders, in_event),
        ("event limit", "max_event_exposure_pct", exposure.event(place.event).with_orders, in_event),
        ("total limit", "max_total_exposure_pct", exposure.total.with_orders, in_event),
    ):
        limit = _setting(limits, key)
        allowed = limit.numerator * equity // limit.denominator
        used = Cash(scope - stake.at_worst + stake.if_lost)
        room = allowed - used if scope <= allowed else 0
        caps.append(_ExposureCap(name, max(0, room // unit), limit, scope, used, unit, equity))
    return caps


def _order_rate_bar(standing: Standing, limits: RiskSettings) -> list[_Bar]:
    most = limits.max_orders_per_minute
    if standing.orders_in_minute < most:
        return []
    return [_Bar("orders per minute", 0, f"{most} are sent already")]


def _collar_bar(proposal: Proposal, standing: Standing, limits: RiskSettings) -> list[_Bar]:
    """A price far from the middle is a slip, of a book or of ours."""
    if standing.twice_mid is None:
        raise _RefusedError("mid unknown")
    collar = _setting(limits, "price_collar_cents")
    twice_away = abs(2 * proposal.paid - standing.twice_mid)
    if twice_away * collar.denominator <= 2 * PRICE_PER_CENT * collar.numerator:
        return []
    cents = limits.price_collar_cents.normalize()
    return [_Bar("price collar", 0, f"the price is further than {cents:f}c from mid")]
