"""A journal that refuses a write, as the engine's loop meets it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest
from engine_builders import START, Desk, engine, settings
from test_picture import picture

from console.domain.account_events import AccountOpened
from console.domain.commands import PauseEntries
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.engine.gate import Gate, Sentinel
from console.engine.journal import Journal, JournalError
from console.engine.limit_views import SwitchState
from console.engine.loop import EngineLoop
from console.engine.outside import Outside


def loop_over(journal: Journal) -> EngineLoop:
    """A loop of which only the journal is real: nothing here reaches what stands around it."""
    absent = cast(Any, None)
    outside = Outside(
        journal=journal, venue=absent, feed=absent, gate=Gate(Sentinel(Path("no such file"))),
        sentinel=absent, halter=absent,
        wall_ns=lambda: START, monotonic_ns=lambda: 0, account_name="account-1", universe=absent,
        arms_itself=True,
    )  # fmt: skip
    return EngineLoop(engine(), outside, settings())


def test_a_write_that_fails_ends_the_engine_with_its_switch_tripped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    loop = loop_over(journal)
    loop.step(AccountOpened(at_ns=START, account="account-1", cash=Cash(0)))
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("DROP TABLE events")
    other.close()
    with pytest.raises(JournalError):
        loop.step(PauseEntries(at_ns=START))
    assert loop.engine.account.latches.state is TradingState.HALTED
    journal.close()
    row = next(s for s in picture(Desk(loop.engine, START)).switches if s.key == "journal")
    assert (row.state, row.reading) == (SwitchState.TRIPPED, "failed")
