"""Which settings a running engine takes, and which way each loosens."""

from __future__ import annotations

from decimal import Decimal

import pytest

from console.config.catalogue import CATALOGUE
from console.config.changes import changed, differences, loosens, settings_hash, start_only
from console.config.errors import ConfigError
from console.config.load import load
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.values import text_of

SETTINGS = Settings()


def test_a_change_takes_the_place_of_one_value_and_leaves_the_rest() -> None:
    after = changed(SETTINGS, [("risk.kelly_fraction", "0.1"), ("strategy_flb.style", "taker")])
    assert after.risk.kelly_fraction == Decimal("0.1")
    assert {spec.key for spec in differences(SETTINGS, after)} == {
        "risk.kelly_fraction",
        "strategy_flb.style",
    }


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("risk.kelly_fraction", "5", "risk.kelly_fraction = 5 must be a number from 0 to 1"),
        ("risk.kelly_fraction", "much", "must be a number from 0 to 1"),
        ("risk.kelly_fraction", "\N{ARABIC-INDIC DIGIT ONE}", "must be a number from 0 to 1"),
        ("risk.kely_fraction", "0.1", "did you mean risk.kelly_fraction?"),
        (
            "risk.max_single_position_pct",
            "0.3",
            "must be at most risk.max_correlated_group_pct, which is 0.15",
        ),
        ("risk.day_zone", "Mars/Olympus", "must be a time zone"),
        ("strategy_flb.scan_interval", "2", "takes effect at the next start"),
        ("universe.series", "KXA", "takes effect at the next start"),
        ("exchange.key_id", "mine", "takes effect at the next start"),
        ("monitoring.webhook_url", "https://example.com", "takes effect at the next start"),
    ],
)
def test_what_may_not_be_is_refused_in_one_sentence(key: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        changed(SETTINGS, [(key, text)])
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_changes_are_judged_together() -> None:
    both = [("risk.max_single_position_pct", "0.16"), ("risk.max_correlated_group_pct", "0.18")]
    assert changed(SETTINGS, both).risk.max_correlated_group_pct == Decimal("0.18")


@pytest.mark.parametrize(
    ("key", "lower_loosens", "higher_loosens"),
    [
        ("risk.max_total_exposure_pct", False, True),
        ("risk.max_daily_loss_dollars", False, True),
        ("risk.loss_streak_pause_hours", True, False),
        ("strategy_flb.min_edge_to_trade", True, False),
        ("strategy_flb.favorite_threshold", True, False),
        ("strategy_flb.longshot_threshold", False, True),
        ("quality.slippage_window_fills", True, True),
    ],
)
def test_the_direction_that_loosens_is_the_schemas(
    key: str, lower_loosens: bool, higher_loosens: bool
) -> None:
    spec = CATALOGUE[key]
    value = spec.default
    assert isinstance(value, int | Decimal)
    assert loosens(spec, value, value - 1) is lower_loosens
    assert loosens(spec, value, value + 1) is higher_loosens
    assert not loosens(spec, value, value)


def test_every_limit_and_strategy_threshold_can_change_but_what_only_the_start_reads() -> None:
    fixed = {
        spec.name
        for spec in CATALOGUE.values()
        if spec.section in ("risk", "strategy_flb", "quality", "fees") and start_only(spec) is not None
    }
    assert fixed == {"max_burst_contracts", "flatten_slice_contracts", "scan_interval"}


def test_the_text_of_every_value_in_force_leads_back_to_it() -> None:
    in_force = load("practice", variables={}).settings
    live = [spec for spec in CATALOGUE.values() if start_only(spec) is None]
    changes = [(spec.key, text_of(spec, spec.value_in(in_force))) for spec in live]
    assert changed(in_force, changes) == in_force


def test_a_hash_names_settings_by_their_values() -> None:
    other = Settings(risk=RiskSettings(kelly_fraction=Decimal("0.1")))
    assert settings_hash(SETTINGS) == settings_hash(Settings())
    assert settings_hash(SETTINGS) != settings_hash(other)


def test_settings_have_one_name_however_their_numbers_are_written() -> None:
    """A file says 5.0 where the operator typed 5, and 0.2 where the default says 0.20."""
    typed = changed(Settings(), [("risk.price_collar_cents", "7"), ("risk.max_total_exposure_pct", "0.2")])
    read = changed(Settings(), [("risk.price_collar_cents", "7.0")])
    assert typed == read
    assert settings_hash(typed) == settings_hash(read)
