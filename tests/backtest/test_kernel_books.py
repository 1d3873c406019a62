"""Recordings of whole books: what they quote to us, and what our orders meet."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from book_builders import Shown, book_rows, one_level
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import (
    HOUR,
    SECOND,
    QuoteRow,
    TradeRow,
    at,
    both_ways,
    cash_of,
    latency,
    market,
    setup,
    timeline,
)
from recorded import settings as with_settings
from test_kernel_equality import same
from worlds import cuts, quote_rows, trade_rows, world, worlds

from console.backtest.recorded_books import RecordedBooks
from console.backtest.run import run
from console.backtest.setup import Setup
from console.domain.book import BookSide, Quote
from console.domain.market import Market
from console.domain.money import Cash, Count, Price
from console.history.columns import Quotes
from console.history.folder import open_folder
from console.history.timeline import Timeline
from console.history.usable import Period
from console.monitoring.records import FillRecord
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal

RECORDINGS = Path(__file__).parents[3] / "shared" / "data"

sizes = st.integers(1, 60)
depths = st.builds(
    lambda mid, half, below, above: (
        {mid - half - gap: size for gap, size in below.items() if mid - half - gap > 0},
        {mid + half + gap: size for gap, size in above.items() if mid + half + gap < 100},
    ),
    st.sampled_from([3, 6, 9, 11, 50, 89, 91, 93, 95, 97]),
    # Without a spread, or with less than none, a book is locked or crossed.
    st.integers(-1, 3),
    st.dictionaries(st.integers(0, 4), sizes, max_size=4),
    st.dictionaries(st.integers(0, 4), sizes, max_size=4),
)
displays = st.lists(
    st.builds(
        lambda tenths, place, depth, anew: Shown(tenths / 10, place, depth[0], depth[1], anew),
        st.integers(0, 1_100),
        st.integers(0, 2),
        depths,
        st.booleans(),
    ),
    min_size=1,
    max_size=80,
    unique_by=lambda each: (each.second, each.place),
)


# --- what may not matter ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows, shown=displays)
def test_skipping_ahead_leaves_the_journal_as_it_is_with_books(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow], shown: list[Shown]
) -> None:
    made, recording = world(drawn, quotes, trades, [], book_rows(shown))
    if recording is not None:
        same(*both_ways(made, recording))


@settings(max_examples=40, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows, shown=displays, cut_at=cuts)
def test_books_go_on_from_piece_to_piece(
    drawn: dict[str, object],
    quotes: list[QuoteRow],
    trades: list[TradeRow],
    shown: list[Shown],
    cut_at: list[int],
) -> None:
    made, whole = world(drawn, quotes, trades, [], book_rows(shown))
    _, cut = world(drawn, quotes, trades, cut_at, book_rows(shown))
    if whole is not None and cut is not None:
        one, other = run(made, whole), run(made, cut)
        same(one, other)
        assert one.noted == other.noted


@settings(max_examples=60, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_a_book_of_one_level_trades_as_its_quotes_do(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    quotes = [(*row[:4], 1 + 2 * number, 2 + 2 * number) for number, row in enumerate(sorted(quotes))]
    if drawn["style"] == "maker":
        # Behind the best price a book knows that there is nothing, where quotes leave it open.
        best = {place: (bid, ask) for _, place, bid, ask, *_ in quotes if bid and ask < 100}
        quotes = [(row[0], row[1], *best[row[1]], *row[4:]) for row in quotes if row[1] in best]
    made, quoted = world(drawn, quotes, trades, [])
    _, booked = world(drawn, [], trades, [], book_rows(one_level(quotes)))
    if quoted is not None and booked is not None:
        same(run(made, quoted), run(made, booked))


# --- what is quoted to us ---------------------------------------------------------------------------------


def quoted(recording: Timeline) -> list[QuoteRow]:
    books = RecordedBooks(len(recording.markets))
    found: list[QuoteRow] = []
    for each in recording.slices():
        columns = (column.tolist() for column in vars(books.enter(each)).values())
        found += [
            ((at_ns - at(0)) / 1e9, place, bid // 100, ask // 100, bid_size // 100, ask_size // 100)
            for at_ns, place, bid, ask, bid_size, ask_size in zip(*columns, strict=True)
        ]
    return found


@settings(max_examples=60, deadline=None)
@given(shown=displays, cut_at=cuts)
def test_the_best_prices_are_quoted_once_each_time_they_changed(
    shown: list[Shown], cut_at: list[int]
) -> None:
    expected: list[QuoteRow] = []
    newest: dict[int, tuple[int, ...]] = {}
    before: dict[int, float] = {}
    rows = book_rows(shown)
    told = {row[:2] for row in rows}
    for second, place, bids, asks, _ in sorted(shown, key=lambda each: each.second):
        bid, ask = max(bids, default=0), min(asks, default=100)
        top = bid, ask, bids.get(bid, 0), asks.get(ask, 0)
        if bid < ask and (second, place) in told:
            if top != newest.get(place) or second - before[place] > 10:
                expected.append((second, place, *top))
            newest[place], before[place] = top, second
    recording = timeline([market(n) for n in range(3)], [], books=rows, cuts=cut_at)
    assert sorted(quoted(recording)) == sorted(expected)


def test_all_changes_of_one_time_make_one_quote() -> None:
    shown = [Shown(1, 0, {92: 5, 91: 7}, {95: 3}), Shown(2, 0, {93: 1}, {94: 2, 95: 9})]
    recording = timeline([market(0)], [], books=book_rows(shown))
    assert quoted(recording) == [(1, 0, 92, 95, 5, 3), (2, 0, 93, 94, 1, 2)]


def test_a_change_behind_the_best_price_is_no_quote() -> None:
    shown = [Shown(1, 0, {92: 5}, {95: 3}), Shown(2, 0, {92: 5, 90: 70}, {95: 3, 97: 8})]
    assert quoted(timeline([market(0)], [], books=book_rows(shown))) == [(1, 0, 92, 95, 5, 3)]


def test_while_a_book_is_crossed_the_quote_before_stands() -> None:
    shown = [
        Shown(1, 0, {92: 5}, {95: 3}),
        Shown(2, 0, {95: 4}, {95: 3}),
        Shown(3, 0, {96: 4}, {95: 3}),
        Shown(4, 0, {95: 4}, {97: 6}),
    ]
    recording = timeline([market(0)], [], books=book_rows(shown))
    assert quoted(recording) == [(1, 0, 92, 95, 5, 3), (4, 0, 95, 97, 4, 6)]
    assert run(setup(), recording).noted == {"times at which a book was crossed or locked": 2}


def test_recorded_quotes_count_before_their_market_has_a_book_and_when_it_is_silent_for_long() -> None:
    quotes: list[QuoteRow] = [(second, 0, 90, 93, second, second) for second in (1, 5, 8, 19, 25, 26)]
    shown = [Shown(5, 0, {92: 5}, {95: 3}), Shown(9, 0, {91: 5}, {95: 3}), Shown(26, 0, {91: 5}, {95: 4})]
    recording = timeline([market(0)], quotes, books=book_rows(shown))
    assert quoted(recording) == [
        (1, 0, 90, 93, 1, 1),
        (5, 0, 92, 95, 5, 3),
        (9, 0, 91, 95, 5, 3),
        (25, 0, 90, 93, 25, 25),
        (26, 0, 91, 95, 5, 4),
    ]
    assert run(setup(), recording).noted == {"quotes of markets whose book was recorded": 4}


def test_a_book_that_goes_on_after_a_silence_is_quoted_even_if_it_is_as_before() -> None:
    shown = [Shown(1, 0, {92: 5}, {95: 3}), Shown(30, 0, {92: 5, 80: 1}, {95: 3})]
    quotes: list[QuoteRow] = [(20, 0, 60, 70, 1, 1)]
    assert [row[0] for row in quoted(timeline([market(0)], quotes, books=book_rows(shown)))] == [1, 20, 30]


# --- what orders meet -------------------------------------------------------------------------------------


class Wants:
    """Proposes to buy YES at a limit while the best ask is one of those given."""

    def __init__(self, limit: int, asks: tuple[int, ...], *, is_taker: bool) -> None:
        self._limit, self._asks, self._is_taker = limit, [100 * ask for ask in asks], is_taker

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        if quote.ask is None or quote.ask.price not in self._asks:
            return Refusal(FunnelStepName.PRICE, "another ask")
        return Proposal(
            ticker=market.ticker,
            side=BookSide.BID,
            price=Price(100 * self._limit),
            win_probability=Price(9_950),
            fee_per_contract=Cash(0),
            is_taker=self._is_taker,
            displayed=Count(10_000) if self._is_taker else None,
            strategy="WANTS",
        )


def wanting(limit: int, *when_ask: int, style: str = "taker", delay_s: float = 0.5) -> Setup:
    chosen = with_settings(style, order_expiry_seconds=600)
    chosen = dataclasses.replace(
        chosen, quality=dataclasses.replace(chosen.quality, max_spread_bps=Decimal(10_000))
    )
    return setup(
        chosen,
        latency=latency(entry_s=delay_s),
        make_strategy=lambda _recording: Wants(limit, when_ask, is_taker=style == "taker"),
    )


def levels(fills: tuple[FillRecord, ...]) -> list[tuple[int, int]]:
    return [(record.fill.price // 100, record.fill.count // 100) for record in fills]


def test_a_taker_walks_the_levels_up_to_its_limit_and_the_rest_of_it_ends() -> None:
    book = Shown(1, 0, {90: 5}, {92: 3, 93: 4, 95: 2, 97: 100})
    recording = timeline([market(0)], [], books=book_rows([book]))
    for result in both_ways(wanting(95, 92), recording):
        assert levels(result.fills) == [(92, 3), (93, 4), (95, 2)]
        assert cash_of(result) == result.cash
        assert result.orders == {"canceled": 1}


def test_a_taker_meets_the_book_as_it_is_when_the_order_arrives() -> None:
    shown = [Shown(1, 0, {90: 5}, {92: 3, 94: 4}), Shown(1.3, 0, {90: 5}, {93: 1, 94: 2})]
    recording = timeline([market(0)], [], books=book_rows(shown))
    result = run(wanting(94, 92, delay_s=0.5), recording)
    assert levels(result.fills) == [(93, 1), (94, 2)]
    shown_then = result.fills[0].quote_at_fill
    assert shown_then is not None
    assert shown_then.ask is not None
    assert shown_then.ask.price == 9_300


def test_what_we_took_of_a_level_stays_gone_until_that_level_changes() -> None:
    """An ask comes to our order at 5 s; then another level changes, and at 20 s that of the ask."""
    shown = [
        Shown(1, 0, {89: 5}, {95: 3}),
        Shown(5, 0, {89: 5}, {91: 3, 95: 3}),
        Shown(10, 0, {89: 5}, {91: 3, 95: 9}),
        Shown(20, 0, {89: 5}, {91: 6, 95: 9}),
    ]
    for cut_at in ([], [7], [7, 12]):
        recording = timeline([market(0)], [], books=book_rows(shown), cuts=cut_at)
        for result in both_ways(wanting(91, 95, 91, style="maker"), recording):
            fills = [record.fill for record in result.fills]
            assert [(fill.at_ns, fill.count) for fill in fills] == [(at(5), 300), (at(20), 600)]


@pytest.mark.parametrize(("printed", "filled"), [(50, 0), (53, 3)])
def test_behind_the_best_price_a_resting_order_knows_who_stands_before_it(printed: int, filled: int) -> None:
    book = Shown(1, 0, {93: 5, 90: 50}, {95: 3})
    trades: list[TradeRow] = [(5, 0, 90, printed, False)]
    recording = timeline([market(0)], [], trades, books=book_rows([book]))
    result = run(wanting(90, 95, style="maker"), recording)
    assert sum(record.fill.count for record in result.fills) == 100 * filled
    assert all(record.is_printed and record.fill.price == 9_000 for record in result.fills)


def test_a_book_that_was_cut_while_crossed_is_met_as_it_last_was_whole() -> None:
    shown = [
        Shown(1, 0, {90: 5}, {92: 3, 94: 1}),
        Shown(1.2, 0, {93: 5}, {92: 3, 94: 1}),
        Shown(1.4, 0, {93: 5}, {92: 1, 94: 1}),
        Shown(30, 0, {93: 5}, {94: 1}),
    ]
    for cut_at in ([], [1.1], [1.3], [1.1, 1.3, 1.45]):
        recording = timeline(
            [market(0), market(1)], [(1.48, 1, 50, 52, 1, 1)], books=book_rows(shown), cuts=cut_at
        )
        result = run(wanting(94, 92), recording)
        assert levels(result.fills) == [(92, 3), (94, 1)]


# --- recordings of the exchange ---------------------------------------------------------------------------

needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings in ../shared/data")


@pytest.fixture(scope="module")
def recorded_books() -> Timeline:
    """Some hours of books, with what the exchange quoted beside them."""
    since_ns = 1_778_475_600 * SECOND
    return open_folder(RECORDINGS, Period(since_ns, since_ns + 8 * HOUR), ["KXBTC15M"])


@needs_recordings
@pytest.mark.parametrize("style", ["taker", "maker"])
def test_recorded_books_are_traded_alike_skipping_and_not(
    recorded_books: Timeline, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    every, skipping = both_ways(
        setup(with_settings(style), "8", latency=latency(0.05, 0.1, 0.05)), recorded_books
    )
    same(every, skipping)
    assert cash_of(skipping) == skipping.cash
    assert skipping.fills
    with capsys.disabled():
        print(  # noqa: T201 - figures
            f"\n{style}: {skipping.rows:,} rows, {every.dispatched:,} quotes, {skipping.dispatched:,} "
            f"needed, {len(skipping.fills)} fills, cash {skipping.cash / 1e6:,.2f} $, {skipping.noted}"
        )


@needs_recordings
def test_the_tops_of_recorded_books_are_what_the_exchange_quoted_within_a_second(
    recorded_books: Timeline,
) -> None:
    """Beside a book that lives; the exchange sends both, and neither is always first."""
    books, tops, beside = RecordedBooks(len(recorded_books.markets)), defaultdict(list), list[Best]()
    for each in recorded_books.slices():
        for best in bests(books.enter(each)):
            tops[best.place].append(best)
        beside += [
            best
            for best in bests(each.quotes)
            if books.was_whole(best.place, best.at_ns - SECOND, best.at_ns)
        ]
    found = 0
    for best in beside:
        own = tops[best.place]
        first = bisect_left(own, best.at_ns - SECOND, key=lambda top: top.at_ns)
        last = bisect_right(own, best.at_ns + SECOND, key=lambda top: top.at_ns)
        found += any(top[2:] == best[2:] for top in own[max(0, first - 1) : last])
    assert len(beside) > 1_000
    assert found / len(beside) > 0.99


class Best(NamedTuple):
    at_ns: int
    place: int
    bid: int
    ask: int


def bests(quotes: Quotes) -> Iterator[Best]:
    columns = (quotes.ts_ns, quotes.market, quotes.bid, quotes.ask)
    return map(Best, *(column.tolist() for column in columns))
