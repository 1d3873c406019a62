"""A practice exchange and a home of their own, in a temporary folder, for runs that are made to fail."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from console.app import Launch
from console.app.parts import signer_of, venue_of
from console.config.home import EnvironmentFolder, Home
from console.config.load import environment_file, load
from console.config.program_settings import PracticeSettings
from console.config.schema import Settings
from console.domain.market import Ticker
from console.domain.order import OrderReport, OrderStatus
from console.domain.ports import Venue
from console.domain.time_units import NS_PER_S
from console.exchange.clock import ServerClock
from console.exchange.hosts import read_connection
from console.practice.child import practice_exchange

PATIENCE_S = 60.0
_LOOK_S = 0.05

Answer = TypeVar("Answer")

RESTLESS: tuple[tuple[str, str], ...] = (
    ("edge.constant_points", "8"),
    ("strategy_flb.favorite_threshold", "51"),
    ("strategy_flb.longshot_threshold", "49"),
    ("strategy_flb.min_depth_contracts", "1"),
    ("strategy_flb.scan_interval", "0.5"),
    ("quality.max_spread_bps", "10000"),
    ("risk.max_order_contracts", "1"),
    ("risk.max_orders_per_minute", "120"),
    ("risk.max_single_position_pct", "0.5"),
    ("risk.max_event_exposure_pct", "1"),
    ("risk.max_correlated_group_pct", "1"),
    ("risk.groups", '{everything = ["*"]}'),
    ("risk.max_total_exposure_pct", "1"),
    ("risk.price_collar_cents", "99"),
    ("risk.max_consecutive_losses", "1000"),
    ("risk.max_scans_without_fill", "100000"),
    ("risk.max_rejects_per_minute", "10000"),
    ("risk.max_errors_per_hour", "10000"),
    ("risk.max_unknown_orders", "10000"),
    ("risk.tripwire_orders_per_minute", "10000"),
    ("risk.tripwire_notional_pct_per_minute", "100"),
    ("quality.max_slippage_share", "1"),
)
"""Orders of one contract at every chance, and no limit in the way of what is tried next."""

HURRIED, PATIENT = Decimal(60), Decimal(20)
"""Speeds at which a market lives for 15 s, and for 45 s; each is entered once."""


class TimeUpError(Exception):
    """What was waited for did not come; the text is one sentence."""


def wait_for(what: str, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
    """Wait until this holds, and return how many seconds it took; raises TimeUpError."""
    began_s = time.monotonic()
    while not holds():
        if time.monotonic() - began_s > patience_s:
            raise TimeUpError(f"not seen within {patience_s:.0f} s: {what}")
        time.sleep(_LOOK_S)
    return time.monotonic() - began_s


class Arena:
    """Its exchange's ``line`` for ``--attach``; runs of one home follow each other on the one account."""

    def __init__(self, root: Path, line: Path) -> None:
        self.root = root
        self.line = line
        self._close_ns: dict[Ticker, int] = {}
        self._reader = self.launch("reader")
        self._connection = read_connection(line)
        self._signer = signer_of(self._connection)

    def home(self, name: str) -> Path:
        """The folder of a home."""
        return self.root / name

    def folder(self, name: str) -> EnvironmentFolder:
        return Home(self.home(name)).environment("practice")

    def launch(self, name: str, *more: tuple[str, str]) -> Launch:
        """A run in a home, restless or with other settings."""
        return Launch("practice", restless(*more), self.folder(name), self.line)

    def resting(self) -> int:
        """How many orders of the account the exchange itself lists as resting; raises VenueError."""
        return sum(order.status is OrderStatus.RESTING for order in self._orders())

    def taken(self) -> int:
        """How many orders it has ever taken from the account; raises VenueError."""
        return len(self._orders())

    def has_seen(self, client_order_id: str) -> bool:
        """Whether it has taken this order; raises VenueError."""
        return any(order.client_order_id == client_order_id for order in self._orders())

    def lasting(self, seconds: float) -> list[OrderReport]:
        """What rests in markets that stay open for so long, those that close last at the end."""
        resting = [order for order in self._orders() if order.status is OrderStatus.RESTING]
        lasting = [order for order in resting if self.lasts(order, seconds)]
        return sorted(lasting, key=lambda order: self._close_ns[order.ticker])

    def lasts(self, order: OrderReport, seconds: float) -> bool:
        """Whether its market stays open for so long; raises VenueError."""
        if order.ticker not in self._close_ns:
            market = self._asked(lambda venue: venue.market(order.ticker))
            self._close_ns[order.ticker] = market.close_ns
        return self._close_ns[order.ticker] > time.time_ns() + int(seconds * NS_PER_S)

    def has_cancelled(self, client_order_id: str) -> bool:
        """Whether it lists this order as cancelled; raises VenueError."""
        return any(
            order.client_order_id == client_order_id and order.status is OrderStatus.CANCELED
            for order in self._orders()
        )

    def _orders(self) -> Sequence[OrderReport]:
        return self._asked(lambda venue: venue.orders())

    def _asked(self, ask: Callable[[Venue], Awaitable[Answer]]) -> Answer:
        """What the exchange answers to a read of ours."""

        async def asked() -> Answer:
            clock = ServerClock(time.time_ns)
            venue = venue_of(self._reader, self._connection, self._signer, clock, lambda _reduce_only: False)
            try:
                return await ask(venue)
            finally:
                await venue.close()

        return asyncio.run(asked())

    def words(self, name: str, *more: tuple[str, str]) -> list[str]:
        """The same as options of a command."""
        words = ["--home", str(self.home(name)), "--attach", str(self.line)]
        words += ["--config", str(environment_file("practice"))]
        for key, value in (*RESTLESS, *more):
            words += ["--set", f"{key}={value}"]
        return words


def restless(*more: tuple[str, str]) -> Settings:
    """Practice settings that trade at every chance; no variable of the operator's changes them."""
    options = [("preflight", f"{key}={value}") for key, value in (*RESTLESS, *more)]
    return load("practice", variables={}, options=options).settings


@contextmanager
def open_arena(speed: Decimal) -> Iterator[Arena]:
    """Start the exchange; raises PracticeFailedError, OSError."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kconsole-preflight-")))
        line, _ = stack.enter_context(practice_exchange(PracticeSettings(speed=speed), root, root))
        path = root / "exchange.json"
        path.write_bytes(line)
        yield Arena(root, path)
