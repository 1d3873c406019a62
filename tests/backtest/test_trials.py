"""Trials wherever an executor runs them, and the file of those that are finished."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from favourites import record, setup

from console.backtest.doubts import doubts_of
from console.backtest.run import run
from console.backtest.timeline_parts import Stretch
from console.backtest.trials import (
    Figures,
    FinishedTrials,
    Recording,
    Trial,
    files_digest,
    run_trial,
    sweep,
)
from console.history.folder import open_folder
from console.history.schema import HistoryError
from console.monitoring.performance import performance
from console.monitoring.trades import trades_of


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    folder = record(tmp_path / "data", a_day=1)
    return Trial(key="one", setup=setup(), recording=Recording(folder, None, None, ()))


def other(trial: Trial, key: str, **changes: Any) -> Trial:
    return dataclasses.replace(trial, key=key, **changes)


@pytest.fixture
def figures(trial: Trial) -> Figures:
    return run_trial(trial)


class AtOnce(Executor):
    """Runs each call when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


def test_a_trial_is_the_run_it_stands_for(trial: Trial, figures: Figures) -> None:
    result = run(trial.setup, open_folder(trial.recording.folder))
    assert figures == Figures(
        first_ns=result.first_ns,
        last_ns=result.last_ns,
        fills=len(result.fills),
        performance=performance(result, trades_of(result)),
        doubts=doubts_of(result, trades_of(result)),
        journal_hash=result.journal_hash,
    )
    assert figures.fills


@pytest.mark.parametrize("make", [AtOnce, lambda: ThreadPoolExecutor(2)])
def test_any_executor_comes_to_the_same(trial: Trial, make: Callable[[], Executor]) -> None:
    richer = other(trial, "rich", setup=setup("--capital", "20000"))
    with make() as executor:
        found = {each.key: figures for each, figures in sweep([trial, richer], executor)}
    assert found == {"one": run_trial(trial), "rich": run_trial(richer)}
    assert found["one"] != found["rich"]


def test_a_trial_may_be_of_a_stretch(trial: Trial, tmp_path: Path) -> None:
    recording = Recording(record(tmp_path / "two", a_day=2), None, None, ())
    whole = other(trial, "whole", recording=recording)
    assert run_trial(whole).performance.trades == 2
    part = other(whole, "part", stretch=Stretch(events=frozenset({"E1"})))
    assert run_trial(part).performance.trades == 1


def test_a_failure_comes_out_and_the_trials_after_it_are_dropped(trial: Trial, tmp_path: Path) -> None:
    bad = other(trial, "bad", recording=Recording(tmp_path / "none", None, None, ()))
    with AtOnce() as executor, pytest.raises(HistoryError, match="there is no such folder"):
        list(sweep([bad], executor))


def test_what_is_finished_is_found_again(trial: Trial, figures: Figures, tmp_path: Path) -> None:
    path = tmp_path / "new" / "trials.jsonl"
    kept = FinishedTrials(path)
    assert kept.of(trial) is None
    kept.add(trial, figures)
    assert kept.of(trial) == FinishedTrials(path).of(trial) == figures
    assert FinishedTrials(path).of(other(trial, "another")) is None


def test_a_line_torn_by_a_kill_costs_that_trial_alone(trial: Trial, figures: Figures, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    kept = FinishedTrials(path)
    kept.add(trial, figures)
    kept.add(other(trial, "torn"), figures)
    os.truncate(path, path.stat().st_size - 20)
    again = FinishedTrials(path)
    assert again.of(trial) == figures
    assert again.of(other(trial, "torn")) is None
    again.add(other(trial, "torn"), figures)
    again.add(other(trial, "next"), figures)
    whole = FinishedTrials(path)
    assert {key for key in ("one", "torn", "next") if whole.of(other(trial, key))} == {"one", "torn", "next"}


def test_other_trials_on_a_holdout_are_counted(trial: Trial, figures: Figures, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    kept = FinishedTrials(path)
    first, second = (other(trial, key, holdout="April") for key in ("first", "second"))
    assert kept.other_runs_of(first) == 0
    kept.add(first, figures)
    kept.add(other(trial, "elsewhere", holdout="May"), figures)
    kept.add(trial, figures)
    assert (kept.other_runs_of(first), kept.other_runs_of(second)) == (0, 1)
    assert FinishedTrials(path).other_runs_of(second) == 1


def test_a_folder_that_changed_has_another_name(tmp_path: Path) -> None:
    folder = record(tmp_path / "data", a_day=1)
    before = files_digest(folder)
    assert files_digest(folder) == before
    (folder / "trades.csv").write_text("dataset\n")
    with_more = files_digest(folder)
    (folder / "quotes.csv").write_text((folder / "quotes.csv").read_text() + "\n")
    assert len({before, with_more, files_digest(folder)}) == 3
