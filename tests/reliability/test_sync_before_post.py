"""What the kernel was asked to do, in order: no POST of an order leaves before its intent is on the disk."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from arena import arena
from conftest import Count, Tell
from kill_harness import LIVELY, TAKER

from console.engine.run_file import read_run_file

pytestmark = pytest.mark.timeout(1800)

PATIENCE_S = 300
# Pages of the write-ahead log have 4,096 bytes, and must be seen whole.
STRACE = ("strace", "-f", "-y", "-s", "5000", "--seccomp-bpf")
CALLS = "-etrace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg"
WRITES, SYNCS, SENDS = {"pwrite64", "write", "writev"}, {"fsync", "fdatasync"}, {"sendto", "sendmsg"}
WAL = "journal.sqlite-wal>"

_BEGUN = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)")
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)")
_POSTED = re.compile(r'"?client_order_id\\?":\s?\\?"([^"\\]+)')


@dataclass
class Call:
    """A system call, with the lines of the trace at which it began and came back."""

    name: str
    text: str
    began: int
    ended: int | None = None
    succeeded: bool = False


def calls_of(trace: Iterable[str]) -> list[Call]:
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(trace):
        if resumed := _RESUMED.match(line):
            call = open_calls.pop(resumed["pid"])
            _end(call, number, resumed["rest"])
        elif begun := _BEGUN.match(line):
            call = Call(begun["call"], begun["rest"], number)
            calls.append(call)
            if line.rstrip().endswith("<unfinished ...>"):
                open_calls[begun["pid"]] = call
            else:
                _end(call, number, begun["rest"])
    return calls


def _end(call: Call, number: int, rest: str) -> None:
    call.ended = number
    call.succeeded = re.search(r"= \d+\s*$", rest) is not None


def posted_ids(calls: list[Call]) -> list[str]:
    """The client id of each order that was sent, in order."""
    sent = (_POSTED.search(call.text) for call in calls if call.name in SENDS)
    return [found[1] for found in sent if found]


def is_synced_before_post(calls: list[Call], client_id: str) -> bool:
    """Whether the log was synced after this id was written to it and before it was sent."""
    sent = next(call.began for call in calls if call.name in SENDS and client_id in call.text)
    written = [
        call.ended
        for call in calls
        if call.name in WRITES and WAL in call.text and client_id in call.text and call.ended is not None
    ]
    return bool(written) and any(
        min(written) < call.began and call.ended is not None and call.ended < sent and call.succeeded
        for call in calls
        if call.name in SYNCS and WAL in call.text
    )


# --- the reading of a trace -----------------------------------------------------------------------------

WRITE = f'7 pwrite64(9</h/{WAL}, "..{{\\"client_order_id\\":\\"a-1\\"}}", 60, 0) = 60'
SYNC = f"7 fdatasync(9</h/{WAL}) = 0"
POST = '7 sendto(5<socket:[1]>, "POST / {\\"client_order_id\\":\\"a-1\\"}", 60, 0, NULL, 0) = 60'


@pytest.mark.parametrize(
    ("trace", "is_synced"),
    [
        ([WRITE, SYNC, POST], True),
        ([WRITE, f"8 fdatasync(9</h/{WAL} <unfinished ...>", "8 <... fdatasync resumed>) = 0", POST], True),
        ([WRITE, POST, SYNC], False),
        ([SYNC, WRITE, POST], False),
        ([SYNC, POST], False),
        ([WRITE, f"7 fdatasync(9</h/{WAL}) = -1 EIO (Input/output error)", POST], False),
        ([WRITE, f"8 fdatasync(9</h/{WAL} <unfinished ...>", POST, "8 <... fdatasync resumed>) = 0"], False),
        ([WRITE, "7 fdatasync(9</h/another.file>) = 0", POST], False),
    ],
)
def test_a_trace_with_a_post_before_the_sync_is_told_from_one_without(
    trace: list[str], is_synced: bool
) -> None:
    calls = calls_of(trace)
    assert posted_ids(calls) == ["a-1"]
    assert is_synced_before_post(calls, "a-1") is is_synced


# --- the console ----------------------------------------------------------------------------------------


def require_strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([*STRACE, CALLS, "true"], capture_output=True, text=True, timeout=30)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip().splitlines()[-1]}")


def test_each_intent_is_synced_before_its_order_is_sent(tmp_path: Path, count: Count, tell: Tell) -> None:
    require_strace()
    orders, home, trace = count(20, 100), tmp_path / "home", tmp_path / "trace"
    with arena(home, seed=1) as place:
        place.proxy.heal()
        command = [*STRACE, CALLS, "-o", str(trace), sys.executable, "-m", "console.cli", "run", "--headless"]
        command += ["--home", str(home), "--attach", str(place.line)]
        command += [word for text in (*LIVELY, TAKER) for word in ("--set", text)]
        said = tmp_path / "said"
        with said.open("wb") as output:
            run = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while place.orders_sent < orders:
                assert run.poll() is None, said.read_text()
                assert time.monotonic() < deadline, f"only {place.orders_sent} orders sent"
                time.sleep(0.05)
            traced = read_run_file(place.folder.run_file)
            assert traced is not None
            os.kill(traced.pid, signal.SIGTERM)
            assert run.wait(PATIENCE_S) == 128 + signal.SIGTERM, said.read_text()
        finally:
            if run.poll() is None:
                # What it traces would outlive it.
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
        calls = calls_of(trace.read_text(errors="replace").splitlines())
        sent = posted_ids(calls)
        assert set(sent) == set(place.proxy.orders_sent())
    assert [client_id for client_id in sent if not is_synced_before_post(calls, client_id)] == []
    syncs = sum(1 for call in calls if call.name in SYNCS and WAL in call.text)
    tell(f"{len(sent)} orders traced, {syncs} syncs of the log; 0 POSTs before the sync of their intent")
