"""The command line as a whole: which command runs, with what, and how it ends."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from console import __version__, cli
from console.commands.common import load_settings, session_environment
from console.commands.errors import ExitCode, UserError
from console.config.errors import ConfigError, LockHeldError

FIRST, SECOND = "risk.kelly_fraction=0.1", "edge.constant_points=2"


def run_process(*arguments: str, output: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.cli", *arguments], stdout=output, stderr=subprocess.PIPE, text=True
    )


class StandIn(types.ModuleType):
    """A command that keeps what it was given and ends as told."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.given = argparse.Namespace()
        self.error: BaseException | None = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        importlib.import_module("console.commands.common").add_common_arguments(parser)
        parser.add_argument("--headless", action="store_true")

    def run(self, arguments: argparse.Namespace) -> int:
        self.given = arguments
        if self.error is not None:
            raise self.error
        return 0


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn("console.commands.run")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def console_command(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn("console.commands.console")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.mark.parametrize("name", [*cli.COMMANDS, "console"])
def test_every_command_of_the_table_exists(name: str) -> None:
    module = importlib.import_module(f"console.commands.{name.replace('-', '_')}")
    assert callable(module.run)
    if name != "console":
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        assert "--home" in parser.format_help()


def test_help_lists_every_command_and_version_tells_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for name, description in cli.COMMANDS.items():
        assert f"{name} {description}" in " ".join(text.split())
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"kconsole {__version__}\n"


def test_no_command_is_the_console(console_command: StandIn) -> None:
    assert cli.main(["--env", "demo", "--speed", "5"]) == 0
    assert console_command.given.env == "demo"
    assert console_command.given.speed == "5"


def test_options_count_before_and_after_the_command(run_command: StandIn) -> None:
    assert (
        cli.main(["--home", "/h", "--set", FIRST, "run", "--headless", "--set", SECOND, "--env", "live"]) == 0
    )
    given = run_command.given
    assert (given.home, given.set, given.headless, given.env) == ("/h", [FIRST, SECOND], True, "live")
    assert cli.main(["run"]) == 0
    assert (run_command.given.set, run_command.given.env) == ([], "practice")


def _parser_of(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"console.commands.{command.replace('-', '_')}").add_arguments(parser)
    return parser


def _takes_settings(command: str) -> bool:
    return "--set" in _parser_of(command).format_help()


@pytest.mark.parametrize(
    "name", [each for each in [*cli.COMMANDS, "guard", "console"] if _takes_settings(each)]
)
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("risk.bogus=1", 'kconsole: --set: unknown key "risk.bogus"; did you mean risk.groups?\n'),
        (
            "risk.kelly_fraction=9",
            "kconsole: --set: risk.kelly_fraction = 9 must be a number from 0 to 1\n",
        ),
        ("kelly", 'kconsole: --set "kelly": must be written section.key=value\n'),
    ],
)
def test_no_command_passes_over_a_wrong_setting(
    name: str, setting: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parser = _parser_of(name)
    words = [word for action in parser._actions if action.required for word in _words_of(action)]
    command = [] if name == "console" else [name]
    assert cli.main([*command, "--home", str(tmp_path / "none"), *words, "--set", setting]) == ExitCode.USAGE
    assert capsys.readouterr().err == said
    assert not (tmp_path / "none").exists()


def _words_of(action: argparse.Action) -> list[str]:
    value = next(iter(action.choices)) if action.choices else "x"
    return [*action.option_strings[:1], *([] if action.nargs == 0 else [str(value)])]


@pytest.mark.parametrize(
    "argv",
    [["bogus"], ["run", "--hom", "x"], ["--speed", "5", "run"], ["--env", "prod"], ["--live", "run", "x"]],
)
def test_wrong_usage_ends_with_2_and_one_sentence(
    argv: list[str], run_command: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(argv)
    said = capsys.readouterr().err
    assert said.startswith("kconsole")
    assert said.endswith("--help`\n")
    assert said.count("\n") == 1


def test_a_command_mistyped_is_told_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["statsu"])
    assert "there is no command 'statsu' (did you mean status?)" in capsys.readouterr().err


def test_what_a_command_alone_takes_comes_first_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["backtest", "--help"])
    options = capsys.readouterr().out.partition("\noptions:")[2]
    assert options.index("--data") < options.index("--env")


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (UserError("no exchange"), 1, "kconsole: no exchange\n"),
        (UserError("not without --live", ExitCode.REFUSED), 3, "kconsole: not without --live\n"),
        (ConfigError("wrong"), 2, "kconsole: wrong\n"),
        (LockHeldError("in use"), 3, "kconsole: in use\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 1, ""),
        (FileNotFoundError(2, "No such file", "a.csv"), 1, "kconsole: [Errno 2] No such file: 'a.csv'\n"),
    ],
)
def test_how_a_command_failed_is_its_exit_code_and_one_sentence(
    error: BaseException,
    exit_code: int,
    said: str,
    run_command: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_command.error = error
    assert cli.main(["run"]) == exit_code
    assert capsys.readouterr().err == said


def test_an_interrupt_while_the_program_loads_is_one_without_a_traceback() -> None:
    """Half the wait for a command is its imports."""
    code = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(name, *_):\n"
        "        if name == 'console.commands': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted)\n"
        "runpy.run_module('console', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, b"")


def test_a_defect_keeps_its_traceback(run_command: StandIn) -> None:
    run_command.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_process("config", "show", output=writer)
    finally:
        os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("info", "--json"), 0, ""),
        (
            ("export", "--what", "fills", "--out", "-"),
            2,
            "kconsole: --out - prints to standard output, which is closed\n",
        ),
    ],
)
def test_output_that_is_closed_costs_no_traceback(
    arguments: tuple[str, ...], code: int, error: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "console.cli", *arguments, "--home", str(tmp_path)]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (code, error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = run_process("config", "show", output=full.fileno())
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["kconsole: [Errno 28] No space left on device"]


def test_speed_is_a_setting_like_any_other(console_command: StandIn, tmp_path: Path) -> None:
    cli.main(["--home", str(tmp_path), "--speed", "5", "--set", "practice.speed=7"])
    loaded = load_settings(console_command.given)
    assert loaded.settings.practice.speed == 5
    assert loaded.sources["practice.speed"].name == "--speed"


def test_overrides_of_the_home_are_in_force(console_command: StandIn, tmp_path: Path) -> None:
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice" / "overrides.toml").write_text("[risk]\nkelly_fraction = 0.125\n")
    cli.main(["--home", str(tmp_path)])
    assert str(load_settings(console_command.given).settings.risk.kelly_fraction) == "0.125"


@pytest.mark.parametrize(
    ("argv", "accepted"),
    [
        ([], True),
        (["--env", "demo"], True),
        (["--env", "live", "--live"], True),
        (["--env", "live"], False),
        (["--live"], False),
        (["--env", "demo", "--live"], False),
        (["--env", "demo", "--speed", "5"], False),
        (["--env", "demo", "--attach", "f"], False),
        (["--speed", "5", "--attach", "f"], True),
    ],
)
def test_real_money_is_asked_for_twice_or_not_at_all(
    argv: list[str], accepted: bool, console_command: StandIn
) -> None:
    cli.main(argv)
    if accepted:
        assert session_environment(console_command.given) == console_command.given.env
    else:
        with pytest.raises(UserError) as caught:
            session_environment(console_command.given)
        assert caught.value.exit_code == ExitCode.USAGE


def test_a_terminal_that_is_not_utf_8_is_refused_with_what_to_set() -> None:
    parent, child = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "console.cli"],
            stdin=child,
            stdout=child,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONIOENCODING": "latin-1"},
            text=True,
        )
    finally:
        os.close(parent)
        os.close(child)
    assert done.returncode == 2
    assert "set LANG to a UTF-8 locale" in done.stderr
