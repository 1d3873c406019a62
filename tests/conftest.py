"""What every test starts from: no settings, state or locks of the machine it runs on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: what is measured in time is a benchmark's business.
settings.register_profile("kconsole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kconsole")


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for variable in os.environ:
            if variable.startswith("KCONSOLE_"):
                patch.delenv(variable)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        runtime = tmp_path_factory.mktemp("runtime")
        runtime.chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        yield
