"""``halt`` as a shell sees it; the exchange is a scripted one on a real socket."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exchange_builders import listed_order
from scripted_exchange import Answer, Received, ScriptedExchange, raw, reply, scripted

from console.app import halting, parts
from console.cli import main
from console.commands import halt as halt_command
from console.config.home import EnvironmentFolder, find_home
from console.config.load import Environment
from console.engine import halt_rounds
from console.engine.run_file import RunFile, write_run_file
from console.exchange.hosts import Hosts
from console.exchange.messages import account, encode


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halt_rounds, "_PROOF_S", 0.0)
    monkeypatch.setattr(halting, "PATIENCE_S", 20.0)


@pytest.fixture
def _in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """For halts that can never be confirmed."""
    monkeypatch.setattr(halting, "PATIENCE_S", 2.0)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def folder_of(home: Path, name: Environment = "practice") -> EnvironmentFolder:
    folder = find_home(str(home)).environment(name)
    folder.create()
    return folder


def ran(folder: EnvironmentFolder, rest: str, key: Path) -> None:
    """A run has been here, with an order group on two shards."""
    run = RunFile(
        pid=1,
        environment=folder.path.name,
        rest=rest,
        ws=rest.replace("http", "ws").replace("/v2", "/ws/v2"),
        key_id="key",
        private_key_path=str(key),
        client_id_prefix="kc-1-",
        started_ns=1,
        groups={0: "g0", 2: "g2"},
    )
    write_run_file(folder.run_file, run)


class Account:
    """An account with these resting orders, by client order id; a cancel takes one away."""

    def __init__(self, *client_order_ids: str) -> None:
        self.resting = {f"x-{number}": name for number, name in enumerate(client_order_ids)}

    def __call__(self, request: Received) -> Answer:
        if request.method == "GET":
            orders = [
                msgspec.structs.replace(listed_order(order_id), client_order_id=client_order_id)
                for order_id, client_order_id in self.resting.items()
            ]
            return raw(200, encode(account.OrdersReply(orders=orders, cursor="")))
        if request.method == "DELETE":
            order_id = request.path.rpartition("/")[2]
            if self.resting.pop(order_id, None) is None:
                return reply(404, {})
            return raw(200, encode(account.CancelOrderReply(order_id=order_id, reduced_by="1", ts_ms=1)))
        return reply(200, {})


def halt(home: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    exit_code = main(["halt", "--home", str(home), "--reason", "looks wrong", "--json", *options])
    said = json.loads(capsys.readouterr().out)
    assert isinstance(said, dict)
    return exit_code, said


async def halt_beside(
    home: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any]]:
    """The same while the exchange answers in this thread."""
    return await asyncio.to_thread(halt, home, capsys, *options)


def triggered(exchange: ScriptedExchange) -> list[str]:
    return [r.path.split("/")[-2] for r in exchange.received if r.method == "PUT"]


# --- what is cancelled ----------------------------------------------------------------------------------


async def test_ours_are_cancelled_on_every_shard_and_those_of_others_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    folder, orders = folder_of(tmp_path), Account("kc-1-1", "kc-1-2", "kc-2-1", "by hand")
    async with scripted(orders) as exchange:
        ran(folder, exchange.rest, key)
        exit_code, said = await halt_beside(tmp_path, capsys)
    assert (exit_code, said["confirmed"], said["resting"]) == (0, True, 0)
    assert said["elapsed_ms"] >= 0
    assert list(orders.resting.values()) == ["kc-2-1", "by hand"]
    assert triggered(exchange) == ["g0", "g2"]
    assert folder.halt_sentinel.read_text() == "looks wrong\n"


async def test_everything_also_cancels_what_kconsole_did_not_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    orders = Account("kc-1-1", "kc-2-1", "by hand", "")
    async with scripted(orders) as exchange:
        ran(folder_of(tmp_path), exchange.rest, key)
        exit_code, _ = await halt_beside(tmp_path, capsys, "--everything")
    assert (exit_code, orders.resting) == (0, {})


async def test_a_second_halt_cancels_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    orders = Account("kc-1-1")
    async with scripted(orders) as exchange:
        ran(folder_of(tmp_path), exchange.rest, key)
        await halt_beside(tmp_path, capsys)
        orders.resting["x-late"] = "kc-1-2"
        exit_code, said = await halt_beside(tmp_path, capsys)
    assert (exit_code, said["confirmed"], orders.resting) == (0, True, {})
    assert triggered(exchange) == ["g0", "g2"] * 2


async def test_demo_without_a_run_file_is_searched_for_anything_of_ours_with_its_own_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path, "demo")
    orders = Account("kc-9-1", "by hand")
    async with scripted(orders) as exchange:
        monkeypatch.setattr(parts, "DEMO", Hosts(exchange.rest, "ws://127.0.0.1:1/trade-api/ws/v2"))
        options = ["--set", "exchange.key_id=key", "--set", f"exchange.private_key_path={key}"]
        exit_code, _ = await halt_beside(tmp_path, capsys, *options)
    assert (exit_code, list(orders.resting.values())) == (0, ["by hand"])


# --- what is proved -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_in_vain")
async def test_orders_that_outlive_their_cancels_are_counted_and_nothing_is_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    orders = Account("kc-1-1", "kc-1-2")

    def refuses(request: Received) -> Answer:
        return reply(503, {}) if request.method == "DELETE" else orders(request)

    folder = folder_of(tmp_path)
    async with scripted(refuses) as exchange:
        ran(folder, exchange.rest, key)
        exit_code, said = await halt_beside(tmp_path, capsys)
    assert (exit_code, said["confirmed"], said["resting"]) == (4, False, 2)
    assert "503" in said["environments"][0]["detail"]
    assert folder.halt_sentinel.exists()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An exchange that takes connections and never answers, as one that is stopped."""
    monkeypatch.setattr(halting, "PATIENCE_S", 0.5)
    monkeypatch.setattr(halting, "DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/trade-api/v2"


def test_an_exchange_that_does_not_answer_is_never_taken_for_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path, silent: str
) -> None:
    ran(folder_of(tmp_path), silent, key)
    exit_code, said = halt(tmp_path, capsys)
    assert (exit_code, said["confirmed"], said["resting"]) == (4, False, None)
    assert "no answer" in said["environments"][0]["detail"]


