"""What arming says of the pre-flight checklist."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from console_screen import console
from fake_engine import NOW, FakeEngine

from console.config.home import Home
from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.domain.trading_state import TradingState
from console.engine.limit_views import LatchView
from console.monitoring.checklist import ITEMS
from console.monitoring.preflight_record import Finding, encoded, trading_hash
from console.tui.views.preflight import preflight_of

DISARMED = LatchView("disarmed", TradingState.REDUCE_ONLY, "not armed since this start", "start", NOW)
DAY_NS = 86_400_000_000_000


def finding(detail: str = "seen", *, passed: bool = True, at_ns: int = NOW) -> Finding:
    return Finding(
        passed=passed, detail=detail, at_ns=at_ns, by="somebody", settings=trading_hash(Settings())
    )


def said(home: Path, settings: Settings | None = None, now_ns: int = NOW) -> str:
    lines = preflight_of(home, "demo", lambda: now_ns)(settings or Settings())
    return "\n".join("".join(span.text for span in line) for line in lines)


def record(home: Path, findings: dict[str, Finding]) -> None:
    path = Home(home).environment("demo").preflight
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(findings))


def test_without_a_record_everything_is_open(tmp_path: Path) -> None:
    assert f"pre-flight: {len(ITEMS)} open" in said(tmp_path)
    assert "kconsole preflight --env demo --list" in said(tmp_path)


def test_what_failed_stands_first(tmp_path: Path) -> None:
    everything = {item.id: finding() for item in ITEMS}
    record(tmp_path, everything)
    assert said(tmp_path) == f"● pre-flight: {len(ITEMS)} passed"
    del everything["data_coverage"]
    record(tmp_path, everything | {"clock": finding(passed=False)})
    lines = said(tmp_path).splitlines()
    assert f"{len(ITEMS) - 2} passed, 1 failed, 1 open" in lines[0]
    assert lines[1] == "  failed: our clock agrees with the exchange's"
    assert lines[2] == "  open: three months or more of recorded markets"


def test_findings_count_no_more_once_they_are_old_or_the_settings_are_others(tmp_path: Path) -> None:
    record(tmp_path, {item.id: finding() for item in ITEMS})
    assert "outdated: our clock" in said(tmp_path, now_ns=NOW + 2 * DAY_NS)
    dated = sum(item.lasts_days is not None for item in ITEMS)
    assert f"{dated} outdated" in said(tmp_path, now_ns=NOW - DAY_NS)
    limits = replace(Settings().risk, kelly_fraction=Decimal("0.2"))
    other = said(tmp_path, replace(Settings(), risk=limits))
    by_settings = sum(item.by_settings for item in ITEMS)
    assert f"{len(ITEMS) - by_settings} passed, {by_settings} outdated" in other
    theme = replace(Settings(), ui=InterfaceSettings(theme="nord"))
    assert said(tmp_path, theme) == f"● pre-flight: {len(ITEMS)} passed"


def test_a_record_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    record(tmp_path, {})
    path = Home(tmp_path).environment("demo").preflight
    path.write_text("{")
    assert f"{path}: is no record of pre-flight checks" in said(tmp_path)


@pytest.mark.parametrize(
    ("environment", "dry_run", "is_shown"),
    [("demo", False, True), ("demo", True, False), ("practice", False, False)],
)
async def test_arming_says_what_is_open_where_it_is_for_the_exchange(
    tmp_path: Path, environment: str, dry_run: bool, is_shown: bool
) -> None:
    engine = FakeEngine()
    engine.change(
        latches=(DISARMED,), state=TradingState.REDUCE_ONLY, environment=environment, dry_run=dry_run
    )
    async with console(engine, home=tmp_path) as screen:
        text = await screen.press("A")
        assert "New entries may be sent" in text
        assert (f"pre-flight: {len(ITEMS)} open" in text) is is_shown
