"""The kill switches, in the order in which they are shown."""

from __future__ import annotations

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.risk.switches.api_key import ApiKey
from console.risk.switches.base import Switch
from console.risk.switches.clock_skew import ClockSkew
from console.risk.switches.correlation import CorrelationBreach
from console.risk.switches.daily_loss import DailyLoss
from console.risk.switches.drawdown import Drawdown
from console.risk.switches.error_burst import ErrorBurst
from console.risk.switches.exchange_paused import ExchangePaused
from console.risk.switches.foreign_instance import ForeignInstance
from console.risk.switches.guard_gone import GuardGone
from console.risk.switches.journal import JournalHealth
from console.risk.switches.loss_streak import LossStreak
from console.risk.switches.manual import ManualHalt
from console.risk.switches.no_fills import NoFills
from console.risk.switches.position_mismatch import PositionMismatch
from console.risk.switches.reject_rate import RejectRate
from console.risk.switches.slippage import Slippage
from console.risk.switches.stale_book import StaleBook
from console.risk.switches.tripwire import Tripwire
from console.risk.switches.unknown_orders import UnknownOrders


def every_switch(limits: RiskSettings, quality: QualitySettings) -> tuple[Switch, ...]:
    """All of them, with their thresholds from the settings."""
    return (
        ManualHalt(),
        DailyLoss(limits),
        Drawdown(limits),
        LossStreak(limits),
        Slippage(quality),
        ErrorBurst(limits),
        StaleBook(quality),
        NoFills(limits),
        CorrelationBreach(limits),
        RejectRate(limits),
        Tripwire(limits),
        UnknownOrders(limits),
        ForeignInstance(),
        PositionMismatch(),
        ClockSkew(quality),
        ExchangePaused(),
        JournalHealth(),
        ApiKey(),
        GuardGone(),
    )
