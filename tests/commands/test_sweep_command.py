"""``kconsole sweep`` and ``walk-forward``, as an operator runs them: on workers, interrupted, resumed."""

from __future__ import annotations

import argparse
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from documented import documented_fields
from favourites import TRADES, record

from console import cli
from console.commands import trial_runs

pytestmark = pytest.mark.usefixtures("heeds_signals")

GRID = ("--grid", "90:10,95:5")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KCONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(record(tmp_path / "data", a_day=2, results=("yes",)))


class Workers:
    """Threads in place of processes, and how many trials they were asked to run."""

    def __init__(self) -> None:
        self.trials: list[int] = []

    @contextmanager
    def executor(self, _: argparse.Namespace, trials: int) -> Iterator[Executor]:
        self.trials.append(trials)
        with ThreadPoolExecutor(2) as executor:
            yield executor


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    workers = Workers()
    monkeypatch.setattr(trial_runs, "executor_of", workers.executor)
    return workers


def json_of(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> Any:
    assert cli.main([*argv, "--json"]) == code
    return json.loads(capsys.readouterr().out)


# --- sweep ----------------------------------------------------------------------------------------


def test_every_pair_is_run_under_both_fee_models(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    document = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID)
    rows = document["results"]
    assert [(row["pair"], row["fees"]) for row in rows] == [
        ("90:10", "kalshi"),
        ("90:10", "profit"),
        ("95:5", "kalshi"),
        ("95:5", "profit"),
    ]
    promised = "trades win_rate net_pnl total_fees fee_pct sharpe net_bps fee_bps max_drawdown"
    assert all(set(promised.split()) <= set(row) for row in rows)
    assert [row["trades"] for row in rows] == [2, 2, 0, 0]
    by_schedule, of_profit = rows[0], rows[1]
    assert by_schedule["total_fees"] != of_profit["total_fees"]
    assert document["best"] == by_schedule
    assert Decimal(by_schedule["net_pnl"]) > 0
    assert "the best of 2 pairs looks better than it is" in document["warnings"][0]


def test_pairs_that_tie_for_the_best_are_named(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    tied = json_of(capsys, "sweep", "--data", data, *TRADES, "--grid", "90:10,89:10,95:5")
    said = "89:10 made exactly as much as 90:10, which is named best only because it comes first"
    assert any(warning.startswith(said) for warning in tied["warnings"])
    assert any("they traded the very same" in warning for warning in tied["warnings"])
    alone = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID)
    assert not any("comes first" in warning for warning in alone["warnings"])


def test_rows_of_which_only_some_bear_slippage_are_called_so(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    said = "only the rows of profit fees bear the slippage model's cost"
    unlike = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID)["warnings"]
    assert any(warning.startswith(said) for warning in unlike)
    for alike in ("on", "off"):
        document = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID, "--slippage-model", alike)
        assert not any(warning.startswith(said) for warning in document["warnings"])


def test_the_best_is_by_the_fees_asked_for(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    document = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID, "--fees", "profit")
    assert (document["best"]["fees"], len(document["results"])) == ("profit", 4)


def test_there_is_no_best_of_nothing(capsys: pytest.CaptureFixture[str], data: str, workers: Workers) -> None:
    document = json_of(capsys, "sweep", "--data", data, *TRADES, "--grid", "99:1")
    assert document["best"] is None
    assert "no pair traded anything" in document["warnings"][0]


