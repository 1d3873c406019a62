"""The run that the shipped strategy makes of settings: live trading's, in the usual world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.backtest.setup import FeeSource, Latency, Setup
from console.config.schema import Settings
from console.domain.fees import AccountPrecision, FeeModel, KalshiFees, ProfitFees
from console.domain.market import Market
from console.domain.money import Cash
from console.simulation.slippage import SlippageModel
from console.strategies.edge import EdgeModel, TableEdge
from console.strategies.edge_table import EdgeTable
from console.strategies.favourite_longshot import FavouriteLongshot

USUAL_LATENCY = Latency(feed_ns=50_000_000, entry_ns=100_000_000, response_ns=50_000_000)

_RATE_UNITS = 10_000


@dataclass(frozen=True)
class ShippedStrategy:
    """Makes the strategy that trades live, anew for each run."""

    settings: Settings
    edge: EdgeModel
    fees: FeeModel

    def __call__(self, markets: Sequence[Market]) -> FavouriteLongshot:
        return FavouriteLongshot(self.settings.strategy_flb, self.settings.quality, self.edge, self.fees)


def shipped_setup(
    settings: Settings,
    edge: EdgeModel,
    fees: FeeSource,
    capital: Cash,
    *,
    precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER,
    has_slippage: bool | None = None,
) -> Setup:
    """What ``settings`` would trade; slippage is modelled with a share of profits for fees, unless said."""
    is_profit = settings.fees.model == "profit"
    profit_fees = ProfitFees(int(settings.fees.profit_fee_rate * _RATE_UNITS)) if is_profit else None
    slippage = settings.slippage
    return Setup(
        settings=settings,
        make_strategy=ShippedStrategy(settings, edge, profit_fees or KalshiFees(precision)),
        fees=fees,
        capital=capital,
        precision=precision,
        profit_fees=profit_fees,
        latency=USUAL_LATENCY,
        slippage=SlippageModel(float(slippage.base_slippage_bps), float(slippage.size_impact_factor))
        if (is_profit if has_slippage is None else has_slippage)
        else None,
    )


def by_edges(setup: Setup, table: EdgeTable) -> Setup:
    """The shipped strategy's run by the edges of a table."""
    assert isinstance(setup.make_strategy, ShippedStrategy)
    edge = TableEdge(measured=table.marks())
    return replace(setup, make_strategy=replace(setup.make_strategy, edge=edge))