def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/trade-api/v2"


@pytest.mark.usefixtures("_in_vain")
@pytest.mark.parametrize(("name", "exit_code", "resting"), [("practice", 0, 0), ("demo", 4, None)])
def test_only_a_practice_exchange_takes_its_orders_with_it_when_it_ends(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    key: Path,
    name: Environment,
    exit_code: int,
    resting: int | None,
) -> None:
    ran(folder_of(tmp_path, name), nobody(), key)
    found, said = halt(tmp_path, capsys)
    assert (found, said["resting"]) == (exit_code, resting)
    assert ("has ended" in said["environments"][0]["detail"]) == (name == "practice")


def test_without_a_run_nothing_can_rest_and_the_halt_holds_for_the_next_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, said = halt(tmp_path, capsys, "--env", "live")
    assert (exit_code, said["confirmed"], said["resting"]) == (0, True, 0)
    folder = find_home(str(tmp_path)).environment("live")
    assert folder.halt_sentinel.read_text() == "looks wrong\n"
    assert folder.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("trouble", ["run file", "key file"])
def test_what_keeps_the_halt_from_the_exchange_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], silent: str, trouble: str
) -> None:
    folder = folder_of(tmp_path)
    if trouble == "run file":
        folder.run_file.write_text("{")
    else:
        ran(folder, silent, tmp_path / "no key")
    exit_code, said = halt(tmp_path, capsys)
    assert (exit_code, said["resting"]) == (4, None)
    assert trouble in said["environments"][0]["detail"]
    assert folder.halt_sentinel.exists()


def test_a_halt_file_that_cannot_be_written_is_told_and_the_exchange_is_seen_to_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    folder = folder_of(tmp_path)
    ran(folder, nobody(), key)
    folder.halt_sentinel.mkdir()
    exit_code, said = halt(tmp_path, capsys)
    detail = said["environments"][0]["detail"]
    assert (exit_code, said["confirmed"], said["resting"]) == (4, False, 0)
    assert "halt file" in detail
    assert "Is a directory" in detail
    assert "has ended" in detail


def test_on_a_full_disk_every_halt_file_is_created_all_the_same_and_what_it_lacks_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path)
    folder.dry_run_journal.touch()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    exit_code, said = halt(tmp_path, capsys)
    assert exit_code == 4
    assert folder.halt_sentinel.exists()
    assert folder.dry_run_sentinel.exists()
    assert said["environments"][0]["detail"].startswith(
        f"halt file {folder.halt_sentinel} stands, but the disk did not confirm it: No space left on device;"
    )


# --- which environments ---------------------------------------------------------------------------------


def test_every_environment_that_was_used_is_halted_unless_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    practice, demo = folder_of(tmp_path, "practice"), folder_of(tmp_path, "demo")
    halt(tmp_path, capsys, "--env", "demo")
    assert (practice.halt_sentinel.exists(), demo.halt_sentinel.exists()) == (False, True)
    _, said = halt(tmp_path, capsys)
    assert [part["environment"] for part in said["environments"]] == ["practice", "demo"]
    assert practice.halt_sentinel.exists()


