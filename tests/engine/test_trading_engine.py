"""The guide's trading engine and connector, on a practice exchange in another process."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from practice_runs import PATIENCE_S, PracticeProcess, practice_exchange

from console.app import Launch, open_connector
from console.config.home import find_home
from console.config.load import load
from console.domain.money import CASH_PER_DOLLAR
from console.domain.order import OrderStatus
from console.engine.trading_engine import TradingEngine
from console.engine.worker import EngineFailedError
from console.exchange.venue import KalshiVenue
from console.risk.risk_manager import RiskLimits, RiskManager
from console.strategies.flb_harvester import FLBConfig, FLBHarvester, Trade

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path) as running:
        yield running


class Started:
    """An engine in a thread of its own, and what its ``start`` raised."""

    def __init__(self, engine: TradingEngine) -> None:
        self.engine = engine
        self.raised: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.engine.start(scan_interval=1)
        except Exception as error:  # noqa: BLE001 - told by the test
            self.raised = error

    def ended(self) -> bool:
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def figure(engine: TradingEngine, key: str) -> object:
    return (engine.status() or {}).get(key)


async def resting_and_fills(venue: KalshiVenue) -> tuple[int, int]:
    resting = [order for order in await venue.orders() if order.status is OrderStatus.RESTING]
    return len(resting), len(await venue.fills())


@pytest.mark.parametrize("dry_run", [False, True])
def test_it_trades_until_it_is_stopped_and_leaves_nothing_resting(
    tmp_path: Path, exchange: PracticeProcess, dry_run: bool
) -> None:
    engine = TradingEngine(dry_run=dry_run, use_demo=False, home=tmp_path, attach=exchange.line)
    started = Started(engine)
    wait_until("a fill", lambda: figure(engine, "fills") not in (None, 0) or started.raised is not None)
    assert engine.is_running
    assert figure(engine, "dry_run") is dry_run
    engine.stop()
    assert started.ended()
    assert started.raised is None
    assert engine.status() is None
    resting, fills = exchange.ask(resting_and_fills)
    assert resting == 0
    assert (fills > 0) is not dry_run


def test_an_exchange_that_is_not_there_is_told_by_start(tmp_path: Path, exchange: PracticeProcess) -> None:
    nowhere = tmp_path / "nowhere.json"
    nowhere.write_bytes(re.sub(rb":\d+/", b":9/", exchange.line.read_bytes()))
    engine = TradingEngine(dry_run=True, use_demo=False, home=tmp_path, attach=nowhere)
    with pytest.raises(EngineFailedError, match=r"127\.0\.0\.1:9"):
        engine.start(scan_interval=1)
    assert not engine.is_running


def test_stopped_before_it_starts_it_ends_at_once(tmp_path: Path, exchange: PracticeProcess) -> None:
    engine = TradingEngine(dry_run=True, use_demo=False, home=tmp_path, attach=exchange.line)
    engine.stop()
    engine.start(scan_interval=1)
    assert engine.status() is None


# --- the harvester on a real exchange ---------------------------------------------------------------


def connector_launch(home: Path, exchange: PracticeProcess, *, dry_run: bool = False) -> Launch:
    folder = find_home(str(home)).environment("practice")
    return Launch("practice", load("practice").settings, folder, exchange.line, dry_run=dry_run)


def scan_until_traded(harvester: FLBHarvester) -> list[Trade]:
    traded: list[Trade] = []

    def scan() -> bool:
        traded.extend(harvester.scan_and_trade(dry_run=False))
        return bool(traded)

    wait_until("a trade", scan)
    return traded


def test_the_harvester_trades_through_the_connector(tmp_path: Path, exchange: PracticeProcess) -> None:
    config = FLBConfig(min_edge_to_trade=0.01, edge_points=5)
    with open_connector(connector_launch(tmp_path, exchange)) as connector:
        risk = RiskManager(connector.balance() / CASH_PER_DOLLAR, RiskLimits())
        trades = scan_until_traded(FLBHarvester(connector, config, risk))
    filled = sum(trade["execution"]["contracts"] for trade in trades if "execution" in trade)
    venue_fills = exchange.ask(KalshiVenue.fills)
    assert filled * 100 == sum(fill.count for fill in venue_fills)
    held = sum(abs(position.contracts) for position in risk.positions.values())
    assert held == sum(fill.count for fill in venue_fills)


def test_a_connector_sends_nothing_in_a_dry_run_or_while_halted(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    config = FLBConfig(min_edge_to_trade=0.01, edge_points=5)
    halted = connector_launch(tmp_path, exchange)
    halted.folder.create()
    for launch in (connector_launch(tmp_path, exchange, dry_run=True), halted):
        if launch is halted:
            launch.folder.halt_sentinel.write_text("by hand\n")
        with open_connector(launch) as connector:
            risk = RiskManager(10_000, RiskLimits())
            trades = scan_until_traded(FLBHarvester(connector, config, risk))
        assert all("execution" not in trade for trade in trades)
    assert exchange.ask(KalshiVenue.fills) == []
