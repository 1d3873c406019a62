"""Who is calling: the signature on a request, checked as Kalshi checks it.

``timestamp + METHOD + path`` is signed, the path from the root and without its query; RSA keys sign with PSS
over SHA-256 with a salt of the digest's length, Ed25519 keys sign plainly.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from console.domain.ports import Clock
from console.domain.time_units import NS_PER_MS
from console.practice.errors import RefusedError

PublicKey = RSAPublicKey | Ed25519PublicKey

_KEY_HEADER = "KALSHI-ACCESS-KEY"
_TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
_SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"
# Measured at the exchange: 10 s off is accepted, 60 s off is not; the limit between is not known.
_TIMESTAMP_WINDOW_MS = 30_000


class Authenticator:
    """Knows one API key, and accepts what it signed lately."""

    def __init__(self, key_id: str, key: PublicKey, clock: Clock) -> None:
        self.key_id = key_id
        self._key = key
        self._clock = clock

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raise RefusedError (401) unless the key signed ``method`` and ``path`` within the last moments."""
        key_id = headers.get(_KEY_HEADER)
        timestamp = headers.get(_TIMESTAMP_HEADER)
        signature = headers.get(_SIGNATURE_HEADER)
        if key_id is None or timestamp is None or signature is None:
            raise RefusedError(
                401,
                "authentication_required",
                f"{_KEY_HEADER}, {_TIMESTAMP_HEADER} and {_SIGNATURE_HEADER} are required",
            )
        if key_id != self.key_id:
            raise RefusedError(401, "authentication_error", "the API key is not known")
        self._check_timestamp(timestamp)
        if not self._signed(f"{timestamp}{method}{path}".encode(), signature):
            raise RefusedError(401, "authentication_error", "the signature does not match the request")

    def _check_timestamp(self, timestamp: str) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20):
            raise RefusedError(
                401, "authentication_error", f"{_TIMESTAMP_HEADER} {timestamp!r} is not Unix milliseconds"
            )
        skew_ms = abs(int(timestamp) - self._clock() // NS_PER_MS)
        if skew_ms > _TIMESTAMP_WINDOW_MS:
            raise RefusedError(
                401, "header_timestamp_expired", f"{_TIMESTAMP_HEADER} is {skew_ms} ms away from our clock"
            )

    def _signed(self, message: bytes, signature: str) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
            if isinstance(self._key, RSAPublicKey):
                padding = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
                self._key.verify(raw, message, padding, SHA256())
            else:
                self._key.verify(raw, message)
        except (InvalidSignature, ValueError):  # ValueError: not base64
            return False
        return True
