"""What may not matter to a backtest: which rows are skipped, and into which pieces a recording is cut."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from decimal import Decimal
from unittest.mock import patch

from hypothesis import given, settings
from recorded import QuoteRow, TradeRow, at, both_ways, cash_of, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import NOTHING, Look, takes
from worlds import MARKETS, cuts, quote_rows, trade_rows, world, worlds

from console.backtest.exchange_side import ExchangeSide
from console.backtest.result import Result
from console.backtest.run import run
from console.backtest.setup import Setup
from console.domain.book import BookSide, Quote
from console.domain.market import Market, Ticker
from console.history.timeline import Timeline
from console.risk.proposal import Proposal
from console.simulation.execution import QueueModel
from console.strategies.base import Refusal


def same(one: Result, other: Result) -> None:
    assert one.journal_hash == other.journal_hash
    assert (one.fills, one.traded, one.equity) == (other.fills, other.traded, other.equity)
    assert (one.cash, one.orders, one.latches) == (other.cash, other.orders, other.latches)


@settings(max_examples=40, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_skipping_ahead_leaves_the_journal_as_it_is(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world(drawn, quotes, trades, [])
    if recording is not None:
        same(*both_ways(made, recording))


@settings(max_examples=20, deadline=None)
@given(drawn=worlds, quotes=quote_rows)
def test_a_run_that_a_halt_ends_is_the_same_skipping_ahead(
    drawn: dict[str, object], quotes: list[QuoteRow]
) -> None:
    made, recording = world(drawn | {"losing": True, "style": "taker"}, quotes, [], [])
    if recording is not None:
        same(*both_ways(dataclasses.replace(made, stop_on_halt=True), recording))


def test_the_last_price_before_a_book_was_empty_marks_what_is_held() -> None:
    chosen, _, _ = busy_recording(0)
    chosen |= {"style": "taker", "scan_s": "60", "latency": latency(0, 0, 0, 0)}
    quotes = [
        (1.0, 0, 92, 93, 60, 60),
        (2.0, 0, 50, 51, 60, 60),
        (3.0, 0, 40, 100, 60, 0),
        (4.0, 0, 0, 100, 0, 0),
        (130.0, 1, 50, 51, 60, 60),
    ]
    made, recording = world(chosen, quotes, [], [])
    assert recording is not None
    every_row, skipping = both_ways(made, recording)
    same(every_row, skipping)
    ((bought, count),) = [(record.fill.price, record.fill.count) for record in skipping.fills]
    assert skipping.equity[1][1] < skipping.capital - (bought - 4_100) * count


@settings(max_examples=60, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows, cut_at=cuts)
def test_a_recording_in_pieces_trades_like_one_in_a_piece(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow], cut_at: list[int]
) -> None:
    made, whole = world(drawn, quotes, trades, [])
    _, cut = world(drawn, quotes, trades, cut_at)
    if whole is not None and cut is not None:
        for one, other in zip(both_ways(made, whole), both_ways(made, cut), strict=True):
            same(one, other)


def test_a_quote_on_its_way_where_a_recording_is_cut_is_not_seen_before_it_arrives() -> None:
    """The market is listed while it is on its way, and its newest quote is told then."""
    rows: list[QuoteRow] = [
        (0, 1, 50, 51, 20, 20),
        (10, 0, 50, 51, 20, 20),
        (10.5, 0, 92, 93, 60, 60),
        (11, 1, 50, 51, 20, 20),
        (100, 1, 50, 51, 20, 20),
    ]
    made = setup(
        with_settings("taker", scan_interval=Decimal(10), min_depth_contracts=1), latency=latency(feed_s=3)
    )
    for cut_at in ([], [10.2], [11]):
        result = run(made, timeline([market(0), market(1)], rows, cuts=cut_at))
        assert [decision.at_ns for decision in result.decisions] == [at(13.5)]


def shown_every_row(made: Setup, recording: Timeline) -> Result:
    """The exchange shown every row of a market in which something that we took is still gone."""
    with patch.object(ExchangeSide, "_matters_wholly", lambda _side, _place: True):
        return run(made, recording)


class InAndOut:
    """Buys and sells in turn at every third look, so that what it took last is soon in its way."""

    def __init__(self) -> None:
        self._looks = Counter[Ticker]()

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        self._looks[market.ticker] += 1
        turn, rest = divmod(self._looks[market.ticker], 3)
        if rest:
            return NOTHING
        closes = turn % 2 == 0
        side = BookSide.ASK if closes else BookSide.BID
        return takes(Look(now_ns, market, quote), side, closes=closes) or NOTHING


def test_rows_that_bring_back_nothing_that_we_took_need_not_be_shown() -> None:
    taken, sizes = 0, [0, 1, 5, 5, 5, 5]
    for seed in range(40):
        drawn = random.Random(seed)
        chosen, quotes, trades = busy_recording(seed)
        # Of few prices and sizes, so that they come back; a size of 0 tells a price and no more.
        few = [
            (at, place, min(bid, 91 + seed % 3), max(ask, 93), drawn.choice(sizes), drawn.choice(sizes))
            for at, place, bid, ask, *_ in quotes
        ]
        made, recording = world(chosen, few, trades, [70, 155])
        assert recording is not None
        same(run(made, recording), shown_every_row(made, recording))
        made = dataclasses.replace(made, make_strategy=lambda _recording: InAndOut())
        loosely = run(made, recording)
        same(loosely, shown_every_row(made, recording))
        taken += len(loosely.fills)
    assert taken > 200


@settings(max_examples=60, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_every_cent_is_accounted_for_and_nothing_fills_twice(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world(drawn, quotes, trades, [])
    if recording is None:
        return
    result = run(made, recording)
    assert cash_of(result) == result.cash
    assert len({record.fill.fill_id for record in result.fills}) == len(result.fills)
    for record in result.fills:
        filled = sum(
            r.fill.count for r in result.fills if r.intent.client_order_id == record.intent.client_order_id
        )
        assert filled <= record.intent.count
        assert record.fill.at_ns >= record.decided_ns


def busy_recording(seed: int) -> tuple[dict[str, object], list[QuoteRow], list[TradeRow]]:
    """Prices that walk and trades at them, so that resting orders fill."""
    drawn = random.Random(seed)
    quotes: dict[tuple[float, int], QuoteRow] = {}
    for place in range(MARKETS):
        at_s, mid = 3 * drawn.random(), drawn.choice([91, 93, 95, 50, 7])
        while at_s < 300:
            at = round(at_s, 1), place
            quotes[at] = (*at, mid - 1, mid + 1, drawn.randrange(30), drawn.randrange(60))
            at_s += 0.1 + drawn.choice([1, 5, 20, 60]) * drawn.random()
            mid = max(2, min(98, mid + drawn.choice([-1, 0, 0, 0, 1])))
    trades = [
        (
            round(300 * drawn.random(), 1),
            drawn.randrange(MARKETS),
            drawn.choice([90, 91, 92, 93, 94, 7, 8]),
            drawn.randrange(1, 80),
            drawn.random() < 0.5,
        )
        for _ in range(120)
    ]
    delay_s = drawn.choice([0, 0.05, 0.4])
    chosen: dict[str, object] = {
        "style": "maker",
        "scan_s": drawn.choice(["0.7", "10", "60"]),
        "expiry_s": drawn.choice([30, 600]),
        "latency": latency(delay_s, delay_s, delay_s, drawn.choice([0, 0.3])),
        "queue": drawn.choice(list(QueueModel)),
        "seed": seed,
        "losing": drawn.random() < 0.5,
        "capital": 10_000_000_000,
    }
    return chosen, [*quotes.values()], trades


def test_skipping_ahead_and_cutting_change_nothing_where_trades_fill_resting_orders() -> None:
    printed = 0
    for seed in range(12):
        chosen, quotes, trades = busy_recording(seed)
        made, whole = world(chosen, quotes, trades, [])
        _, cut = world(chosen, quotes, trades, [70, 155, 230])
        assert whole is not None
        assert cut is not None
        every_row, skipping = both_ways(made, whole)
        same(every_row, skipping)
        same(every_row, run(made, cut))
        printed += sum(record.is_printed for record in every_row.fills)
    assert printed > 20
