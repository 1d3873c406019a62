"""``kconsole backtest``, ``slippage`` and ``lookahead``, as an operator runs them."""

from __future__ import annotations

import argparse
import csv
import errno
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from documented import documented_fields
from favourites import TRADES, record

from console import cli
from console.backtest.result import Result
from console.backtest.setup import ClockSkew, Latency, Setup
from console.commands.backtest_arguments import add_backtest_arguments, setup_from
from console.config.errors import ConfigError
from console.domain.fees import AccountPrecision, ProfitFees
from console.history.schema import HistoryError
from console.simulation.execution import QueueModel
from console.simulation.slippage import SlippageModel

COMMANDS = ("backtest", "slippage", "lookahead", "sweep", "walk-forward")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KCONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(record(tmp_path / "data"))


def asked(*options: str) -> Setup:
    parser = argparse.ArgumentParser()
    add_backtest_arguments(parser)
    return setup_from(parser.parse_args(["--data", "x", *options]))


def json_of(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert cli.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "command",
    [
        ("backtest", *TRADES, "--quick"),
        ("slippage", *TRADES),
        ("lookahead", *TRADES, "--moments", "1"),
        ("groups",),
        ("calibrate",),
    ],
    ids=lambda command: str(command[0]),
)
def test_every_field_for_programs_is_documented_and_every_documented_one_is_there(
    capsys: pytest.CaptureFixture[str], data: str, command: tuple[str, ...]
) -> None:
    name, *options = command
    assert set(json_of(capsys, name, "--data", data, *options)) == documented_fields(name)


# --- what is asked for ----------------------------------------------------------------------------


def test_unless_told_otherwise_a_run_is_of_the_defaults_and_the_dry_runs_latency(tmp_path: Path) -> None:
    it = asked()
    assert it.settings.strategy_flb.style == "maker"
    assert it.settings.strategy_flb.scan_interval == 60
    assert it.latency == Latency(feed_ns=50_000_000, entry_ns=100_000_000, response_ns=50_000_000)
    assert (it.profit_fees, it.slippage, it.assumed_depth) == (None, None, None)
    assert (it.capital, it.queue, it.skip_ahead) == (10_000_000_000, QueueModel.PESSIMISTIC, True)


def test_every_option_reaches_the_run() -> None:
    it = asked(
        *("--style", "taker", "--capital", "2500.50", "--latency-ms", "1,2.5,0", "--jitter-ms", "3"),
        *("--skew-ms", "-4", "--drift-ppm", "-5", "--queue", "proportional", "--assume-depth", "12"),
        *("--precision", "broker", "--stop-on-halt", "--no-skip-ahead", "--seed", "6"),
        *("--set", "slippage.base_slippage_bps=7", "--slippage-model", "on"),
    )
    assert it.settings.strategy_flb.style == "taker"
    assert it.capital == 2_500_500_000
    assert it.latency == Latency(feed_ns=10**6, entry_ns=2_500_000, response_ns=0, jitter_ns=3 * 10**6)
    assert it.skew == ClockSkew(offset_ns=-4_000_000, drift_ppm=-5)
    assert (it.queue, it.assumed_depth) == (QueueModel.PROPORTIONAL, 1_200)
    assert it.precision is AccountPrecision.BROKER_CLEARED
    assert (it.stop_on_halt, it.skip_ahead, it.seed) == (True, False, 6)
    assert it.slippage == SlippageModel(7.0, 0.1)
    assert not it.modelled_depth
    assert asked("--modelled-depth").modelled_depth


def test_a_share_of_profits_comes_with_the_slippage_model_unless_that_is_off() -> None:
    it = asked("--fees", "profit")
    assert isinstance(it.profit_fees, ProfitFees)
    assert it.settings.fees.model == "profit"
    assert it.slippage == SlippageModel(5.0, 0.1)
    assert asked("--fees", "profit", "--slippage-model", "off").slippage is None


def test_a_file_of_settings_is_used_and_options_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[strategy_flb]\nstyle = "taker"\nfavorite_threshold = 94\n')
    it = asked("--config", str(file), "--set", "strategy_flb.favorite_threshold=95")
    assert (it.settings.strategy_flb.style, it.settings.strategy_flb.favorite_threshold) == ("taker", 95)
    assert asked("--config", str(file), "--style", "maker").settings.strategy_flb.style == "maker"


