"""Changed settings through a real worker: what the next start finds, and what it does not."""

from __future__ import annotations

import time
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from scripted_venue import Run, ScriptedExchange, run_of

from console.config.load import Loaded, load
from console.domain.commands import ChangeSettings
from console.domain.engine_events import SettingChange, SettingsChanged
from console.engine.overrides import Overrides
from console.engine.snapshot import Snapshot
from console.monitoring.alerts import UNKEPT

KELLY = "risk.kelly_fraction"


def loaded_from(home: Path, *options: str, variables: dict[str, str] | None = None) -> Loaded:
    """As a command line in this home loads them."""
    return load(
        "practice",
        overrides=home / "overrides.toml",
        variables=variables or {},
        options=[("--set", option) for option in options],
    )


def running(home: Path, loaded: Loaded | None = None) -> Run:
    used = loaded or loaded_from(home)
    overrides = Overrides(home / "overrides.toml", used)
    run = Run(home, ScriptedExchange(), used.settings, overrides)
    run.worker.start(20)
    return run


def ask(run: Run, *changes: tuple[str, str], reason: str = "calmer") -> None:
    run.worker.send(ChangeSettings(at_ns=time.time_ns(), changes=changes, reason=reason))


def changed(run: Run, key: str, text: str) -> Snapshot:
    """The snapshot in which the change is in force."""
    ask(run, (key, text))
    return run.seen("the change", lambda s: bool(s.edits) and s.edits[-1].changes[0].new == text)


def last_alert(snapshot: Snapshot) -> str:
    return snapshot.alerts[-1].text if snapshot.alerts else ""


def test_a_restart_keeps_the_change_and_its_history(tmp_path: Path) -> None:
    run = running(tmp_path)
    try:
        before = changed(run, KELLY, "0.1")
    finally:
        run.worker.stop(cancel_resting=True)
    assert tomllib.loads((tmp_path / "overrides.toml").read_text()) == {"risk": {"kelly_fraction": 0.1}}
    assert (tmp_path / "overrides.toml").stat().st_mode & 0o777 == 0o600
    again = running(tmp_path)
    try:
        after = again.seen("a picture", lambda s: True)
    finally:
        again.worker.stop(cancel_resting=True)
    assert after.settings.risk.kelly_fraction == Decimal("0.1")
    assert (after.edits, after.settings_hash) == (before.edits, before.settings_hash)
    assert [type(e) for e in again.journaled() if isinstance(e, SettingsChanged)] == [SettingsChanged]


def test_what_returns_to_the_files_value_leaves_the_overrides(tmp_path: Path) -> None:
    (tmp_path / "overrides.toml").write_text("[quality]\nmax_spread_bps = 150\n")
    run = running(tmp_path)
    try:
        changed(run, KELLY, "0.1")
        changed(run, KELLY, "0.25")
    finally:
        run.worker.stop(cancel_resting=True)
    assert tomllib.loads((tmp_path / "overrides.toml").read_text()) == {"quality": {"max_spread_bps": 150}}


def test_every_kind_of_value_survives_the_file(tmp_path: Path) -> None:
    run = running(tmp_path)
    asked = (
        ("risk.groups", '{"a b" = ["KX*", "Y?"]}'),
        ("risk.day_zone", "America/New_York"),
        ("risk.max_daily_loss_dollars", "123.45"),
        ("strategy_flb.style", "maker"),
        ("risk.max_consecutive_losses", "3"),
    )
    try:
        ask(run, *asked)
        shown = run.seen("the change", lambda s: bool(s.edits))
    finally:
        run.worker.stop(cancel_resting=True)
    assert loaded_from(tmp_path).settings == shown.settings


def test_a_file_that_cannot_be_written_leaves_the_change_in_force_for_this_run_and_says_so(
    tmp_path: Path,
) -> None:
    run = running(tmp_path)
    try:
        (tmp_path / "overrides.toml").mkdir()
        ask(run, (KELLY, "0.1"))
        told = run.seen("the failure", lambda s: "for this run only" in last_alert(s))
        assert told.settings.risk.kelly_fraction == Decimal("0.1")
        assert told.unkept_settings == {KELLY}
        assert (told.alerts[-1].kind, told.risk and told.risk.errors_in_hour) == (UNKEPT.kind, 0)
        (tmp_path / "overrides.toml").rmdir()
        ask(run, ("risk.max_errors_per_hour", "9"))
        run.seen("both kept", lambda s: len(s.edits) == 2 and not s.unkept_settings)
    finally:
        run.worker.stop(cancel_resting=True)
    assert loaded_from(tmp_path).settings.risk.kelly_fraction == Decimal("0.1")


@pytest.mark.parametrize(
    ("loaded_with", "name"),
    [
        ({"options": (f"{KELLY}=0.2",)}, "option --set"),
        ({"variables": {"KCONSOLE_RISK__KELLY_FRACTION": "0.2"}}, "variable KCONSOLE_RISK__KELLY_FRACTION"),
    ],
)
def test_a_key_that_a_higher_layer_states_is_refused_by_its_name(
    tmp_path: Path, loaded_with: dict[str, object], name: str
) -> None:
    options = loaded_with.get("options", ())
    variables = loaded_with.get("variables")
    assert isinstance(options, tuple)
    assert variables is None or isinstance(variables, dict)
    run = running(tmp_path, loaded_from(tmp_path, *options, variables=variables))
    try:
        ask(run, (KELLY, "0.1"))
        told = run.seen("the refusal", lambda s: "not changed" in last_alert(s))
    finally:
        run.worker.stop(cancel_resting=True)
    assert f"{KELLY} is pinned by the {name}" in told.alerts[-1].text
    assert told.risk is not None
    assert told.risk.errors_in_hour == 0
    assert told.settings.risk.kelly_fraction == Decimal("0.2")
    assert not [e for e in run.journaled() if isinstance(e, ChangeSettings)]
    assert not (tmp_path / "overrides.toml").exists()