def test_a_silent_exchange_of_one_environment_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path, silent: str
) -> None:
    ran(folder_of(tmp_path, "practice"), silent, key)
    folder_of(tmp_path, "live")
    exit_code, said = halt(tmp_path, capsys)
    assert (exit_code, said["confirmed"], said["resting"]) == (4, False, None)
    confirmed = {part["environment"]: part["confirmed"] for part in said["environments"]}
    assert confirmed == {"practice": False, "live": True}


def test_a_dry_run_is_halted_by_its_own_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    halt(tmp_path, capsys)
    assert not folder.dry_run_sentinel.exists(), "no dry run was ever made here"
    folder.dry_run_journal.touch()
    halt(tmp_path, capsys)
    assert folder.dry_run_sentinel.read_text() == "looks wrong\n"


def test_a_home_in_which_nothing_ran_is_told_and_not_taken_for_halted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["halt", "--home", str(tmp_path / "typo"), "--reason", "x"]) == 2
    assert "nothing was halted" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_a_halt_needs_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    assert main(["halt", "--home", str(tmp_path), "--reason", " "]) == 2
    assert "--reason is empty" in capsys.readouterr().err
    assert not folder.halt_sentinel.exists()


def test_a_reason_in_another_encoding_halts_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path)
    assert main(["halt", "--home", str(tmp_path), "--reason", "caf\udce9"]) == 0
    assert capsys.readouterr().err == ""
    assert folder.halt_sentinel.read_text() == "caf\\udce9\n"


def test_a_disk_that_hangs_holds_up_neither_the_other_environments_nor_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halt_command, "_EXCHANGE_PATIENCE_S", 0.5)
    os.mkfifo(folder_of(tmp_path, "practice").run_file)
    folder_of(tmp_path, "live")
    exit_code, said = halt(tmp_path, capsys)
    assert (exit_code, said["confirmed"], said["resting"]) == (4, False, None)
    practice, live = said["environments"]
    assert "no answer of the disk or the exchange in time" in practice["detail"]
    assert live["confirmed"]


def test_a_resume_that_took_the_newer_halt_files_away_does_not_undo_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path)
    folder.dry_run_journal.touch()
    files = [folder.halt_sentinel, folder.dry_run_sentinel]

    def resumed_meanwhile(*_: object, **__: object) -> halting.Halted:
        for file in files:
            file.unlink()
        return halting.Halted(True, 0, "")

    monkeypatch.setattr(halting, "halt_at_exchange", resumed_meanwhile)
    exit_code, _ = halt(tmp_path, capsys)
    assert (exit_code, [file.exists() for file in files]) == (0, [True, True])


def test_what_an_exchange_says_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path)
    said = halting.Halted(False, None, "503 \x1b]52;c;AAAA\x07")
    monkeypatch.setattr(halting, "halt_at_exchange", lambda *_, **__: said)
    assert main(["halt", "--home", str(tmp_path), "--reason", "x"]) == 4
    assert "503 \\x1b]52;c;AAAA\\x07" in capsys.readouterr().out


def test_without_json_a_line_for_each_environment_says_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path, silent: str
) -> None:
    folder_of(tmp_path, "live")
    ran(folder_of(tmp_path, "practice"), silent, key)
    assert main(["halt", "--home", str(tmp_path), "--reason", "x"]) == 4
    practice, live = capsys.readouterr().out.splitlines()
    assert practice.startswith("practice: HALT NOT CONFIRMED after ")
    assert "an unknown number resting" in practice
    assert live.startswith("live: halted after ")


async def test_after_a_confirmed_halt_of_a_dead_run_status_says_no_more_that_orders_may_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: Path
) -> None:
    def may_rest() -> bool:
        capsys.readouterr()
        main(["status", "--json", "--home", str(tmp_path)])
        return bool(json.loads(capsys.readouterr().out)["orders_may_rest"])

    folder = folder_of(tmp_path)
    folder.status.write_text("{}")
    async with scripted(Account("kc-1-1", "theirs")) as exchange:
        ran(folder, exchange.rest, key)
        assert may_rest()
        with folder.lock():
            # A console that lives may send until it has read the halt's file.
            assert (await halt_beside(tmp_path, capsys))[0] == 0
        assert may_rest()
        assert (await halt_beside(tmp_path, capsys))[0] == 0
    assert not may_rest()
    # How often runs died is counted by this file.
    assert folder.run_file.exists()
