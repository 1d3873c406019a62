"""What measured returns and a changed capital suggest for the limits; for review, never changed."""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import msgspec

from console.backtest.routine import Reviewed, Step, Table, Verdict, nothing
from console.backtest.words import dollars, percent
from console.config.catalogue import CATALOGUE
from console.config.risk_settings import RiskSettings
from console.domain.money import CASH_PER_DOLLAR, Cash, format_cash
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.documents import document_of
from console.monitoring.equity import curve, days
from console.monitoring.records import Records
from console.monitoring.statistics import Z_95, Interval

FEWEST_DAYS = 20
"""With fewer daily returns their variance is a guess."""

MOST_KELLY = 0.25
"""The guide's: a quarter of full Kelly, and never more of it."""

GROWN = 0.10
"""A change of capital at which fixed limits are worth another look; two of the days that halt."""

FORMULA = "suggested = 0.25 x kelly_fraction x m / s^2"
SOURCE = (
    "E. O. Thorp (2006), The Kelly criterion in blackjack, sports betting and the stock market: growth is "
    "greatest at m / s^2 times the stakes taken, m the mean and s^2 the variance of their daily returns; "
    "the guide takes a quarter of that"
)


class Kelly(msgspec.Struct, frozen=True, kw_only=True):
    """A Kelly fraction from measured volatility, and what it was made from.

    ``source`` says whose daily returns. ``suggested`` lies from 0 to ``MOST_KELLY``; ``interval`` is the
    formula's own, by the standard error of the mean. Both are None with too few days, or without variance.
    """

    source: str
    days: int
    kelly_fraction: float
    mean: float | None
    deviation: float | None
    suggested: float | None
    interval: Interval | None


def kelly_of(records: Records, in_force: float, source: str, of: Days = UTC_DAYS) -> Kelly:
    """Stakes are taken to grow with the fraction; where a cap binds they do not."""
    values = [records.capital, *(day.equity for day in days(records, of))]
    usable = records.final_equity is not None and min(values) > 0
    returns = [after / before - 1 for before, after in pairwise(values)] if usable else []
    n = len(returns)
    mean = statistics.mean(returns) if n else None
    deviation = statistics.stdev(returns) if n > 1 else None
    suggested = interval = None
    if n >= FEWEST_DAYS and mean is not None and deviation and in_force:
        scale = MOST_KELLY * in_force / deviation**2
        error = Z_95 * deviation / math.sqrt(n)
        suggested = min(MOST_KELLY, max(0.0, scale * mean))
        interval = scale * (mean - error), scale * (mean + error)
    return Kelly(
        source=source,
        days=n,
        kelly_fraction=in_force,
        mean=mean,
        deviation=deviation,
        suggested=suggested,
        interval=interval,
    )


def kelly_step(of: Reviewed, tested: Records | None) -> Step:
    """By the account's own days, or by those of the backtest where the account has too few."""
    name, task = "kelly", "Reoptimise the Kelly fraction by measured volatility"
    in_force = float(of.settings.risk.kelly_fraction)
    own = (
        None if of.records is None else kelly_of(of.records, in_force, "the account's daily returns", of.days)
    )
    it = own
    if tested is not None and (own is None or own.suggested is None):
        it = kelly_of(tested, in_force, "the backtest's daily returns", of.days)
        it = it if own is None or it.days > own.days else own
    if it is None:
        return nothing(name, task)
    verdict, found = _kelly_verdict(it)
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(
            Table(
                headings=("input", "figure"),
                rows=(
                    ("risk.kelly_fraction in force", f"{in_force:g}"),
                    ("daily returns", f"{it.days:,}"),
                    ("their mean m", _share(it.mean)),
                    ("their deviation s", _share(it.deviation)),
                    ("suggested for review", "-" if it.suggested is None else f"{it.suggested:.3f}"),
                    (
                        "95 % by the error of m, without bounds",
                        "-" if it.interval is None else f"{it.interval[0]:.3f} to {it.interval[1]:.3f}",
                    ),
                ),
            ),
        ),
        notes=(
            f"{FORMULA}, at least 0 and at most 0.25; {SOURCE}",
            f"inputs: {it.source}; stakes are taken to grow with the fraction, which they do not where a cap "
            "binds; nothing is changed by this report",
        ),
        figures={**document_of(it), "formula": FORMULA, "reference": SOURCE, "most": MOST_KELLY},
    )


