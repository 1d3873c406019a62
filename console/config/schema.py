"""Every setting and threshold, by section.

Loading, validation, the threshold form and the documentation are derived from the declarations. A fraction
or a dollar amount is a Decimal, so that no money passes through a float.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_type_hints

from console.config.program_settings import (
    ExchangeSettings,
    HistorySettings,
    InterfaceSettings,
    MonitoringSettings,
    PracticeSettings,
)
from console.config.risk_settings import RiskSettings
from console.config.trading_settings import (
    EdgeSettings,
    FeeSettings,
    QualitySettings,
    SlippageSettings,
    StrategySettings,
    UniverseSettings,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of it, by section as it stands in the configuration files."""

    risk: RiskSettings = field(default_factory=RiskSettings)
    strategy_flb: StrategySettings = field(default_factory=StrategySettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    fees: FeeSettings = field(default_factory=FeeSettings)
    slippage: SlippageSettings = field(default_factory=SlippageSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    universe: UniverseSettings = field(default_factory=UniverseSettings)
    practice: PracticeSettings = field(default_factory=PracticeSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    ui: InterfaceSettings = field(default_factory=InterfaceSettings)


SECTIONS: dict[str, type] = get_type_hints(Settings)
"""Section name to its dataclass."""
