"""No secret that the program can hold is in what it writes or shows."""

from __future__ import annotations

import pytest

from console.config.redaction import conceal, error_text, redacted, redacted_fields
from console.config.secret_url import SecretUrl

TOKEN = "T00CANARY/B11/canarycanarycanary"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.config.redaction._concealed", ())


@pytest.mark.parametrize(
    "text",
    [
        f"POST https://hooks.test/services/{TOKEN} failed",
        f"/services/{TOKEN} HTTP/1.1",
        f"query user=canary-password&secret={TOKEN} refused",
        "canary-password",
    ],
)
def test_nothing_of_a_secret_address_that_tells_the_secret_is_left(text: str) -> None:
    conceal(
        f"https://hooks.test/services/{TOKEN}",
        f"https://me:canary-password@hooks.test/?user=canary-password&secret={TOKEN}",
    )
    assert "canary" not in redacted(text).lower()


def test_an_address_in_the_settings_is_concealed_by_being_read() -> None:
    SecretUrl(f"https://hooks.test/{TOKEN}")
    assert TOKEN not in error_text(ConnectionError(f"cannot connect to https://hooks.test/{TOKEN}"))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary.canary",
        "{'authorization': 'Basic Y2FuYXJ5canary=='}",
        "https://user:canary@host.test/path",
        "('Proxy-Authorization', 'canary')",
    ],
)
def test_what_proves_who_we_are_is_redacted_though_nobody_concealed_it(text: str) -> None:
    assert "canary" in text
    assert "canary" not in redacted(text)


def test_fields_are_redacted_at_every_depth_and_by_name() -> None:
    conceal("canary-key-id-of-ours")
    fields = {
        "account": "canary-key-id-of-ours",
        "headers": {"KALSHI-ACCESS-SIGNATURE": "abc+/canary=", "Accept": "*/*"},
        "list": ["canary-key-id-of-ours", 3, None, True, ("canary-key-id-of-ours",)],
        "canary-key-id-of-ours": 1,
    }
    shown = redacted_fields(fields)
    assert "canary" not in str(shown)
    assert "'Accept': '*/*'" in str(shown)
    assert "3, None, True" in str(shown)


def test_short_texts_are_not_concealed_for_they_are_found_everywhere() -> None:
    conceal("", "order")
    assert redacted("an order for KXBTC") == "an order for KXBTC"


def test_a_secret_within_another_leaves_nothing_of_the_longer_one() -> None:
    conceal("secret-secret", "secret-secret-and-more")
    assert redacted("x secret-secret-and-more y") == "x [redacted] y"
