"""What the practice exchange tells its subscribers."""

from __future__ import annotations

import msgspec

from console.practice.groups import OrderGroup
from console.practice.market import Delta, ListedMarket
from console.practice.records import AccountFill, ExchangeOrder, Trade


class BookChanged(msgspec.Struct, frozen=True):
    """Levels changed; ``client_order_id`` names the order of ours that caused it."""

    market: ListedMarket
    deltas: list[Delta]
    client_order_id: str | None = None


class Traded(msgspec.Struct, frozen=True):
    market: ListedMarket
    trade: Trade


class Filled(msgspec.Struct, frozen=True):
    fill: AccountFill


class OrderChanged(msgspec.Struct, frozen=True):
    order: ExchangeOrder


class PositionChanged(msgspec.Struct, frozen=True):
    ticker: str


class LifecycleChanged(msgspec.Struct, frozen=True):
    """``event`` is Kalshi's ``event_type``."""

    market: ListedMarket
    event: str


class GroupChanged(msgspec.Struct, frozen=True):
    """``event`` is Kalshi's ``event_type``."""

    group: OrderGroup
    event: str


Notice = BookChanged | Traded | Filled | OrderChanged | PositionChanged | LifecycleChanged | GroupChanged
