"""``kconsole calibrate``, as an operator runs it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console import cli
from console.commands.progress import Steps
from console.config.trading_settings import EdgeSettings
from console.strategies.edge_table import FILE_NAME, read_edge_table

SHIPPED = Path(__file__).parents[2] / "console" / "practice" / "data"
NOW_NS = 1_774_000_000_000_000_000  # 2026-03-20


def recording(folder: Path, *, category: str = "Crypto") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "markets.csv").write_text(
        "dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result\n"
        f"d,A,E,KXA,{category},2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,yes\n"
    )
    (folder / "quotes.csv").write_text("dataset,ts,ticker,yes_bid,yes_ask\nd,2026-03-01T10:00:00Z,A,94,95\n")
    return folder


def json_of(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert cli.main(["calibrate", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_bucket_stands_beside_what_was_published(capsys: pytest.CaptureFixture[str]) -> None:
    document = json_of(capsys, "--data", str(SHIPPED))
    assert [(row["lo"], row["hi"]) for row in document["buckets"]] == [
        (0, 10),
        (10, 20),
        (20, 40),
        (40, 60),
        (60, 80),
        (80, 90),
        (90, 100),
    ]
    for row in document["buckets"]:
        assert row["lo"] <= row["mean_price"] < row["hi"]
        assert row["edge"] == pytest.approx(100 * row["win_rate"] - row["mean_price"])
        assert row["ci"][0] <= row["edge"] <= row["ci"][1]
        assert row["n_events"] <= row["n_contracts"]
        assert row["events_needed"] > 0
    assert document["buckets"][-1]["published"] == -0.3
    assert set(document["declared"]) == {
        "unit",
        "weight",
        "price",
        "side_and_role",
        "fees",
        "standard_error",
        "mix",
        "horizon",
        "filters",
        "n_events",
    }
    assert {row["category"] for row in document["by_category"]} == {"Crypto"}
    assert document["coverage"]["markets_without_result"] > 0
    assert document["written"] is None


@pytest.mark.parametrize("more", [[], ["--by-cent"]])
def test_the_report_fits_a_terminal_of_80_columns(
    capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert cli.main(["calibrate", "--data", str(SHIPPED), *more]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:1] == ["90-100"] for line in lines)
    assert any(line.startswith("! ") for line in lines)
    assert ("93-94" in output.out) == bool(more)
    assert output.err == ""


def test_the_table_written_is_the_one_that_trading_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "new" / "home"
    document = json_of(capsys, "--data", str(recording(tmp_path / "data")), "--home", str(home), "--write")
    assert document["written"] == str(home / FILE_NAME)
    table = read_edge_table(home / FILE_NAME, NOW_NS, EdgeSettings().table_max_age_days)
    assert [cell.used for cell in table.cells] == [row["used"] for row in document["edge_table"]["cells"]]
    assert (home / FILE_NAME).stat().st_mode & 0o077 == 0
    assert [path.name for path in home.iterdir()] == [FILE_NAME]


def test_a_table_too_old_to_trade_by_is_told_when_it_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = recording(tmp_path / "data")
    for name in ("markets.csv", "quotes.csv"):
        (data / name).write_text((data / name).read_text().replace("2026-", "2016-"))
    assert cli.main(["calibrate", "--data", str(data), "--home", str(tmp_path), "--write"]) == 0
    assert "trading refuses it while edge.table_max_age_days is 92" in capsys.readouterr().err


def test_a_table_of_what_is_yet_to_come_is_not_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = recording(tmp_path / "data")
    for name in ("markets.csv", "quotes.csv"):
        (data / name).write_text((data / name).read_text().replace("2026-", "2096-"))
    assert cli.main(["calibrate", "--data", str(data), "--home", str(tmp_path), "--write"]) == 1
    assert "paid out on 2096-03-01, which is yet to come" in capsys.readouterr().err
    assert not (tmp_path / FILE_NAME).exists()


def test_the_period_and_the_series_are_those_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = ["--data", str(recording(tmp_path))]
    assert json_of(capsys, *data, "--series", "KXA", "--to", "2026-03-01T10:01")["coverage"]["quotes"] == 1
    assert cli.main(["calibrate", *data, "--from", "2026-03-01T10:01"]) == 1
    assert "holds no usable row" in capsys.readouterr().err


def test_text_of_a_recording_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["calibrate", "--data", str(recording(tmp_path, category="\x1b[2J"))]) == 0
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\\x1b[2J" in output


def test_without_write_nothing_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert cli.main(["calibrate", "--data", str(SHIPPED), "--home", str(home)]) == 0
    assert not home.exists()


def test_there_is_no_table_of_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = recording(tmp_path / "data", category="")
    assert cli.main(["calibrate", "--data", str(data), "--home", str(tmp_path), "--write"]) == 1
    assert "there is no edge to write" in capsys.readouterr().err
    assert not (tmp_path / FILE_NAME).exists()


def test_a_home_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = str(recording(tmp_path / "data"))
    assert cli.main(["calibrate", "--data", data, "--home", str(tmp_path / "file"), "--write"]) == 1
    assert "edge-table.json cannot be written: " in capsys.readouterr().err


def test_a_bad_folder_is_refused_in_the_loaders_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["calibrate", "--data", str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().err
    data = recording(tmp_path / "data")
    (data / "quotes.csv").write_text("dataset,ts,ticker,yes_bid,yes_ask\nd,2026-03-01T10:00:00Z,B,94,95\n")
    assert cli.main(["calibrate", "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert "row 1, column ticker: B of dataset d is not in the markets file" in said
    assert said.count("\n") == 1


def test_a_wrong_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["calibrate", "--data", str(SHIPPED), "--set", "edge.table_max_age_days=0"]) == 2
    assert "edge.table_max_age_days" in capsys.readouterr().err


def test_the_folder_must_be_named() -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["calibrate"])


def test_its_help_waits_for_no_heavy_library() -> None:
    code = "import sys, console.commands.calibrate; print({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_step_is_shown_and_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Steps() as steps:
        steps.begin("reading x")
        assert terminal.getvalue().endswith("reading x ...")
    assert terminal.getvalue().endswith("\r\033[K")
