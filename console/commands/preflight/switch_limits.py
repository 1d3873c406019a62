"""Whether each kill switch trips just past the limit that the settings in force state, and not at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from console.config.schema import Settings
from console.domain.account_events import ClockSkewRead
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.domain.time_units import MS_PER_S, NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.exposure import NOTHING, Exposure, WorstCase
from console.risk.switches.base import Reading, RiskView
from console.risk.switches.every import every_switch
from console.risk.text import dollars, percent

_NOW_NS = 1_800_000_000_000_000_000
_CENTIBPS_PER_BPS = 100
_EQUITY = Cash(10_000 * CASH_PER_DOLLAR)
_SMALL, _LARGE = Cash(CASH_PER_DOLLAR), Cash(10**9 * CASH_PER_DOLLAR)
"""Equity of which a share is less than a limit in dollars, and more."""

PAUSED, HALTED, REDUCE_ONLY = TradingState.PAUSED, TradingState.HALTED, TradingState.REDUCE_ONLY


@dataclass(frozen=True)
class Limit:
    """What must trip at ``level``, and what must not yet; None where no figure is on that side of it.

    ``before`` is the level at which it has tripped already on the other side.
    """

    words: str
    trips: RiskView | None
    holds: RiskView | None
    level: TradingState
    before: TradingState | None = None


class WrongLimitError(Exception):
    """A switch trips by another limit than the settings'; the text is one sentence."""


def check_limits(key: str, settings: Settings) -> str:
    """Hold a switch against the settings in force; says which limits it keeps. Raises WrongLimitError."""
    switch = next(each for each in every_switch(settings.risk, settings.quality) if each.key == key)
    said = []
    for limit in LIMITS[key](settings) if key in LIMITS else ():
        if limit.trips is None:
            raise WrongLimitError(f"by the settings it can never trip: {limit.words}")
        if _level(switch.evaluate(limit.trips), switch.level) is not limit.level:
            raise WrongLimitError(f"past the settings' {limit.words} it does not trip {limit.level.name}")
        if limit.holds is not None and _level(switch.evaluate(limit.holds), switch.level) != limit.before:
            raise WrongLimitError(f"it trips before the settings' {limit.words}")
        said.append(limit.words)
    return "; ".join(said)


def _level(reading: Reading, usual: TradingState) -> TradingState | None:
    """At which level it trips, for everything or for a part; None when it does not."""
    if reading.trip is not None:
        return reading.level or usual
    return reading.scoped[0].level or usual if reading.scoped else None


def _view(**figures: object) -> RiskView:
    return RiskView(now_ns=_NOW_NS, **figures)  # type: ignore[arg-type]


def _counts(setting: str, figure: str, unit: str, *, reached: bool) -> Callable[[Settings], Iterator[Limit]]:
    """A limit on a count, which trips when it is reached or once it is passed."""

    def limits(settings: Settings) -> Iterator[Limit]:
        most: int = getattr(settings.risk, setting)
        first = most if reached else most + 1
        holds = _view(**{figure: first - 1}) if first else None
        yield Limit(f"{most} {unit}", _view(**{figure: first}), holds, PAUSED)

    return limits


def _daily_loss(settings: Settings) -> Iterator[Limit]:
    risk = settings.risk
    for opened in (_SMALL, _LARGE):
        most = min(_cash(risk.max_daily_loss_dollars), int(Fraction(risk.max_daily_loss_pct) * opened))
        yield Limit(
            f"{dollars(Cash(most))} at an equity of {dollars(opened)}",
            _view(equity=Cash(opened - most), day_open_equity=opened),
            _view(equity=Cash(opened - most + 1), day_open_equity=opened),
            HALTED,
        )