def test_the_table_fits_a_terminal_of_80_columns(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    assert cli.main(["sweep", "--data", data, *TRADES, *GRID]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("best: 90:10 under kalshi fees, net $") for line in lines)


def test_what_is_finished_is_not_run_again(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers, home: Path
) -> None:
    first = json_of(capsys, "sweep", "--data", data, *TRADES, "--grid", "90:10")
    again = json_of(capsys, "sweep", "--data", data, *TRADES, "--grid", "90:10")
    assert again == first
    assert workers.trials == [2]
    json_of(capsys, "sweep", "--data", data, *TRADES, *GRID)
    assert workers.trials == [2, 2]
    assert (home / trial_runs.FILE_NAME).stat().st_size


def test_whatever_decides_a_run_makes_it_another(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers, tmp_path: Path
) -> None:
    (tmp_path / "fees.csv").write_text(
        "scope,ticker,from,until,fee_type,multiplier,certainty,source\n"
        "series,KXA,,,quadratic,0.5,known,a test\n"
    )
    file = str(tmp_path / "kept.jsonl")
    sweep = ("sweep", "--data", data, *TRADES, "--grid", "90:10", "--resume", file)
    others: list[tuple[str, ...]] = [
        (),
        ("--latency-ms", "0,0,0"),
        ("--fee-schedule", str(tmp_path / "fees.csv")),
        ("--to", "2026-03-01T12:00"),
        ("--set", "risk.kelly_fraction=0.1"),
    ]
    for options in others:
        json_of(capsys, *sweep, *options)
    assert workers.trials == [2] * len(others)
    quotes = Path(data) / "quotes.csv"
    quotes.write_text(quotes.read_text().replace("92,500", "92,700"))
    json_of(capsys, *sweep)
    assert len(workers.trials) == len(others) + 1
    json_of(capsys, *sweep)
    assert len(workers.trials) == len(others) + 1


@pytest.mark.parametrize("command", ["sweep", "walk-forward"])
@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--grid", "90"], "90 is not a pair of cents such as 90:10"),
        (["--grid", "90:10,90:10"], "90:10 stands twice"),
        (["--workers", "0"], "0 is not a whole number of processes from 1"),
        (["--workers", "2", "--cluster", "x:1"], "not allowed with argument"),
    ],
)
def test_a_wrong_option_is_refused(
    capsys: pytest.CaptureFixture[str], command: str, option: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main([command, "--data", "x", *option])
    assert said in capsys.readouterr().err


def test_a_pair_out_of_range_is_refused_in_the_settings_words(
    capsys: pytest.CaptureFixture[str], data: str
) -> None:
    assert cli.main(["sweep", "--data", data, "--grid", "100:10"]) == 2
    assert "--grid: strategy_flb.favorite_threshold = 100 must be" in capsys.readouterr().err


def test_a_file_that_cannot_be_used_for_finished_trials_is_told(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers, tmp_path: Path
) -> None:
    assert cli.main(["sweep", "--data", data, "--resume", str(tmp_path)]) == 1
    assert f"{tmp_path} cannot be read: Is a directory" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert cli.main(["sweep", "--data", data, "--resume", str(tmp_path / "file" / "x")]) == 1
    assert "file/x" in capsys.readouterr().err


# --- walk-forward ---------------------------------------------------------------------------------


def test_each_test_is_traded_with_what_its_training_chose(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=3, a_day=2, results=("yes",)))
    lengths = ("--train", "1d", "--test", "24h")
    document = json_of(capsys, "walk-forward", "--data", data, *TRADES, *GRID, *lengths)
    windows = document["windows"]
    assert [(row["test_from"][:10], row["pair"]) for row in windows] == [
        ("2026-03-02", "90:10"),
        ("2026-03-03", "90:10"),
    ]
    assert all((row["test_events"], row["test"]["trades"]) == (2, 2) for row in windows)
    assert (document["failed"], document["warnings"]) == (0, [])
    total = sum(Decimal(row["test"]["net_pnl"]) for row in windows)
    assert Decimal(document["net_pnl"]) == total > 0
    # Two pairs in each of two trainings, and each test once.
    assert workers.trials == [4, 2]
    assert cli.main(["walk-forward", "--data", data, *TRADES, *GRID, *lengths]) == 0
    assert workers.trials == [4, 2]
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_training_keeps_its_embargo(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=3, a_day=2, results=("yes",)))
    lengths = ("--train", "2d", "--test", "1d", "--embargo", "1d")
    (window,) = json_of(capsys, "walk-forward", "--data", data, *TRADES, *GRID, *lengths)["windows"]
    assert [window[name][:10] for name in ("train_from", "train_to", "test_from")] == [
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
    ]
    assert (window["train_events"], window["test_events"], window["purged_events"]) == (2, 2, 2)
    all_of_it = ("--train", "1d", "--embargo", "24h")
    assert cli.main(["walk-forward", "--data", data, *TRADES, *GRID, *all_of_it]) == 2
    assert "--embargo is not shorter than --train" in capsys.readouterr().err


