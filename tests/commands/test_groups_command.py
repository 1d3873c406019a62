"""``kconsole groups``, as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from console import cli

SHIPPED = Path(__file__).parents[2] / "console" / "practice" / "data"
TOGETHER = [1, 3, 2, 5, 4, 4, 7, 2, 1, 6, 3, 8, 2, 2, 5, 9, 1, 4, 6, 2, 7, 3, 5, 1, 8]
ALONE = [2, 2, 9, 1, 4, 7, 3, 3, 8, 1, 1, 2, 6, 5, 2, 4, 9, 2, 3, 3, 1, 7, 2, 6, 4]


def recording(folder: Path) -> Path:
    """Markets A and B that move together and C that does not, quoted once a minute, in two series."""
    folder.mkdir(exist_ok=True)
    markets = "".join(
        f"d,{ticker},E{ticker},{series},Crypto,2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,yes\n"
        for ticker, series in (("A", "KXA"), ("B", "KXA"), ("C", "KXC"))
    )
    (folder / "markets.csv").write_text(
        f"dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result\n{markets}"
    )
    quotes = "".join(
        f"d,2026-03-01T10:{minute:02}:00Z,{ticker},{40 + step},60\n"
        for minute, (step, other) in enumerate(zip(TOGETHER, ALONE, strict=True))
        for ticker, step in (("A", step), ("B", 2 * step), ("C", other))
    )
    (folder / "quotes.csv").write_text(f"dataset,ts,ticker,yes_bid,yes_ask\n{quotes}")
    return folder


def json_of(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert cli.main(["groups", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_groups_are_told_with_what_they_rest_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = json_of(capsys, "--data", str(recording(tmp_path)), "--every", "60")
    assert document["groups"] == {"group_1": ["A", "B"]}
    assert document["every_s"] == 60
    assert document["pairs"]["total"] == document["pairs"]["measured"] == 3
    assert document["strongest"][0] == {"one": "A", "other": "B", "correlation": 1.0, "returns": 24}
    assert tomllib.loads(document["toml"]) == {"risk": {"groups": document["groups"]}}


def test_the_pins_that_are_printed_can_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["groups", "--data", str(recording(tmp_path)), "--every", "60"]) == 0
    text = capsys.readouterr().out
    fragment = text[text.index("[risk.groups]") : text.index("strongest pairs")]
    file = tmp_path / "pins.toml"
    file.write_text(fragment)
    assert cli.main(["config", "check", "--config", str(file)]) == 0


def test_the_period_the_series_and_the_threshold_are_those_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = ["--data", str(recording(tmp_path)), "--every", "60"]
    assert json_of(capsys, *data, "--series", "KXC")["markets"]["quoted"] == 1
    assert json_of(capsys, *data, "--series", "KXC", "--series", "KXA")["markets"]["quoted"] == 3
    cut = json_of(capsys, *data, "--from", "2026-03-01T10:04", "--to", "2026-03-01T11:10+01:00")
    assert (cut["markets"]["short"], cut["groups"]) == (3, {})
    assert json_of(capsys, *data, "--threshold", "1")["groups"] == {}


@pytest.mark.parametrize("option", [[], ["--threshold", "0.3"]])
def test_the_report_of_the_shipped_recording_fits_80_columns(
    capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert cli.main(["groups", "--data", str(SHIPPED), *option]) == 0
    output = capsys.readouterr()
    assert max(map(len, output.out.splitlines())) <= 80
    assert "[risk.groups]" in output.out
    assert output.err == ""


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--threshold", "1.1"], "1.1 is not a number from -1 to 1"),
        (["--threshold", "nan"], "nan is not a number from -1 to 1"),
        (["--every", "0"], "0 is not a whole number of seconds from 1 to 86400"),
        (["--from", "yesterday"], "yesterday is not a time such as 2026-03-01"),
        (["--from", "0001-01-01"], "0001-01-01 is not a time of 2015 to 2100"),
        (["--to", "9999-12-31"], "9999-12-31 is not a time of 2015 to 2100"),
    ],
)
def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str], option: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["groups", "--data", "x", *option])
    assert said in capsys.readouterr().err


def test_what_cannot_be_read_is_told_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = recording(tmp_path / "data")
    wrong = [
        (["--data", str(tmp_path / "none")], 1, "there is no such folder"),
        (["--data", str(data), "--series", "KXZ"], 1, "holds no KXZ"),
        (["--data", str(data), "--from", "2026-03-02", "--to", "2026-03-01"], 2, "--from is not before --to"),
        (["--data", str(data), "--set", "risk.kelly_fraction=7"], 2, "risk.kelly_fraction"),
    ]
    for argv, code, said in wrong:
        assert cli.main(["groups", *argv]) == code
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_its_help_waits_for_no_heavy_library() -> None:
    code = "import sys, console.commands.groups; print({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