def _kelly_verdict(it: Kelly) -> tuple[Verdict, str]:
    if it.suggested is None or it.interval is None:
        if it.days >= FEWEST_DAYS:
            return Verdict.UNSURE, "the returns have no variance, so nothing is suggested"
        return Verdict.UNSURE, f"{too_few_days(it.days)}: nothing is suggested"
    low, high = it.interval
    said = f"{it.kelly_fraction:g} is in force, {it.suggested:.3f} is suggested for review"
    if it.kelly_fraction > high:
        return Verdict.LOOK, f"{said}: stakes are too large for what they made, beyond chance"
    if it.kelly_fraction > MOST_KELLY:
        return Verdict.LOOK, f"{said}: more than a quarter of full Kelly is never suggested"
    if it.kelly_fraction < low:
        if it.kelly_fraction == MOST_KELLY:
            return Verdict.FINE, f"{said}: what was made would bear more, and more is never suggested"
        return Verdict.LOOK, f"{said}: more could be staked, up to a quarter of full Kelly"
    return Verdict.FINE, f"{said}, and by chance alone it might be what is in force"


def too_few_days(days: int) -> str:
    """Why nothing can be claimed of so many daily returns."""
    are = "daily return is" if days == 1 else "daily returns are"
    return f"{days:,} {are} too few for a claim ({FEWEST_DAYS} are asked)"


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value, 3)


def capital_step(of: Reviewed) -> Step:
    """Limits in dollars and contracts, which do not follow the capital as shares of it do."""
    name, task = "limits", "Update risk limits if capital has grown"
    records = of.records
    if records is None:
        return nothing(name, task)
    before, now = records.capital, curve(records)[-1][1]
    if before <= 0:
        return Step(
            id=name, task=task, verdict=Verdict.UNSURE, found="the period began without capital", figures={}
        )
    grown = now / before - 1
    limits = _fixed_limits(of.settings.risk, before, now)
    is_changed = abs(grown) >= GROWN
    found = f"capital went from {dollars(before)} to {dollars(now)} ({100 * grown:+.1f} %): " + (
        "limits in dollars and contracts are for review"
        if is_changed
        else f"less than {percent(GROWN, 0)}, so no limit needs a review for it"
    )
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if is_changed else Verdict.FINE,
        found=found,
        tables=(
            Table(
                headings=("limit", "in force", "of capital", "scaled"), rows=tuple(map(_limit_row, limits))
            ),
        ),
        notes=(
            "limits that are shares of equity follow it by themselves; nothing is changed by this report",
        ),
        figures={
            "capital_before": format_cash(before),
            "capital_now": format_cash(now),
            "grown": grown,
            "limits": [
                {
                    "key": each.key,
                    "in_force": str(each.in_force),
                    "of_capital": each.of_capital,
                    "scaled": str(each.scaled),
                }
                for each in limits
            ],
        },
    )


@dataclass(frozen=True, kw_only=True)
class _FixedLimit:
    """A limit in dollars or contracts, and what it would be had it grown with the capital."""

    key: str
    is_cash: bool
    in_force: int | Decimal
    of_capital: float | None
    scaled: int


def _fixed_limits(risk: RiskSettings, before: Cash, now: Cash) -> list[_FixedLimit]:
    found = []
    for field in dataclasses.fields(risk):
        spec = CATALOGUE[f"risk.{field.name}"]
        if spec.unit in ("$", "contracts"):
            value, is_cash = getattr(risk, field.name), spec.unit == "$"
            found.append(
                _FixedLimit(
                    key=spec.key,
                    is_cash=is_cash,
                    in_force=value,
                    of_capital=float(value) * CASH_PER_DOLLAR / now if is_cash and now > 0 else None,
                    scaled=round(float(value) * now / before),
                )
            )
    return found


def _limit_row(it: _FixedLimit) -> tuple[str, ...]:
    sign = "$" if it.is_cash else ""
    share = "-" if it.of_capital is None else percent(it.of_capital)
    return it.key, f"{sign}{it.in_force:,}", share, f"{sign}{it.scaled:,}"
