"""Figures kept as sums while a run goes on are those made anew of its records, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import Story

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.fees import KalshiFees
from console.monitoring.days import days_of
from console.monitoring.figures import Figures, PeriodFigures, figures_of
from console.monitoring.mark_outs import NotedMarkOut
from console.monitoring.metrics_collector import MetricsCollector

RISK = RiskSettings(day_zone="America/New_York", day_starts_hour=17)


def anew(collector: MetricsCollector) -> PeriodFigures | None:
    records = collector.records()
    if records is None:
        return None
    return figures_of(records, KalshiFees(), QualitySettings(), days_of(collector.risk))


def without_trades(figures: PeriodFigures | None) -> Figures | None:
    if figures is None:
        return None
    return Figures(**{name: getattr(figures, name) for name in Figures.__struct_fields__})


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(3, 15))
def test_sums_kept_are_sums_made_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, every: int
) -> None:
    story = Story(seed)
    collector = MetricsCollector(tmp_path_factory.mktemp("m"), risk=RISK)
    for place, each in enumerate(story.steps(n)):
        if isinstance(each, NotedMarkOut):
            collector.note_mark_out(each)
        else:
            collector.observe(each)
        if place % every == 0:
            collector.marks = dict(story.marks)
            assert collector.figures() == without_trades(anew(collector))
    assert collector.figures() == without_trades(anew(collector))