def test_a_setting_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        asked("--set", "strategy_flb.stile=taker")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--latency-ms", "1,2"], "1,2 is not three numbers such as 50,100,50"),
        (["--latency-ms", "1,2,-3"], "-3 is not a number of milliseconds from 0 to 3600000"),
        (["--jitter-ms", "nan"], "nan is not a number of milliseconds"),
        (["--skew-ms", "soon"], "soon is not a number of milliseconds from -3600000"),
        (["--drift-ppm", "1.5"], "1.5 is not a whole number of parts per million"),
        (["--capital", "0"], "0 is not an amount of dollars such as 10000"),
        (["--assume-depth", "0"], "0 is not a whole number of contracts from 1"),
        (["--queue", "best"], "invalid choice: 'best'"),
        (["--seed", "x"], "x is not a whole number from 0 on"),
        (["--seed", "-1"], "-1 is not a whole number from 0 on"),
    ],
)
def test_a_wrong_option_is_refused(
    capsys: pytest.CaptureFixture[str], command: str, option: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main([command, "--data", "x", *option])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_read_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: str, command: str
) -> None:
    (tmp_path / "fees.csv").write_text("series\nKXA\n")
    wrong = [
        (["--data", str(tmp_path / "none")], 1, "there is no such folder"),
        (["--data", data, "--from", "2026-03-02", "--to", "2026-03-01"], 2, "--from is not before --to"),
        (["--data", data, "--set", "risk.kelly_fraction=7"], 2, "risk.kelly_fraction"),
        (["--data", data, "--fee-schedule", str(tmp_path / "fees.csv")], 2, "fees.csv has no column"),
        (["--data", data, "--fee-schedule", str(tmp_path / "no.csv")], 2, "no.csv cannot be read"),
    ]
    for argv, code, said in wrong:
        assert cli.main([command, *argv]) == code
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("module", [name.replace("-", "_") for name in COMMANDS])
def test_its_help_waits_for_no_heavy_library(module: str) -> None:
    heavy = "{'numpy', 'pandas', 'pyarrow', 'matplotlib', 'distributed', 'httpx', 'textual'}"
    code = f"import sys, console.commands.{module}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- backtest -------------------------------------------------------------------------------------


def test_a_backtest_reports_what_it_traded(capsys: pytest.CaptureFixture[str], data: str) -> None:
    document = json_of(capsys, "backtest", "--data", data, *TRADES)
    assert (document["orders"], document["fills"], document["trades"]) == (4, 4, 4)
    assert document["win_rate"] == 0.75
    assert Decimal(document["total_fees"]) > 0
    assert [row["factor"] for row in document["latency"]] == [0, 1, 3]
    promised = (
        "rows events orders fills trades total_pnl total_fees fee_pct_of_pnl win_rate sharpe_ratio "
        "max_drawdown slippage_bps buckets why_not journal_hash warnings"
    )
    assert set(promised.split()) <= set(document)
    assert set(document["slippage_bps"]) >= {"mean", "p50", "p95", "p99"}


def test_quick_leaves_the_other_latencies_out(capsys: pytest.CaptureFixture[str], data: str) -> None:
    document = json_of(capsys, "backtest", "--data", data, *TRADES, "--quick")
    assert [row["factor"] for row in document["latency"]] == [1]


def test_the_same_run_twice_is_the_same_to_the_last_byte(
    capsys: pytest.CaptureFixture[str], data: str
) -> None:
    argv = ("backtest", "--data", data, *TRADES, "--quick", "--jitter-ms", "30", "--seed", "2")
    first = json_of(capsys, *argv)
    assert json_of(capsys, *argv) == first
    assert json_of(capsys, *argv, "--no-skip-ahead")["journal_hash"] == first["journal_hash"]


