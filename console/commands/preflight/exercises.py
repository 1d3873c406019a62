"""Each kill switch tripped in a running engine on a practice exchange, and resumed again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from console.commands.preflight.arena import TimeUpError
from console.commands.preflight.session import MAKER, Session, news
from console.domain.commands import ClosePosition
from console.domain.money import Price
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.account_views import PositionView
from console.engine.limit_views import LatchView
from console.engine.snapshot import Snapshot
from console.monitoring.why_not import FunnelStepName
from console.risk.latches import EVERYTHING

_NUDGE_S = 2.0
_QUIET_S = 0.5
_HELD_NS = 4 * NS_PER_S

PAUSED, HALTED, REDUCE_ONLY = TradingState.PAUSED, TradingState.HALTED, TradingState.REDUCE_ONLY

Nudge = Callable[[Session], None]


def _no_nudge(_session: Session) -> None:
    """What goes wrong goes wrong by itself."""


@dataclass(frozen=True)
class Exercise:
    """How a switch is made to trip, and at which level it must, whatever the switch says of itself.

    ``fault`` is a flag of Faults, ``settings`` are in force meanwhile. ``nudge`` is done first and again
    every two seconds until it has tripped. Where it ``is_blind`` no market is looked at until the fault has
    ended.
    """

    words: str
    level: TradingState
    fault: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    nudge: Nudge = _no_nudge
    is_blind: bool = False


def exercise(key: str, running: Session) -> str:
    """Trip a switch, see that it stops what it should, and resume; says how that went. Raises TimeUpError."""
    it = EXERCISES[key]
    running.wait_for_trading()
    # Under the settings of some exercises nothing is entered, and they trip by what is held.
    running.wait("a position that lasts", _holds_for_a_while)
    told = running.receiver.count(key)
    running.change(it.settings)
    if it.fault is not None:
        setattr(running.faults, it.fault, True)
    try:
        took_s = _nudge_until_tripped(running, key, it)
        if it.is_blind:
            running.faults.end()
        found = _see_it_stop(running, key, it.level)
    finally:
        running.faults.end()
    arrived_s = running.wait_told(key, told)
    running.change_back(it.settings)
    return f"{it.words}: {found} after {took_s:.1f} s, told {arrived_s:.1f} s later, {running.clear()}"


def _nudge_until_tripped(running: Session, key: str, it: Exercise) -> float:
    nudged_s = 0.0

    def is_tripped(now: Snapshot) -> bool:
        nonlocal nudged_s
        if time.monotonic() - nudged_s >= _NUDGE_S:
            nudged_s = time.monotonic()
            it.nudge(running)
        return any(latch.name == key for latch in now.latches)

    return running.wait(f"the latch {key}", is_tripped)


def _see_it_stop(running: Session, key: str, level: TradingState) -> str:
    """What the latch did; raises TimeUpError unless it is at this level and stops what that stops."""
    tripped = running.snapshot
    latch = next(latch for latch in tripped.latches if latch.name == key)
    if latch.level is not level:
        raise TimeUpError(f"{latch.id} latched {latch.level.name}, not {level.name}")
    if level is HALTED:
        running.wait_halted()
    taken = running.arena.taken()
    # Exits go on where it does not halt.
    count = _orders if level is HALTED else _entries
    time.sleep(_QUIET_S)
    # Silence alone proves nothing: there may have been nothing to enter, or another limit in its way.
    try:
        running.wait(
            f"an entry refused by {latch.id}",
            lambda now: _refused_by(latch, now) > _refused_by(latch, tripped) or count(now) > count(tripped),
        )
    except TimeUpError as error:
        raise TimeUpError(f"{error}; what refused them: {news(tripped, running.snapshot)}") from None
    sent = count(running.snapshot) - count(tripped)
    if level is HALTED:
        sent = max(sent, running.arena.taken() - taken)
    if sent:
        raise TimeUpError(f"{sent} orders were sent after {latch.id} was latched")
    where = "" if latch.scope == EVERYTHING else f" on {latch.scope}"
    return f"{level.name}{where}"


def _orders(now: Snapshot) -> int:
    return now.orders


def _entries(now: Snapshot) -> int:
    return next(step.reached for step in now.funnel if step.label == FunnelStepName.SENT.value)


def _holds_for_a_while(now: Snapshot) -> bool:
    least_ns = time.time_ns() + _HELD_NS
    return any(held.close_ns is not None and held.close_ns > least_ns for held in now.positions)


def _refused_by(latch: LatchView, now: Snapshot) -> int:
    """How many proposals this latch itself has refused, in the words of the funnel."""
    limits = next(step for step in now.funnel if step.label == FunnelStepName.LIMITS.value)
    level = latch.level.name.replace("_", " ").lower()
    return dict(limits.stopped).get(f"{level} by {latch.name}", 0)


def _halt(running: Session) -> None:
    running.halt()


def _fail(running: Session) -> None:
    for number in range(3):
        running.worker.note_error("preflight", f"a failure made for the check, {number}")


def _lose(running: Session) -> None:
    """Sell something for less than was paid, or for the fees."""
    _sell(running, lambda held, price: price <= held.average_price)


def _sell_any(running: Session) -> None:
    """Send an order, whatever the strategy would."""
    _sell(running, lambda _held, _price: True)


def _sell(running: Session, is_wanted: Callable[[PositionView, Price], bool]) -> None:
    for held in running.snapshot.positions:
        price = held.exit.price
        if price is not None and is_wanted(held, price):
            running.worker.send(ClosePosition(at_ns=time.time_ns(), ticker=held.ticker, least_price=price))
            return


EXERCISES: dict[str, Exercise] = {
    "manual": Exercise("halted by the operator", HALTED, nudge=_halt),
    "daily_loss": Exercise(
        "fees and spread at a limit of 1 cent", HALTED, settings=(("risk.max_daily_loss_dollars", "0.01"),)
    ),
    "drawdown": Exercise(
        "fees and spread at a limit of 0.0001 %", HALTED, settings=(("risk.max_drawdown_pct", "0.000001"),)
    ),
    "loss_streak": Exercise(
        "a position sold at a loss, at a limit of one",
        PAUSED,
        settings=(("risk.max_consecutive_losses", "1"),),
        nudge=_lose,
    ),
    "slippage": Exercise(
        "fills a cent worse than decided",
        PAUSED,
        fault="fills_worse",
        settings=(("quality.slippage_min_fills", "1"), ("quality.max_slippage_share", "0")),
    ),
    "error_burst": Exercise(
        "three failures at a limit of two", PAUSED, settings=(("risk.max_errors_per_hour", "2"),), nudge=_fail
    ),
    "stale_book": Exercise(
        "a feed gone silent, at a limit of 2 s",
        PAUSED,
        fault="is_silent",
        settings=(("quality.max_stale_book_seconds", "2"),),
        is_blind=True,
    ),
    "no_fills": Exercise(
        "orders that rest and do not fill, at a limit of 2 scans",
        PAUSED,
        settings=(*MAKER, ("risk.max_scans_without_fill", "2")),
    ),
    "correlation": Exercise(
        "a group over a cap of 0.0001 %",
        REDUCE_ONLY,
        settings=(
            ("risk.max_single_position_pct", "0.000001"),
            ("risk.max_correlated_group_pct", "0.000001"),
        ),
    ),
    "reject_rate": Exercise(
        "orders refused by the exchange, at a limit of two",
        PAUSED,
        fault="rejects_orders",
        settings=(("risk.max_rejects_per_minute", "2"),),
        nudge=_sell_any,
    ),
    "tripwire": Exercise(
        "an order over a limit of nothing a minute",
        HALTED,
        settings=(("risk.tripwire_notional_pct_per_minute", "0"),),
    ),
    "unknown_orders": Exercise(
        "an order whose answer is lost, at a limit of none",
        PAUSED,
        fault="loses_answers",
        settings=(("risk.max_unknown_orders", "0"),),
        nudge=_sell_any,
    ),
    "foreign_instance": Exercise("an order of another kconsole listed", HALTED, fault="lists_foreign"),
    "position_mismatch": Exercise("a position listed that is not ours", HALTED, fault="holds_more"),
    "clock_skew": Exercise("the exchange's clock a minute off", PAUSED, fault="clock_is_off"),
    "exchange_paused": Exercise("trading paused by the exchange", PAUSED, fault="stops_trading"),
    "api_key": Exercise("the key refused by the exchange", HALTED, fault="refuses_key"),
    "guard": Exercise("the guard gone", PAUSED, fault="guard_is_gone"),
}
"""By the switch's key; the journal's needs a run of its own, whose disk refuses."""
