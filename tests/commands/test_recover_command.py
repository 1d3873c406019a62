"""``recover`` as a shell sees it: what it makes of a damaged journal, with and without an exchange to ask."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from practice_runs import PracticeProcess, journaled_account, practice_exchange, wait_for

from console.app import EngineFailedError, Launch, running_engine
from console.cli import main
from console.config.home import EnvironmentFolder, find_home
from console.config.load import load
from console.domain.account_events import AccountOpened
from console.domain.engine_events import LatchRaised
from console.domain.events import JournaledEvent
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.engine import crash_points
from console.engine.backup import Backups
from console.engine.journal import Journal, JournalCorruptError
from console.engine.journal_wal import wal_of
from console.engine.quarantine import quarantined
from console.engine.worker import EngineWorker

pytestmark = pytest.mark.timeout(180)


def folder_in(home: Path) -> EnvironmentFolder:
    return find_home(str(home)).environment("practice")


def raised(name: str, at_ns: int = 2) -> LatchRaised:
    return LatchRaised(
        at_ns=at_ns, name=name, level=TradingState.PAUSED, reason="looks wrong", source="operator"
    )


OPENED = AccountOpened(at_ns=1, account="account-1", cash=Cash(10_000_000_000))


def journaled(folder: EnvironmentFolder, *events: JournaledEvent) -> str:
    """Write a journal; its instance."""
    folder.create()
    journal = Journal(folder.journal)
    journal.append(events)
    journal.close()
    return journal.instance


def damage_event(path: Path, seq: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET at_ns = at_ns + 1 WHERE seq = ?", (seq,))
    connection.commit()
    connection.close()


def event_count(path: Path) -> int:
    connection = sqlite3.connect(path)
    [[number]] = connection.execute("SELECT count(*) FROM events")
    connection.close()
    return int(number)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def read(path: Path) -> None:
    journal = Journal(path)
    try:
        list(journal.replay())
    finally:
        journal.close()


def refused(path: Path) -> str:
    """Why a start refuses a journal."""
    with pytest.raises(JournalCorruptError) as refusal:
        read(path)
    return str(refusal.value)


Recover = Callable[..., dict[str, object]]


@pytest.fixture
def recover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Recover:
    """Run it on the home of the test and read its document."""

    def run(*options: str) -> dict[str, object]:
        capsys.readouterr()
        assert main(["recover", "--home", str(tmp_path), "--json", *options]) == 0
        document: dict[str, object] = json.loads(capsys.readouterr().out)
        return document

    return run


# --- without an exchange to ask -------------------------------------------------------------------------


def test_what_is_readable_is_kept_and_the_environment_is_halted(tmp_path: Path, recover: Recover) -> None:
    folder = folder_in(tmp_path)
    instance = journaled(folder, OPENED, raised("pause"), raised("reduce_only"), raised("after"))
    damage_event(folder.journal, 4)
    refused(folder.journal)
    document = recover()
    account = journaled_account(tmp_path)
    assert [latch.name for latch in account.latches.active] == ["recovered", "pause", "reduce_only"]
    assert account.latches.state is TradingState.HALTED
    assert account.name == "account-1"
    assert document["salvaged_events"] == 3
    assert document["fault"] == "event 4 is not as it was written"
    assert document["read_from_exchange"] is False
    assert document["instance_is_new"] is False
    journal = Journal(folder.journal)
    assert journal.instance == instance
    journal.close()


def test_the_corrupt_journal_is_kept_as_it_was(tmp_path: Path, recover: Recover) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED, raised("pause"))
    damage_event(folder.journal, 2)
    content = folder.journal.read_bytes()
    document = recover()
    [aside] = quarantined(folder.journal)
    assert str(aside) == document["put_aside"]
    assert aside.read_bytes() == content
    others = {path.name for path in folder.path.iterdir() if not path.name.startswith(aside.name)}
    assert others == {folder.journal.name, "lock", "logs", "keys"}


def test_of_the_journal_and_its_backups_the_one_that_reaches_farthest_is_taken(
    tmp_path: Path, recover: Recover
) -> None:
    folder = folder_in(tmp_path)
    instance = journaled(folder, OPENED, raised("pause"))
    journal = Journal(folder.journal)
    backups = Backups(folder.backups)
    backups.copy(journal)
    backups.keep(time.time_ns())
    journal.append([raised("after")])
    journal.close()
    zero(folder.journal)
    document = recover()
    assert document["salvaged_events"] == 2
    assert document["salvaged_from"] == str(backups.file_of(time.time_ns()))
    assert document["fault"] == "file is not a database"
    journal = Journal(folder.journal)
    assert journal.instance == instance
    journal.close()


def back_up(folder: EnvironmentFolder, at_ns: int) -> None:
    journal = Journal(folder.journal)
    backups = Backups(folder.backups)
    backups.copy(journal)
    backups.keep(at_ns)
    journal.close()


def test_a_backup_of_an_earlier_journal_is_not_taken_for_one_of_the_last(
    tmp_path: Path, recover: Recover
) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED, *(raised("of the journal before", number) for number in range(9)))
    back_up(folder, time.time_ns() - 86_400_000_000_000)
    folder.journal.unlink()
    instance = journaled(folder, OPENED, raised("pause"))
    back_up(folder, time.time_ns())
    zero(folder.journal)
    assert recover()["salvaged_events"] == 2
    journal = Journal(folder.journal)
    assert journal.instance == instance
    journal.close()


def test_of_a_journal_of_which_nothing_can_be_read_a_new_one_is_made(
    tmp_path: Path, recover: Recover
) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED)
    zero(folder.journal)
    document = recover()
    assert document["salvaged_events"] == 0
    assert document["instance_is_new"] is True
    assert [latch.name for latch in journaled_account(tmp_path).latches.active] == ["recovered"]


def test_a_log_that_an_interrupted_quarantine_left_is_read_with_its_journal(
    tmp_path: Path, recover: Recover
) -> None:
    folder = folder_in(tmp_path)
    folder.create()
    journal = Journal(folder.journal)
    journal.append([OPENED, raised("pause")])
    main_file, log = folder.journal.read_bytes(), wal_of(folder.journal).read_bytes()
    journal.close()
    folder.journal.unlink()
    (folder.path / "journal.corrupt-20260101T000000Z.sqlite").write_bytes(main_file)
    wal_of(folder.journal).write_bytes(log)
    assert recover()["salvaged_events"] == 2
    assert not wal_of(folder.journal).exists()


def test_what_is_printed_of_a_journal_neither_steers_the_terminal_nor_forges_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_in(tmp_path)
    steering = msgspec.structs.replace(raised("pause"), reason="wrong \x1b[2J\ndifferences none")
    journaled(folder, OPENED, steering, raised("after"))
    damage_event(folder.journal, 3)
    assert main(["recover", "--home", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "PAUSED  pause  wrong" in printed
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.startswith("differences none")] == []


def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["recover", "--home", str(tmp_path)]) == 3
    return capsys.readouterr().err


def test_a_journal_in_order_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED)
    content = folder.journal.read_bytes()
    assert f"{folder.journal} is in order: there is nothing to recover" in refusal(tmp_path, capsys)
    assert folder.journal.read_bytes() == content


def test_without_a_journal_there_is_nothing_to_recover(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_in(tmp_path)
    folder.create()
    assert "there is nothing to recover" in refusal(tmp_path, capsys)
    assert not folder.journal.exists()


def test_it_does_not_run_beside_a_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED)
    zero(folder.journal)
    with folder.lock():
        assert f"in use by process {os.getpid()}" in refusal(tmp_path, capsys)
    assert quarantined(folder.journal) == []


def limit_files(size: int) -> None:
    """As on a disk with so much room; for a process that ends soon."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def recover_with_little_room(tmp_path: Path, size: int, *, after: str | None = None) -> tuple[int, str]:
    """How it ends, and what it says, when no file may grow beyond ``size`` from a crash point on."""
    said = tmp_path / "said"
    child = os.fork()
    if child == 0:
        code = 99
        with said.open("w") as file, contextlib.redirect_stderr(file), contextlib.suppress(BaseException):
            if after is None:
                limit_files(size)
            else:
                crash_points.on_reached = lambda name: limit_files(size) if name == after else None
            code = main(["recover", "--home", str(tmp_path), "--json"])
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.read_text()