def test_the_report_fits_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str], data: str) -> None:
    assert cli.main(["backtest", "--data", data, *TRADES, "--quick"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(f"BACKTEST of {data}\n")
    assert "journal hash: " in output.out
    assert output.err == ""


def test_the_trades_can_be_written(capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    assert cli.main(["backtest", "--data", data, *TRADES, "--quick", "--trades", str(file)]) == 0
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["ticker"] for row in rows] == ["KXA-0", "KXA-1", "KXA-2", "KXA-3"]
    assert f"trades written to {file}" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_the_run(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for unusable, why in (
        (tmp_path, "it is there and is no file"),
        (Path("/dev/null"), "it is there and is no file"),
        (tmp_path / "file" / "trades.csv", f"{tmp_path}/file is no folder"),
    ):
        for option in ("--trades", "--png"):
            command = "backtest" if option == "--trades" else "slippage"
            assert cli.main([command, "--data", data, option, str(unusable)]) == 1
            said = capsys.readouterr()
            assert said.err == f"kconsole: {option} {unusable} cannot be written: {why}\n"
            assert said.out == ""


def test_trades_that_find_no_room_leave_what_was_there(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text("of before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    assert cli.main(["backtest", "--data", data, *TRADES, "--quick", "--trades", str(file)]) == 1
    said = capsys.readouterr()
    assert "journal hash: " in said.out
    assert f"--trades {file} cannot be written: No space left on device" in said.err
    assert file.read_text() == "of before"


def test_pictures_are_drawn(capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    folder = tmp_path / "pictures"
    assert cli.main(["backtest", "--data", data, *TRADES, "--quick", "--png", str(folder)]) == 0
    drawn = {path.name for path in folder.iterdir()}
    assert "equity.png" in drawn
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())
    file = tmp_path / "slippage.png"
    assert cli.main(["slippage", "--data", data, *TRADES, "--png", str(file)]) == 0
    assert file.read_bytes().startswith(b"\x89PNG")
    other = tmp_path / "of another.ending"
    assert cli.main(["slippage", "--data", data, *TRADES, "--png", str(other)]) == 0
    assert other.read_bytes().startswith(b"\x89PNG")


def test_without_the_library_that_draws_it_says_which_is_needed(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*(name for name in sys.modules if name.startswith("matplotlib")), "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert cli.main(["backtest", "--data", data, *TRADES, "--quick", "--png", str(tmp_path)]) == 2
    assert "pip install 'kconsole[report]'" in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_read_is_told(
    capsys: pytest.CaptureFixture[str], data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> Result:
        raise HistoryError("quotes.csv was changed while it was read")

    monkeypatch.setattr("console.backtest.run.run", changed)
    assert cli.main(["backtest", "--data", data]) == 1
    assert capsys.readouterr().err == "kconsole: quotes.csv was changed while it was read\n"


# --- slippage -------------------------------------------------------------------------------------


def test_slippage_is_measured_with_the_model(capsys: pytest.CaptureFixture[str], data: str) -> None:
    document = json_of(capsys, "slippage", "--data", data, *TRADES)
    assert (document["role"], document["n"]) == ("taker", 4)
    # 5 bps and a tenth of what was taken of the size displayed, all 400 of it.
    assert document["mean"] > 5
    assert sum(bar["n_contracts"] for bar in document["histogram"]) == document["n_contracts"]
    bare = json_of(capsys, "slippage", "--data", data, *TRADES, "--slippage-model", "off")
    assert bare["mean"] == 0


def test_the_histogram_is_drawn_in_the_terminal(capsys: pytest.CaptureFixture[str], data: str) -> None:
    assert cli.main(["slippage", "--data", data, *TRADES]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("####" in line for line in lines)
    assert any(line.split()[:3] == ["takers,", "to", "the"] for line in lines)
    assert max(map(len, lines)) <= 80


def test_slippage_of_nothing_is_a_failure(capsys: pytest.CaptureFixture[str], data: str) -> None:
    assert cli.main(["slippage", "--data", data, "--set", "strategy_flb.min_edge_to_trade=1"]) == 1
    assert "nothing was filled, so nothing was measured" in capsys.readouterr().err


# --- lookahead ------------------------------------------------------------------------------------


def test_lookahead_says_how_many_decisions_it_compared(capsys: pytest.CaptureFixture[str], data: str) -> None:
    document = json_of(capsys, "lookahead", "--data", data, *TRADES, "--moments", "2")
    assert (document["orders"], len(document["moments"])) == (4, 2)
    assert (document["decisions"], document["changed"]) == (2 * (1 + 4), 0)


def test_a_look_into_the_future_fails_with_the_first_difference(
    capsys: pytest.CaptureFixture[str], data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_lookahead import ReadsResults, leaking

    monkeypatch.setattr("console.backtest.lookahead.run", leaking(ReadsResults))
    assert cli.main(["lookahead", "--data", data, *TRADES, "--moments", "3"]) == 1
    text = capsys.readouterr().out
    assert "! 2026-03-01T" in text
    assert "with it:" in text
    assert "without it:" in text
    assert max(map(len, text.splitlines())) <= 80
    assert cli.main(["lookahead", "--data", data, *TRADES, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["changed"] > 0
    first = document["differences"][0]
    assert first["future"] in ("cut off", "changed")
    assert first["with_future"] != first["without"]


def test_a_look_where_nothing_was_decided_is_no_success(
    capsys: pytest.CaptureFixture[str], data: str
) -> None:
    assert cli.main(["lookahead", "--data", data, "--set", "strategy_flb.min_edge_to_trade=1"]) == 1
    assert "no order was sent, so nothing was compared" in capsys.readouterr().err
