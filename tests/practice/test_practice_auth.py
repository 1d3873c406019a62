"""Which requests the practice exchange takes for its own client's."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from console.practice.auth import Authenticator
from console.practice.errors import RefusedError

NOW_MS = 1_800_000_000_000
PATH = "/trade-api/v2/portfolio/balance"
PSS_AS_KALSHI = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)


def headers(signature: bytes, timestamp: str = str(NOW_MS)) -> dict[str, str]:
    return {
        "KALSHI-ACCESS-KEY": "key",
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


@pytest.fixture(scope="module")
def rsa() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def authenticator(key: RSAPrivateKey | Ed25519PrivateKey) -> Authenticator:
    return Authenticator("key", key.public_key(), lambda: NOW_MS * 1_000_000)


def test_an_ed25519_signature_is_accepted_and_of_another_method_is_not() -> None:
    key = Ed25519PrivateKey.generate()
    signature = key.sign(f"{NOW_MS}GET{PATH}".encode())
    authenticator(key).check("GET", PATH, headers(signature))
    with pytest.raises(RefusedError, match="does not match"):
        authenticator(key).check("DELETE", PATH, headers(signature))


@pytest.mark.parametrize(
    "padding",
    [PKCS1v15(), PSS(mgf=MGF1(SHA256()), salt_length=20)],
    ids=["PKCS #1 v1.5", "another salt length"],
)
def test_an_rsa_signature_needs_kalshis_padding(rsa: RSAPrivateKey, padding: AsymmetricPadding) -> None:
    message = f"{NOW_MS}GET{PATH}".encode()
    authenticator(rsa).check("GET", PATH, headers(rsa.sign(message, PSS_AS_KALSHI, SHA256())))
    with pytest.raises(RefusedError, match="does not match"):
        authenticator(rsa).check("GET", PATH, headers(rsa.sign(message, padding, SHA256())))


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1.5", "9" * 30])
def test_a_timestamp_that_is_none_is_refused(rsa: RSAPrivateKey, timestamp: str) -> None:
    signature = rsa.sign(f"{timestamp}GET{PATH}".encode(), PSS_AS_KALSHI, SHA256())
    with pytest.raises(RefusedError) as raised:
        authenticator(rsa).check("GET", PATH, headers(signature, timestamp))
    assert raised.value.status == 401


@pytest.mark.parametrize("signature", ["%%%", "", "\xe9\xff"])
def test_a_signature_that_is_not_base64_is_refused(rsa: RSAPrivateKey, signature: str) -> None:
    wrong = {**headers(b""), "KALSHI-ACCESS-SIGNATURE": signature}
    with pytest.raises(RefusedError, match="does not match"):
        authenticator(rsa).check("GET", PATH, wrong)
