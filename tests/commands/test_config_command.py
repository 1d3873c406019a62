"""``kconsole config show|check|schema`` and ``info``, as an operator runs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from console import cli
from console.config.catalogue import CATALOGUE


def json_of(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert cli.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_show_prints_every_setting_with_its_unit_and_what_set_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["config", "show", "--home", str(tmp_path), "--set", "risk.kelly_fraction=0.2"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == set(CATALOGUE)
    assert "0.2 fraction" in lines["risk.kelly_fraction"]
    assert "option --set" in lines["risk.kelly_fraction"]
    assert "practice.toml" in lines["strategy_flb.style"]
    assert lines["ui.theme"].endswith("default")
    assert not list(tmp_path.iterdir())


def test_show_as_json_carries_exact_values(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCONSOLE_UNIVERSE__SERIES", "KXA,KXB")
    document = json_of(capsys, "config", "show", "--env", "live")
    assert document["environment"] == "live"
    settings = {setting["key"]: setting for setting in document["settings"]}
    assert list(settings) == list(CATALOGUE)
    assert settings["risk.max_total_exposure_pct"]["value"] == "0.20"
    assert settings["risk.max_total_exposure_pct"]["layer"] == "file"
    assert settings["risk.max_consecutive_losses"]["value"] == 5
    assert settings["universe.series"]["value"] == ["KXA", "KXB"]
    assert settings["universe.series"]["source"] == "KCONSOLE_UNIVERSE__SERIES"


def test_schema_tells_of_every_setting_what_it_may_be_and_when_a_change_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {setting["key"]: setting for setting in json_of(capsys, "config", "schema")["settings"]}
    assert list(settings) == list(CATALOGUE)
    assert settings["risk.kelly_fraction"] == {
        "key": "risk.kelly_fraction",
        "description": "share of the full Kelly stake",
        "may_be": "a number from 0 to 1",
        "unit": "fraction",
        "low": 0,
        "high": 1,
        "choices": [],
        "default": "0.25",
        "takes_effect": "at once",
        "loosens": "up",
    }
    assert settings["exchange.key_id"]["takes_effect"] == "at the next start"
    assert cli.main(["config", "schema"]) == 0
    printed = capsys.readouterr().out
    for key, spec in CATALOGUE.items():
        assert f"{key}\n    {spec.description}\n    {spec.expected}" in printed


def test_schema_takes_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "schema", "mine.toml"]) == 2
    assert "takes no FILE" in capsys.readouterr().err


def test_show_takes_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "show", "mine.toml"]) == 2
    assert "--config" in capsys.readouterr().err


@pytest.mark.parametrize("environment", ["practice", "demo", "live"])
def test_check_passes_what_comes_with_the_program(
    environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json_of(capsys, "config", "check", "--env", environment)
    assert document["ok"] is True
    assert Path(document["file"]).is_file()


def test_check_of_a_file_looks_at_that_file_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCONSOLE_RISK__KELLY_FRACTION", "wrong")
    file = tmp_path / "mine.toml"
    file.write_text("[risk]\nkelly_fraction = 0.1\n")
    assert cli.main(["config", "check", str(file)]) == 0
    assert f"{file}: right; 1 of " in capsys.readouterr().out
    assert cli.main(["config", "check"]) == 2
    assert "KCONSOLE_RISK__KELLY_FRACTION" in capsys.readouterr().err


def test_check_says_what_is_wrong_and_ends_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[risk]\nkelly_fraction = 5\n")
    assert cli.main(["config", "check", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"kconsole: {file}: risk.kelly_fraction = 5 must be a number from 0 to 1\n"


def test_check_names_keys_and_themes_that_the_console_would_not_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[ui]\ntheme = "neon"\nkeymap = { halt = "h", pauze = "x", pause = "r", sort = "O" }\n')
    assert cli.main(["config", "check", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for said in (
        f"{file}: ui.keymap: there is no binding 'pauze'; use one of ",
        f"{file}: ui.keymap: halt works in text fields, so 'h' cannot be a character key",
        f"{file}: ui.keymap: 'r' of pause is already used by resume",
        f"{file}: ui.theme: there is no theme 'neon'; use one of ",
    ):
        assert said in captured.err
    file.write_text('[ui]\ntheme = "nord"\nkeymap = { pause = "f4", sort = "O" }\n')
    assert cli.main(["config", "check", str(file)]) == 0


def test_info_names_versions_and_paths_and_creates_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    document = json_of(capsys, "info", "--home", str(home), "--env", "demo")
    assert {"kconsole", "python", "sqlite", "textual"} <= set(document["versions"])
    assert document["paths"]["journal"] == str(home / "demo" / "journal.sqlite")
    assert Path(document["paths"]["configuration"]).is_file()
    assert document["key"] == {
        "key id": "not set",
        "file": "not set (exchange.private_key_path)",
    }
    assert not home.exists()
    assert cli.main(["info", "--home", str(home)]) == 0
    assert str(home / "practice" / "journal.sqlite") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "state"), [(0o600, "yours alone"), (0o644, "chmod 600"), (None, "No such file")]
)
def test_info_tells_the_state_of_the_key_and_not_its_content(
    mode: int | None, state: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = tmp_path / "live" / "keys" / "mine.pem"
    if mode is not None:
        key.parent.mkdir(parents=True)
        key.write_text("canary")
        key.chmod(mode)
    argv = ["info", "--home", str(tmp_path), "--env", "live", "--set", "exchange.private_key_path=mine.pem"]
    document = json_of(capsys, *argv)
    assert document["key"]["file"] == str(key)
    assert state in document["key"]["state"]
    assert "canary" not in json.dumps(document)


def test_info_helps_when_the_configuration_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[risk\n")
    document = json_of(capsys, "info", "--env", "demo", "--config", str(broken))
    assert document["paths"]["configuration"] == str(broken)
    assert str(broken) in document["key"]["file"]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_settings_fit_a_terminal_and_are_a_line_each_elsewhere(
    columns: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a-folder-of-a-name-that-is-not-short.toml"
    path.write_text("[risk]\nkelly_fraction = 0.2\n")
    home = ("--home", str(tmp_path), "--config", str(path))
    monkeypatch.setenv("COLUMNS", str(columns))
    cli.main(["config", "show", *home])
    whole = capsys.readouterr().out.splitlines()
    assert len(whole) == len(CATALOGUE)
    assert max(map(len, whole)) > 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cli.main(["config", "show", *home])
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines() if str(path) not in line) <= columns
    assert shown.split() == "\n".join(whole).split()
