"""What a halt is made of, each part tried while the others that would cover it fail."""

from __future__ import annotations

import time

from console.commands.preflight.arena import TimeUpError, wait_for
from console.commands.preflight.session import MAKER, Session, news
from console.domain.time_units import NS_PER_S
from console.engine.account_views import RestingView
from console.engine.gate import Gate, Sentinel

_TRIES = 10
_UNCONFIRMED_S = 1.5
_LASTS_NS = 6 * NS_PER_S
_EXPIRES_NS = 2 * NS_PER_S
"""An order expires by itself within the last second of its market."""


def exercise_resume(running: Session) -> str:
    """Halt while orders rest, see that none is left, and that they go out again; raises TimeUpError.

    The engine's own cancels are lost meanwhile: the halt must not depend on what it halts.
    """
    _rest_an_order(running)
    running.faults.loses_cancels = True
    try:
        running.halt()
        running.wait_halted()
        left = running.arena.resting()
        if left:
            raise TimeUpError(f"the halt was confirmed, and {left} orders rest at the exchange")
    finally:
        running.faults.end()
    running.change_back(MAKER)
    before = running.arena.taken()
    said = running.clear()
    took_s = wait_for("an order at the exchange after the halt", lambda: running.arena.taken() > before)
    return f"halted and confirmed, nothing rests, {said}; the next order was taken {took_s:.1f} s later"


def exercise_rounds(running: Session) -> str:
    """Halt with the cancels alone, with the order group alone, and with neither; raises TimeUpError."""
    faults = running.faults
    for fault, way in (("loses_triggers", "cancels"), ("loses_halt_cancels", "the trigger of its group")):
        for _ in range(_TRIES):
            order = _rest_an_order(running)
            faults.loses_cancels = True
            setattr(faults, fault, True)
            try:
                running.halt()
                running.wait_halted()
                is_shown = _lasts(order, _EXPIRES_NS) and running.arena.has_cancelled(order.client_order_id)
                left = running.arena.resting()
            finally:
                faults.end()
            if left:
                raise TimeUpError(f"the halt was confirmed by {way} alone, and {left} orders rest")
            running.clear()
            if is_shown:
                break
        else:
            raise TimeUpError(f"by {way} alone no order was cancelled before its market closed")
    _see_none_confirmed(running)
    running.change_back(MAKER)
    running.clear()
    return (
        "orders are cancelled where cancels alone reach the exchange, and where the trigger of their group "
        f"alone does; with neither, {_UNCONFIRMED_S:g} s later no halt is confirmed while an order rests"
    )


def _see_none_confirmed(running: Session) -> None:
    """Raise TimeUpError when a halt is confirmed of which nothing has reached the exchange."""
    faults = running.faults
    for _ in range(_TRIES):
        _rest_an_order(running)
        faults.loses_cancels = faults.loses_halt_cancels = faults.loses_triggers = True
        try:
            running.halt()
            is_confirmed = running.worker.wait_halted(_UNCONFIRMED_S)
            left = running.arena.resting()
        finally:
            faults.end()
        if is_confirmed and left:
            raise TimeUpError(f"a halt was confirmed while {left} orders rested at the exchange")
        running.wait_halted()
        if left:
            return
        # Its market closed before it was looked for, so that nothing was shown.
        running.clear()
    raise TimeUpError(f"no order rested for {_UNCONFIRMED_S:g} s, {_TRIES} times")


def exercise_gate(running: Session) -> str:
    """Send orders that the halt file alone must stop, and the gate's level alone; raises TimeUpError."""
    running.wait_for_trading()
    running.probe.must_pass("before the halt")
    running.halt()
    running.wait_halted()
    file = running.halt_file
    wait_for("the halt file", file.exists)
    # Nobody has closed this one.
    running.probe.must_stop("that the halt file stands before", Gate(Sentinel(file)))
    file.unlink()
    running.probe.must_stop("that is closed")
    if file.exists():
        raise TimeUpError(f"{file.name} came back, so that the gate's level was not tried alone")
    said = running.clear()
    running.probe.must_pass("after the halt")
    return (
        "an order past the core and its latches, in no order group, was kept from leaving by the halt file "
        f"alone and by the gate's level alone; {said}, and the next one was taken"
    )


def _rest_an_order(running: Session) -> RestingView:
    """Wait until one rests at the exchange that lasts for a while; the one that lasts longest."""
    running.wait_for_trading()
    if running.snapshot.settings.strategy_flb.style != "maker":
        running.change(MAKER)
    # What is on its way may be refused still, and then nothing is shown.
    found: list[RestingView] = []

    def is_seen() -> bool:
        found[:] = [order for order in running.snapshot.resting if _lasts(order, _LASTS_NS)]
        return bool(found) and running.arena.resting() > 0

    before = running.snapshot
    try:
        wait_for("an order that rests at the exchange and lasts", is_seen)
    except TimeUpError as error:
        now = running.snapshot
        raise TimeUpError(f"{error}; {now.state.name}, what refused others: {news(before, now)}") from None
    return max(found, key=lambda order: order.close_ns or 0)


def _lasts(order: RestingView, for_ns: int) -> bool:
    """Whether its market is open for so long still."""
    return (order.close_ns or 0) > time.time_ns() + for_ns