LEAST_EDGE = ("--set", "strategy_flb.min_edge_to_trade=0.01")
BY_DAY = ("--style", "taker", *LEAST_EDGE, "--grid", "90:10", "--train", "1d", "--test", "1d")
FITTED = (*BY_DAY, "--fit-edges")


def many_days(folder: Path, *results: str) -> str:
    """So many favourites a day that what they won raises the edge of a taker above the fee."""
    # Those of the last hour pay out on the next day, and so belong to no window.
    return str(record(folder, days=3, a_day=400, results=results, every_s=1_200))


def test_edges_fitted_in_each_training_are_what_its_test_trades_by(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    # By the published marks no taker gains here, and the favourites of the second day lose.
    data = many_days(tmp_path / "days", *["yes"] * 400, *["no"] * 400, *["yes"] * 400)
    published = ("walk-forward", "--data", data, *BY_DAY)
    assert json_of(capsys, *published, code=1)["failed"] == 3
    first, second, _ = json_of(capsys, "walk-forward", "--data", data, *FITTED, code=1)["windows"]
    assert first["edge_cells"] > 0
    assert first["test"]["trades"] > 0
    assert Decimal(first["test"]["net_pnl"]) < 0, "what the test loses was not known to its edges"
    assert second["failure"] == "no pair traded in the training", "by edges that have seen the losses"
    assert cli.main(["walk-forward", "--data", data, *FITTED]) == 1
    said = capsys.readouterr().out.splitlines()
    assert f"edges: measured in each training, {first['edge_cells']} to {second['edge_cells']} cells" in said


def test_a_home_table_that_has_seen_the_tests_is_not_traded_by_where_edges_are_fitted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = many_days(tmp_path / "days", "yes")
    fresh = ("--set", "edge.table_max_age_days=3650")
    assert cli.main(["calibrate", "--data", data, "--write", *fresh]) == 0
    capsys.readouterr()
    by_home = json_of(capsys, "walk-forward", "--data", data, *BY_DAY, *fresh, code=1)
    assert any("it has seen the results it is tested on" in said for said in by_home["warnings"])
    by_trainings = json_of(capsys, "walk-forward", "--data", data, *FITTED, *fresh, code=1)
    assert not any("it has seen the results" in said for said in by_trainings["warnings"])
    hashes = [it["windows"][0]["test"]["journal_hash"] for it in (by_home, by_trainings)]
    assert hashes[0] != hashes[1]


def test_where_no_edge_can_be_fitted_the_published_marks_are_said_to_be_traded_by(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=2, results=("",)))
    document = json_of(capsys, "walk-forward", "--data", data, *FITTED, code=1)
    assert document["windows"][0]["edge_cells"] == 0
    assert any(
        said.startswith("1 training had no announced result of a market with a category")
        for said in document["warnings"]
    )
    assert cli.main(["walk-forward", "--data", data, *TRADES, *FITTED]) == 1
    assert "--fit-edges measures an edge table, which edge.model = constant" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("sweep",), ("walk-forward", "--train", "1d", "--test", "1d")])
