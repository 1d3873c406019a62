"""Hardened sizing beside unhardened, on one recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from console.backtest.routine import Chart, Step, Table, Verdict
from console.backtest.routine_limits import FEWEST_DAYS, too_few_days
from console.backtest.routine_plots import sizing_figure
from console.backtest.words import UNKNOWN, dollars, percent
from console.config.risk_settings import RiskSettings
from console.domain.money import Cash, format_cash
from console.monitoring.documents import Document
from console.monitoring.figures import PeriodFigures

if TYPE_CHECKING:
    from console.backtest.result import Result

_ALL = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A run with one way of sizing."""

    result: Result
    figures: PeriodFigures


def unhardened(risk: RiskSettings) -> RiskSettings:
    """Full Kelly, and no cap below the whole equity; kill switches and limits of single orders stay."""
    return replace(
        risk,
        kelly_fraction=_ALL,
        max_single_position_pct=_ALL,
        max_event_exposure_pct=_ALL,
        max_correlated_group_pct=_ALL,
        max_total_exposure_pct=_ALL,
        drawdown_scale_from_pct=_ALL,
    )


def sizing(name: str, task: str, hard: Sized, soft: Sized) -> Step:
    """The same month sized both ways."""
    one, other = _measures(hard), _measures(soft)
    verdict, found = _sizing_verdict(hard, soft, one, other)
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(
            Table(
                headings=("", "hardened", "unhardened"),
                rows=tuple((key, _shown(key, one[key]), _shown(key, other[key])) for key in one),
            ),
        ),
        notes=(
            "unhardened: full Kelly, and no cap on a position, an event, a group or everything; kill "
            "switches and the limits of single orders are those in force in both, and end losses there too",
        ),
        figures={"hardened": _plain(one), "unhardened": _plain(other)},
        charts=(
            Chart(
                name="sizing",
                draw=partial(sizing_figure, {"hardened": hard.result, "unhardened": soft.result}),
            ),
        ),
    )


_MEAN, _STAKE, _FALL = "mean paid for a trade", "most at stake, of capital", "deepest fall"
_SHARPE, _PER_FALL = "Sharpe ratio", "net over deepest fall"
Measures = dict[str, Cash | float | int | None]


def _measures(it: Sized) -> Measures:
    money, trades = it.figures.performance, it.figures.trades
    everything, fall = it.figures.correlated_loss.everything, money.max_drawdown.fall
    return {
        "trades": len(trades),
        _MEAN: Cash(money.paid // len(trades)) if trades else None,
        _STAKE: None if everything is None else everything.of_capital,
        "net P&L": money.total_pnl,
        _FALL: fall,
        _PER_FALL: money.total_pnl / fall if money.total_pnl is not None and fall else None,
        _SHARPE: money.sharpe_ratio,
        "kill switches": len(it.result.latches),
    }


def _shown(key: str, value: Cash | float | None) -> str:
    if value is None:
        return UNKNOWN
    if key in (_MEAN, _FALL, "net P&L"):
        return dollars(int(value))
    if key == _STAKE:
        return percent(value)
    return f"{value:.2f}" if key in (_SHARPE, _PER_FALL) else f"{value:,}"


def _plain(measures: Measures) -> Document:
    money = (_MEAN, _FALL, "net P&L")
    return {
        key.replace(",", "").replace("&", "n").replace(" ", "_").lower(): format_cash(Cash(int(value)))
        if key in money and value is not None
        else value
        for key, value in measures.items()
    }


def _sizing_verdict(hard: Sized, soft: Sized, one: Measures, other: Measures) -> tuple[Verdict, str]:
    mean, other_mean = one[_MEAN], other[_MEAN]
    if mean is None or other_mean is None:
        return Verdict.UNSURE, "one of the two traded nothing, so they cannot be compared"
    if hard.result.fills == soft.result.fills:
        return Verdict.UNSURE, (
            f"both made the same trades ({dollars(int(mean))} each), so they cannot be compared: the "
            "displayed size, or a limit of single orders, bound before the Kelly fraction and the caps"
        )
    smaller = "smaller" if mean < other_mean else "not smaller"
    said = f"positions are {smaller} ({dollars(int(mean))} against {dollars(int(other_mean))} a trade)"
    measure = _SHARPE if one[_SHARPE] is not None and other[_SHARPE] is not None else _PER_FALL
    risk_adjusted, other_adjusted = one[measure], other[measure]
    if risk_adjusted is None or other_adjusted is None:
        return Verdict.UNSURE, f"{said}; the risk-adjusted return of one is not known"
    days = hard.figures.performance.days
    is_better = risk_adjusted > other_adjusted
    said += (
        f"; the risk-adjusted return is {'better' if is_better else 'not better'} ({measure} "
        f"{risk_adjusted:.2f} against {other_adjusted:.2f})"
    )
    if days < FEWEST_DAYS:
        return Verdict.UNSURE, f"{said}; {too_few_days(days)}"
    return Verdict.FINE if is_better and mean < other_mean else Verdict.LOOK, said
