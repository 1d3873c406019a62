"""An address that holds a secret is used, and neither shown nor written."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from console import cli
from console.config.changes import settings_hash
from console.config.errors import ConfigError
from console.config.load import load
from console.config.secret_url import SecretUrl

ADDRESS = "https://hooks.example.com/services/T0/very-secret"


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        "https://bot:pass@ntfy.example.com:8443/topic?auth=x",
        "http://127.0.0.1:8080/x",
        "http://[::1]/x",
        "http://localhost/x",
        "",
    ],
)
def test_https_is_taken_anywhere_and_http_on_this_machine(text: str) -> None:
    assert SecretUrl(text).reveal() == text


@pytest.mark.parametrize(
    "text",
    [
        "http://hooks.example.com/very-secret",
        "http://localhost.example.com/very-secret",
        "http://127.0.0.1@example.com/very-secret",
        "ftp://example.com/very-secret",
        "https:///very-secret",
        "https://example.com:port/very-secret",
        "https://example.com/very secret",
        "https://example.com/very-secret\r\nHost: other",
        "https://exämple.com/very-secret",
        "https://[broken/very-secret",
        "very-secret",
        "https://example.com/" + "x" * 2_000,
    ],
)
def test_any_other_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        SecretUrl(text)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError) as told:
        load("practice", variables={}, options=[("--set", f"monitoring.webhook_url={text}")])
    assert "monitoring.webhook_url = (hidden) must be an https:// address" in str(told.value)
    assert "very" not in str(told.value)


def test_nothing_that_shows_settings_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'[monitoring]\nwebhook_url = "{ADDRESS}"\n')
    common = ["--home", str(tmp_path), "--config", str(file)]
    for command in (
        ["config", "show", *common],
        ["config", "show", "--json", *common],
        ["config", "check", *common],
    ):
        assert cli.main(command) == 0
        shown = capsys.readouterr().out
        assert "very-secret" not in shown
        if "--json" in command and "show" in command:
            values = {each["key"]: each["value"] for each in json.loads(shown)["settings"]}
            assert values["monitoring.webhook_url"] == "(hidden)"
            assert values["monitoring.ntfy_url"] == "(none)"
    loaded = load("practice", config=file, variables={})
    assert loaded.settings.monitoring.webhook_url.reveal() == ADDRESS
    for shown in (repr(loaded), str(loaded.settings), f"{loaded.settings.monitoring.webhook_url}"):
        assert "very-secret" not in shown


def test_it_does_not_enter_the_name_of_the_settings() -> None:
    one, other = (
        load("practice", variables={}, options=[("--set", f"monitoring.webhook_url=https://example.com/{n}")])
        for n in range(2)
    )
    assert settings_hash(one.settings) == settings_hash(other.settings)
    assert one.settings != other.settings


def test_settings_with_one_reach_another_process() -> None:
    assert pickle.loads(pickle.dumps(SecretUrl(ADDRESS))).reveal() == ADDRESS