@pytest.mark.parametrize(
    ("size", "after"),
    [(20_000, None), (100_000, None), (130_000, None), (100_000, "recover: read")],
)
def test_a_disk_without_room_is_told_and_nothing_that_could_be_read_is_given_up(
    tmp_path: Path, recover: Recover, size: int, after: str | None
) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED, *(raised("pause", number) for number in range(800)), raised("after"))
    damage_event(folder.journal, 802)
    refused(folder.journal)
    code, said = recover_with_little_room(tmp_path, size, after=after)
    assert (code, said.count("\n")) == (3, 1), said
    assert not folder.journal.exists()
    assert [path.name for path in folder.path.glob("*") if "partial" in path.name] == []
    assert recover()["salvaged_events"] == 801


POINTS = [
    "recover: read",
    "journal build: tables made",
    "journal build: rows copied",
    "journal build: before rename",
    "journal build: renamed",
]


@pytest.mark.parametrize("point", POINTS)
def test_a_recovery_that_is_killed_leaves_none_or_the_whole(
    tmp_path: Path, recover: Recover, point: str
) -> None:
    folder = folder_in(tmp_path)
    journaled(folder, OPENED, raised("pause"), raised("after"))
    damage_event(folder.journal, 3)
    child = os.fork()
    if child == 0:
        crash_points.on_reached = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None
        main(["recover", "--home", str(tmp_path), "--json"])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    if not folder.journal.exists():
        assert "`kconsole recover`" in refused(folder.journal)
        recover()
    names = [latch.name for latch in journaled_account(tmp_path).latches.active]
    assert names == ["recovered", "pause"]


