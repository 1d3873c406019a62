from __future__ import annotations

import pytest

from console.history.times import ns_of, read_time
from console.tui.views.replay_seek import read_place


def ns(text: str) -> int:
    return ns_of(read_time(text))


FIRST, END = ns("2026-02-25T22:00"), ns("2026-02-26T02:00")
HERE = ns("2026-02-25T23:00")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0%", "2026-02-25T22:00"),
        ("25%", "2026-02-25T23:00"),
        ("37.5 %", "2026-02-25T23:30"),
        ("100%", "2026-02-26T02:00"),
        ("-5m", "2026-02-25T22:55"),
        ("+30s", "2026-02-25T23:00:30"),
        ("+1h", "2026-02-26T00:00"),
        ("-1d", "2026-02-25T22:00"),
        ("+9h", "2026-02-26T02:00"),
        ("22:30", "2026-02-25T22:30"),
        ("1:05", "2026-02-26T01:05"),
        ("01:05:06", "2026-02-26T01:05:06"),
        ("2026-02-26T01:00", "2026-02-26T01:00"),
        ("2026-02-26 01:00", "2026-02-26T01:00"),
        ("2026-02-25T20:00-05:00", "2026-02-26T01:00"),
    ],
)
def test_a_place_is_a_share_a_distance_or_a_time(text: str, meant: str) -> None:
    assert read_place(text, HERE, FIRST, END) == ns(meant)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12:00", "12:00 is not within 2026-02-25T22:00:00 to 2026-02-26T02:00:00 UTC"),
        ("2026-02-27T01:00", "2026-02-27T01:00 is not within"),
        ("25:00", "25:00 is not a time of day"),
        ("101%", "101% is no place such as 04:52:10, 2026-02-25T04:52, -5m or 40%"),
        ("5m", "5m is no place"),
        ("soon", "soon is no place"),
        ("", "nothing is no place"),
        ("-٥m", "is no place"),
    ],
)
def test_what_is_no_place_is_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        read_place(text, HERE, FIRST, END)


def test_a_time_of_day_is_of_the_nearest_day_that_has_it() -> None:
    week = ns("2026-03-08T00:00")
    assert read_place("12:00", ns("2026-03-03T01:00"), ns("2026-03-01T06:00"), week) == ns("2026-03-03T12:00")
    assert read_place("05:00", ns("2026-03-01T07:00"), ns("2026-03-01T06:00"), week) == ns("2026-03-02T05:00")
