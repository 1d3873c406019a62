"""``kconsole preflight`` on a home that was prepared: all that a machine can check passes in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from preflight_homes import failing, preflight, prepare, receiver, trade_on_demo

from console.backtest import run as backtest_run
from console.commands.errors import ExitCode
from console.commands.preflight import bench
from console.commands.preflight.exercises import EXERCISES
from console.engine import loop, reconcile_job
from console.exchange.hosts import Hosts
from console.monitoring.checklist import ITEMS, SWITCH
from console.risk import manager

pytestmark = pytest.mark.timeout(400)

MACHINE = tuple(item.id for item in ITEMS if item.question is None)
SLOW = tuple(
    f"{SWITCH}{key}"
    for key in (
        "api_key",
        "clock_skew",
        "drawdown",
        "exchange_paused",
        "foreign_instance",
        "no_fills",
        "position_mismatch",
        "stale_book",
    )
)
"""Switches whose input is read, or believed, seconds later."""


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads of account and status come at once, and a good input is believed sooner."""
    monkeypatch.setattr(loop, "_STATUS_S", 0.5)
    monkeypatch.setattr(reconcile_job, "_EVERY_S", 0.5)
    monkeypatch.setattr(manager, "GOOD_FOR_NS", 1_000_000_000)


@pytest.mark.usefixtures("_soon")
def test_every_item_that_a_machine_can_check_passes_in_one_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    checked = tuple(name for name in MACHINE if name not in SLOW[count(0, len(SLOW)) :])
    home, config, words = prepare(tmp_path)
    trade_on_demo(home, days=14)
    with receiver() as address, receiver(timedelta(milliseconds=200)) as exchange:
        monkeypatch.setattr(bench, "DEMO", Hosts(rest=exchange, ws=""))
        config.write_text(f'{config.read_text()}[monitoring]\nwebhook_url = "{address}"\n')
        began_s = time.monotonic()
        code, items = preflight(capsys, home, *words, only=checked)
        tell(f"{len(items)} items in {time.monotonic() - began_s:.0f} s")
    assert failing(items) == {}
    assert code == ExitCode.DONE
    assert len(items) == len(checked)
    assert "against it: " in items["backtest"]["detail"]
    assert items["expectations"]["detail"].startswith("expected: win rate ")
    assert items["demo_week"]["detail"] == "demo was run on 14 days"
    for key, it in EXERCISES.items():
        if f"{SWITCH}{key}" in checked:
            assert f": {it.level.name}" in items[f"{SWITCH}{key}"]["detail"]
    assert "exit code 143; nothing rests, the terminal is as before" in items["shutdown"]["detail"]
    # What was found stands without a new look, until other settings are in force.
    code, _ = preflight(capsys, home, "--list", "--config", str(config), only=checked)
    assert code == ExitCode.DONE
    stricter = ("--set", "risk.kelly_fraction=0.2")
    code, items = preflight(capsys, home, "--list", "--config", str(config), *stricter, only=checked)
    assert code == ExitCode.FAILED
    assert items["edge_after_fees"]["status"] == "outdated"
    assert items["edge_after_fees"]["detail"].startswith("the settings have changed since; then: ")
    assert items["demo_week"]["status"] == "passed"


def test_what_a_recording_shows_is_worked_out_once_and_anew_when_anything_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _, words = prepare(tmp_path)
    runs = 0
    run = backtest_run.run

    def counted(*arguments: object) -> object:
        nonlocal runs
        runs += 1
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backtest_run, "run", counted)
    shared = ("backtest", "edge_after_fees", "expectations")
    code, first = preflight(capsys, home, *words, only=shared)
    assert (code, runs) == (ExitCode.DONE, 3)
    code, again = preflight(capsys, home, *words, only=shared)
    assert (code, runs) == (ExitCode.DONE, 3)
    assert [item["detail"] for item in again.values()] == [item["detail"] for item in first.values()]
    preflight(capsys, home, *words, "--set", "risk.kelly_fraction=0.2", only=("backtest",))
    assert runs == 6
    (tmp_path / "data" / "quotes.csv").touch()
    preflight(capsys, home, *words, only=("backtest",))
    assert runs == 9
