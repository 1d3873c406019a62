"""What every test starts from: no settings, state or locks of the machine it runs on."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: what is measured in time is a benchmark's business.
settings.register_profile("kconsole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kconsole")

# At Python's own 700 new objects an eighth of the screen's tests would go into looking for garbage.
gc.set_threshold(50_000, 20, 20)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for a process, a timer or a disk, so that two to a core keep it busy."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the campaigns: one that takes a minute must not be all that is left at the end."""
    items.sort(key=lambda item: "reliability" not in item.path.parts)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="the whole reliability campaigns instead of a sample (long)"
    )
    parser.addoption(
        "--renew-pictures", action="store_true", help="draw the pictures of the screen anew and keep them"
    )


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for variable in os.environ:
            if variable.startswith("KCONSOLE_"):
                patch.delenv(variable)
        # A process that a test starts would compile the whole program anew.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        runtime = tmp_path_factory.mktemp("runtime")
        runtime.chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        yield


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """The number to run: of the sample, or the whole with ``--full``."""
    is_full = bool(request.config.getoption("--full"))
    return lambda sample, whole: whole if is_full else sample


@pytest.fixture
def tell(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Tell:
    """Say a figure, which is printed after the tests with the name of the one that measured it."""

    def told(figure: str) -> None:
        record_property("figure", f"{request.node.name}: {figure}")

    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        str(value)
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.line("\n".join(figures))


@pytest.fixture
def heeds_signals() -> Iterator[None]:
    """As from a terminal: what a shell starts in the background inherits these ignored."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hang_up)
