"""What an operator does, in a real terminal: what is on the screen, in the journal, at the exchange."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import tmux
from own_exchange import OwnExchange, own_exchange
from practice_runs import journaled_events
from quiet_exchange import QuietExchange, folder, options, quiet_exchange
from tmux import Tmux, in_tmux

from console.domain.engine_events import LatchCleared, LatchRaised, SettingsChanged
from console.domain.market import Ticker

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not tmux.IS_HERE, reason="tmux is not installed"),
]

TICKERS = tuple(Ticker(f"KXJOURNEY-{number}-YES") for number in range(2))
PATIENT = ("--set", "risk.max_scans_without_fill=100000")
TAKER = (
    "strategy_flb.style=taker",
    "strategy_flb.scan_interval=0.2",
    "edge.constant_points=7",
    "risk.max_order_contracts=10",
)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[QuietExchange]:
    with quiet_exchange(tmp_path) as running:
        yield running


def latches(home: Path) -> list[str]:
    told = (e for e in journaled_events(home) if isinstance(e, LatchRaised | LatchCleared))
    return [f"{'+' if isinstance(e, LatchRaised) else '-'}{e.name}" for e in told]


def quit_and_cancel(terminal: Tmux) -> None:
    terminal.press("q")
    terminal.wait_for("Orders that rest or may rest")
    terminal.press("Enter")
    terminal.wait_for("ended 0")


def test_an_edit_is_replayed_compared_applied_and_undone(tmp_path: Path, quiet: QuietExchange) -> None:
    home = tmp_path / "home"
    with in_tmux(tmp_path / "tmux", *options(quiet, home), *PATIENT) as terminal:
        terminal.wait_for("1 Positions", "rests")
        terminal.press("t")
        terminal.wait_for("t Thresholds")
        terminal.press("/")
        terminal.wait_for("enter keeps it")
        terminal.write("max_total")
        terminal.press("Enter")
        terminal.wait_for("/max_total")
        terminal.press("End", "Enter")
        terminal.wait_for("enter keeps it for the review")
        terminal.press("C-u")
        terminal.wait_for("must be a number")
        terminal.write("0.05")
        terminal.wait_for("→ 0.05 tightens")
        terminal.press("Enter")
        terminal.wait_for("edited: ", "v reviews")
        terminal.press("b")
        terminal.wait_for("b Replay", "run it at once")
        terminal.press("Down", "Down", "Down", "Down", "Right")
        terminal.wait_for("◂ edited ▸")
        terminal.press("x")
        terminal.wait_for("Compared", "max_total_exposure_pct", "in force", "tested", "net P&L", "Equity")
        terminal.press("T")
        terminal.wait_for("t Thresholds", "→ 0.05")
        terminal.press("v")
        terminal.wait_for("Apply settings", "max_total_exposure_pct", "ready")
        assert not any(isinstance(event, SettingsChanged) for event in journaled_events(home))
        terminal.press("Enter")
        terminal.wait_until("it is kept", lambda: "0.05" in kept(home))
        assert tomllib.loads(kept(home)) == {"risk": {"max_total_exposure_pct": 0.05}}
        terminal.wait_until("it is in force", lambda: "→" not in terminal.text)
        terminal.press("u")
        terminal.wait_for("0.05 → ", "loosens")
        terminal.fill("│  reason (required", "calm")
        terminal.wait_for("ready")
        terminal.press("Enter")
        terminal.wait_until("nothing is kept", lambda: not kept(home))
        quit_and_cancel(terminal)
    changes = [event for event in journaled_events(home) if isinstance(event, SettingsChanged)]
    tightened, undone = (change.reason for change in changes)
    assert tightened == "tightened"
    assert undone.startswith("undo of ")
    assert undone.endswith(": calm")
    assert quiet.resting() == 0


def kept(home: Path) -> str:
    path = folder(home).overrides
    return path.read_text() if path.exists() else ""


def test_a_halt_under_a_dialog_cancels_and_only_a_reason_resumes(
    tmp_path: Path, quiet: QuietExchange
) -> None:
    home = tmp_path / "home"
    with in_tmux(tmp_path / "tmux", *options(quiet, home), *PATIENT) as terminal:
        terminal.wait_for("1 Positions", "rests")
        assert quiet.resting() > 0
        terminal.press("F")
        terminal.wait_for("Flatten")
        terminal.press("F12")
        terminal.wait_for("HALTED", "read twice", "Flatten")
        quiet.wait_quiet()
        terminal.press("Escape")
        terminal.wait_for("LATCHED manual")
        terminal.press("r")
        terminal.wait_for("manual may be cleared")
        terminal.press("Enter")
        terminal.wait_until("cancel was focused", lambda: "manual may be cleared" not in terminal.text)
        assert "HALTED" in terminal.text
        terminal.press("r")
        terminal.wait_for("manual may be cleared")
        terminal.fill("│  reason (required", "looked at it")
        terminal.press("Enter")
        terminal.wait_for("RUNNING", "rests")
        terminal.wait_until("orders rest again", lambda: quiet.resting() > 0)
        quit_and_cancel(terminal)
    assert latches(home) == ["+manual", "-manual"]
    assert quiet.resting() == 0


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path) as running:
        for ticker in TICKERS:
            running.list_market(ticker, lives_s=10_000)
            running.show(ticker, 92, 93)
        yield running


def test_a_flatten_sells_what_is_held_and_stays_halted(tmp_path: Path, trading: OwnExchange) -> None:
    home, line = tmp_path / "home", tmp_path / "line.json"
    line.write_bytes(msgspec.json.encode(trading.connection))
    told = itertools.chain.from_iterable(("--set", text) for text in TAKER)
    with in_tmux(
        tmp_path / "tmux", "--home", str(home), "--attach", str(line), "--set", "ui.refresh_hz=10", *told
    ) as terminal:
        terminal.wait_until("both are held", lambda: all(held(trading)))
        terminal.wait_for("2 open")
        terminal.press("F")
        terminal.wait_for("Flatten", "type flatten")
        terminal.fill("│  type flatten", "flatten")
        terminal.wait_for("ready")
        terminal.press("Enter")
        terminal.wait_until("nothing is held", lambda: not any(held(trading)))
        terminal.wait_for("HALTED", "0 open")
        quit_and_cancel(terminal)
    assert latches(home)[:1] == ["+flatten"]
    assert trading.do(lambda exchange: exchange.account.open_orders()) == []


def held(trading: OwnExchange) -> list[int]:
    return trading.do(lambda exchange: [exchange.account.held(ticker) for ticker in TICKERS])