# --- with one -------------------------------------------------------------------------------------------


def wait_for_fills(worker: EngineWorker, number: int) -> None:
    wait_for(worker, f"{number} fills", lambda snapshot: snapshot.fills >= number)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, PracticeProcess]]:
    """A home in which a run has traded, with backups of it from before, and its exchange."""
    home = tmp_path_factory.mktemp("traded")
    with practice_exchange(home, speed=100) as exchange:
        known = 0
        for run in (1, 2):
            with running_engine(launch(home, exchange)) as worker:
                wait_for_fills(worker, known + 1)
            shutil.copyfile(folder_in(home).journal, home / f"after-{run}.sqlite")
            known = len(journaled_account(home).fill_ids)
        yield home, exchange


def launch(home: Path, exchange: PracticeProcess) -> Launch:
    return Launch("practice", load("practice").settings, folder_in(home), exchange.line)


@pytest.fixture
def copied(traded: tuple[Path, PracticeProcess], tmp_path: Path) -> PracticeProcess:
    """The test's own home as the run has left it, with the exchange."""
    home, exchange = traded
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    return exchange


def lose_the_middle(folder: EnvironmentFolder) -> None:
    shutil.rmtree(folder.backups)
    damage_event(folder.journal, event_count(folder.journal) // 2)


def lose_all_but_the_instance(folder: EnvironmentFolder) -> None:
    shutil.rmtree(folder.backups)
    damage_event(folder.journal, 1)


def lose_the_file(folder: EnvironmentFolder) -> None:
    zero(folder.journal)


@pytest.mark.parametrize("lose", [lose_the_middle, lose_all_but_the_instance, lose_the_file])
def test_a_lost_journal_comes_back_as_the_exchange_has_it_and_starts_halted(
    tmp_path: Path, copied: PracticeProcess, recover: Recover, lose: Callable[[EnvironmentFolder], None]
) -> None:
    lived = journaled_account(tmp_path)
    folder = folder_in(tmp_path)
    lose(folder)
    with pytest.raises(EngineFailedError) as failure, running_engine(launch(tmp_path, copied)):
        pass
    assert failure.value.unsafe
    document = recover("--attach", str(copied.line))
    recovered = journaled_account(tmp_path)
    assert document["differences"] == ""
    assert document["read_from_exchange"] is True
    assert recovered.fill_ids == lived.fill_ids
    assert recovered.fees == lived.fees
    placed = {order.order_id for order in lived.orders.values() if order.order_id is not None}
    assert {order.order_id for order in recovered.orders.values()} >= placed
    assert document["orders"] == len(recovered.orders)
    assert document["fills"] == len(lived.fill_ids)
    assert recovered.open_orders == ()
    assert recovered.intents_ever >= lived.intents_ever - sum(
        order.order_id is None for order in lived.orders.values()
    )
    with running_engine(launch(tmp_path, copied)) as worker:
        snapshot = wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
        assert "recovered" in [latch.name for latch in snapshot.latches]
        assert "position_mismatch" not in [latch.name for latch in snapshot.latches]
        assert worker.wait_halted(30)


def test_a_start_from_a_backup_goes_on_to_what_the_exchange_has(
    tmp_path: Path, copied: PracticeProcess
) -> None:
    lived = journaled_account(tmp_path)
    folder = folder_in(tmp_path)
    shutil.copyfile(tmp_path / "after-1.sqlite", folder.journal)
    assert len(journaled_account(tmp_path).fill_ids) < len(lived.fill_ids)
    folder.halt_sentinel.write_text("restored from a backup\n")
    with running_engine(launch(tmp_path, copied)) as worker:
        wait_for_fills(worker, len(lived.fill_ids))
    restored = journaled_account(tmp_path)
    assert restored.fill_ids == lived.fill_ids
    assert restored.fees == lived.fees
    assert {order.order_id for order in restored.orders.values()} >= set(lived.client_ids)
