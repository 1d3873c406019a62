"""How many contracts to trade: fractional Kelly on cost, then every limit in turn."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec

from console.config.schema import RiskSettings
from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PAYOUT, Cash, Count, Price, cost
from console.risk.exposure import Exposure
from console.risk.text import dollars, percent

_ONE_CONTRACT = Count(COUNT_PER_CONTRACT)


class Proposal(msgspec.Struct, frozen=True):
    """A trade that a strategy would make, before its size.

    ``price`` is a YES price; ``win_probability`` is that of the outcome bought, as a price. ``displayed`` is
    the size an order of a taker meets; a maker has none.
    """

    ticker: Ticker
    group: str
    side: BookSide
    price: Price
    win_probability: Price
    fee_per_contract: Cash | None
    is_taker: bool
    displayed: Count | None
    strategy: str

    @property
    def cost_per_contract(self) -> Cash:
        """What one contract costs before fees."""
        return cost(self.side.price_paid(self.price), _ONE_CONTRACT)


class Sized(msgspec.Struct, frozen=True):
    """The size allowed, in whole contracts, why in one sentence, and the limit that bound it by name."""

    count: Count
    reason: str
    bound_by: str


class _RefusedError(Exception):
    """Something that sizing needs is unknown or impossible."""


def size(
    proposal: Proposal, *, equity: Cash | None, cash: Cash | None, exposure: Exposure, limits: RiskSettings
) -> Sized:
    """The largest size that Kelly and every limit allow; zero, with the reason, when any refuses.

    ``cash`` is the account's before open orders reserve any of it. Costs include the fee, so that no limit is
    passed after it was paid. Nothing unknown is taken for zero.
    """
    try:
        known_equity, known_cash = _known(equity, "equity"), _known(cash, "cash")
        unit = _unit_cost(proposal)
        stake = _kelly_stake(proposal, unit, known_equity, limits)
        caps = _caps(proposal, unit, known_equity, known_cash, exposure, limits)
    except _RefusedError as refusal:
        return Sized(Count(0), str(refusal), str(refusal))
    contracts, bound_by = int(stake // unit), "Kelly stake"
    reason = f"Kelly stake: {dollars(Cash(int(stake)))} at {dollars(unit)} a contract"
    for cap in caps:
        if cap.contracts < contracts:
            contracts, bound_by, reason = cap.contracts, cap.name, cap.sentence(contracts)
    return Sized(Count(contracts * COUNT_PER_CONTRACT), reason, bound_by)


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
    return Fraction(value)


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


def _kelly_stake(proposal: Proposal, unit: Cash, equity: Cash, limits: RiskSettings) -> Fraction:
    """Equity x fraction x (q - c) / (1 - c), for win probability q and cost c of a contract paying 1 $."""
    if not 0 < proposal.win_probability < PAYOUT:
        raise _RefusedError("win probability is not between 0 and 1")
    edge = cost(proposal.win_probability, _ONE_CONTRACT) - unit
    if edge <= 0:
        raise _RefusedError("no edge after fees")
    fraction = _setting(limits, "kelly_fraction")
    if fraction == 0:
        raise _RefusedError("kelly_fraction is 0")
    return equity * fraction * Fraction(edge, CASH_PER_DOLLAR - unit)


class _Cap(msgspec.Struct, frozen=True):
    """A limit, the contracts it leaves, and how it speaks of more."""

    name: str
    contracts: int

    def sentence(self, wanted: int) -> str:
        return f"{self.name}: {wanted:,} contracts wanted, {self.contracts:,} allowed"


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
    proposal: Proposal, unit: Cash, equity: Cash, cash: Cash, exposure: Exposure, limits: RiskSettings
) -> list[_Cap]:
    """Every limit, in the order in which they are asked."""
    market = exposure.market(proposal.ticker)
    at_stake = market.worst.with_orders
    loss = market.loss_of(proposal.side)
    caps: list[_Cap] = []
    for name, key, scope in (
        ("position limit", "max_single_position_pct", at_stake),
        ("group limit", "max_correlated_group_pct", exposure.group(proposal.group).with_orders),
        ("total limit", "max_total_exposure_pct", exposure.total.with_orders),
    ):
        limit = _setting(limits, key)
        used = Cash(scope - at_stake + loss)
        room = limit * equity - used if scope <= limit * equity else 0
        caps.append(_ExposureCap(name, max(0, int(room // unit)), limit, scope, used, unit, equity))
    caps.append(_Cap("cash", max(0, (cash - exposure.reserved) // unit)))
    if proposal.is_taker:
        if proposal.displayed is None:
            raise _RefusedError("displayed depth unknown")
        caps.append(_Cap("displayed depth", max(0, proposal.displayed // COUNT_PER_CONTRACT)))
    caps.append(_Cap("order size", max(0, limits.max_order_contracts)))
    return caps
