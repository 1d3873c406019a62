from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
import pytest

from console.domain.market import Market, MarketStatus
from console.risk.groups import Grouping, Place, group_of


def market(ticker: str, event: str, category: str, close: str) -> Market:
    close_ns = int(datetime.fromisoformat(close).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    return Market(
        ticker=ticker,
        event_ticker=event,
        series_ticker="S",
        category=category,
        title="",
        open_ns=0,
        close_ns=close_ns,
        status=MarketStatus.ACTIVE,
        fees=None,
    )


def test_coins_that_close_together_are_one_group_named_for_what_they_share() -> None:
    btc = group_of(market("BTC-1", "BTC", "Crypto", "2026-02-25T04:30:00"))
    eth = group_of(market("ETH-1", "ETH", "Crypto", "2026-02-25T04:30:00"))
    assert btc == eth == "Crypto @ 2026-02-25T04:30Z"


def test_another_close_or_another_category_is_another_group() -> None:
    groups = {
        group_of(market("A", "E", "Crypto", "2026-02-25T04:30:00")),
        group_of(market("A", "E", "Crypto", "2026-02-25T04:30:20")),
        group_of(market("A", "E", "Crypto", "2026-02-25T04:45:00")),
        group_of(market("A", "E", "Sports", "2026-02-25T04:30:00")),
    }
    assert len(groups) == 4


def test_without_a_category_the_event_is_the_group() -> None:
    assert group_of(market("A", "E", "", "2026-02-25T04:30:00")) == "E"
    assert group_of(market("B", "E", "", "2026-02-26T04:30:00")) == "E"


CLOSE = "2026-02-25T04:30:00"


def test_a_pin_wins_over_the_rule() -> None:
    grouping = Grouping({"weather_california": ["KXHIGHLAX-*", "KXHIGHSF?-*"]})
    for ticker in ("KXHIGHLAX-26FEB25-B1", "KXHIGHSFO-26FEB25-B1"):
        place = grouping.place(market(ticker, "E", "Climate", CLOSE))
        assert place == Place("weather_california", "E")
    assert grouping.place(market("KXHIGHNY-26FEB25", "N", "Climate", CLOSE)).group == group_of(
        market("KXHIGHNY-26FEB25", "N", "Climate", CLOSE)
    )


def test_of_two_pins_the_first_decides_and_the_case_of_letters_counts() -> None:
    grouping = Grouping({"one": ["A*"], "two": ["AB*", "a*"]})
    assert grouping.place(market("AB", "E", "", CLOSE)).group == "one"
    assert grouping.place(market("ab", "E", "", CLOSE)).group == "two"


def test_the_markets_of_an_event_share_a_group_when_one_of_them_closes_early() -> None:
    grouping = Grouping({})
    first = grouping.place(market("A", "E", "Crypto", CLOSE))
    early = grouping.place(market("B", "E", "Crypto", "2026-02-25T04:00:00"))
    assert first.group == early.group == "Crypto @ 2026-02-25T04:30Z"
    grouping.forget("E")
    assert grouping.place(market("B", "E", "Crypto", "2026-02-25T04:00:00")).group != first.group


def test_a_place_says_whether_one_market_of_the_event_at_most_can_win() -> None:
    legs = market("A", "E", "", CLOSE)
    assert not Grouping({}).place(legs).is_exclusive
    assert Grouping({}).place(msgspec.structs.replace(legs, mutually_exclusive=True)).is_exclusive


def test_to_forget_an_event_that_a_pin_placed_is_nothing() -> None:
    grouping, pinned = Grouping({"one": ["A*"]}), market("A", "E", "", CLOSE)
    placed = grouping.place(pinned)
    grouping.forget("E")
    assert grouping.place(pinned) == placed == Place("one", "E", False)


def test_the_close_in_a_name_is_utc_to_the_second_whatever_the_machine_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_seconds = market("A", "E", "Crypto", "2026-02-25T04:30:20")
    just_before = msgspec.structs.replace(with_seconds, close_ns=with_seconds.close_ns + 999_999_999)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        names = {group_of(with_seconds), group_of(just_before)}
    finally:
        monkeypatch.undo()
        time.tzset()
    assert names == {"Crypto @ 2026-02-25T04:30:20Z"}
