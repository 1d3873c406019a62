"""A halt from outside a run: it needs no console, no lock and no journal, only the run's file."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from console.app.launch import Launch
from console.app.parts import connection_of
from console.config.errors import ConfigError
from console.domain.order import OrderReport
from console.domain.ports import HaltLine
from console.engine.client_ids import CLIENT_ID_SCHEME
from console.engine.halt_rounds import HaltRounds, Remainder, cancel_until_none
from console.engine.run_file import RunFile, RunFileError, read_run_file
from console.exchange.clock import ServerClock
from console.exchange.halt_line import BlockingHaltLine
from console.exchange.hosts import Connection
from console.exchange.signing import KeyFileError, load_signer

DEADLINE_S = 3.0
PATIENCE_S = 10.0
_CONNECT_S = 1.0


@dataclass(frozen=True)
class Target:
    """What to cancel and where; ``groups`` is an order group on each shard."""

    connection: Connection
    groups: dict[int, str]
    is_ours: Callable[[OrderReport], bool]


def target_of(run: RunFile) -> Target:
    """The orders of a run and of the earlier ones of its journal; raises ValueError for an unsafe address."""
    connection = Connection(run.rest, run.ws, run.key_id, run.private_key_path)
    return Target(connection, dict(run.groups), lambda order: _begins(order, run.client_id_prefix))


def any_of_ours(connection: Connection) -> Target:
    """Every order that a kconsole has placed with this key."""
    return Target(connection, {}, lambda order: _begins(order, f"{CLIENT_ID_SCHEME}-"))


def everything(target: Target) -> Target:
    """Every order of the account, also those that are not ours."""
    return Target(target.connection, target.groups, lambda _order: True)


def halt_line(connection: Connection) -> HaltLine:
    """A new line of a halt; raises KeyFileError."""
    signer = load_signer(connection.key_id, Path(connection.private_key_path))
    return BlockingHaltLine(connection, signer, ServerClock(time.time_ns), deadline_s=DEADLINE_S)


def cancel_at_exchange(target: Target, *, patience_s: float) -> Remainder:
    """Trigger the groups and cancel until two complete lists hold none, or patience is over."""
    rounds = HaltRounds(lambda: halt_line(target.connection), target.is_ours)
    return cancel_until_none(rounds, target.groups, patience_s=patience_s)


@dataclass(frozen=True)
class Halted:
    """What is known after a halt; ``resting`` counts what was to be cancelled, None if that is not known.

    ``run`` is that of the run file, where one was read.
    """

    confirmed: bool
    resting: int | None
    detail: str
    run: RunFile | None = None


def halt_at_exchange(launch: Callable[[], Launch], run_file: Path, *, all_orders: bool) -> Halted:
    """Cancel the orders of the run described there, or of ours any that the configured key finds.

    ``launch`` is asked only without a run file. ``all_orders`` cancels those of others too.
    """
    try:
        run = read_run_file(run_file)
        target = target_of(run) if run is not None else _configured(launch())
    except (RunFileError, ConfigError, ValueError) as error:
        return Halted(False, None, str(error))
    if run is not None and is_gone(run):
        return Halted(True, 0, f"the practice exchange at {run.rest} has ended, and its account with it", run)
    if target is None:
        return Halted(True, 0, "no run of ours is known to have left anything at an exchange")
    try:
        left = cancel_at_exchange(everything(target) if all_orders else target, patience_s=PATIENCE_S)
    except KeyFileError as error:
        return Halted(False, None, str(error))
    if left.confirmed:
        return Halted(True, 0, f"two complete lists of {target.connection.rest} hold none", run)
    return Halted(False, left.resting, left.error or f"they still rest after {PATIENCE_S:.0f} s")


def _configured(launch: Launch) -> Target | None:
    """Our orders under the environment's own key; None where it has none or trades no real exchange."""
    if launch.environment != "demo" or not launch.settings.exchange.key_id:
        return None
    with ExitStack() as stack:
        connection, _ = connection_of(launch, stack)
    return any_of_ours(connection)


def is_gone(run: RunFile) -> bool:
    """Whether a practice exchange has ended, and its account and orders with it.

    It keeps both in memory and opens a new account whenever it starts, so that nobody listens at its address
    is proof; one that is merely stopped still takes connections.
    """
    if run.environment != "practice":
        return False
    address = urlsplit(run.rest)
    try:
        with socket.create_connection((address.hostname, address.port), timeout=_CONNECT_S):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def _begins(order: OrderReport, prefix: str) -> bool:
    return order.client_order_id.startswith(prefix)
