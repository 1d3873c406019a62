"""The declarations of the schema hold together."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config import reference
from console.config.catalogue import CATALOGUE, SettingSpec
from console.config.load import load
from console.config.secret_url import SecretUrl
from console.config.values import checked, from_text, shown

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.key)
def test_a_setting_says_what_it_is_and_its_default_is_allowed(spec: SettingSpec) -> None:
    assert spec.description
    if spec.kind in (int, Decimal):
        assert spec.low is not None
        assert spec.high is not None
    stated = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    assert checked(spec, stated) == spec.default


@given(data=st.data(), spec=st.sampled_from(list(CATALOGUE.values())))
def test_what_is_shown_can_be_given_back(data: st.DataObject, spec: SettingSpec) -> None:
    words = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=","), min_size=1)
    values: dict[type, st.SearchStrategy[object]] = {
        bool: st.booleans(),
        int: st.integers(int(spec.low or 0), int(spec.high or 0)),
        Decimal: st.decimals(spec.low or 0, spec.high or 0, places=6),
        str: st.sampled_from(spec.choices) if spec.choices else words,
        SecretUrl: words.map(lambda word: f"https://example.com/{quote(word)}"),
        tuple: st.lists(words),
        dict: st.dictionaries(
            st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.lists(words) if spec.holds_lists else words
        ),
    }
    value = data.draw(values[spec.kind])
    text = str(value) if spec.kind in (str, SecretUrl) else shown(value)
    assert checked(spec, from_text(spec, text)) == checked(spec, value)


def test_the_documentation_is_that_of_the_schema() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == reference.markdown(), (
        "write it anew: python -m console.config.reference > docs/configuration.md"
    )


def test_the_documented_defaults_are_those_in_force(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.touch()
    settings = load("practice", config=empty, variables={}).settings
    for spec in CATALOGUE.values():
        assert spec.value_in(settings) == spec.default
