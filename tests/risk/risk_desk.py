"""A risk manager with its latches, as a test moves it."""

from __future__ import annotations

import msgspec
from risk_builders import good_view

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.risk.latches import Latches
from console.risk.manager import Permit, RiskManager, SwitchRow
from console.risk.switches.base import EvaluatedAt

SECOND = 1_000_000_000
START = 1_772_000_000 * SECOND


class Desk:
    """A risk manager with its latches and a clock that the test moves."""

    def __init__(self, *, escalates: bool = True, limits: RiskSettings | None = None) -> None:
        self.latches = Latches()
        self.manager = RiskManager(limits or RiskSettings(), QualitySettings(), escalates=escalates)
        self.view = good_view(START)

    def pass_time(
        self, seconds: float, *, feed: bool = True, at: EvaluatedAt = EvaluatedAt.SCAN
    ) -> list[LatchRaised | LatchCleared]:
        monotonic_ns = self.view.monotonic_ns
        assert monotonic_ns is not None
        self.move(seconds, feed=feed)
        self.view = msgspec.structs.replace(self.view, monotonic_ns=monotonic_ns + int(seconds * SECOND))
        return self.evaluate(at)

    def step_clock(self, seconds: float) -> None:
        """Set the wall clock; no time passes."""
        self.move(seconds)
        self.evaluate()

    def move(self, seconds: float, *, feed: bool = True) -> None:
        now_ns = self.view.now_ns + int(seconds * SECOND)
        good = good_view(now_ns)
        self.view = msgspec.structs.replace(
            self.view,
            now_ns=now_ns,
            feed_proved_ns=now_ns if feed else self.view.feed_proved_ns,
            positions=good.positions,
            clock=good.clock,
            exchange=good.exchange,
        )

    def restart(self, limits: RiskSettings | None = None) -> None:
        """Another process, whose monotonic clock has another zero."""
        self.manager = RiskManager(limits or RiskSettings(), QualitySettings(), escalates=True)
        self.view = msgspec.structs.replace(self.view, monotonic_ns=77)

    def have(self, equity: Cash | None) -> list[LatchRaised | LatchCleared]:
        self.view = msgspec.structs.replace(self.view, equity=equity)
        return self.evaluate()

    def evaluate(self, at: EvaluatedAt = EvaluatedAt.SCAN) -> list[LatchRaised | LatchCleared]:
        events = self.manager.evaluate(self.view, self.latches, at)
        for event in events:
            self.latches.apply(event)
        return events

    def raise_latch(self, name: str, level: TradingState, source: str = "operator") -> None:
        self.latches.apply(
            LatchRaised(at_ns=self.view.now_ns, name=name, level=level, reason="because", source=source)
        )

    def resume(self, name: str) -> str | None:
        refusal = self.manager.resume_refusal(name, self.view, self.latches)
        if refusal is None:
            self.latches.apply(
                LatchCleared(at_ns=self.view.now_ns, name=name, reason="seen", source="operator")
            )
        return refusal

    def state(self) -> TradingState:
        return self.latches.state

    def permit(self) -> Permit:
        return self.manager.permit(self.view, self.latches)

    def row(self, key: str) -> SwitchRow:
        return next(row for row in self.manager.rows(self.latches) if row.key == key)

    def trip_stale(self) -> LatchRaised:
        """Let the feed go silent, and recover."""
        [raised] = self.pass_time(31, feed=False)
        assert isinstance(raised, LatchRaised)
        self.pass_time(0)
        self.pass_time(5)
        return raised