def test_figures_that_rest_on_what_was_not_recorded_say_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers, command: tuple[str, ...]
) -> None:
    folder = record(tmp_path / "days", days=2, a_day=2, results=("yes", ""))
    quotes = folder / "quotes.csv"
    quotes.write_text(quotes.read_text().replace(",500,400", ",,"))
    name, *options = command
    run = (name, "--data", str(folder), *TRADES, "--grid", "90:10", "--assume-depth", "500", *options)
    said = " ".join(json_of(capsys, *run)["warnings"])
    assert "236 quotes had no size and were taken to show 500.00 contracts: fills there are invented" in said
    assert "had no recorded result, so a seeded draw settled them" in said
    assert "resting order" not in said
    said = " ".join(json_of(capsys, *run, "--style", "maker", code=command != ("sweep",))["warnings"])
    assert "no trade was recorded, so that a resting order fills only where the display crosses it" in said


def test_a_second_choice_on_the_same_tests_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=2, a_day=2, results=("yes",)))
    walk = ("walk-forward", "--data", data, *TRADES, "--train", "1d", "--test", "1d", "--grid", "90:10")
    assert json_of(capsys, *walk)["warnings"] == []
    document = json_of(capsys, *walk, "--set", "risk.kelly_fraction=0.1")
    assert document["windows"][0]["other_runs"] == 1
    assert "these tests have been run under 1 other choice of settings before" in document["warnings"][0]


@pytest.mark.parametrize("command", [("sweep",), ("walk-forward", "--train", "1d", "--test", "1d")])
def test_the_fields_for_programs_are_those_documented(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers, command: tuple[str, ...]
) -> None:
    name, *options = command
    data = str(record(tmp_path / "days", days=2, a_day=2, results=("yes",)))
    found = json_of(capsys, name, "--data", data, *TRADES, "--grid", "90:10", *options)
    assert set(found) == documented_fields(name)


def test_a_window_that_trades_nothing_is_a_failure_said_loudly(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=3, a_day=2, results=("yes",)))
    lengths = ("--train", "1d", "--test", "1d")
    none = json_of(capsys, "walk-forward", "--data", data, *TRADES, "--grid", "99:1", *lengths, code=1)
    assert [row["failure"] for row in none["windows"]] == ["no pair traded in the training"] * 2
    assert none["net_pnl"] is None
    assert cli.main(["walk-forward", "--data", data, *TRADES, "--grid", "99:1", *lengths]) == 1
    output = capsys.readouterr()
    assert output.out.count("! FAILED: no pair traded in the training") == 2
    assert output.err == "kconsole: 2 of 2 windows traded nothing\n"


def test_an_event_across_the_boundary_is_in_neither(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: Workers
) -> None:
    data = str(record(tmp_path / "days", days=2, a_day=1, hours=25, results=("yes",)))
    document = json_of(
        capsys, "walk-forward", "--data", data, *TRADES, "--train", "1d", "--test", "1d", code=1
    )
    assert [row["failure"] for row in document["windows"]] == [
        "no event lived wholly within the training",
        "no event lived wholly within the training",
    ]
    assert [row["purged_events"] for row in document["windows"]] == [2, 2]
    assert workers.trials == []


def test_too_short_a_recording_is_told(
    capsys: pytest.CaptureFixture[str], data: str, workers: Workers
) -> None:
    assert cli.main(["walk-forward", "--data", data, *TRADES]) == 1
    assert "covers 0.5 days, which is less than --train and --test together" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["walk-forward", "--data", data, "--train", "90"])
    assert "90 is not a length of time such as 12h, 30d or 8w" in capsys.readouterr().err


# --- workers --------------------------------------------------------------------------------------


