"""Pairs of thresholds side by side, after the fees of both models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from console.backtest.trials import Figures
from console.backtest.words import chance, dollars, figure, wrapped
from console.domain.money import CASH_PER_DOLLAR, Cash, format_cash
from console.monitoring.documents import Document

ALPHA = 0.05
"""How often chance alone may pass for an edge."""


class Pair(msgspec.Struct, frozen=True, order=True):
    """Thresholds in cents: favourites are bought from one on, longshots sold up to the other."""

    favourite: int
    longshot: int

    def __str__(self) -> str:
        return f"{self.favourite}:{self.longshot}"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The pair as it is stated on a command line: the option and what it sets."""
        return (
            ("--grid", f"strategy_flb.favorite_threshold={self.favourite}"),
            ("--grid", f"strategy_flb.longshot_threshold={self.longshot}"),
        )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One pair under one fee model."""

    pair: Pair
    fees: str
    figures: Figures


GUIDES_GRID = (Pair(85, 15), Pair(90, 10), Pair(92, 8), Pair(95, 5))


def best_of(rows: Sequence[Row]) -> Row | None:
    """The row with the highest profit after fees, the first of several; None where nothing was traded."""
    traded = [row for row in rows if row.figures.fills and row.figures.performance.total_pnl is not None]
    return max(traded, key=lambda row: row.figures.performance.total_pnl or Cash(0), default=None)


def document(rows: Sequence[Row], best: Row | None, warnings: Sequence[str]) -> Document:
    """All of it for programs; money is dollar strings."""
    return {
        "results": [_document(row) for row in rows],
        "best": None if best is None else _document(best),
        "tried": len({row.pair for row in rows}),
        "warnings": list(warnings),
    }


def warnings_of(rows: Sequence[Row], best: Row | None, against: Sequence[str]) -> list[str]:
    """Why the best may be worth less than it looks; ``against`` is said against its run, or any."""
    if best is None:
        return ["no pair traded anything whose worth is known: there is nothing to choose from", *against]
    tried, it, said = len({row.pair for row in rows}), best.figures.performance, []
    if tried > 1:
        needed = ALPHA / tried
        said.append(
            f"the best of {tried} pairs looks better than it is: where p < {ALPHA} is asked of one, "
            f"p < {needed:.4f} is asked of the best of {tried}, and its p is {chance(it.p_value)}; try it on "
            "data that chose nothing, with kconsole walk-forward"
        )
    tied = [
        row
        for row in rows
        if row.pair != best.pair and row.fees == best.fees and row.figures.fills
        if row.figures.performance.total_pnl == it.total_pnl
    ]
    if tied:
        is_same = {row.figures.journal_hash for row in tied} == {best.figures.journal_hash}
        why = (
            "they traded the very same, so other settings decide"
            if is_same
            else "this recording cannot tell them apart"
        )
        said.append(
            f"{', '.join(str(row.pair) for row in tied)} made exactly as much as {best.pair}, which is named "
            f"best only because it comes first: {why}"
        )
    slipped = {row.fees for row in rows if row.figures.performance.slippage_cost}
    if len(slipped) == 1 and len({row.fees for row in rows}) > 1:
        said.append(
            f"only the rows of {slipped.pop()} fees bear the slippage model's cost: to compare fees alone, "
            "give --slippage-model"
        )
    if it.total_pnl is not None and it.total_pnl <= 0:
        said.append("even the best pair made no money after fees")
    return [*said, *against]


def text(rows: Sequence[Row], best: Row | None, warnings: Sequence[str]) -> Iterator[str]:
    """A table of at most 80 columns, and the best below it."""
    yield (
        f"{'pair':>6} {'fees':6} {'trades':>6} {'won %':>6} {'net P&L':>11} {'fees $':>10} {'fee %':>6} "
        f"{'net bps':>7} {'sharpe':>6} {'drop $':>7}"
    )
    for row in rows:
        it = row.figures.performance
        yield (
            f"{row.pair!s:>6} {row.fees:6} {it.trades:>6,} {_percent(it.win_rate):>6} "
            f"{dollars(it.total_pnl):>11} {dollars(it.total_fees):>10} {figure(it.fee_pct_of_pnl, '.1f'):>6} "
            f"{figure(it.net_bps, '+.1f'):>7} {figure(it.sharpe_ratio, '.2f'):>6} "
            f"{it.max_drawdown.fall / CASH_PER_DOLLAR:>7,.0f}"
        )
    yield ""
    if best is not None:
        it = best.figures.performance
        yield from wrapped(
            "best: ",
            f"{best.pair} under {best.fees} fees, net {dollars(it.total_pnl)} after fees of "
            f"{dollars(it.total_fees)}"
            + ("" if it.fee_pct_of_pnl is None else f", {it.fee_pct_of_pnl:.1f} % of the profit before them"),
        )
    for warning in warnings:
        yield from wrapped("! ", warning)


def _document(row: Row) -> Document:
    it = row.figures.performance
    return {
        "pair": str(row.pair),
        "favorite_threshold": row.pair.favourite,
        "longshot_threshold": row.pair.longshot,
        "fees": row.fees,
        "fills": row.figures.fills,
        "trades": it.trades,
        "win_rate": it.win_rate,
        "net_pnl": None if it.total_pnl is None else format_cash(it.total_pnl),
        "total_fees": format_cash(it.total_fees),
        "slippage_cost": format_cash(it.slippage_cost),
        "fee_pct": it.fee_pct_of_pnl,
        "sharpe": it.sharpe_ratio,
        "net_bps": it.net_bps,
        "fee_bps": it.fee_bps,
        "p_value": it.p_value,
        "max_drawdown": format_cash(it.max_drawdown.fall),
        "journal_hash": row.figures.journal_hash,
    }


def _percent(share: float | None) -> str:
    return figure(None if share is None else 100 * share, ".1f")
