from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from exchange_builders import KEY, write_key

from console.exchange.signing import KeyFileError, Signer, load_signer

SIGNED = b"1703123456789GET/trade-api/v2/portfolio/orders"


def test_rsa_signatures_verify_as_pss_over_time_method_and_path_without_the_query() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    headers = Signer("id", key).headers("GET", "/trade-api/v2/portfolio/orders?limit=5", 1703123456789)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key.public_key().verify(signature, SIGNED, pss, hashes.SHA256())
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1703123456789"


def test_ed25519_signatures_verify_over_the_same_bytes(tmp_path: Path) -> None:
    signer = load_signer("id", write_key(tmp_path / "key.pem"))
    headers = signer.headers("GET", "/trade-api/v2/portfolio/orders", 1703123456789)
    KEY.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), SIGNED)
    assert (headers["KALSHI-ACCESS-KEY"], headers["KALSHI-ACCESS-TIMESTAMP"]) == ("id", "1703123456789")


def test_a_signer_shows_nothing_of_its_key() -> None:
    assert repr(Signer("id", KEY)) == "Signer(...)"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_use_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    path = write_key(tmp_path / "key.pem", mode=mode)
    with pytest.raises(KeyFileError, match=f"mode {mode:04o}.*chmod 600 {path}"):
        load_signer("id", path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"nowhere\.pem cannot be read: No such file"):
        load_signer("id", tmp_path / "nowhere.pem")


def test_a_folder_in_place_of_a_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=f"{tmp_path} cannot be read"):
        load_signer("id", tmp_path)


def test_a_file_without_a_key_is_refused_without_showing_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="does not hold a private key in PEM form") as caught:
        load_signer("id", path)
    assert "c2VjcmV0" not in str(caught.value)


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="is encrypted"):
        load_signer("id", path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="neither an RSA nor an Ed25519"):
        load_signer("id", path)