def _drawdown(settings: Settings) -> Iterator[Limit]:
    share = Fraction(settings.risk.max_drawdown_pct)
    least = -int(-share * _EQUITY // 1)
    holds = _view(equity=Cash(_EQUITY - least + 1), high_water=_EQUITY) if least else None
    trips = _view(equity=Cash(_EQUITY - least), high_water=_EQUITY)
    yield Limit(f"{percent(share)} of the highest equity", trips, holds, HALTED)


def _slippage(settings: Settings) -> Iterator[Limit]:
    quality = settings.quality
    number, share = quality.slippage_window_fills, Fraction(quality.max_slippage_share)
    line = int(quality.max_slippage_bps * _CENTIBPS_PER_BPS)
    fewest = int(share * number) + 1
    words = f"{percent(share)} of {number} fills past {quality.max_slippage_bps} bps"

    def fills(beyond: int) -> RiskView:
        return _view(taker_slippage=(line,) * (number - beyond) + (line + 1,) * beyond)

    yield Limit(words, fills(fewest) if fewest <= number else None, fills(fewest - 1), PAUSED)
    few = quality.slippage_min_fills
    at_once, too_few = (_view(taker_slippage=(line + 1,) * each) for each in (few, few - 1))
    yield Limit(f"{few} fills at least", at_once, too_few, PAUSED)


def _stale_book(settings: Settings) -> Iterator[Limit]:
    most_s = settings.quality.max_stale_book_seconds
    most_ns = int(most_s * NS_PER_S)
    older, old = (_view(feed_proved_ns=_NOW_NS - each) for each in (most_ns + 1, most_ns))
    yield Limit(f"{most_s} s", older, old, PAUSED)


def _correlation(settings: Settings) -> Iterator[Limit]:
    risk = settings.risk
    share = Fraction(risk.max_correlated_group_pct) * (1 + Fraction(risk.group_breach_margin_pct))
    most = int(share * _EQUITY)
    more, full = (_view(equity=_EQUITY, exposure=_one_group(Cash(each))) for each in (most + 1, most))
    yield Limit(f"{percent(share)} in a group", more, full, REDUCE_ONLY)


def _one_group(at_stake: Cash) -> Exposure:
    case = WorstCase(at_stake, at_stake)
    return Exposure(
        total=NOTHING,
        reserved=Cash(0),
        largest_group=at_stake,
        markets={},
        events={},
        groups={"group": case},
        places={},
        legs={},
    )


def _tripwire(settings: Settings) -> Iterator[Limit]:
    risk = settings.risk
    orders, share = risk.tripwire_orders_per_minute, Fraction(risk.tripwire_notional_pct_per_minute)
    most = int(share * _EQUITY)

    def sent(number: int, cash: int) -> RiskView:
        return _view(orders_in_minute=number, notional_in_minute=Cash(cash), equity=_EQUITY)

    yield Limit(f"{orders} orders a minute", sent(orders + 1, 0), sent(orders, 0), HALTED)
    yield Limit(f"{percent(share)} a minute", sent(1, most + 1), sent(1, most), HALTED)


def _unknown_orders(settings: Settings) -> Iterator[Limit]:
    risk = settings.risk
    most, pauses_s, halts_s = risk.max_unknown_orders, risk.unknown_pause_seconds, risk.unknown_halt_seconds

    def unknown(number: int, age_ns: int) -> RiskView:
        return _view(unknown_since_ns=(_NOW_NS - age_ns,) * number)

    yield Limit(f"{most} orders", unknown(most + 1, 0), unknown(most, 0), PAUSED)
    halts_ns, pauses_ns = int(halts_s * NS_PER_S), int(pauses_s * NS_PER_S)
    if most and pauses_ns < halts_ns:
        yield Limit(f"{pauses_s} s", unknown(1, pauses_ns + 1), unknown(1, pauses_ns), PAUSED)
    before = PAUSED if pauses_ns < halts_ns or not most else None
    yield Limit(f"{halts_s} s", unknown(1, halts_ns + 1), unknown(1, halts_ns), HALTED, before)


def _clock_skew(settings: Settings) -> Iterator[Limit]:
    most_s = settings.quality.max_clock_skew_seconds
    most_ms, most_ns = int(most_s * MS_PER_S), int(most_s * NS_PER_S)
    for sign in (1, -1):
        further, far = (
            _view(clock=ClockSkewRead(at_ns=_NOW_NS, skew_ms=sign * each)) for each in (most_ms + 1, most_ms)
        )
        yield Limit(f"{sign * most_s:+} s", further, far, PAUSED)
    known = ClockSkewRead(at_ns=_NOW_NS, skew_ms=0)
    leapt, stepped = (_view(clock=known, clock_step_ns=each) for each in (most_ns + 1, most_ns))
    yield Limit(f"a step of {most_s} s", leapt, stepped, PAUSED)


def _cash(amount: Decimal) -> int:
    return int(Fraction(amount) * CASH_PER_DOLLAR)


LIMITS: Mapping[str, Callable[[Settings], Iterator[Limit]]] = {
    "daily_loss": _daily_loss,
    "drawdown": _drawdown,
    "loss_streak": _counts("max_consecutive_losses", "losses_in_a_row", "losses in a row", reached=True),
    "slippage": _slippage,
    "error_burst": _counts("max_errors_per_hour", "errors_in_hour", "errors an hour", reached=False),
    "stale_book": _stale_book,
    "no_fills": _counts("max_scans_without_fill", "scans_without_fill", "scans", reached=True),
    "correlation": _correlation,
    "reject_rate": _counts("max_rejects_per_minute", "rejects_in_minute", "rejects a minute", reached=True),
    "tripwire": _tripwire,
    "unknown_orders": _unknown_orders,
    "clock_skew": _clock_skew,
}
"""By the key of each switch that has one; the others trip at a word, a refusal or a difference."""
