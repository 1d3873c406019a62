"""One home, one folder an environment, one process on each."""

from __future__ import annotations

import fcntl
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from console.config.errors import ConfigError, LockHeldError
from console.config.home import Home, find_home, lock_key

HOLD = """
import sys
from pathlib import Path
from console.config.errors import LockHeldError
from console.config.home import Home
try:
    lock = Home(Path(sys.argv[1])).environment("practice").lock()
except LockHeldError:
    print("refused", flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answer(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


def test_the_option_beats_the_variable_and_the_variable_the_platform(tmp_path: Path) -> None:
    variables = {"KCONSOLE_HOME": str(tmp_path / "v")}
    assert find_home(str(tmp_path / "o"), variables).root == tmp_path / "o"
    assert find_home(None, variables).root == tmp_path / "v"
    assert find_home(None, {}).root.name == "kconsole"
    assert find_home(None, {"KCONSOLE_HOME": ""}) == find_home(None, {})


def test_a_home_means_the_same_folder_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home("h", {}).root == tmp_path / "h"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home("~/h", {}).root == tmp_path / "h"


def test_folders_are_the_user_s_alone_even_when_they_were_not(tmp_path: Path) -> None:
    folder = Home(tmp_path / "deep" / "home").environment("practice")
    folder.create()
    folder.keys.chmod(0o755)
    folder.create()
    for made in (folder.path, folder.logs, folder.keys, folder.path.parent):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_looking_creates_nothing(tmp_path: Path) -> None:
    folder = find_home(str(tmp_path / "home"), {}).environment("live")
    assert folder.journal.parent == folder.overrides.parent == folder.halt_sentinel.parent == folder.path
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("home", "reason"), [("file", "not a directory"), ("file/below", "Not a directory")])
def test_a_home_that_is_no_directory_is_refused_in_words(tmp_path: Path, home: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"home {tmp_path / home} cannot be used: .*{reason}.*--home"):
        Home(tmp_path / home).environment("practice").create()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder in which nobody may create anything")
@pytest.mark.parametrize("home", ["/tmp/k\udcff", "/tmp/k\0"])
def test_a_home_whose_name_cannot_be_written_down_is_refused_in_words(home: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used: its name is no text"):
        find_home(home)


def test_a_home_that_cannot_be_written_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="home /proc/kconsole cannot be used"):
        Home(Path("/proc/kconsole")).environment("practice").create()


def test_a_key_file_is_looked_for_among_the_keys_unless_its_path_is_absolute(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("demo")
    assert folder.key_file("k.pem") == tmp_path / "demo" / "keys" / "k.pem"
    assert folder.key_file("/etc/k.pem") == Path("/etc/k.pem")
    with pytest.raises(ConfigError, match="~nobody-of-that-name"):
        folder.key_file("~nobody-of-that-name/k.pem")


def test_a_second_process_is_told_who_holds_the_environment(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("practice")
    folder.create()
    with start_holder(tmp_path) as holder:
        assert answer(holder) == "held"
        with pytest.raises(
            LockHeldError, match=f"practice environment of {tmp_path} .* process {holder.pid} "
        ):
            folder.lock()
        holder.communicate()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("practice")
    folder.create()
    with start_holder(tmp_path) as holder:
        assert answer(holder) == "held"
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with folder.lock():
        pass


def test_of_many_that_start_at_once_one_runs(tmp_path: Path) -> None:
    Home(tmp_path).environment("practice").create()
    holders = [start_holder(tmp_path) for _ in range(5)]
    answers = [answer(holder) for holder in holders]
    for holder in holders:
        holder.communicate()
    assert sorted(answers) == ["held"] + ["refused"] * 4


def test_an_environment_is_free_again_once_released(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("practice")
    folder.create()
    folder.lock().release()
    with folder.lock(), pytest.raises(LockHeldError):
        folder.lock()


def test_a_key_is_used_by_one_process_of_a_user_whatever_its_home() -> None:
    with lock_key("demo.example", "key-1"):
        with pytest.raises(LockHeldError, match=r"key key-1 at demo\.example is in use by process \d+"):
            lock_key("demo.example", "key-1")
        lock_key("demo.example", "key-2").release()
        lock_key("live.example", "key-1").release()


def test_a_lock_is_not_placed_through_another_s_link(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("practice")
    folder.create()
    (folder.path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(ConfigError, match="cannot be opened"):
        folder.lock()
    assert not (tmp_path / "victim").exists()


def test_a_holder_that_has_not_written_who_it_is_is_not_taken_for_an_earlier_one(tmp_path: Path) -> None:
    folder = Home(tmp_path).environment("practice")
    folder.create()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file = folder.path / "lock"
    file.write_text(f"{ended.pid}\n")
    with file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LockHeldError, match="in use by another process"):
            folder.lock()
