"""What the console leaves behind when it ends."""

from __future__ import annotations

import enum


class QuitChoice(enum.StrEnum):
    """What becomes of resting orders."""

    CANCEL_ORDERS = "cancel"
    LEAVE_RESTING = "leave"
