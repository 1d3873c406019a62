"""The console with hostile text in every field that comes from outside, to be run in a terminal."""

from __future__ import annotations

from pathlib import Path

import msgspec
from console_screen import loaded_as
from fake_engine import NOW, POSITIONS, SNAPSHOT, SWITCHES, FakeEngine, resting
from test_tui_sanitize import PAYLOADS

from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.domain.actions import AlertLevel
from console.domain.book import BookSide
from console.domain.engine_events import SettingChange, SettingsChanged
from console.domain.money import Count, Price
from console.domain.trading_state import TradingState
from console.engine.account_views import ExternalView
from console.engine.limit_views import LatchView
from console.engine.log_views import AlertView, DeliveryView, FunnelStep, LogEntry, LogKind
from console.engine.snapshot import HealthView
from console.tui.app import ConsoleApp

HOSTILE = tuple(PAYLOADS.values())


def hostile_engine() -> FakeEngine:
    """An exchange, a journal and a log that all lie as badly as they can."""
    engine = FakeEngine()
    everything = "".join(payload[:600] for payload in HOSTILE)
    engine.change(
        notes=HOSTILE,
        positions=tuple(
            msgspec.structs.replace(POSITIONS[0], ticker=p, group=p, series=p, title=p) for p in HOSTILE
        ),
        resting=tuple(msgspec.structs.replace(resting(p, p), title=p, series=p) for p in HOSTILE),
        external=tuple(ExternalView(p, p, BookSide.BID, Price(4_100), Count(700)) for p in HOSTILE),
        gauges=tuple(msgspec.structs.replace(g, detail=everything) for g in SNAPSHOT.gauges),
        switches=tuple(
            msgspec.structs.replace(s, reading=p, clears=p) for s, p in zip(SWITCHES, HOSTILE, strict=False)
        ),
        log=tuple(LogEntry(n, NOW, LogKind.REJECTED, p, p) for n, p in enumerate(HOSTILE, 1)),
        latches=tuple(LatchView(p, TradingState.PAUSED, p, p, NOW, scope=p) for p in HOSTILE),
        alerts=tuple(AlertView(n, NOW, AlertLevel.CRITICAL, p, p) for n, p in enumerate(HOSTILE, 1)),
        funnel=tuple(FunnelStep(p, 1, ((p, 1),)) for p in HOSTILE),
        health=HealthView(mismatch=everything, guard_seen_ns=NOW, guard_absence=everything),
        edits=tuple(
            SettingsChanged(
                at_ns=NOW, changes=(SettingChange(p, p, p),), reason=p, source=p, program=p, settings=p
            )
            for p in HOSTILE
        ),
        deliveries=tuple(DeliveryView(p, trouble=p) for p in HOSTILE),
    )
    engine.refusals = dict.fromkeys(HOSTILE, everything)
    return engine


if __name__ == "__main__":
    built = hostile_engine()
    ConsoleApp(
        built,
        loaded_as(Settings(ui=InterfaceSettings(refresh_hz=10))),
        home=Path(),
        wall_ns=built.wall_ns,
    ).run()
