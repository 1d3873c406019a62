"""What Prometheus is shown, by its own parser and by promtool's rules; and the dashboard's queries."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from report_builders import fill_record, market_record, random_result, result_of
from stories import Story

from console.config.trading_settings import QualitySettings
from console.domain.fees import KalshiFees
from console.domain.money import Price
from console.monitoring.execution import sample_of
from console.monitoring.exposition import families
from console.monitoring.figures import Figures, figures_of
from console.monitoring.mark_outs import NotedMarkOut
from console.monitoring.metrics_collector import MetricsCollector
from console.monitoring.records import Decision
from console.monitoring.system_health import SystemHealth

prometheus_client = pytest.importorskip("prometheus_client")
from prometheus_client import CollectorRegistry, generate_latest  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

DASHBOARD = Path(__file__).parents[2] / "config" / "grafana.json"
UNITS = ("dollars", "seconds", "bytes", "ratio", "cents", "points", "total")


class _Shown:
    def __init__(self, figures: Figures | None, health: SystemHealth | None) -> None:
        roles = (
            () if figures is None else (("taker", figures.slippage.taker), ("maker", figures.slippage.maker))
        )
        self._shown = figures, health, {name: role.histogram for name, role in roles if role.touch.n}

    def collect(self) -> object:
        return families(*self._shown)


def page(figures: Figures | None, health: SystemHealth | None) -> str:
    registry = CollectorRegistry()
    registry.register(_Shown(figures, health))  # type: ignore[arg-type]
    return generate_latest(registry).decode()


@pytest.fixture(scope="module")
def full() -> str:
    result = random_result(1, markets=60, days=12)
    sent = tuple(Decision(record.decided_ns, record.intent) for record in result.fills)
    result = msgspec.structs.replace(result, decisions=sent)
    figures = figures_of(result, KalshiFees(), QualitySettings())
    # Random trades lose, and fees have no share in a loss.
    earned = msgspec.structs.replace(figures.performance, fee_pct_of_pnl=12.5)
    figures = msgspec.structs.replace(figures, performance=earned)
    health = SystemHealth(
        trading_state="PAUSED",
        active_positions=2,
        total_exposure=100.0,
        capital=1_000.0,
        daily_pnl=-3.5,
        exposure_share=0.1,
        daily_pnl_share=-0.0035,
        errors_last_hour=0,
        feed_age_s=0.1,
        order_round_trip_s=0.02,
        clock_skew_s=-0.3,
        unknown_orders=0,
        log_lines_lost=4,
        disk_free_bytes=10**10,
        is_connected=True,
        alerts_active=("one",),
    )
    return page(figures, health)


def test_values_are_those_given(full: str) -> None:
    samples = {(s.name, *sorted(s.labels.values())): s.value for s in samples_of(full)}
    assert samples["kconsole_trading_state", "PAUSED"] == 1
    assert samples["kconsole_trading_state", "RUNNING"] == 0
    assert samples["kconsole_daily_pnl_dollars",] == -3.5
    assert samples["kconsole_log_lines_lost_total",] == 4
    assert samples["kconsole_alerts_active",] == 1
    assert samples["kconsole_fee_of_gross_ratio",] == 0.125


def samples_of(text: str) -> list[Any]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_it_keeps_the_rules_that_promtool_checks(full: str) -> None:
    helped = re.findall(r"^# HELP (\S+) (.*)$", full, re.MULTILINE)
    typed = re.findall(r"^# TYPE (\S+) (\S+)$", full, re.MULTILINE)
    assert [name for name, _ in helped] == [name for name, _ in typed]
    assert max(Counter(name for name, _ in typed).values()) == 1
    assert all(text for _, text in helped)
    for name, kind in typed:
        assert re.fullmatch(r"kconsole_[a-z0-9_]+", name)
        assert name.endswith("_total") == (kind == "counter"), name
        if kind != "histogram":
            assert not name.endswith(("_count", "_sum", "_bucket")), name
    found = samples_of(full)
    assert max(Counter((s.name, *sorted(s.labels.items())) for s in found).values()) == 1
    units = {name for name, _ in typed if name.endswith(UNITS)}
    without = {name for name, _ in typed} - units
    assert without == {
        "kconsole_trading_state",
        "kconsole_feed_connected",
        "kconsole_positions",
        "kconsole_errors_last_hour",
        "kconsole_unknown_orders",
        "kconsole_alerts_active",
        "kconsole_bucket_trades",
        "kconsole_trades",
    }


def test_a_histogram_never_falls_and_ends_in_everything(full: str) -> None:
    by_role: dict[str, list[tuple[str, float]]] = {}
    for sample in samples_of(full):
        if sample.name == "kconsole_slippage_touch_basis_points_bucket":
            by_role.setdefault(sample.labels["role"], []).append((sample.labels["le"], sample.value))
    assert set(by_role) == {"taker", "maker"}
    for bounds in by_role.values():
        assert bounds[-1][0] == "+Inf"
        counts = [count for _, count in bounds]
        assert counts == sorted(counts)
        assert [float(le) for le, _ in bounds] == sorted(float(le) for le, _ in bounds)


def test_a_histogram_counts_what_lies_at_a_bound_or_below_and_nothing_above_it() -> None:
    result = random_result(1, markets=60, days=12)
    figures = figures_of(result, KalshiFees(), QualitySettings())
    measured = [
        (sample.touch_centibps, sample.contracts)
        for record in result.fills
        if record.fill.is_taker and (sample := sample_of(record)) is not None
    ]
    assert any(centibps == 0 for centibps, _ in measured)
    shown = {
        sample.labels["le"]: sample.value
        for sample in samples_of(page(figures, None))
        if sample.name == "kconsole_slippage_touch_basis_points_bucket" and sample.labels["role"] == "taker"
    }
    assert shown == {
        le: sum(count for centibps, count in measured if centibps <= 100 * float(le)) / 100 for le in shown
    }


def test_what_is_counted_never_falls_when_others_turn_out_to_have_traded(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    seen: dict[tuple[str, ...], float] = {}
    dropped = False
    for each in Story(1).steps(60):
        if isinstance(each, NotedMarkOut):
            continue
        collector.observe(each)
        registry = CollectorRegistry()
        registry.register(_Collected(collector))  # type: ignore[arg-type]
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            for sample in family.samples:
                name = (sample.name, *sorted(sample.labels.values()))
                before = seen.get(name, 0.0)
                if family.type in ("counter", "histogram"):
                    assert sample.value >= before, name
                dropped = dropped or (sample.name == "kconsole_trades" and sample.value < before)
                seen[name] = sample.value
    assert dropped
    assert seen["kconsole_slippage_touch_basis_points_bucket", "+Inf", "taker"] > 0


class _Collected:
    def __init__(self, collector: MetricsCollector) -> None:
        self._collector = collector

    def collect(self) -> object:
        return families(self._collector.figures(intervals=False), None, self._collector.slipped())


@pytest.mark.parametrize(
    "name", ['a "b"', "a\\", "a\nb 1\n# TYPE x counter", "a{b=},c", "=cmd()", "\u2028", ""]
)
def test_a_name_from_outside_stays_a_label(name: str) -> None:
    fill = fill_record()
    market = market_record(
        group=name, series_ticker=name, settled_ns=fill.fill.at_ns, yes_value=Price(10_000)
    )
    shown = samples_of(page(figures_of(result_of([fill], [market]), KalshiFees(), QualitySettings()), None))
    assert all(sample.name.startswith("kconsole_") for sample in shown)
    assert {s.labels["name"] for s in shown if s.labels.get("by") in ("group", "series")} == {name}


def test_what_is_not_known_has_no_sample() -> None:
    assert samples_of(page(None, None)) == []
    health = SystemHealth(
        trading_state="RUNNING",
        active_positions=0,
        total_exposure=0.0,
        capital=None,
        daily_pnl=None,
        exposure_share=None,
        daily_pnl_share=None,
    )
    names = {sample.name for sample in samples_of(page(None, health))}
    assert names == {
        "kconsole_trading_state",
        "kconsole_positions",
        "kconsole_exposure_dollars",
        "kconsole_alerts_active",
    }


def test_every_query_of_the_dashboard_names_a_metric_and_labels_that_exist(full: str) -> None:
    labels: dict[str, set[str]] = {}
    for sample in samples_of(full):
        labels.setdefault(sample.name, set()).update(sample.labels)
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len(panels) > 15
    for panel in panels:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            names = re.findall(r"kconsole_[a-z0-9_]+", target["expr"])
            assert names, target["expr"]
            for name in names:
                assert name in labels, f"{panel['title']}: {name}"
                used = set(re.findall(r"(\w+)=\"", target["expr"]))
                used |= set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                assert used <= labels[name], f"{panel['title']}: {used - labels[name]}"
