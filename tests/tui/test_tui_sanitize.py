from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.tui.sanitize import LONGEST, inert

PAYLOADS = {
    "markup": "[red]x[/red]",
    "link": "[link=https://evil.example]x[/link]",
    "action": "[@click=app.quit]x[/]",
    "escape": "\x1b[2J\x1b[31mx",
    "osc": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31mx",
    "newline": "KX\nHALTED\r\n",
    "delete": "x\x7f\x08",
    "bidi": "abc\u202edcba\u2066\u2069",
    "zero width": "a\u200b\ufeffb\u00adc",
    "zalgo": "e" + "\u0301" * 500,
    "emoji": "\U0001f680 wide 漢字",
    "surrogate": "x\ud800y",
    "spaces": "a\u00a0b\u3000c",
    "separator": "a\u2028b\u2029c",
    "long": "x" * 100_000,
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_hostile_text_becomes_one_printable_line_of_known_width(payload: str) -> None:
    shown = inert(payload)
    assert len(shown) <= LONGEST
    assert cell_len(shown) == len(shown)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"} for c in shown)


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_takes_one_cell_a_character(text: str) -> None:
    shown = inert(text)
    assert all(cell_len(character) == 1 for character in shown)
    assert inert(shown) == shown


def test_what_was_hidden_is_made_visible() -> None:
    assert inert("a\x1b[31m") == "a␛[31m"
    assert inert("pay\u202eload") == "pay<U+202E>load"
    assert inert("a\nb") == "a␊b"


def test_plain_tickers_are_left_alone() -> None:
    assert inert("KXBTC15M-26FEB242345-45") == "KXBTC15M-26FEB242345-45"
    assert inert("São Paulo ≥ 30°") == "São Paulo ≥ 30°"
