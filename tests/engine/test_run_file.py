from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from console.engine.run_file import RunFile, RunFileError, RunRecord, read_run_file, write_run_file

MINUTE_NS = 60_000_000_000


def run(started_ns: int = 0, environment: str = "demo") -> RunFile:
    return RunFile(
        pid=1,
        environment=environment,
        rest="https://example.com/trade-api/v2",
        ws="wss://example.com/trade-api/ws/v2",
        key_id="key",
        private_key_path="/keys/key.pem",
        client_id_prefix="kc-1-",
        started_ns=started_ns,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


def dies(path: Path, started_ns: int, environment: str = "demo") -> RunRecord:
    """A run that starts after whatever was before and leaves its file behind."""
    return RunRecord(path, run(started_ns, environment), read_run_file(path))


def test_a_run_can_be_halted_from_its_file_as_soon_as_it_has_a_group(path: Path) -> None:
    record = RunRecord(path, run(), None)
    record.add_group(0, "group-0")
    record.add_group(2, "group-2")
    found = read_run_file(path)
    assert found is not None
    assert (found.client_id_prefix, found.groups) == ("kc-1-", {0: "group-0", 2: "group-2"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_clean_end_with_nothing_left_removes_the_file(path: Path) -> None:
    record = RunRecord(path, run(), None)
    record.remove()
    assert read_run_file(path) is None
    record.remove()


def test_a_start_that_failed_leaves_what_was_known_of_the_run_before(path: Path) -> None:
    write_run_file(path, run(1))
    RunRecord(path, run(2), run(1)).abandon()
    assert read_run_file(path) == run(1)
    RunRecord(path, run(2), None).abandon()
    assert read_run_file(path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pid":1}', b"\xff"])
def test_a_broken_file_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(RunFileError, match=r"run\.json cannot be read"):
        read_run_file(path)


def test_a_file_by_which_every_order_would_be_ours_is_refused(path: Path) -> None:
    values = msgspec.to_builtins(run(), str_keys=True) | {"client_id_prefix": ""}
    path.write_bytes(msgspec.json.encode(values))
    with pytest.raises(RunFileError, match="client_id_prefix is empty"):
        read_run_file(path)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"gone/run.json cannot be written: No such file"):
        RunRecord(tmp_path / "gone" / "run.json", run(), None)


# --- crash loops ----------------------------------------------------------------------------------------


def test_the_third_start_after_an_unclean_end_within_ten_minutes_is_a_crash_loop(path: Path) -> None:
    runs = [dies(path, minute * MINUTE_NS) for minute in (0, 1, 5, 11)]
    assert [record.crash_loop is not None for record in runs] == [False, False, False, True]
    assert runs[-1].crash_loop == "3 starts after an unclean end within 10 minutes"


def test_unclean_starts_that_lie_further_apart_are_no_crash_loop(path: Path) -> None:
    runs = [dies(path, minute * MINUTE_NS) for minute in (0, 1, 7, 12)]
    assert all(record.crash_loop is None for record in runs)


def test_runs_that_end_cleanly_are_no_crash_loop(path: Path) -> None:
    for minute in range(9):
        record = dies(path, minute * MINUTE_NS)
        assert record.crash_loop is None
        record.leave() if minute % 2 else record.remove()


def test_practice_knows_no_crash_loop(path: Path) -> None:
    assert all(dies(path, minute * MINUTE_NS, "practice").crash_loop is None for minute in range(9))


def test_a_start_after_a_clean_end_comes_up_as_it_was_though_runs_died_before(path: Path) -> None:
    for minute in range(4):
        record = dies(path, minute * MINUTE_NS)
    assert record.crash_loop is not None
    record.leave()
    assert dies(path, 4 * MINUTE_NS).crash_loop is None
    assert dies(path, 5 * MINUTE_NS).crash_loop is not None, "it is still remembered"
