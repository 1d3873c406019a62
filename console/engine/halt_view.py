"""How far a halt got."""

from __future__ import annotations

import enum

import msgspec


class HaltPhase(enum.StrEnum):
    IDLE = "idle"
    CANCELLING = "cancelling"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class HaltView(msgspec.Struct, frozen=True):
    """How far a halt got, written by the halt thread alone.

    ``resting`` is how many of our orders the exchange listed last; None while no list was complete.
    ``confirmed_ns`` is when two complete lists in a row had none of ours.
    """

    phase: HaltPhase
    reason: str = ""
    requested_ns: int | None = None
    attempts: int = 0
    resting: int | None = None
    confirmed_ns: int | None = None
    error: str = ""


NOT_HALTING = HaltView(HaltPhase.IDLE)
