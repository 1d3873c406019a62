"""The ids that we give our orders: ``kc-<instance>-<number>``, the instance being the journal's."""

from __future__ import annotations

import re

CLIENT_ID_SCHEME = "kc"

_FORM = re.compile(rf"{CLIENT_ID_SCHEME}-(?P<instance>[^-]+)-")


def prefix_of(instance: str) -> str:
    """What every client order id made from a journal begins with."""
    return f"{CLIENT_ID_SCHEME}-{instance}-"


def instance_of(client_order_id: str) -> str | None:
    """The instance of kconsole that gave an order this id; None where none did."""
    found = _FORM.match(client_order_id)
    return None if found is None else found["instance"]


def number_of(client_order_id: str) -> int:
    """The number of an order among those of its instance; 0 where its id has none."""
    number = client_order_id.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0
