"""What the operator orders; named in the imperative, and told to the engine as events are."""

from __future__ import annotations

from console.domain.event import Event
from console.domain.market import Ticker
from console.domain.money import Price


class PauseEntries(Event, frozen=True):
    """Cancel entry orders and make no new ones."""

    reason: str = "operator"


class ReduceOnly(Event, frozen=True):
    """Cancel what increases a position and make nothing that does."""

    reason: str = "operator"


class Halt(Event, frozen=True):
    """Stop: no orders at all. The gate is closed before the engine hears of it."""

    reason: str = "operator"


class Flatten(Event, frozen=True):
    """Halt, and once nothing of ours rests sell every position at the best price there is."""

    reason: str = "operator"


class Disarm(Event, frozen=True):
    """Cancel everything and make no new entries until armed again."""

    reason: str = "operator"


class Arm(Event, frozen=True):
    """Clear the latch under which demo and live start, and which Disarm raises; with a reason."""

    reason: str


class Resume(Event, frozen=True):
    """Clear one latch, with a reason; ``latch`` is its name, and its scope after a space if it has one."""

    latch: str
    reason: str


class CancelAllOrders(Event, frozen=True):
    """Cancel every resting order of ours."""

    reason: str = "operator"


class CancelOrder(Event, frozen=True):
    """Cancel one resting order of ours."""

    client_order_id: str
    reason: str = "operator"


class StopTrading(Event, frozen=True):
    """Cancel the entry orders of a part of the markets and make no new ones; ``scope`` as of a latch."""

    scope: str
    reason: str = "operator"


class ClosePosition(Event, frozen=True):
    """Stop trading a market and sell what is held in it, at ``least_price`` of the outcome held or better."""

    ticker: Ticker
    least_price: Price
    reason: str = "operator"


class ChangeSettings(Event, frozen=True):
    """Trade by other settings from now on: each a key with the text of its value."""

    changes: tuple[tuple[str, str], ...]
    reason: str = "operator"


OperatorCommand = (
    PauseEntries
    | ReduceOnly
    | Halt
    | Flatten
    | Disarm
    | Arm
    | Resume
    | CancelAllOrders
    | CancelOrder
    | StopTrading
    | ClosePosition
    | ChangeSettings
)
