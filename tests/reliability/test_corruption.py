"""Journals damaged in every way: nothing is read from one that was not written to it."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Count, Tell

from console.domain.account_events import AccountOpened
from console.domain.engine_events import EquityMarked, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.engine.journal import Journal, JournalCorruptError, JournalError
from console.engine.journal_wal import wal_of

PAGE = 4096
FRAME = PAGE + 24
TRANSACTIONS = 120
TRUNCATED_MAY_LOSE = TRANSACTIONS
DAMAGED_MAY_LOSE = 2
"""Transactions at the end: a damaged one is not to be told from one that was being written at a power cut."""


def transaction(number: int) -> list[JournaledEvent]:
    equity = Cash(10_000_000_000 + number)
    marked = EquityMarked(at_ns=number, equity=equity, high_water=equity)
    raised = LatchRaised(
        at_ns=number, name="pause", level=TradingState.PAUSED, reason="x" * (number % 400), source="operator"
    )
    events: list[JournaledEvent] = [marked, raised]
    return events[: 1 + number % 2]


OPENING: list[JournaledEvent] = [AccountOpened(at_ns=0, account="account-1", cash=Cash(0))]
WRITTEN: list[list[JournaledEvent]] = [OPENING, *map(transaction, range(TRANSACTIONS))]


class Original:
    """A journal's files as they were when it was closed, or while it was written to."""

    def __init__(self, folder: Path, *, closed: bool) -> None:
        path = folder / "journal.sqlite"
        journal = Journal(path)
        for events in WRITTEN:
            journal.append(events)
        if closed:
            journal.close()
        self.files = {name: name.read_bytes() for name in (path, wal_of(path)) if name.exists()}
        journal.close()

    def copy_to(self, folder: Path) -> Path:
        """The journal anew in a folder that has nothing else in it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path, content in self.files.items():
            (folder / path.name).write_bytes(content)
        return folder / "journal.sqlite"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return Original(tmp_path_factory.mktemp("closed"), closed=True)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """Everything is in the write-ahead log, as a kill -9 leaves it."""
    return Original(tmp_path_factory.mktemp("killed"), closed=False)


def flip_a_bit(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def zero_a_page(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content)) // PAGE * PAGE
    content[start : start + PAGE] = bytes(len(content[start : start + PAGE]))


def truncate(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


Damage = Callable[[bytearray, random.Random], None]
DAMAGES: tuple[Damage, ...] = (flip_a_bit, flip_a_bit, zero_a_page, truncate)


def read(path: Path) -> list[JournaledEvent] | JournalError:
    """What a start reads from a journal, or why it refuses."""
    journal = None
    try:
        journal = Journal(path)
        return list(journal.replay())
    except JournalError as error:
        return error
    finally:
        if journal is not None:
            journal.close()


def lost_transactions(found: list[JournaledEvent]) -> int | None:
    """How many are missing at the end; None for anything that is not what was written up to there."""
    events: list[JournaledEvent] = []
    for number, following in enumerate(WRITTEN):
        if events == found:
            return len(WRITTEN) - number
        events += following
    return 0 if events == found else None


def outcome_of(path: Path, may_lose: int) -> str:
    found = read(path)
    if isinstance(found, JournalCorruptError):
        assert not path.exists(), "a corrupt journal is put aside"
        assert isinstance(read(path), JournalError), "and none is begun in its place"
        return "refused and put aside"
    if isinstance(found, JournalError):
        return "refused"
    lost = lost_transactions(found)
    assert lost is not None, "undetected"
    assert lost <= may_lose, f"{lost} transactions lost unseen"
    return "replayed equal" if lost == 0 else "replayed but for the end"


def told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))


def test_a_journal_damaged_anywhere_is_refused_or_replayed_equal(
    tmp_path: Path, closed: Original, count: Count, tell: Tell
) -> None:
    chance, outcomes = random.Random(4), Counter[str]()
    for number in range(count(80, 500)):
        path = closed.copy_to(tmp_path / "copy")
        content = bytearray(path.read_bytes())
        DAMAGES[number % len(DAMAGES)](content, chance)
        path.write_bytes(content)
        outcomes[outcome_of(path, may_lose=0)] += 1
    tell(f"{outcomes.total()} damaged journals: {told(outcomes)}, 0 undetected")


def test_a_damaged_write_ahead_log_loses_no_more_than_what_was_being_written(
    tmp_path: Path, killed: Original, count: Count, tell: Tell
) -> None:
    chance, outcomes = random.Random(5), Counter[str]()
    for number in range(count(60, 500)):
        path = killed.copy_to(tmp_path / "copy")
        content = bytearray(wal_of(path).read_bytes())
        (flip_a_bit, zero_a_page)[number % 2](content, chance)
        wal_of(path).write_bytes(content)
        outcomes[outcome_of(path, DAMAGED_MAY_LOSE)] += 1
    tell(f"{outcomes.total()} damaged logs: {told(outcomes)}, 0 undetected")
    assert outcomes["refused and put aside"] > outcomes["replayed but for the end"]


def test_a_write_ahead_log_cut_anywhere_gives_what_was_written_up_to_there(
    tmp_path: Path, killed: Original, count: Count, tell: Tell
) -> None:
    [log] = [content for path, content in killed.files.items() if path.name.endswith("-wal")]
    frames = range(32, len(log) + 1, FRAME)
    chance, outcomes = random.Random(6), Counter[str]()
    cuts = [*frames[:: count(8, 1)], *(chance.randrange(len(log)) for _ in range(count(40, 1_000)))]
    for cut in cuts:
        path = killed.copy_to(tmp_path / "copy")
        wal_of(path).write_bytes(log[:cut])
        outcomes[outcome_of(path, TRUNCATED_MAY_LOSE + 1)] += 1
    tell(f"{len(cuts)} cuts of {len(frames) - 1} frames: {told(outcomes)}, 0 with a hole")
    assert set(outcomes) <= {"replayed equal", "replayed but for the end"}


def test_what_a_crash_left_behind_in_the_log_is_not_taken_for_damage(
    tmp_path: Path, killed: Original
) -> None:
    path = killed.copy_to(tmp_path / "copy")
    log = wal_of(path).read_bytes()
    for torn in (FRAME // 2, FRAME + 100, 1):
        wal_of(path).write_bytes(log[: len(log) - torn])
        found = read(path)
        assert isinstance(found, list)
        assert lost_transactions(found) == 1
        path = killed.copy_to(tmp_path / "copy")
