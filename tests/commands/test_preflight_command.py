"""``kconsole preflight`` on a fresh home and on a prepared one, and with a kill switch that does nothing."""

from __future__ import annotations

import io
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from preflight_homes import failing, preflight, prepare, receiver

from console.cli import main
from console.commands.errors import ExitCode
from console.commands.preflight import arena, bench, exercises, session, switch_limits, system
from console.commands.preflight.outcome import Outcome, passed
from console.config.home import find_home
from console.config.logs import RUN_LOG
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import QualitySettings
from console.domain.trading_state import TradingState
from console.engine.gate import Gate
from console.engine.halt_rounds import HaltRounds
from console.monitoring.checklist import ITEMS, SWITCH
from console.risk.manager import Permit, RiskManager
from console.risk.switches.every import every_switch
from console.risk.switches.guard_gone import GuardGone

pytestmark = pytest.mark.timeout(300)

NEEDS_AN_EXCHANGE = ("manual_resume", "halt_rounds", "gate", "export_folder", "shutdown", "recovery")
ON_ITS_OWN = [
    item.id
    for item in ITEMS
    if not item.id.startswith(SWITCH) and item.id not in (*NEEDS_AN_EXCHANGE, "clock")
]
"""Those that need no run, or fail on a fresh home before they have one."""


# --- fresh and prepared -----------------------------------------------------------------------------------


def test_a_fresh_home_says_what_is_missing_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, items = preflight(capsys, tmp_path, only=tuple(ON_ITS_OWN))
    assert code == ExitCode.FAILED
    found = failing(items)
    no_history = {name for name, detail in found.items() if detail.startswith("no history: ")}
    assert no_history == set(bench.RECORDED_IDS)
    assert found["alerts"].startswith("nobody is told: set ")
    assert found["demo_first"].startswith("no order was ever sent on demo")
    assert found["demo_week"] == "demo was run on 0 days, of 7: `kconsole --env demo` on 7 more"
    assert found["metrics_logged"].endswith("no trades_log.csv and no metrics.json: a run writes them")
    asked = {item.id for item in ITEMS if item.question is not None}
    assert {name for name, item in items.items() if item["status"] == "open"} == asked
    assert {found[name] for name in asked} == {"never answered: `kconsole preflight` asks it on a terminal"}
    assert items.keys() - found.keys() == {
        "fractional_kelly",
        "group_limit",
        "daily_limits",
        "logging",
    }


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with receiver(getattr(request, "param", timedelta())) as served:
        yield served


# --- on a practice exchange -------------------------------------------------------------------------------


def test_every_kill_switch_has_an_exercise_and_every_item_a_check() -> None:
    keys = {switch.key for switch in every_switch(RiskSettings(), QualitySettings())}
    assert {*exercises.EXERCISES, "journal"} == keys
    assert switch_limits.LIMITS.keys() <= keys
    machine = {item.id for item in ITEMS if item.question is None}
    assert bench.CHECKS.keys() == machine


def test_the_documentation_names_every_item() -> None:
    text = (Path(__file__).parents[2] / "docs" / "preflight.md").read_text()
    assert [
        item.id for item in ITEMS if not item.id.startswith(SWITCH) and f"| `{item.id}` |" not in text
    ] == []


def test_a_switch_that_does_not_trip_fails_its_item_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(exercises.EXERCISES["guard"], fault=None)
    monkeypatch.setitem(exercises.EXERCISES, "guard", broken)
    monkeypatch.setattr(session, "wait_for", partial(arena.wait_for, patience_s=10))
    code, items = preflight(capsys, tmp_path, only=("switch_guard", "manual_resume"))
    assert code == ExitCode.FAILED
    assert failing(items) == {"switch_guard": "not seen within 10 s: the latch guard"}


def test_a_latch_that_lets_entries_go_on_fails_its_item(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RiskManager, "permit", lambda *_arguments: Permit(True))
    _, items = preflight(capsys, tmp_path, only=("switch_error_burst",))
    assert "orders were sent after error_burst was latched" in failing(items)["switch_error_burst"]


def test_a_latch_at_another_level_than_it_must_have_fails_its_item(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardGone, "level", TradingState.HALTED)
    _, items = preflight(capsys, tmp_path, only=("switch_guard",))
    assert failing(items) == {"switch_guard": "guard latched HALTED, not PAUSED"}


def test_a_gate_that_stays_open_and_a_halt_that_cancels_nothing_fail_though_others_cover_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gate, "close", lambda _gate: None)
    monkeypatch.setattr(HaltRounds, "_trigger", lambda *_arguments: "")
    monkeypatch.setattr(session, "_HALTED_S", 3)
    _, items = preflight(capsys, tmp_path, only=("manual_resume", "halt_rounds", "gate"))
    found = failing(items)
    assert found.keys() == {"halt_rounds", "gate"}
    assert found["gate"] == "an order passed the gate that is closed"
    assert found["halt_rounds"] == "the halt was not confirmed within 3 s"


def test_a_halt_that_confirms_without_asking_the_exchange_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HaltRounds, "_round", lambda _rounds: (0, ""))
    _, items = preflight(capsys, tmp_path, only=("halt_rounds",))
    assert failing(items).keys() == {"halt_rounds"}


# --- one by one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [timedelta(), timedelta(seconds=90)], indirect=True)
def test_the_clock_is_held_against_the_date_of_an_answer(
    address: str, request: pytest.FixtureRequest
) -> None:
    found = system.clock(address, Settings())
    is_right = request.node.callspec.params["address"] == timedelta()
    assert found.passed is is_right
    assert ("-90." in found.detail or "-89." in found.detail) is not is_right


