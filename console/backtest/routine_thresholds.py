"""Thresholds that own trades speak for, suggested for review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.backtest.routine import FEWEST_EVENTS, NOTHING, Reviewed, Step, Table, Verdict, between, nothing
from console.backtest.sweep import GUIDES_GRID, Pair
from console.backtest.words import some
from console.domain.book import BookSide
from console.domain.money import PRICE_PER_CENT
from console.monitoring.documents import document_of
from console.monitoring.edge import EdgeOver, edge
from console.monitoring.trades import Trade

_CENTS_PER_DOLLAR = 100


def thresholds(of: Reviewed) -> Step:
    """What each pair of the guide's grid would have kept of the trades made; none is changed."""
    name, task = "thresholds", "Update thresholds if the edge has shifted"
    it = of.figures
    if it is None or it.edge.total is None:
        return nothing(name, task, NOTHING if it is None or not it.trades else "no trade ended yet")
    strategy = of.settings.strategy_flb
    own = Pair(strategy.favorite_threshold, strategy.longshot_threshold)
    tighter = [each for each in GUIDES_GRID if _is_tighter(each, own)]
    kept = {pair: edge(_within(it.trades, pair), of.days).total for pair in (own, *tighter)}
    suggested = _suggested(it.trades, own, tighter)
    found = (
        f"{own} is in force; suggested for review: {suggested}, for what lies between loses beyond chance"
        if suggested is not None
        else f"{own} is in force, and own trades give no reason to tighten it"
    )
    total = it.edge.total
    is_judged = total.n_events >= FEWEST_EVENTS
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if suggested else Verdict.FINE if is_judged else Verdict.UNSURE,
        found=found if is_judged else f"{found}; {some(total.n_events, 'event')} cannot tell",
        tables=(
            Table(
                title="trades made, by the pairs that allow them; cents a contract after fees",
                headings=("pair", "trades", "events", "expected", "realised", "95 %"),
                rows=tuple(_row(pair, each) for pair, each in kept.items()),
            ),
        ),
        notes=(
            "looser pairs cannot be judged by trades that were never made: kconsole sweep --data DIR tries "
            "them, and kconsole walk-forward confirms; nothing is changed by this report",
        ),
        figures={
            "in_force": str(own),
            "suggested": None if suggested is None else str(suggested),
            "pairs": [
                {"pair": str(pair), "kept": None if each is None else document_of(each)}
                for pair, each in kept.items()
            ],
        },
    )


def _is_tighter(pair: Pair, own: Pair) -> bool:
    return pair != own and pair.favourite >= own.favourite and pair.longshot <= own.longshot


def _within(trades: Iterable[Trade], pair: Pair) -> list[Trade]:
    """Those whose entry the pair admits; a longshot is sold by buying NO."""
    return [trade for trade in trades if trade.entry >= PRICE_PER_CENT * _least(trade, pair)]


def _least(trade: Trade, pair: Pair) -> int:
    return pair.favourite if trade.side is BookSide.BID else _CENTS_PER_DOLLAR - pair.longshot


def _suggested(trades: Sequence[Trade], own: Pair, tighter: Iterable[Pair]) -> Pair | None:
    """As tight as what is left out at each step loses beyond chance, while something stays."""
    suggested, kept = None, _within(trades, own)
    for pair in sorted(tighter, key=lambda each: (each.favourite, -each.longshot)):
        tighter_kept = _within(kept, pair)
        left_out = [trade for trade in kept if trade.entry < PRICE_PER_CENT * _least(trade, pair)]
        if not tighter_kept or not _loses(edge(left_out).total):
            break
        suggested, kept = pair, tighter_kept
    return suggested


def _loses(it: EdgeOver | None) -> bool:
    return it is not None and it.n_events >= FEWEST_EVENTS and it.interval is not None and it.interval[1] < 0


def _row(pair: Pair, it: EdgeOver | None) -> tuple[str, ...]:
    if it is None:
        return (str(pair), "0", "0", "-", "-", "-")
    return (
        str(pair),
        f"{it.trades:,}",
        f"{it.n_events:,}",
        f"{it.expected_cents:+.2f}",
        f"{it.realised_cents:+.2f}",
        between(it.interval, "+.2f"),
    )
