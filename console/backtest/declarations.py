"""What a run's figures must say of themselves before they are compared with others."""

from __future__ import annotations

from console.backtest.setup import Setup
from console.backtest.words import dollars
from console.domain.fees import AccountPrecision
from console.domain.money import format_count
from console.domain.time_units import NS_PER_MS
from console.monitoring.statistics import FEW_OF_A_KIND
from console.simulation.slippage import SlippageModel

_PRECISIONS = {AccountPrecision.DIRECT_MEMBER: "$0.0001", AccountPrecision.BROKER_CLEARED: "a cent"}


def declarations(setup: Setup) -> dict[str, str]:
    """In which world a run traded, and how its figures are defined."""
    latency, skew, settings = setup.latency, setup.skew, setup.settings
    jitter = f", each up to {_ms(latency.jitter_ns)} more" if latency.jitter_ns else ""
    return {
        "strategy": f"{settings.strategy_flb.style}, edges by {settings.edge.model}",
        "capital": dollars(setup.capital),
        "fees": f"Kalshi's schedule at each fill, to {_PRECISIONS[setup.precision]} of the balance"
        if setup.profit_fees is None
        else "a share of a market's profit when it settles, nothing at fills",
        "latency": f"feed {_ms(latency.feed_ns)}, entry {_ms(latency.entry_ns)}, response "
        f"{_ms(latency.response_ns)}{jitter}; our clock {_ms(skew.offset_ns)} ahead, {skew.drift_ppm} ppm "
        "fast",
        "fills": f"displayed sizes, {setup.queue} queue; rows without size: {_depth(setup)}",
        "slippage model": "off: the book alone" if setup.slippage is None else _slippage(setup.slippage),
        "looks": "counted where a price was worth one; --no-skip-ahead counts all"
        if setup.skip_ahead
        else "all counted",
        "trade": "a position in one market from its first contract until none is held, whether sold or "
        "settled; won when it made money after charges",
        "bps": "of the price paid for all contracts bought",
        "intervals": "95 %, bootstrap of whole events or days, the wider, 2,000 draws of a fixed seed; of "
        f"profits made as wide as Wilson's below {FEW_OF_A_KIND} won or lost events; rates by Wilson, of as "
        "many equally large events as theirs are worth; of whole days and groups, mark-outs, trends "
        "and differences of two runs by resampling alone, too narrow where losses are rare",
        "marks": "the price at which each position could be closed; Sharpe of UTC days, by the root of 365",
    }


def _slippage(model: SlippageModel) -> str:
    return (
        f"{model.base_slippage_bps} bps and {model.size_impact_factor} % by share of the display, in cash; "
        "part of the slippage measured"
    )


def _depth(setup: Setup) -> str:
    if setup.modelled_depth:
        return "drawn, as practice draws them"
    if setup.assumed_depth is None:
        return "nothing fills"
    return f"{format_count(setup.assumed_depth)} contracts assumed"


def _ms(ns: int) -> str:
    return f"{ns / NS_PER_MS:g} ms"
