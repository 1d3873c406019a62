"""What may not stand in the exchange's JSON is refused, whatever it says otherwise."""

from __future__ import annotations

import pytest

from console.exchange.messages import decode
from console.exchange.messages.ws import Frame


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"a","type":"b"}',
        '{"type":"a","msg":{"price":"0.1","price":"0.2"}}',
        '{"type":"a","unknown":[{"x":1,"x":1}]}',
        '{"type":"a","unknown":NaN}',
        '{"type":"a","sid":1e400}',
        '{"type":"a","unknown":' + "9" * 5000 + "}",
        '{"type":"a","msg":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"type":"\\ud800"}',
        '{"type":1}',
        "{}",
        "",
        "null",
        '{"type":"a"',
    ],
)
def test_it_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text.encode(), Frame)


def test_bytes_that_are_not_text_are_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(b'{"type":"a","unknown":"\xff"}', Frame)


def test_the_error_names_what_was_said_twice() -> None:
    with pytest.raises(ValueError, match="'seq' is said twice"):
        decode(b'{"type":"a","seq":1,"seq":2}', Frame)


def test_the_same_name_in_two_objects_is_right() -> None:
    assert decode(b'{"type":"a","msg":{"type":"b"}}', Frame).type == "a"
