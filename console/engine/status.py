"""The running engine as one JSON document: what ``status`` shows and ``run`` ends with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from console.config.files import open_private
from console.domain.money import Cash, Count, format_cash, format_count
from console.domain.order import OrderStatus
from console.domain.time_units import NS_PER_MS
from console.domain.trading_state import TradingState
from console.engine.handle import EngineHandle
from console.engine.limit_views import LatchView
from console.risk.latches import EVERYTHING, Latch

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
Document = dict[str, JsonValue]

_WRITE_EVERY_S = 1.0


def status_document(engine: EngineHandle) -> Document | None:
    """Money as dollar strings, ages in milliseconds, unknown as null; None before the first snapshot."""
    snapshot = engine.snapshot()
    if snapshot is None:
        return None
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in snapshot.resting)
    failure, halt = engine.failure(), engine.halt_view()
    reason = next((latch.reason for latch in snapshot.latches if latch.scope == EVERYTHING), "")
    if snapshot.state is TradingState.HALTED and halt.requested_ns is not None:
        # A halt after the first raises no other latch.
        reason = halt.reason
    return {
        "at_ns": snapshot.at_ns,
        "environment": snapshot.environment,
        "dry_run": snapshot.dry_run,
        "state": snapshot.state.name if failure is None else "FAILED",
        "reason": failure or reason,
        "latches": [latch_document(latch) for latch in snapshot.latches],
        "capital": _cash(snapshot.equity),
        "cash": _cash(snapshot.cash),
        "day_pnl": _cash(snapshot.day_pnl),
        "fees": _cash(snapshot.fees),
        "positions": [
            {"ticker": p.ticker, "position": format_count(Count(p.side.sign * p.contracts))}
            for p in snapshot.positions
        ],
        "orders": snapshot.orders,
        "fills": snapshot.fills,
        "resting_orders": len(snapshot.resting) - unknown,
        "unknown_orders": unknown,
        "external_orders": len(snapshot.external),
        "feed_age_ms": _ms(snapshot.feed_age_ns),
        "heartbeat_age_ms": _ms(engine.heartbeat_age_ns()),
        "log_lines_lost": snapshot.log_lines_lost,
    }


def latch_document(latch: Latch | LatchView) -> dict[str, JsonValue]:
    """A latch; ``id`` is what `kconsole resume` takes, and an empty scope is everything."""
    return {
        "id": latch.id,
        "name": latch.name,
        "scope": latch.scope,
        "level": latch.level.name,
        "reason": latch.reason,
        "since_ns": latch.since_ns,
        "until_ns": latch.until_ns,
    }


def final_document(engine: EngineHandle) -> Document:
    """The status with every order's id at the exchange; before the first snapshot there is none."""
    document, snapshot = status_document(engine), engine.snapshot()
    if document is None or snapshot is None:
        return {}
    order_ids: list[JsonValue] = list(snapshot.order_ids)
    return document | {"order_ids": order_ids}


class StatusWriter:
    """Replaces a file with the status each second, from a thread that an engine's hang does not stop.

    ``on_error`` is told of a disk that refuses, once until it has taken the file again.
    """

    def __init__(self, engine: EngineHandle, path: Path, on_error: Callable[[OSError], None]) -> None:
        self._engine = engine
        self._path = path
        self._on_error = on_error
        self._is_failing = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write a last time and end."""
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended.wait(_WRITE_EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        document = status_document(self._engine)
        if document is None:
            return
        try:
            replace_file(self._path, document)
        except OSError as error:
            if not self._is_failing:
                self._on_error(error)
            self._is_failing = True
        else:
            self._is_failing = False


def replace_file(path: Path, document: Mapping[str, JsonValue]) -> None:
    """Write a JSON document so that a reader sees the old one or the new one; raises OSError."""
    partial = path.with_suffix(".partial")
    with open_private(partial) as file:
        file.write(msgspec.json.encode(document))
    partial.replace(path)


def _cash(cash: Cash | None) -> str | None:
    return None if cash is None else format_cash(cash)


def _ms(nanoseconds: int | None) -> int | None:
    return None if nanoseconds is None else nanoseconds // NS_PER_MS