def test_an_exchange_that_does_not_answer_leaves_the_clock_unproved(address: str) -> None:
    unused = f"http://127.0.0.1:{free_port()}"
    assert system.clock(unused, Settings()).detail == (
        f"{unused}/exchange/status does not answer: [Errno 111] Connection refused; see whether the network "
        "reaches it"
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("setting", "item"),
    [
        ("risk.kelly_fraction=0.5", "fractional_kelly"),
        ("risk.kelly_fraction=0", "fractional_kelly"),
        ("risk.max_correlated_group_pct=0.16", "group_limit"),
        ("risk.max_daily_loss_dollars=600", "daily_limits"),
        ("risk.max_daily_loss_pct=0.06", "daily_limits"),
    ],
)
def test_a_looser_limit_than_the_guides_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, item: str
) -> None:
    code, items = preflight(capsys, tmp_path, "--set", setting, only=(item,))
    assert code == ExitCode.FAILED
    assert f"{setting.partition('=')[0]} should be above 0 and at most" in items[item]["detail"]


def test_answers_are_kept_with_who_and_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.commands.preflight.can_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("perhaps\nyes\nin the wiki\nno\n\n"))
    asked = ("recovery_procedures", "daily_summaries", "scale_slowly")
    code, items = preflight(capsys, tmp_path, only=asked)
    assert code == ExitCode.FAILED
    assert items["recovery_procedures"]["status"] == "passed"
    assert items["recovery_procedures"]["detail"] == "answered yes: in the wiki"
    assert items["recovery_procedures"]["by"]
    assert items["daily_summaries"]["status"] == "failed"
    assert items["scale_slowly"]["status"] == "open"
    assert find_home(str(tmp_path)).environment("demo").preflight.stat().st_mode & 0o077 == 0


def test_what_was_found_before_an_interrupt_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_bench: bench.Bench) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setitem(bench.CHECKS, "group_limit", interrupted)
    words = ["preflight", "--home", str(tmp_path)]
    only = ["--only", "fractional_kelly", "--only", "group_limit", "--only", "daily_limits"]
    assert main([*words, *only]) == ExitCode.INTERRUPTED
    _, items = preflight(capsys, tmp_path, "--list")
    known = {name for name, item in items.items() if item["status"] != "open"}
    assert known == {"fractional_kelly"}


@pytest.mark.usefixtures("heeds_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_a_signal_end_what_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    roots = []

    def signalled(running: bench.Bench) -> Outcome:
        roots.append(running.arena.root)
        signal.raise_signal(number)
        return passed("not ended")

    monkeypatch.setitem(bench.CHECKS, "group_limit", signalled)
    before = signal.getsignal(number)
    assert main(["preflight", "--home", str(tmp_path), "--only", "group_limit"]) == 128 + number
    assert [root.exists() for root in roots] == [False]
    assert signal.getsignal(number) == before


def test_what_two_terminals_check_at_once_is_kept_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_bench: bench.Bench) -> Outcome:
        assert main(["preflight", "--home", str(tmp_path), "--only", "fractional_kelly"]) == ExitCode.DONE
        return passed("seen")

    monkeypatch.setitem(bench.CHECKS, "group_limit", meanwhile)
    assert main(["preflight", "--home", str(tmp_path), "--only", "group_limit"]) == ExitCode.DONE
    _, items = preflight(capsys, tmp_path, "--list")
    assert {name for name, item in items.items() if item["status"] == "passed"} == {
        "fractional_kelly",
        "group_limit",
    }


def test_a_check_that_breaks_has_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bench.CHECKS, "group_limit", lambda _bench: passed(str(1 // 0)))
    code, items = preflight(capsys, tmp_path, only=("group_limit", "daily_limits"))
    assert code == ExitCode.FAILED
    assert failing(items) == {
        "group_limit": "the check itself failed: ZeroDivisionError: integer division or modulo by zero"
    }


def test_a_log_of_runs_that_takes_no_line_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = find_home(str(tmp_path)).environment("demo").logs / RUN_LOG
    log.mkdir(parents=True)
    _, items = preflight(capsys, tmp_path, only=("logging",))
    assert failing(items) == {"logging": f"log {log} cannot be opened: Is a directory"}


def test_what_was_logged_is_what_the_log_command_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preflight(capsys, tmp_path, only=("logging",))
    assert main(["logs", "--home", str(tmp_path), "--env", "demo"]) == ExitCode.DONE
    assert "pre-flight check " in capsys.readouterr().out


def test_a_backtest_by_fees_that_the_exchange_does_not_charge_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, _, words = prepare(tmp_path)
    _, items = preflight(capsys, home, *words, "--set", "fees.model=profit", only=("backtest",))
    assert "fees.model = profit is not what the exchange charges" in failing(items)["backtest"]


def test_a_pattern_of_no_item_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", "--home", str(tmp_path), "--only", "clokc"]) == ExitCode.USAGE
    assert "--only clokc names no item; there are data_coverage" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "",
        '{"items": {"clock": {"passed": true, "detail": "", "by": "", "settings": "", "at_ns": 1'
        + "0" * 30
        + "}}}",
    ],
)
def test_a_record_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = find_home(str(tmp_path)).environment("demo").preflight
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert main(["preflight", "--home", str(tmp_path), "--list", "--json"]) == ExitCode.FAILED
    assert "is no record of pre-flight checks" in capsys.readouterr().err


def test_an_export_folder_that_takes_no_file_fails(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file in the way")
    found = system.export_folder(tmp_path / "metrics")
    assert not found.passed
    assert found.detail == (
        f"{tmp_path / 'metrics'} takes no file: File exists; "
        "free it, or name another in monitoring.metrics_output_dir"
    )
