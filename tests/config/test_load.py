"""Settings come from five layers, and whatever is wrong in one is said in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config.assignments import Layer
from console.config.catalogue import CATALOGUE
from console.config.errors import ConfigError
from console.config.load import ENVIRONMENTS, Environment, Loaded, environment_file, load
from console.config.schema import Settings

KEY = "risk.kelly_fraction"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def load_text(tmp_path: Path, text: str) -> Loaded:
    return load("practice", config=write(tmp_path / "mine.toml", text), variables={})


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    return str(caught.value)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_file_that_comes_with_an_environment_is_right(environment: Environment) -> None:
    loaded = load(environment, variables={})
    assert set(loaded.sources) == set(CATALOGUE)
    assert any(source.layer is Layer.FILE for source in loaded.sources.values())


def test_an_empty_file_leaves_the_defaults(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "")
    assert loaded.settings == Settings()
    assert {source.layer for source in loaded.sources.values()} == {Layer.DEFAULT}


@pytest.mark.parametrize("highest", list(Layer))
def test_the_highest_layer_wins_and_is_named(tmp_path: Path, highest: Layer) -> None:
    file = write(tmp_path / "mine.toml", "[risk]\nkelly_fraction = 0.1\n" if highest >= Layer.FILE else "")
    overrides = tmp_path / "overrides.toml"
    if highest >= Layer.OVERRIDES:
        write(overrides, "[risk]\nkelly_fraction = 0.2\n")
    variables = {"KCONSOLE_RISK__KELLY_FRACTION": "0.3"} if highest >= Layer.VARIABLE else {}
    options = [("--set", f"{KEY}=0.4"), ("--set", f"{KEY}=0.5")] if highest >= Layer.OPTION else []

    loaded = load("practice", config=file, overrides=overrides, variables=variables, options=options)

    expected = {
        Layer.DEFAULT: ("0.25", "default"),
        Layer.FILE: ("0.1", str(file)),
        Layer.OVERRIDES: ("0.2", str(overrides)),
        Layer.VARIABLE: ("0.3", "KCONSOLE_RISK__KELLY_FRACTION"),
        Layer.OPTION: ("0.5", "--set"),
    }[highest]
    assert loaded.settings.risk.kelly_fraction == Decimal(expected[0])
    assert loaded.sources[KEY].layer is highest
    assert loaded.sources[KEY].name == expected[1]


def test_production_carries_the_hardening_guide_s_values() -> None:
    values = tomllib.loads(environment_file("live").read_text(encoding="utf-8"), parse_float=Decimal)
    del values["exchange"]
    assert set(values["risk"].pop("groups")) == {"weather_new_york", "lakers"}
    assert values == {
        "risk": {
            "kelly_fraction": Decimal("0.25"),
            "max_total_exposure_pct": Decimal("0.20"),
            "max_single_position_pct": Decimal("0.05"),
            "max_correlated_group_pct": Decimal("0.15"),
            "max_daily_loss_dollars": 500,
            "max_daily_loss_pct": Decimal("0.05"),
            "max_consecutive_losses": 5,
            "loss_streak_pause_hours": 4,
        },
        "strategy_flb": {
            "favorite_threshold": 90,
            "longshot_threshold": 10,
            "min_edge_to_trade": Decimal("0.03"),
        },
        "fees": {"model": "kalshi", "profit_fee_rate": Decimal("0.07")},
        "slippage": {"base_slippage_bps": Decimal("5.0"), "size_impact_factor": Decimal("0.1")},
        "quality": {
            "max_spread_bps": Decimal("200.0"),
            "max_stale_book_seconds": 30,
            "max_slippage_bps": Decimal("50.0"),
        },
        "monitoring": {
            "metrics_output_dir": "metrics",
            "export_interval_seconds": 300,
            "alert_on_kill_switch": True,
            "alert_on_high_slippage": True,
        },
    }


def test_groups_are_pinned_in_a_table_of_lists(tmp_path: Path) -> None:
    file = tmp_path / "pins.toml"
    file.write_text('[risk.groups]\nweather = ["KXHIGHNY-*", "KXHIGHLAX-*"]\n', encoding="utf-8")
    pins = load("live", config=file, variables={}).settings.risk.groups
    assert pins == {"weather": ("KXHIGHNY-*", "KXHIGHLAX-*")}
    option = ("--set", 'risk.groups={rain = ["KXRAIN*"]}')
    assert load("live", config=file, variables={}, options=[option]).settings.risk.groups == {
        "rain": ("KXRAIN*",)
    }
    for wrong in ('weather = "KXHIGHNY-*"', "weather = [1]"):
        file.write_text(f"[risk.groups]\n{wrong}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"risk.groups = .*must be a table of lists of texts"):
            load("live", config=file, variables={})


def test_demo_trades_by_production_s_rules() -> None:
    assert load("demo", variables={}).settings == load("live", variables={}).settings


def test_practice_is_set_to_trade_within_its_first_minute() -> None:
    settings = load("practice", variables={}).settings
    assert settings.strategy_flb.scan_interval == 1
    assert settings.universe.refresh_seconds == 1
    assert settings.strategy_flb.style == "taker"
    # The best a taker can expect at 90 cents is the constant less a fee of 0.63 cents.
    best_edge = settings.edge.constant_points / 100 - Decimal("0.0063")
    assert settings.strategy_flb.min_edge_to_trade <= best_edge


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[risk]\nkely_fraction = 0.1", ('"risk.kely_fraction"', "did you mean risk.kelly_fraction?")),
        ("[rsk]\nkelly_fraction = 0.1", ('"rsk"', "did you mean risk?")),
        ("[edge]\nqqq = 1", ('"edge.qqq"', "edge.model, edge.constant_points")),
        ("risk = 1", ("risk = 1", "[risk]")),
        ("[[risk]]\nkelly_fraction = 0.1", ("risk = ", "[risk]")),
        ("[risk]\nkelly_fraction = 1.5", (KEY, "1.5", "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = -0.01", (KEY, "-0.01", "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = nan", (KEY, "NaN", "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = -inf", (KEY, "-Infinity", "a number from 0 to 1")),
        ('[risk]\nkelly_fraction = "0.1"', (KEY, '"0.1"', "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = true", (KEY, "true", "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = 2026-01-01", (KEY, "2026-01-01", "a number from 0 to 1")),
        ("[risk]\nkelly_fraction = 0.1234567", (KEY, "0.1234567", "no more than 6 decimals")),
        ("[risk]\nkelly_fraction = 1e-999999999", (KEY, "no more than 6 decimals")),
        ("[risk]\nmax_daily_loss_dollars = 1e999999999", ("1E+999999999", "from 0 to 1000000000")),
        ("[strategy_flb]\nfavorite_threshold = 90.0", ("90.0", "a whole number from 50 to 99")),
        ("[strategy_flb]\nfavorite_threshold = true", ("true", "a whole number from 50 to 99")),
        ('[strategy_flb]\nstyle = "Maker"', ('"Maker"', '"maker" or "taker"')),
        ("[monitoring]\nalert_on_kill_switch = 1", ("= 1", "true or false")),
        ('[universe]\nseries = "A"', ('"A"', "a list of texts")),
        ("[universe]\nseries = [1]", ("[1]", "a list of texts")),
        ("[ui.keymap]\nhalt = 1", ("{halt = 1}", "a table of texts")),
        ('[ui]\ntheme = "a\\u001b[2J"', ("\\u001b[2J", "text without control characters")),
    ],
)
def test_a_wrong_file_is_named_with_the_key_the_value_and_what_is_right(
    tmp_path: Path, text: str, parts: tuple[str, ...]
) -> None:
    said = complaint(tmp_path, text)
    assert said.startswith(f"{tmp_path / 'mine.toml'}: ")
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("text", "line"),
    [("[risk]\nkelly_fraction =\n", "line 2"), ("\n\nrisk]\n", "line 3"), ("[risk]\n[risk]\n", "line 2")],
)
def test_a_syntax_error_names_the_line(tmp_path: Path, text: str, line: str) -> None:
    said = complaint(tmp_path, text)
    assert "is not valid TOML" in said
    assert line in said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "[strategy_flb]\nfavorite_threshold = 50\nlongshot_threshold = 50",
            ("longshot_threshold = 50", "below strategy_flb.favorite_threshold"),
        ),
        (
            "[risk]\nmax_single_position_pct = 0.16",
            ("= 0.16", "risk.max_correlated_group_pct", "0.15", "default"),
        ),
        (
            "[risk]\nmax_total_exposure_pct = 0.1",
            ("mine.toml: risk.max_total_exposure_pct = 0.1", "at least", "max_correlated_group_pct", "0.15"),
        ),
        ("[universe]\nmin_seconds_to_close = 5\nmax_seconds_to_close = 5", ("must be below universe.max",)),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    tmp_path: Path, text: str, parts: tuple[str, ...]
) -> None:
    said = complaint(tmp_path, text)
    for part in parts:
        assert part in said


def test_equal_limits_do_not_contradict_each_other(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "[risk]\nmax_single_position_pct = 0.2\nmax_correlated_group_pct = 0.2")
    assert loaded.settings.risk.max_correlated_group_pct == Decimal("0.2")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    for name, reason in [("absent.toml", "No such file"), ("", "Is a directory"), ("latin.toml", "byte 6")]:
        with pytest.raises(ConfigError, match=reason):
            load("practice", config=tmp_path / name, variables={})


def test_a_wrong_override_is_not_passed_over(tmp_path: Path) -> None:
    overrides = write(tmp_path / "overrides.toml", "[risk]\nkelly_fraction = 2\n")
    with pytest.raises(ConfigError, match=r"overrides\.toml: risk\.kelly_fraction = 2 must be"):
        load("practice", overrides=overrides, variables={})
    with pytest.raises(ConfigError, match="Is a directory"):
        load("practice", overrides=tmp_path, variables={})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("risk.kelly_fraction", "0.5", Decimal("0.5")),
        ("risk.kelly_fraction", "1", Decimal(1)),
        ("risk.max_order_contracts", "5_000", 5000),
        ("monitoring.alert_on_kill_switch", "false", False),
        ("strategy_flb.style", "taker", "taker"),
        ("exchange.key_id", "true", "true"),
        ("universe.series", "KXA, KXB", ("KXA", "KXB")),
        ("universe.series", '["KXA"]', ("KXA",)),
        ("universe.series", "", ()),
        ("ui.keymap", '{halt = "f11"}', {"halt": "f11"}),
    ],
)
def test_a_variable_and_an_option_are_read_as_the_setting_s_type(key: str, text: str, value: object) -> None:
    variable = f"KCONSOLE_{key.replace('.', '__').upper()}"
    by_variable = load("practice", variables={variable: text})
    by_option = load("practice", variables={}, options=[("--set", f"{key} = {text}")])
    assert CATALOGUE[key].value_in(by_variable.settings) == value
    assert by_variable.settings == by_option.settings


@pytest.mark.parametrize(
    ("variables", "options", "said"),
    [
        ({"KCONSOLE_RISK__KELY_FRACTION": "1"}, (), "KCONSOLE_RISK__KELY_FRACTION: unknown key"),
        ({"KCONSOLE_HOMES": "/x"}, (), "KCONSOLE_HOMES: unknown section"),
        (
            {"KCONSOLE_RISK__KELLY_FRACTION": "lots"},
            (),
            'FRACTION: risk.kelly_fraction = "lots" must be a number',
        ),
        ({}, (("--set", "risk.kelly_fraction"),), "--set .* must be written section.key=value"),
        ({}, (("--set", "strategy_flb.favorite_threshold=9e1"),), "must be a whole number"),
        ({}, (("--speed", "practice.speed=fast"),), '--speed: practice.speed = "fast" must be a number'),
    ],
)
def test_a_wrong_variable_or_option_is_named(
    variables: dict[str, str], options: tuple[tuple[str, str], ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load("practice", variables=variables, options=options)


def test_variables_of_others_and_the_home_are_not_settings() -> None:
    assert load("practice", variables={"KCONSOLE_HOME": "/x", "PATH": "/bin"}) == load(
        "practice", variables={}
    )


def outcome(
    environment: Environment, config: Path | None = None, options: Sequence[tuple[str, str]] = ()
) -> Loaded | str:
    """What was loaded, or what was said instead."""
    try:
        return load(environment, config=config, variables={}, options=options)
    except ConfigError as error:
        return str(error)


@given(key=st.sampled_from(list(CATALOGUE)), text=st.text(max_size=40))
def test_any_option_is_taken_or_refused_in_one_printable_line(key: str, text: str) -> None:
    result = outcome("live", options=[("--set", f"{key}={text}")])
    assert result.isprintable() if isinstance(result, str) else result.sources[key].layer is Layer.OPTION


TOML_VALUES = st.one_of(
    st.integers().map(str),
    st.decimals().map(lambda number: str(number).lower().replace("snan", "nan")),
    st.sampled_from(["true", "[]", "{}", '"x"', "[[[]]]", "1979-05-27", "07:32:00", '"\\u0007"', "9" * 5000]),
    st.text(max_size=20),
)


@given(key=st.sampled_from([*CATALOGUE, "risk.x", "x.y"]), value=TOML_VALUES)
def test_any_file_is_taken_or_refused_without_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    section, _, name = key.partition(".")
    file.write_text(f"[{section}]\n{name} = {value}\n", encoding="utf-8", errors="replace")
    result = outcome("practice", config=file)
    assert result.startswith(str(file)) if isinstance(result, str) else result.settings


def test_a_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert "is not valid TOML" in complaint(tmp_path, "x = " + "[" * 100_000)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "America"])
def test_a_time_zone_that_does_not_exist_is_told(tmp_path: Path, zone: str) -> None:
    said = complaint(tmp_path, f'[risk]\nday_zone = "{zone}"\n')
    assert "risk.day_zone" in said
    assert "must be a time zone such as UTC or America/New_York" in said


def test_a_time_zone_is_taken_by_its_name(tmp_path: Path) -> None:
    assert (
        load_text(tmp_path, '[risk]\nday_zone = "Europe/Vienna"\n').settings.risk.day_zone == "Europe/Vienna"
    )
