"""Composition: the one place that knows every part and puts them together into a running engine."""

from __future__ import annotations

from console.app.launch import Launch, UncleanError
from console.app.offline import offline_engine, open_connector
from console.app.running import running_engine
from console.engine.worker import EngineFailedError
from console.exchange.signing import ExposedKeyError
from console.practice.child import PracticeFailedError

__all__ = [
    "EngineFailedError",
    "ExposedKeyError",
    "Launch",
    "PracticeFailedError",
    "UncleanError",
    "offline_engine",
    "open_connector",
    "running_engine",
]
