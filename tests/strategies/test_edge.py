from __future__ import annotations

from decimal import Decimal

import pytest

from console.domain.book import BookSide, Level, Quote
from console.domain.money import Count, Price
from console.monitoring.buckets import BUCKETS
from console.strategies.base import Style
from console.strategies.edge import PUBLISHED_MARKS, ConstantEdge, TableEdge

BID, ASK = BookSide.BID, BookSide.ASK


def quote(bid: int | None, ask: int | None) -> Quote:
    def level(price: int | None) -> Level | None:
        return None if price is None else Level(Price(price), Count(1_000))

    return Quote(level(bid), level(ask))


# --- constant ---------------------------------------------------------------------------------------


def test_the_constant_is_added_to_the_mid_of_the_side_bought() -> None:
    edge = ConstantEdge(Decimal("3.0"))
    assert edge.win_probability("Crypto", quote(9_000, 9_100), BID, "taker") == 9_350
    assert edge.win_probability("Crypto", quote(9_000, 9_100), BID, "maker") == 9_350
    assert edge.win_probability("Crypto", quote(700, 800), ASK, "taker") == 9_550


def test_half_a_step_is_rounded_down() -> None:
    edge = ConstantEdge(Decimal(3))
    assert edge.win_probability("Crypto", quote(9_000, 9_001), BID, "taker") == 9_300
    assert edge.win_probability("Crypto", quote(999, 1_000), ASK, "taker") == 9_300


def test_nothing_is_surer_than_ninety_nine_in_a_hundred() -> None:
    edge = ConstantEdge(Decimal(3))
    assert edge.win_probability("Crypto", quote(9_500, 9_700), BID, "taker") == 9_900
    assert edge.win_probability("Crypto", quote(9_600, 9_700), BID, "taker") == 9_900
    assert edge.win_probability("Crypto", quote(9_950, 9_990), BID, "taker") == 9_900


def test_without_two_sides_there_is_no_mid_and_no_estimate() -> None:
    edge = ConstantEdge(Decimal(3))
    assert edge.win_probability("Crypto", quote(9_000, None), BID, "maker") is None
    assert edge.win_probability("Crypto", quote(None, 9_000), BID, "taker") is None


# --- table ------------------------------------------------------------------------------------------


def test_the_published_marks_cover_every_bucket_and_read_as_printed() -> None:
    assert set(PUBLISHED_MARKS) == {bucket.name for bucket in BUCKETS}
    favourite = PUBLISHED_MARKS["favorite_extreme"]
    assert (favourite.taker, favourite.maker_yes, favourite.maker_no) == (-30, 165, 167)


@pytest.mark.parametrize(
    ("side", "style", "expected"),
    [
        (BID, "taker", 9_100 - 30),  # pays the ask
        (BID, "maker", 9_000 + 165),  # pays the bid it joins
        (ASK, "taker", 1_000 - 192),  # buys NO at 100c less the bid
        (ASK, "maker", 900 + 54),
    ],
)
def test_the_mark_of_bucket_and_role_is_added_to_the_price_paid(
    side: BookSide, style: Style, expected: int
) -> None:
    assert TableEdge().win_probability("Crypto", quote(9_000, 9_100), side, style) == expected


def test_a_no_is_marked_as_a_no() -> None:
    assert TableEdge().win_probability("Crypto", quote(700, 800), ASK, "maker") == 9_200 + 167


def test_a_bucket_begins_at_its_lower_price() -> None:
    table = TableEdge()
    assert table.win_probability("Crypto", quote(8_999, 9_100), BID, "maker") == 8_999 + 206
    assert table.win_probability("Crypto", quote(9_000, 9_100), BID, "maker") == 9_000 + 165


def test_the_table_too_is_capped_and_never_below_nothing() -> None:
    assert TableEdge().win_probability("Crypto", quote(9_850, 9_860), BID, "maker") == 9_900
    assert TableEdge().win_probability("Crypto", quote(50, 100), BID, "taker") == 0


def test_an_empty_side_or_an_untradable_price_gives_no_estimate() -> None:
    assert TableEdge().win_probability("Crypto", quote(9_000, None), BID, "taker") is None
    assert TableEdge().win_probability("Crypto", quote(9_000, 10_000), BID, "taker") is None
    assert TableEdge().win_probability("Crypto", quote(0, 100), ASK, "taker") is None


def test_a_table_with_a_bucket_missing_is_refused_by_name() -> None:
    marks = {name: mark for name, mark in PUBLISHED_MARKS.items() if name != "tossup"}
    with pytest.raises(ValueError, match="no row for tossup"):
        TableEdge(marks)
