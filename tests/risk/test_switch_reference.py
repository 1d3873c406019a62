from __future__ import annotations

from pathlib import Path

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.risk.reference import markdown
from console.risk.switches.every import every_switch

DOCUMENT = Path(__file__).parents[2] / "docs" / "kill-switches.md"


def test_the_document_is_made_from_the_switches() -> None:
    """Made anew with ``python -m console.risk.reference > docs/kill-switches.md``."""
    assert DOCUMENT.read_text(encoding="utf-8") == markdown()


def test_every_switch_and_its_reason_is_in_it() -> None:
    text = markdown()
    for switch in every_switch(RiskSettings(), QualitySettings()):
        assert f"## {switch.key}\n" in text
        assert f"| why this threshold | {switch.why} |" in text
