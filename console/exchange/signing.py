"""Signs requests: the private key is read once and appears nowhere else."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class KeyFileError(Exception):
    """The private key cannot or must not be used; the text names the file and what would be right."""


class ExposedKeyError(KeyFileError):
    """Others may use the private key."""


class Signer:
    """Makes the three ``KALSHI-ACCESS-*`` headers; an RSA key signs RSA-PSS, an Ed25519 key Ed25519."""

    def __init__(self, key_id: str, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key_id = key_id
        self._key = key

    def __repr__(self) -> str:
        return "Signer(...)"

    def headers(self, method: str, path: str, at_ms: int) -> dict[str, str]:
        """Headers for a request; ``path`` starts at the root, and its query is not signed."""
        message = f"{at_ms}{method}{path.partition('?')[0]}".encode()
        if isinstance(self._key, rsa.RSAPrivateKey):
            signature = self._key.sign(message, _PSS, hashes.SHA256())
        else:
            signature = self._key.sign(message)
        return {
            "KALSHI-ACCESS-KEY": self._key_id,
            "KALSHI-ACCESS-TIMESTAMP": str(at_ms),
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }


def load_signer(key_id: str, path: Path) -> Signer:
    """A signer with the key of a PEM file that nobody else may read; raises KeyFileError."""
    pem = _read_private(path)
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyFileError(f"the key file {path} is encrypted; give one without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"the key file {path} does not hold a private key in PEM form") from None
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyFileError(f"the key file {path} holds neither an RSA nor an Ed25519 key")
    return Signer(key_id, key)


def _read_private(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            mode = stat.S_IMODE(status.st_mode)
            if mode & 0o077:
                raise ExposedKeyError(
                    f"the key file {path} may be used by others (mode {mode:04o}); run: chmod 600 {path}"
                )
            return file.read()
    except OSError as error:
        raise KeyFileError(f"the key file {path} cannot be read: {error.strerror}") from None
