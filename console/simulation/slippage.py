"""The guide's model of what an execution costs beyond the book."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from math import lcm

from console.domain.money import Cash, Count, Price, cost

_BPS = 10_000
_IMPACT_BPS = 100


@dataclass(frozen=True)
class SlippageModel:
    """Costs cash, never a worse price: basis points of what is paid, more for a larger part of the display.

    ``size_impact_factor`` is in percent of what is paid, for an order that takes all that is displayed and in
    proportion for less: with the defaults from 5 to 15 bps. Raises ValueError for what is not a number from 0
    on.
    """

    base_slippage_bps: float | Decimal = 5.0
    size_impact_factor: float | Decimal = 0.1

    def __post_init__(self) -> None:
        for name in ("base_slippage_bps", "size_impact_factor"):
            try:
                value = Decimal(str(getattr(self, name)))
            except InvalidOperation:
                value = Decimal("nan")
            if not value.is_finite() or value < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, not a number from 0 on")

    def bps(self, count: Count, displayed: Count | None) -> Fraction:
        """The cost of so many contracts of those displayed; of an unknown number they are all."""
        base, impact, unit = self._scaled
        return Fraction(base * (displayed or count) + impact * count, unit * (displayed or count))

    def cost(self, price_paid: Price, count: Count, displayed: Count | None) -> Cash:
        """The cost of an execution at the price of the outcome bought, rounded up."""
        base, impact, unit = self._scaled
        whole = displayed or count
        exact = cost(price_paid, count) * (base * whole + impact * count)
        return Cash(-(-exact // (_BPS * unit * whole)))

    @cached_property
    def _scaled(self) -> tuple[int, int, int]:
        """Base and impact in bps as whole numbers over a common unit."""
        base = Fraction(str(self.base_slippage_bps))
        impact = _IMPACT_BPS * Fraction(str(self.size_impact_factor))
        unit = lcm(base.denominator, impact.denominator)
        return int(base * unit), int(impact * unit), unit
