"""A lively exchange whose answers to orders get lost now and then, and a home that trades there."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from books import Audit, audit
from fault_proxy import FaultProxy, fault_proxy
from faults import ORDERS, late_accept, no_answer, reset_after, reset_in_body, sometimes, status
from kill_harness import LIVELY, MAKER, TAKER, ForkedRun, Life, lively_exchange, picture
from practice_runs import PracticeProcess, journaled_account
from run_tasks import end_quietly, resume, state

from console.config.home import EnvironmentFolder, find_home
from console.domain.trading_state import TradingState

SHARE_FAULTY = 0.12
# Those that a client notices at once come more often: few runs live for the time of a request.
_AT_ONCE = (reset_after, reset_in_body, status(500, forwards=True), status(503, forwards=True))
_FAULTS = (*_AT_ONCE * 2, no_answer, late_accept)


class Arena:
    """What is drawn is drawn from ``seed``."""

    def __init__(self, home: Path, exchange: PracticeProcess, proxy: FaultProxy, seed: int) -> None:
        proxy.on("POST", ORDERS, sometimes(SHARE_FAULTY, _FAULTS, seed=seed))
        self.home, self.line = home, proxy.write_line(home / "proxy.json")
        self.exchange, self.proxy = exchange, proxy
        self.random = random.Random(seed)

    @property
    def folder(self) -> EnvironmentFolder:
        return find_home(str(self.home)).environment("practice")

    @property
    def is_halted_on_disk(self) -> bool:
        """Whether its file or its journal says so, while nothing runs."""
        latches = journaled_account(self.home).latches
        return self.folder.halt_sentinel.exists() or latches.state is TradingState.HALTED

    def run(self, *settings: str, crash_at: str = "", nth: int = 1) -> ForkedRun:
        """A run that makes or takes, by chance."""
        style = self.random.choice((MAKER, TAKER))
        return ForkedRun(Life(self.home, self.line, (*LIVELY, style, *settings), crash_at, nth))

    @property
    def orders_sent(self) -> int:
        return sum(self.proxy.orders_sent().values())

    def wait_orders(self, run: ForkedRun, more: int) -> None:
        """Until the proxy saw so many more POSTs of orders."""
        asked, deadline = self.proxy.asked, time.monotonic() + 60
        start = len(asked)
        while sum(1 for each in asked[start:] if each.client_order_id) < more:
            if time.monotonic() > deadline:
                raise AssertionError(f"the run sends no orders: {run.ask(picture)}")
            run.raise_failure()
            time.sleep(0.005)

    def close_the_books(self) -> Audit:
        """A last run that sends nothing and ends once it knows of every order what became of it."""
        with self.run("strategy_flb.min_edge_to_trade=1") as run:
            assert run.wait_running()
            assert run.ask(end_quietly), "replaying the journal did not give the live state"
        return audit(self.home, self.exchange, self.proxy.orders_sent())


@contextmanager
def arena(home: Path, seed: int) -> Iterator[Arena]:
    """A new account at a new exchange."""
    home.mkdir(exist_ok=True)
    with lively_exchange(home) as exchange, fault_proxy(exchange.connection) as proxy:
        yield Arena(home, exchange, proxy, seed)


@contextmanager
def trading_run(place: Arena, *settings: str) -> Iterator[ForkedRun]:
    """A run that trades; one that finds a halt on disk is halted, and sends nothing until it is resumed."""
    is_halted, sent = place.is_halted_on_disk, place.orders_sent
    with place.run(*settings) as run:
        assert run.wait_running()
        if is_halted:
            assert run.ask(state) is TradingState.HALTED
            assert place.orders_sent == sent
            assert run.ask(resume)
        place.wait_orders(run, 1)
        yield run
