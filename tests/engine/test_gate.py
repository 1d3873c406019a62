from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from console.engine.gate import Gate, Sentinel


def passes(gate: Gate) -> tuple[bool, bool]:
    """Whether an entry and an exit may leave."""
    return gate.permits(reduce_only=False), gate.permits(reduce_only=True)


@pytest.fixture
def sentinel(tmp_path: Path) -> Sentinel:
    return Sentinel(tmp_path / "HALT")


def test_an_open_gate_lets_every_order_pass_and_a_closed_one_none(sentinel: Sentinel) -> None:
    gate = Gate(sentinel)
    assert passes(gate) == (True, True)
    gate.close()
    assert passes(gate) == (False, False)
    gate.open()
    assert passes(gate) == (True, True)


def test_while_flattening_only_orders_that_reduce_may_leave(sentinel: Sentinel) -> None:
    gate = Gate(sentinel)
    gate.close()
    gate.open_to_reduce()
    assert passes(gate) == (False, True)
    assert not gate.is_open
    gate.close()
    assert passes(gate) == (False, False)


def test_a_halt_file_closes_an_open_gate_whoever_wrote_it(sentinel: Sentinel, tmp_path: Path) -> None:
    gate = Gate(sentinel)
    sentinel.write("ours")
    assert passes(gate) == (False, False)
    sentinel.remove()
    assert passes(gate) == (True, True)
    (tmp_path / "HALT").touch()
    assert passes(gate) == (False, False)


def test_a_halt_file_that_cannot_be_looked_at_closes_the_gate(
    sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    gate = Gate(sentinel)
    monkeypatch.setattr(Path, "stat", broken)
    assert passes(gate) == (False, False)


def test_a_halt_file_is_for_the_user_alone_and_says_why(sentinel: Sentinel, tmp_path: Path) -> None:
    sentinel.write("looks wrong")
    assert (tmp_path / "HALT").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "HALT").read_text() == "looks wrong\n"
    assert [path.name for path in tmp_path.iterdir()] == ["HALT"]


def test_a_reason_in_bytes_that_are_no_text_halts_all_the_same(sentinel: Sentinel) -> None:
    sentinel.write("caf\udce9")
    assert sentinel.reason == "caf\\udce9"


def test_a_disk_without_room_for_the_reason_still_gets_the_file(
    sentinel: Sentinel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        sentinel.write("looks wrong")
    assert sentinel.exists
    assert sentinel.reason == "halted"
    assert sentinel.news() is None, "it is our own"
    assert [path.name for path in tmp_path.iterdir()] == ["HALT"]
