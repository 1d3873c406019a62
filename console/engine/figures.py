"""The figures by which the operator is told before a limit is met."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import QualitySettings
from console.domain.money import PRICE_PER_DOLLAR, Cash
from console.domain.time_units import NS_PER_S
from console.engine.account_views import Outcomes
from console.monitoring import alerts
from console.monitoring.alerts import Figure
from console.risk.switches.base import RiskView
from console.risk.switches.daily_loss import daily_loss_limit
from console.risk.text import dollars, percent, seconds

_CENTIBPS_PER_BPS = 100
_SQUARE_OF_DEVIATIONS = 4


def figures_of(
    view: RiskView | None, outcomes: Outcomes, disk_free: int | None, settings: Settings
) -> Iterator[Figure]:
    """Every one that is known, from what the switches read last, how trades ended and the disk."""
    if view is not None:
        yield from _losses(view, settings.risk)
        yield from _exposure(view, settings.risk)
        yield from _conduct(view, settings.risk, settings.quality)
    yield from _edge(outcomes)
    if disk_free is not None:
        text = f"{disk_free // 1_000_000:,} MB are free where the journal is"
        yield Figure(alerts.DISK, alerts.LITTLE_DISK_BYTES, disk_free, text)


def _losses(view: RiskView, limits: RiskSettings) -> Iterator[Figure]:
    equity, opening, highest = view.equity, view.day_open_equity, view.high_water
    if equity is None:
        return
    if opening is not None:
        lost, limit = Cash(opening - equity), daily_loss_limit(limits, opening)
        yield Figure(alerts.DAY_LOSS, lost, limit, _near("the day's loss is", lost, limit, "halts"))
    if highest is not None:
        lost, limit = Cash(highest - equity), Cash(int(Fraction(limits.max_drawdown_pct) * highest))
        yield Figure(alerts.DRAWDOWN, lost, limit, _near("below the highest equity by", lost, limit, "halts"))


def _exposure(view: RiskView, limits: RiskSettings) -> Iterator[Figure]:
    equity, exposure = view.equity, view.exposure
    if equity is None or exposure is None or equity <= 0:
        return
    total, cap = exposure.total.with_orders, Cash(int(Fraction(limits.max_total_exposure_pct) * equity))
    yield Figure(alerts.EXPOSURE, total, cap, _near("at stake at worst", total, cap, "is the cap"))
    cap = Cash(int(Fraction(limits.max_correlated_group_pct) * equity))
    margin = Cash(int(Fraction(limits.group_breach_margin_pct) * cap))
    if not margin:
        # The switch trips, and tells, at the cap itself.
        return
    for name, case in exposure.groups.items():
        over = Cash(case.with_orders - cap)
        text = (
            f"group {name}: at stake at worst {dollars(case.with_orders)}, over its cap of {dollars(cap)}; "
        )
        yield Figure(alerts.GROUP, over, margin, f"{text}{dollars(Cash(cap + margin))} reduces it", name)


def _near(what: str, used: Cash, limit: Cash, at: str) -> str:
    share = f", {percent(Fraction(used, limit))} of it" if limit > 0 else ""
    return f"{what} {dollars(used)}; {dollars(limit)} {at}{share}"


def _conduct(view: RiskView, limits: RiskSettings, quality: QualitySettings) -> Iterator[Figure]:
    if view.errors_in_hour is not None:
        most = limits.max_errors_per_hour
        text = f"{view.errors_in_hour} errors within an hour; more than {most} pause"
        yield Figure(alerts.ERRORS, view.errors_in_hour, most, text)
    fills = (view.taker_slippage or ())[-quality.slippage_window_fills :]
    if len(fills) >= quality.slippage_min_fills:
        line = quality.max_slippage_bps
        beyond = sum(fill > line * _CENTIBPS_PER_BPS for fill in fills)
        share = Fraction(quality.max_slippage_share)
        text = (
            f"{beyond} of {len(fills)} taker fills slipped more than {line.normalize():f} bps; "
            f"more than {percent(share)} pause"
        )
        yield Figure(alerts.SLIPPAGE, beyond, share * len(fills), text)
    if view.feed_proved_ns is not None:
        silent_ns, limit_ns = (
            view.now_ns - view.feed_proved_ns,
            int(quality.max_stale_book_seconds * NS_PER_S),
        )
        text = f"the feed proved nothing for {seconds(max(0, silent_ns))}; {seconds(limit_ns)} pause"
        yield Figure(alerts.FEED, silent_ns, limit_ns, text)


def _edge(outcomes: Outcomes) -> Iterator[Figure]:
    """How far winners fall short of what was expected, squared, against two deviations of chance, squared."""
    n, won = outcomes.trades, outcomes.won
    if outcomes.events < alerts.FEWEST_EVENTS:
        return
    short = outcomes.expected - won * PRICE_PER_DOLLAR
    expected = Fraction(outcomes.expected, n * PRICE_PER_DOLLAR)
    paid = Fraction(outcomes.paid, n * PRICE_PER_DOLLAR)
    text = (
        f"{won} of {n} trades won in {outcomes.events} events, {percent(Fraction(won, n))}; "
        f"{percent(expected)} were expected and {percent(paid)} paid"
    )
    yield Figure(alerts.EDGE, short * abs(short), _SQUARE_OF_DEVIATIONS * outcomes.variance, text)