class Terminal:
    """A command on a terminal of its own, in a process group of its own."""

    def __init__(self, *argv: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", *argv],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def read_until(self, text: str) -> None:
        while text not in self.said:
            assert self._read(), f"it ended without saying {text!r}: {self.said}"

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=60)

    def has_children(self) -> bool:
        """Whether anything of the process group is left."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _read(self) -> bool:
        try:
            read = os.read(self._ours, 4096)
        except OSError:
            return False
        self.said += read.decode()
        return bool(read)


def ended(terminal: Terminal) -> bool:
    """Whether the whole group is gone, which the kernel may take a moment to tell."""
    for _ in range(500):
        if not terminal.has_children():
            return True
        time.sleep(0.01)
    return False


SLOWLY = ("--set", "strategy_flb.scan_interval=10")
"""Scans every ten seconds keep a run of some hours busy for some seconds."""


def test_a_sweep_that_is_interrupted_goes_on_where_it_stopped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    data = str(record(tmp_path / "days", days=2))
    grid = ("--workers", "1", "--grid", "85:15,90:10,92:8")
    argv = ("sweep", "--data", data, *TRADES, *SLOWLY, *grid)
    terminal = Terminal(*argv)
    terminal.read_until("trials/s")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "interrupted after" in terminal.said
    assert "Traceback" not in terminal.said
    assert ended(terminal)
    kept = (home / trial_runs.FILE_NAME).read_text().count("\n")
    assert 0 < kept < 6
    second = Terminal(*argv)
    assert second.end() == 0
    assert f"{kept / 6:.0%}" in second.said
    assert (home / trial_runs.FILE_NAME).read_text().count("\n") == 6


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    data = str(record(tmp_path / "days", days=2))
    terminal = Terminal("sweep", "--data", data, *TRADES, *SLOWLY, "--workers", "2")
    terminal.read_until("trials/s")
    terminal.process.kill()
    assert terminal.end() == -signal.SIGKILL
    assert ended(terminal)


def test_a_backtest_that_is_interrupted_says_how_far_it_got(tmp_path: Path) -> None:
    data = str(record(tmp_path / "days", days=2, a_day=1, hours=24, every_s=1))
    terminal = Terminal("backtest", "--data", data, *TRADES, *SLOWLY)
    terminal.read_until("rows/s")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "interrupted after" in terminal.said
    assert "172,798 rows" in terminal.said
    assert "Traceback" not in terminal.said


def test_a_sweep_runs_on_a_dask_cluster(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", protocol="tcp://"
    ) as cluster:
        on_cluster = json_of(
            capsys, "sweep", "--data", data, *TRADES, *GRID, "--cluster", cluster.scheduler_address
        )
    kept = str(tmp_path / "other.jsonl")
    here = json_of(capsys, "sweep", "--data", data, *TRADES, *GRID, "--workers", "1", "--resume", kept)
    assert on_cluster == here


def test_a_cluster_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], data: str) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    assert cli.main(["sweep", "--data", data, "--cluster", "tcp://127.0.0.1:1"]) == 1
    assert "--cluster tcp://127.0.0.1:1: no Dask scheduler answers there" in capsys.readouterr().err


def test_a_cluster_that_goes_away_is_told(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=":0", protocol="tcp://"
    ) as cluster:

        def sweep_as_it_ends(trials: Any, executor: Executor) -> Any:
            waiting = executor.submit(time.sleep, 0)
            cluster.close()
            yield trials[0], waiting.result()

        monkeypatch.setattr(trial_runs, "sweep", sweep_as_it_ends)
        argv = ("sweep", "--data", data, *TRADES, "--cluster", cluster.scheduler_address)
        assert cli.main(argv) == 1
    said = capsys.readouterr().err
    assert "went away; run it again to go on where it stopped" in said


@pytest.mark.parametrize("address", ["x", "tcp://host", "carrier://pigeon:1", "tcp:// :1"])
def test_an_address_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], data: str, address: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["sweep", "--data", data, "--cluster", address])
    assert f"{address} is not an address such as tcp://host:8786" in capsys.readouterr().err


def test_without_dask_it_says_what_is_needed(
    capsys: pytest.CaptureFixture[str], data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["sweep", "--data", data, "--cluster", "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'kconsole[cluster]'" in capsys.readouterr().err
