from __future__ import annotations

import pytest
from engine_builders import START, TOSS_UP, A, B, C, cents, contracts, market, quote

from console.domain.book import NO_QUOTE, BookSide, Quote
from console.domain.market import MarketStatus
from console.domain.money import PAYOUT, Price
from console.domain.position import Position
from console.engine.markets import Markets
from console.risk.groups import Grouping

BID, ASK = BookSide.BID, BookSide.ASK


def markets(*listed: str) -> Markets:
    built = Markets(Grouping({}))
    for ticker in listed:
        built.list(market(ticker))
    return built


def test_a_position_is_worth_what_the_other_side_pays_for_it() -> None:
    known = markets(A)
    assert known.exit_price(A, BID) is None
    known.take_quote(A, quote(49, 51))
    assert (known.exit_price(A, BID), known.exit_price(A, ASK)) == (cents(49), cents(51))


@pytest.mark.parametrize(
    ("shown", "yes", "no"), [(quote(None, 51), Price(0), cents(51)), (quote(49, None), cents(49), PAYOUT)]
)
def test_without_a_buyer_a_position_is_worth_nothing(shown: Quote, yes: Price, no: Price) -> None:
    known = markets(A)
    known.take_quote(A, shown)
    assert (known.exit_price(A, BID), known.exit_price(A, ASK)) == (yes, no)


@pytest.mark.parametrize("shown", [quote(49, 52), quote(None, 52), quote(49, None)])
def test_positions_together_are_worth_what_each_could_be_sold_for(shown: Quote) -> None:
    known = markets(A, B)
    held = {A: Position(contracts(7)), B: Position(contracts(-3))}
    known.take_quote(A, shown)
    assert known.worth(held) is None
    known.take_quote(B, shown)
    prices = {ticker: known.exit_price(ticker, position.side) for ticker, position in held.items()}
    singly = [held[ticker].value_at(price) for ticker, price in prices.items() if price is not None]
    assert (known.worth(held), len(singly)) == (sum(singly), 2)


def test_a_book_that_is_empty_on_both_sides_leaves_the_last_price_standing() -> None:
    known = markets(A)
    known.take_quote(A, quote(49, 51))
    known.take_quote(A, NO_QUOTE)
    assert known.quote(A) == NO_QUOTE
    assert (known.exit_price(A, BID), known.exit_price(A, ASK)) == (cents(49), cents(51))


def test_a_lost_feed_leaves_the_last_price_and_no_live_book() -> None:
    known = markets(A, B)
    known.take_quote(A, TOSS_UP)
    assert (known.is_live(A), known.books(START)) == (True, (2, 1))
    known.lose_quotes()
    assert (known.is_live(A), known.books(START)) == (False, (2, 2))
    assert (known.quote(A), known.exit_price(A, BID)) == (TOSS_UP, cents(49))


def test_markets_are_in_the_order_of_their_listing_whatever_was_quoted_or_changed_first() -> None:
    known = Markets(Grouping({}))
    known.take_quote(C, TOSS_UP)
    known.list(market(A))
    known.list(market(C))
    known.list(market(B))
    known.change_status(A, MarketStatus.INACTIVE, None)
    known.list(market(C))
    assert known.tickers == (A, C, B)
    assert [each.quote for each in known.listed] == [NO_QUOTE, TOSS_UP, NO_QUOTE]


def test_a_market_that_is_not_listed_has_a_quote_and_is_no_market() -> None:
    known = markets()
    assert known.take_quote(A, TOSS_UP).market is None
    known.change_status(A, MarketStatus.CLOSED, START)
    assert (known.get(A), known.tickers, known.books(START), known.group(A)) == (None, (), (0, 0), A)
    assert (known.quote(A), known.exit_price(A, ASK)) == (TOSS_UP, cents(50))


def test_of_a_forgotten_market_nothing_is_left() -> None:
    known = markets(A, B)
    known.take_quote(A, TOSS_UP)
    known.forget(A)
    assert (known.get(A), known.quote(A), known.is_live(A), known.exit_price(A, BID)) == (
        None, NO_QUOTE, False, None,
    )  # fmt: skip
    assert known.tickers == tuple(known.places) == (B,)