def test_a_change_that_never_reached_the_file_is_told_at_the_next_start_and_can_be_brought_back(
    tmp_path: Path,
) -> None:
    """As a process leaves it that was killed between the journal and the file."""
    run = running(tmp_path)
    try:
        changed(run, KELLY, "0.1")
    finally:
        run.worker.stop(cancel_resting=True)
    (tmp_path / "overrides.toml").unlink()
    again = running(tmp_path)
    try:
        told = again.seen("a picture", lambda s: True)
        [_, lost] = told.edits
        assert lost.changes == (SettingChange(KELLY, old="0.1", new="0.25"),)
        assert (lost.source, lost.settings) == ("start", told.settings_hash)
        assert f"{KELLY} 0.1 -> 0.25" in told.alerts[0].text
        assert any(KELLY in entry.text for entry in told.log[-1:])
        changed(again, KELLY, told.edits[-1].changes[0].old)
    finally:
        again.worker.stop(cancel_resting=True)
    assert loaded_from(tmp_path).settings.risk.kelly_fraction == Decimal("0.1")


def test_the_history_ends_with_what_is_in_force_at_every_start(tmp_path: Path) -> None:
    """Pinned by an option, back to what the file of the console says, and then nothing new."""
    run = running(tmp_path)
    try:
        changed(run, KELLY, "0.10")
    finally:
        run.worker.stop(cancel_resting=True)
    for options, edits, newest in (((f"{KELLY}=0.2",), 2, "0.2"), ((), 3, "0.10"), ((), 3, "0.10")):
        again = running(tmp_path, loaded_from(tmp_path, *options))
        try:
            shown = again.seen("a picture", lambda s: True)
        finally:
            again.worker.stop(cancel_resting=True)
        assert (len(shown.edits), shown.edits[-1].changes[-1].new) == (edits, newest)
        assert shown.edits[-1].settings == shown.settings_hash


def test_a_value_that_fits_only_beside_a_pin_is_not_left_for_a_start_without_it(tmp_path: Path) -> None:
    total, group = "risk.max_total_exposure_pct", "risk.max_correlated_group_pct"
    run = running(tmp_path, loaded_from(tmp_path, f"{total}=0.5"))
    try:
        ask(run, (group, "0.4"))
        told = run.seen("the warning", lambda s: "for this run only" in last_alert(s))
    finally:
        run.worker.stop(cancel_resting=True)
    assert told.settings.risk.max_correlated_group_pct == Decimal("0.4")
    assert told.unkept_settings == {group}
    assert "a start without the options of this one would refuse it" in last_alert(told)
    assert f"must be at most {total}" in last_alert(told)
    assert not (tmp_path / "overrides.toml").exists()


def test_what_fits_only_beside_a_pin_does_not_keep_later_changes_from_the_file(tmp_path: Path) -> None:
    run = running(tmp_path, loaded_from(tmp_path, "risk.max_total_exposure_pct=0.5"))
    try:
        ask(run, ("risk.max_correlated_group_pct", "0.4"))
        ask(run, (KELLY, "0.1"))
        shown = run.seen("both changes", lambda s: len(s.edits) == 2)
    finally:
        run.worker.stop(cancel_resting=True)
    assert shown.unkept_settings == {"risk.max_correlated_group_pct"}
    assert tomllib.loads((tmp_path / "overrides.toml").read_text()) == {"risk": {"kelly_fraction": 0.1}}


def test_groups_with_names_that_need_quotes_can_be_undone(tmp_path: Path) -> None:
    run = running(tmp_path)
    named = '{"a b" = ["KX*"]}'
    try:
        changed(run, "risk.groups", named)
        shown = changed(run, "risk.groups", "{}")
        after = changed(run, "risk.groups", shown.edits[-1].changes[0].old)
    finally:
        run.worker.stop(cancel_resting=True)
    assert after.settings.risk.groups == {"a b": ("KX*",)}


def test_without_a_file_a_change_ends_with_the_run(tmp_path: Path) -> None:
    with run_of(tmp_path, ScriptedExchange()) as run:
        shown = changed(run, KELLY, "0.1")
        assert shown.unkept_settings == {KELLY}


def test_a_source_is_named_for_every_value_in_force(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, f"{KELLY}=0.2")
    settings = loaded_from(tmp_path, "quality.max_spread_bps=150", f"{KELLY}=0.2").settings
    assert loaded.source_in(settings, KELLY).name == "--set"
    assert loaded.source_in(settings, "quality.max_spread_bps").name == "overrides.toml"
    assert loaded.source_in(settings, "strategy_flb.style").name.endswith("practice.toml")
    assert loaded.source_in(settings, "risk.day_zone").name == "default"
