"""One blocking HTTP exchange with a receiver of alerts, within a deadline, and without naming its address."""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from urllib.parse import unquote, urlsplit

from console.config.secret_url import SecretUrl

_LONGEST_LINE = 1_024
_MAY_PASS = frozenset({408, 425, 429})


class NotDeliveredError(Exception):
    """It did not arrive, as far as is known; ``may_pass`` when the same may arrive later."""

    def __init__(self, text: str, *, may_pass: bool) -> None:
        super().__init__(text)
        self.may_pass = may_pass


class Receiver:
    """Where to send; redirects and proxies are not followed, certificates are verified."""

    def __init__(self, url: SecretUrl, deadline_s: float) -> None:
        parts = urlsplit(url.reveal())
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname or "", parts.port
        self._names = _Names()
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._deadline_s = deadline_s
        self._proof = {}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._proof = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}

    def send(self, method: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> None:
        """Return when the receiver says that it took it; raises NotDeliveredError."""
        until = time.monotonic() + self._deadline_s
        try:
            status = self._exchange(method, headers or {}, body, until)
        except TimeoutError:
            raise NotDeliveredError(f"no answer within {self._deadline_s:g} s", may_pass=True) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotDeliveredError(_why(error), may_pass=True) from None
        if not 200 <= status < 300:
            may_pass = status >= 500 or status in _MAY_PASS
            hint = ": give the address it leads to" if 300 <= status < 400 else ""
            raise NotDeliveredError(f"it answered {status}{hint}", may_pass=may_pass)

    def _exchange(self, method: str, headers: Mapping[str, str], body: bytes | None, until: float) -> int:
        kind = http.client.HTTPConnection if self._tls is None else http.client.HTTPSConnection
        connection = kind(self._host, self._port)
        with self._line(connection.port, until) as line:
            connection.sock = line
            line.settimeout(_left_s(until))
            connection.request(
                method,
                self._target,
                body,
                {"User-Agent": "kconsole", "Connection": "close", **headers, **self._proof},
            )
            return _status(line, until)

    def _line(self, port: int, until: float) -> socket.socket:
        """A connection to the first of its addresses that takes one; each gets a part of the time."""
        addresses = self._names.addresses(self._host, port, until)
        trouble = OSError("it has no address")
        for place, (family, kind, protocol, _, address) in enumerate(addresses):
            line = socket.socket(family, kind, protocol)
            try:
                line.settimeout(_left_s(until) / (len(addresses) - place))
                line.connect(address)
                if self._tls is None:
                    return line
                line.settimeout(_left_s(until))
                return self._tls.wrap_socket(line, server_hostname=self._host)
            except OSError as error:
                line.close()
                trouble = error
        raise trouble


_Address = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""One line of what ``socket.getaddrinfo`` gives."""


class _Names:
    """Looks a name up in a thread of its own: a resolver that hangs knows no deadline.

    While it hangs the next who asks waits for the same answer, so no more than one thread is held up.
    """

    def __init__(self) -> None:
        self._asked: Future[Sequence[_Address]] | None = None

    def addresses(self, host: str, port: int, until: float) -> Sequence[_Address]:
        """Raises OSError, and TimeoutError when there is no answer by then."""
        asked = self._asked
        if asked is None:
            asked = self._asked = Future()
            threading.Thread(target=_look_up, args=(asked, host, port), name="names", daemon=True).start()
        try:
            return asked.result(_left_s(until))
        finally:
            if asked.done():
                self._asked = None


def _look_up(answer: Future[Sequence[_Address]], host: str, port: int) -> None:
    try:
        answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, ValueError) as error:
        answer.set_exception(error)


def _left_s(until: float) -> float:
    """Raises TimeoutError when it is over."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _status(line: socket.socket, until: float) -> int:
    """The status that comes back: the first line alone, so that no answer is too long or too slow."""
    answer = b""
    while b"\n" not in answer and len(answer) < _LONGEST_LINE:
        line.settimeout(_left_s(until))
        part = line.recv(_LONGEST_LINE)
        if not part:
            raise ConnectionResetError("it closed without an answer")
        answer += part
    words = answer.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not re.fullmatch(rb"\d{3}", words[1]):
        raise ConnectionResetError("its answer is no HTTP")
    return int(words[1])


def _why(error: Exception) -> str:
    """What failed, in words that hold no part of an address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # What follows a comma is the host.
        return f"its certificate is not accepted: {error.verify_message.partition(',')[0]}"
    if isinstance(error, socket.gaierror):
        return "its name is not found"
    if isinstance(error, ConnectionResetError) and error.errno is None:
        return str(error)
    strerror = error.strerror if isinstance(error, OSError) else None
    return f"no connection: {strerror or type(error).__name__}"
