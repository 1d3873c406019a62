"""The page of metrics that Prometheus asks for, on this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from console.app.metrics import RunMetrics
from console.engine.worker import EngineWorker
from console.monitoring.alerts import METRICS
from console.monitoring.exposition import families

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_LOOPBACK = "127.0.0.1"


def serve_metrics(metrics: RunMetrics, port: int, worker: EngineWorker) -> Callable[[], None]:
    """Serve them unless the port is 0, and return what ends it; why it cannot be is told by the engine."""
    if not port:
        return _nothing
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError:
        need = "monitoring.prometheus_port needs the extra `metrics`: pip install 'kconsole[metrics]'"
        worker.notice(METRICS, f"prometheus: {need}")
        return _nothing
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    try:
        server, _ = start_http_server(port, addr=_LOOPBACK, registry=registry)
    except OSError as error:
        text = (
            f"port {port} of monitoring.prometheus_port cannot be used: {error.strerror}; nothing is served"
        )
        worker.notice(METRICS, f"prometheus: {text}")
        return _nothing

    def end() -> None:
        server.shutdown()
        server.server_close()

    return end


class _Families:
    def __init__(self, metrics: RunMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return families(self._metrics.figures, self._metrics.health(), self._metrics.slipped)

    def describe(self) -> list[Metric]:
        """Nothing to check for clashes: the registry has no other."""
        return []


def _nothing() -> None:
    pass
