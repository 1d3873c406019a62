"""What stands outside the engine, as the engine sees it: a venue for orders, a feed, a halt line.

An exchange, the practice exchange and a simulation implement the same protocols.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected
from console.domain.events import EngineEvent
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash
from console.domain.order import Fill, OrderIntent, OrderReport, PositionReport, Settlement

SubmitOutcome = OrderAcked | OrderRejected | OrderBecameUnknown


class VenueError(Exception):
    """A read or a cancel did not succeed; the text says what was asked of which address and why not.

    Never to be taken as "nothing there".
    """


class VenueRefusedError(VenueError):
    """The exchange refused us for certain (a wrong key, a scope, a bad request)."""


class KeyRefusedError(VenueRefusedError):
    """The exchange does not accept our key, or not for what was asked."""


KEY_REFUSED = "key_refused"
"""Code of an order's rejection for the same reason."""


class Universe(msgspec.Struct, frozen=True):
    """Which markets to trade: empty tuples mean no restriction; times are seconds to close."""

    series: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    min_seconds_to_close: int = 0
    max_seconds_to_close: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """What is left of the exchange's request budget, of how much."""

    read: int
    read_capacity: int
    write: int
    write_capacity: int


class Venue(Protocol):
    """Where orders go and where the account is read. Every list is complete, or VenueError is raised."""

    async def submit(self, intent: OrderIntent) -> SubmitOutcome:
        """Send exactly one request; never raises for an outcome that is merely unknown."""

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        """Cancel one order; one that is already gone is not an error."""

    async def orders(self, since_ns: int = 0) -> Sequence[OrderReport]:
        """Every resting order, and every order placed at or after a time, whatever became of it.

        Older ones may be among them.
        """

    async def fills(self, since_ns: int = 0) -> Sequence[Fill]:
        """Every fill of the account at or after a time, oldest first."""

    async def settlements(self, since_ns: int = 0) -> Sequence[Settlement]:
        """Every settlement of the account at or after a time, oldest first."""

    async def positions(self) -> Sequence[PositionReport]:
        """Every position of the account, settled ones included."""

    async def balance(self) -> Cash:
        """Cash of the account, all shards together."""

    async def status(self) -> ExchangeStatusRead:
        """What the exchange says of itself, with its next maintenance window."""

    @property
    def skew_ms(self) -> int | None:
        """How far our clock is ahead of the exchange's by its last answer; None while no answer told."""

    @property
    def tokens(self) -> Tokens | None:
        """What is left of the request budget; None where none is kept."""

    async def markets(self, universe: Universe) -> Sequence[Market]:
        """The open markets of a universe, with the fees of their series or event."""

    async def market(self, ticker: Ticker) -> Market:
        """One market."""

    async def create_group(self, exchange_index: int) -> str:
        """A new order group on a shard; its id goes on every order."""

    async def reset_group(self, group_id: str) -> None:
        """Let a triggered group take orders again."""

    async def close(self) -> None:
        """Release the connections."""


class Feed(Protocol):
    """Live data as events; it reconnects and re-subscribes by itself and says so."""

    def events(self) -> AsyncIterator[EngineEvent]:
        """Market and account events until the feed is closed.

        A lost line or a gap comes as FeedLost; quotes come again once the books were sent anew.
        """

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        """Add markets to the books and tickers that are followed."""

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        """Stop following markets."""

    async def close(self) -> None:
        """End ``events``."""


class HaltLine(Protocol):
    """The calls a halt needs, blocking, on a connection of their own."""

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        """Cancel every order of a group and refuse new ones."""

    def resting(self) -> Sequence[OrderReport]:
        """Every resting order of the account; complete, or VenueError."""

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        """Cancel one order; one that is already gone is not an error."""

    def close(self) -> None:
        """Release the connection."""


Clock = Callable[[], int]
"""Nanoseconds, UTC or monotonic as the parameter's name says."""
