"""Takes the alerts of exercises, so that they are seen to arrive and nobody is alerted of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

_LOOPBACK = ("127.0.0.1", 0)


class OwnReceiver:
    """What has arrived at ``url``, counted by kind."""

    def __init__(self, url: str, kinds: Counter[str]) -> None:
        self.url = url
        self._kinds = kinds

    def count(self, kind: str) -> int:
        return self._kinds[kind]


class _Told(msgspec.Struct):
    kind: str


@contextmanager
def own_receiver() -> Iterator[OwnReceiver]:
    """A webhook on loopback; raises OSError."""
    kinds: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kinds[msgspec.json.decode(body, type=_Told).kind] += 1
            self.send_response_only(204)
            self.end_headers()

    with ThreadingHTTPServer(_LOOPBACK, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
        thread.start()
        try:
            yield OwnReceiver(f"http://127.0.0.1:{server.server_port}/", kinds)
        finally:
            server.shutdown()
            thread.join()
