"""The real engine in processes forked with everything imported, so that a campaign of kills is quick."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from practice_runs import PracticeProcess, practice_exchange

from console.app import Launch, running, running_engine
from console.config.home import find_home
from console.config.load import load
from console.engine import account_reader, crash_points, halt_rounds, reconcile, reconcile_job
from console.engine.worker import EngineFailedError, EngineWorker

PATIENCE_S = 60.0

# Any price and any spread will do, in small orders, and no switch but a broken invariant stops it.
LIVELY = (
    "strategy_flb.favorite_threshold=50",
    "strategy_flb.longshot_threshold=49",
    "strategy_flb.min_edge_to_trade=0",
    "strategy_flb.min_depth_contracts=0",
    "strategy_flb.scan_interval=0.1",
    "edge.constant_points=10",
    "quality.max_spread_bps=10000",
    "quality.max_slippage_bps=10000",
    "risk.max_order_contracts=3",
    "risk.max_single_position_pct=1",
    "risk.max_correlated_group_pct=1",
    "risk.max_event_exposure_pct=1",
    "risk.max_total_exposure_pct=1",
    "risk.group_breach_margin_pct=1",
    "risk.max_daily_loss_dollars=1000000",
    "risk.max_daily_loss_pct=1",
    "risk.max_drawdown_pct=1",
    "risk.max_consecutive_losses=1000",
    "risk.max_errors_per_hour=10000",
    "risk.max_scans_without_fill=100000",
    "risk.max_rejects_per_minute=10000",
    "risk.max_orders_per_minute=6000",
    "risk.tripwire_orders_per_minute=10000",
    "risk.tripwire_notional_pct_per_minute=100",
    "risk.price_collar_cents=99",
    "risk.max_unknown_orders=1000",
    "risk.unknown_pause_seconds=3600",
    "risk.unknown_halt_seconds=3600",
    "exchange.request_timeout_seconds=2",
    "strategy_flb.order_expiry_seconds=5",
)
MAKER = "strategy_flb.style=maker"
TAKER = "strategy_flb.style=taker"

_LIVELY_MARKETS = 240
_LIVELY_SPEED = 10
_LISTED_EVERY_S, _OPEN_FOR_S, _QUOTED_EVERY_S = 2.5, 40, 4

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["console.app", "pytest"])


@dataclass(frozen=True)
class Life:
    """One run of the engine: where, with what settings, and at the n-th time of which crash point it ends."""

    home: Path
    line: Path
    settings: tuple[str, ...] = ()
    crash_at: str = ""
    nth: int = 1


Answer = object
Task = Callable[[EngineWorker], Answer]


class ForkedRun:
    """A run in a process of its own; tasks are functions of a module, called there with the worker."""

    def __init__(self, life: Life) -> None:
        self._pipe, theirs = _FORKS.Pipe()
        self.process = _FORKS.Process(target=_live, args=(life, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.is_alive():
            self.kill()

    def wait_running(self) -> bool:
        """Whether it came to trade; False when it died before. Raises what it says went wrong."""
        return self._hear() is not None

    def ask(self, task: Task) -> Answer:
        """What the task returned there, None when the run died before it could answer."""
        try:
            self._pipe.send(task)
        except OSError:
            return None
        return self._hear()

    def _hear(self) -> Answer:
        try:
            assert self._pipe.poll(PATIENCE_S), "the run does not answer"
            answer = self._pipe.recv()
        except (EOFError, OSError):
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def raise_failure(self) -> None:
        """Raise what the run says went wrong, if it does."""
        if self._pipe.poll():
            self._hear()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.wait_ended()

    def wait_ended(self) -> int:
        """Its exit code; negative is a signal. Raises what it says went wrong."""
        self.process.join(PATIENCE_S)
        self.raise_failure()
        if self.process.exitcode is None:
            raise AssertionError(f"the run does not end: {self.ask(picture)}")
        self._pipe.close()
        return self.process.exitcode


def picture(worker: EngineWorker) -> str:
    """What a run shows of itself, for a test that waits in vain."""
    snapshot = worker.snapshot()
    return (
        "nothing yet" if snapshot is None else f"{snapshot.latches} {snapshot.funnel} {snapshot.alerts[-5:]}"
    )


@contextmanager
def lively_exchange(home: Path) -> Iterator[PracticeProcess]:
    """A practice exchange with sixteen markets open at any time, each for four seconds of quick quotes."""
    folder = home / "history"
    folder.mkdir(parents=True)
    drawn, began = random.Random(1), datetime(2026, 1, 5, tzinfo=UTC)
    markets = ["dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result"]
    quotes = []
    for number in range(_LIVELY_MARKETS):
        opened = began + timedelta(seconds=number * _LISTED_EVERY_S)
        closed = opened + timedelta(seconds=_OPEN_FOR_S)
        markets.append(f"lively,KILL-{number},KILL-{number},KILL,Crypto,{opened:%FT%TZ},{closed:%FT%TZ},")
        bid = drawn.randint(20, 80)
        for second in range(0, _OPEN_FOR_S, _QUOTED_EVERY_S):
            at = opened + timedelta(seconds=second)
            quotes.append(f"lively,{at:%FT%TZ},KILL-{number},{bid},{bid + 1},500,500")
            bid = min(97, max(2, bid + drawn.choice((-2, -1, 1, 2))))
    (folder / "markets.csv").write_text("\n".join(markets))
    head = "dataset,ts,ticker,yes_bid,yes_ask,yes_bid_size,yes_ask_size"
    (folder / "quotes.csv").write_text("\n".join([head, *sorted(quotes)]))
    with practice_exchange(home, speed=_LIVELY_SPEED, data=folder) as exchange:
        yield exchange


def launch_of(life: Life) -> Launch:
    folder = find_home(str(life.home)).environment("practice")
    options = [("--set", text) for text in life.settings]
    loaded = load("practice", overrides=folder.overrides, options=options)
    return Launch("practice", loaded.settings, folder, life.line)


def _hurry() -> None:
    """Take the waiting out: this exchange's lists do not lag, and a guard a life would cost a second each."""
    lag_ns = 200_000_000
    # Dismissed only after longer than a request may be under way, as after the minute that it stands for.
    vars(reconcile).update(READ_LAG_NS=lag_ns, NEGATIVE_TIME_TO_DISMISS_NS=3_000_000_000)
    vars(account_reader).update(READ_LAG_NS=lag_ns)
    vars(reconcile_job).update(_EVERY_S=0.3)
    vars(halt_rounds).update(_PROOF_S=0.02)
    vars(running).update(GuardProcess=lambda _launch: None)


def _live(life: Life, pipe: Pipe) -> None:
    _hurry()
    if life.crash_at:
        die_at(life.crash_at, life.nth)
    try:
        with running_engine(launch_of(life)) as worker:
            pipe.send("running")
            while True:
                task: Task = pipe.recv()
                pipe.send(task(worker))
    except EOFError:
        pass
    except Exception as error:  # noqa: BLE001 - told to the test, which raises it
        pipe.send(EngineFailedError(f"{type(error).__name__}: {error}"))


def die_at(name: str, nth: int = 1) -> None:
    """SIGKILL this process the n-th time it comes to a crash point."""
    times = 0

    def on_reached(reached: str) -> None:
        nonlocal times
        times += reached == name
        if reached == name and times == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    crash_points.on_reached = on_reached
