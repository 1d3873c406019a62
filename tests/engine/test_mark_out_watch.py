"""Where prices went after our fills, noted beside the core; and what a market was, for the journal."""

from __future__ import annotations

import msgspec
import pytest
from engine_builders import FAVOURITE, SECOND, START, A, Desk, desk, market, quote, records, replayed

from console.domain.account_events import MarketTraded, OrderFilled, OrderIntended
from console.domain.market import MarketStatus
from console.domain.market_events import FeedLost, MarketListed, MarketStatusChanged
from console.engine.mark_out_watch import MarkOutWatch

MINUTE = 60 * SECOND


@pytest.fixture
def at_work() -> tuple[Desk, MarkOutWatch]:
    """A fill at the start, and a watch that was told of it."""
    trading = desk()
    trading.hold()
    watch = MarkOutWatch(trading.engine.markets)
    watch.follow(records(trading.actions))
    return trading, watch


def test_the_mid_that_stood_when_the_time_came_is_noted_not_a_later_one(
    at_work: tuple[Desk, MarkOutWatch],
) -> None:
    trading, watch = at_work
    trading.later(0.5)
    trading.show(quote(90, 94))
    assert watch.due_ns == START + SECOND
    trading.later(10)
    (noted,) = watch.seen(trading.now_ns)
    assert (noted.horizon, noted.twice_mid, noted.fill_id) == (0, 18_400, "fill-1")
    assert watch.due_ns == START + MINUTE
    trading.show(quote(95, 97))
    assert [each.twice_mid for each in watch.seen(START + 700 * SECOND)] == [19_200, 19_200]
    assert watch.seen(START + MINUTE**2) == []


def test_a_book_that_was_lost_and_a_market_that_closed_have_no_mid() -> None:
    trading = desk(None, market(close_ns=START + MINUTE))
    trading.hold()
    watch = MarkOutWatch(trading.engine.markets)
    watch.follow(records(trading.actions))
    trading.take(FeedLost(at_ns=trading.now_ns, reason="a message was skipped"))
    assert watch.seen(START + 2 * SECOND) == []
    trading.prove()
    trading.show(FAVOURITE)
    assert watch.seen(START + MINUTE) == []


def test_a_market_that_ended_before_its_time_has_no_mid(at_work: tuple[Desk, MarkOutWatch]) -> None:
    trading, watch = at_work
    trading.take(MarketStatusChanged(at_ns=trading.now_ns, ticker=A, status=MarketStatus.DETERMINED))
    trading.prove()
    trading.show(FAVOURITE)
    assert watch.seen(START + MINUTE) == []


def test_a_fill_that_is_told_late_has_only_marks_that_are_still_to_come() -> None:
    trading = desk()
    intent = trading.enter()
    trading.ack(intent)
    filled = [each for each in records(trading.fill(intent)) if isinstance(each, OrderFilled)]
    late = [msgspec.structs.replace(each, at_ns=START + 2 * MINUTE) for each in filled]
    watch = MarkOutWatch(trading.engine.markets)
    watch.follow(late)
    assert watch.due_ns == START + 10 * MINUTE


def test_what_a_market_is_stands_in_the_journal_once_before_its_first_order() -> None:
    trading = desk()
    trading.hold()
    journal = records(trading.actions)
    kinds = [type(event) for event in journal]
    assert kinds.count(MarketTraded) == 1
    assert kinds.index(MarketTraded) == kinds.index(OrderIntended) - 1
    told = next(event for event in journal if isinstance(event, MarketTraded))
    assert (told.market.ticker, told.group) == (A, trading.engine.markets.group(A))
    account, _ = replayed(journal)
    assert account.told_markets == {A}


def test_a_market_that_an_older_journal_holds_something_in_is_told_when_it_is_listed() -> None:
    trading = desk()
    trading.hold()
    trading.engine.account.told_markets.clear()
    listed = MarketListed(at_ns=trading.now_ns, market=market())
    assert [type(event) for event in records(trading.take(listed))] == [MarketTraded]
    assert records(trading.take(listed)) == []
