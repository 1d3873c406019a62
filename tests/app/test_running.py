"""How long a start may take."""

from __future__ import annotations

from pathlib import Path

from console.app.running import START_TIMEOUT_S, start_timeout_s


def test_a_start_is_given_the_time_that_a_long_journal_takes_to_be_read(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    assert start_timeout_s(journal) == START_TIMEOUT_S
    with journal.open("wb") as file:
        file.truncate(1_000_000_000)
    assert start_timeout_s(journal) >= START_TIMEOUT_S + 300
