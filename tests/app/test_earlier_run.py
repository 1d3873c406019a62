"""What a start makes of the file of a run that died."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.app import Launch, earlier_run, halting
from console.app.earlier_run import EarlierRun, see_to_earlier_run, see_to_other_account
from console.config.home import find_home
from console.config.load import Environment, load
from console.engine.run_file import RunFile, write_run_file
from console.engine.worker import EngineFailedError
from console.exchange.hosts import Connection


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


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An exchange that takes connections and never answers."""
    monkeypatch.setattr(halting, "DEADLINE_S", 0.1)
    monkeypatch.setattr(earlier_run, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/trade-api/v2"


def died(home: Path, key: Path, rest: str, environment: Environment = "demo") -> tuple[Launch, RunFile]:
    """A launch in a home in which a run has died."""
    folder = find_home(str(home)).environment(environment)
    folder.create()
    run = RunFile(
        pid=1,
        environment=environment,
        rest=rest,
        ws=rest.replace("http", "ws").replace("/v2", "/ws/v2"),
        key_id="key",
        private_key_path=str(key),
        client_id_prefix="kc-1-",
        started_ns=1,
        groups={0: "g0"},
    )
    write_run_file(folder.run_file, run)
    return Launch(environment, load(environment, overrides=folder.overrides).settings, folder), run


def test_demo_does_not_start_while_orders_of_a_run_that_died_may_rest(
    tmp_path: Path, key: Path, silent: str
) -> None:
    launch, run = died(tmp_path, key, silent)
    with pytest.raises(EngineFailedError) as refusal:
        see_to_earlier_run(launch)
    assert refusal.value.unsafe
    said = str(refusal.value)
    assert said.startswith(f"the last run did not end cleanly, and at {run.rest} it is not known how many")
    assert said.endswith(f"remove {launch.folder.run_file}")


def test_practice_starts_all_the_same_and_says_what_is_not_known(
    tmp_path: Path, key: Path, silent: str
) -> None:
    launch, run = died(tmp_path, key, silent, "practice")
    earlier = see_to_earlier_run(launch)
    assert earlier.run == run
    assert earlier.warning is not None
    assert "no answer" in earlier.warning


def test_a_practice_exchange_that_is_gone_has_left_nothing(tmp_path: Path, key: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"http://127.0.0.1:{server.getsockname()[1]}/trade-api/v2"
    launch, _ = died(tmp_path, key, gone, "practice")
    assert see_to_earlier_run(launch).warning is None


def test_orders_that_were_left_on_purpose_are_kept_and_named_when_the_start_fails(
    tmp_path: Path, key: Path, silent: str
) -> None:
    launch, run = died(tmp_path, key, silent)
    write_run_file(launch.folder.run_file, msgspec.structs.replace(run, left_resting=True))
    earlier = see_to_earlier_run(launch)
    assert earlier.warning is None
    assert f"left resting at {run.rest}" in earlier.left


def left_resting(launch: Launch, run: RunFile) -> EarlierRun:
    write_run_file(launch.folder.run_file, msgspec.structs.replace(run, left_resting=True))
    return see_to_earlier_run(launch)


def test_orders_left_on_purpose_at_the_account_that_is_traded_again_are_kept(
    tmp_path: Path, key: Path, silent: str
) -> None:
    launch, run = died(tmp_path, key, silent)
    earlier = left_resting(launch, run)
    same = Connection(run.rest, run.ws, run.key_id, str(key))
    assert see_to_other_account(launch, earlier, same) == earlier


def test_orders_left_on_purpose_at_another_account_are_not_forgotten(
    tmp_path: Path, key: Path, silent: str
) -> None:
    launch, run = died(tmp_path, key, silent)
    earlier = left_resting(launch, run)
    other = Connection(run.rest, run.ws, "another key", str(key))
    with pytest.raises(EngineFailedError, match="traded another account") as refusal:
        see_to_other_account(launch, earlier, other)
    assert refusal.value.unsafe


def test_a_practice_exchange_that_is_gone_has_nothing_left_resting(
    tmp_path: Path, key: Path, silent: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"http://127.0.0.1:{server.getsockname()[1]}/trade-api/v2"
    launch, run = died(tmp_path, key, gone, "practice")
    earlier = left_resting(launch, run)
    another = Connection(silent, run.ws, run.key_id, str(key))
    assert see_to_other_account(launch, earlier, another) == EarlierRun(None)


@pytest.mark.parametrize("trouble", ["run file", "key file"])
def test_what_keeps_a_start_from_looking_is_named(
    tmp_path: Path, key: Path, silent: str, trouble: str
) -> None:
    launch, _ = died(tmp_path, key, silent)
    if trouble == "run file":
        launch.folder.run_file.write_text("{")
    else:
        key.unlink()
    with pytest.raises(EngineFailedError, match=trouble) as refusal:
        see_to_earlier_run(launch)
    assert refusal.value.unsafe


def test_the_first_run_of_all_has_nothing_before_it(tmp_path: Path, key: Path, silent: str) -> None:
    launch, _ = died(tmp_path, key, silent)
    launch.folder.run_file.unlink()
    earlier = see_to_earlier_run(launch)
    assert (earlier.run, earlier.warning, earlier.left) == (None, None, "")
