from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from history_builders import (
    OPEN,
    Row,
    book_row,
    candle,
    market,
    ns,
    quote,
    trade,
    write,
    write_csv,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS
from console.history.columns import UNKNOWN_SIZE, BookUpdates, Quotes, RowKind, Slice, Trades
from console.history.folder import open_folder
from console.history.schema import HistoryError
from console.history.timeline import UNSIZED, Timeline
from console.history.usable import Period

CLOSE = OPEN + timedelta(minutes=15)


def at(second: float) -> datetime:
    return OPEN + timedelta(seconds=second)


def told(slices: Iterator[Slice]) -> list[tuple[Any, ...]]:
    """Every row in the order in which it counts: kind, time, market and what it says."""
    found: list[tuple[Any, ...]] = []
    for each in slices:
        tables = [
            list(zip(*(values.tolist() for values in vars(table).values()), strict=True))
            for table in (each.trades, each.books, each.quotes)
        ]
        kinds, rows = each.sequence()
        found += [(kind, *tables[kind][row]) for kind, row in zip(kinds.tolist(), rows.tolist(), strict=True)]
    return found


def bids(timeline: Timeline) -> list[int]:
    return [bid for each in timeline.slices() for bid in each.quotes.bid.tolist()]


def test_rows_of_one_time_count_trades_first_then_books_then_quotes(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market()],
        quotes=[quote(1, 40, 41), quote(3, 42, 43)],
        trades=[trade(ts=at(1)), trade(ts=at(3))],
        snapshots=[book_row(1, "yes", 40.0, size=5.0)],
        deltas=[book_row(3, "yes", 40.0, delta=1.0)],
    )
    order = [(row[0], row[1]) for row in told(open_folder(tmp_path).slices())]
    assert order == [(kind, ns(second)) for second in (1, 3) for kind in RowKind]


def test_of_two_quotes_at_one_time_the_later_in_the_file_counts_whatever_its_row_group_begins_with(
    tmp_path: Path,
) -> None:
    quotes = [
        quote(1, 5, 6, dataset="a", ticker="KXa-1"),
        quote(2, 10, 11, dataset="a", ticker="KXa-1"),
        quote(0, 30, 31, dataset="b", ticker="KXb-1"),
        quote(2, 20, 21, dataset="a", ticker="KXa-1"),
    ]
    markets = [market(dataset=d, ticker=f"KX{d}-1", event_ticker=f"KX{d}") for d in "ab"]
    write(tmp_path, 2, markets=markets, quotes=quotes)
    bids = [(row[1], row[3]) for row in told(open_folder(tmp_path).slices())]
    assert bids == [(ns(0), 3000), (ns(1), 500), (ns(2), 2000)]


quotes_of_two_datasets = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([1, 2]), st.integers(0, 6), st.integers(1, 40)),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(drawn=quotes_of_two_datasets, prints=quotes_of_two_datasets, group=st.integers(1, 9))
def test_reading_by_row_group_gives_what_holding_everything_gives_in_order_of_time(
    drawn: list[tuple[str, int, int, int]],
    prints: list[tuple[str, int, int, int]],
    group: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    markets = [market(dataset=d, ticker=f"KX{d}-{n}", event_ticker=f"KX{d}") for d in "ab" for n in (1, 2)]
    quotes = [quote(s, b, b + 1, dataset=d, ticker=f"KX{d}-{n}") for d, n, s, b in drawn]
    trades = [trade(ts=at(s), yes_price_cents=p, dataset=d, ticker=f"KX{d}-{n}") for d, n, s, p in prints]
    # In order of time within a dataset, the datasets in any order.
    shuffled = random.Random(len(quotes))
    quotes, trades = _interleaved(quotes, shuffled), _interleaved(trades, shuffled)
    if not quotes and not trades:
        return
    files = {"quotes": quotes, "trades": trades}
    folder = tmp_path_factory.mktemp("h")
    write(folder, group, markets=markets, **{name: rows for name, rows in files.items() if rows})
    held, streamed = open_folder(folder), open_folder(folder, in_memory_rows=0)
    assert held.is_held
    assert not streamed.is_held
    rows = told(held.slices())
    assert told(streamed.slices()) == rows
    assert told(streamed.slices()) == rows, "a second pass"
    assert streamed.markets == held.markets
    assert (streamed.dropped, streamed.noted) == (held.dropped, held.noted)
    assert [(row[1], row[0]) for row in rows] == sorted((row[1], row[0]) for row in rows)
    last = {(q["ticker"], q["ts"]): round(q["yes_bid"] * 100) for q in quotes}
    seen = {(held.markets[row[2]].ticker, row[1]): row[3] for row in rows if row[0] == RowKind.QUOTE}
    assert seen == {(ticker, int(ts.timestamp()) * 10**9): bid for (ticker, ts), bid in last.items()}
    assert sum(row[0] == RowKind.TRADE for row in rows) == len(trades)
    times = [row[1] for each in streamed.slices() for row in [(0, t) for t in _times(each)[:1]]]
    ends = [max(_times(each)) for each in streamed.slices()]
    assert all(end < start for end, start in zip(ends, times[1:], strict=False)), "a time lies in one slice"


def _times(each: Slice) -> list[int]:
    return sorted([*each.trades.ts_ns.tolist(), *each.quotes.ts_ns.tolist()])


def _interleaved(rows: list[Row], order: random.Random) -> list[Row]:
    time = {d: sorted((r for r in rows if r["dataset"] == d), key=lambda r: r["ts"]) for d in "ab"}
    takes = ["a"] * len(time["a"]) + ["b"] * len(time["b"])
    order.shuffle(takes)
    return [time[dataset].pop(0) for dataset in takes]


def test_unusable_rows_are_dropped_and_counted_by_reason(tmp_path: Path) -> None:
    quotes = [
        quote(1, 40, 41),
        quote(2, 42, 41),
        quote(3, 41, 41),
        quote(4, 43, 44),
        quote(4, 43, 44),
        quote(5, 44, 45),
        quote(5, 45, 46),
        quote(6, 0, 3),
        quote(900, 50, 51),
    ]
    trades = [
        trade(ts=at(1)),
        trade(ts=at(1)),
        trade(ts=at(2), yes_price_cents=100.0),
        trade(ts=at(901)),
    ]
    timeline = open_folder(write(tmp_path, markets=[market()], quotes=quotes, trades=trades))
    assert bids(timeline) == [4000, 4300, 4500, 0]
    assert timeline.dropped == {
        "quotes after the close": 1,
        "quotes crossed": 1,
        "quotes locked": 1,
        "quotes told twice": 1,
        "quotes with a later one at the same time": 1,
        "trades after the close": 1,
        "trades at a price of nothing or a dollar": 1,
    }
    assert timeline.noted["trades that print the same twice"] == 1
    assert timeline.noted["quotes with an empty side"] == 1
    assert timeline.rows == 6


def test_a_size_that_was_not_recorded_is_not_zero(tmp_path: Path) -> None:
    rows = [quote(1, 40, 41, yes_bid_size=0.0), quote(2, 40, 41, yes_bid_size=None)]
    timeline = open_folder(write(tmp_path, markets=[market()], quotes=rows))
    (each,) = timeline.slices()
    assert each.quotes.bid_size.tolist() == [0, UNKNOWN_SIZE]
    assert timeline.noted[UNSIZED] == 1


def test_candles_are_quotes_at_their_end_where_a_dataset_has_no_quotes(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(), market(dataset="e", ticker="KXE-1")],
        quotes=[quote(1, 40, 41)],
        candles=[candle(60, 50, 52), candle(60, 60, 62, dataset="e", ticker="KXE-1")],
    )
    rows = told(open_folder(tmp_path).slices())
    quote_of = {"at": 1, "bid": 3, "ask_size": 6}
    assert [tuple(row[place] for place in quote_of.values()) for row in rows] == [
        (ns(1), 4000, UNKNOWN_SIZE),
        (ns(60), 6000, UNKNOWN_SIZE),
    ]


def test_candles_beside_quotes_are_left_out_and_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(), market(ticker="KXA-2")],
        quotes=[quote(1, 40, 41)],
        candles=[candle(60, 50, 52), candle(60, 60, 62, ticker="KXA-2")],
    )
    timeline = open_folder(tmp_path, Period(None, ns(100)))
    assert bids(timeline) == [4000]
    assert timeline.dropped == {"candles of a dataset that has quotes": 2}
    assert open_folder(tmp_path, Period(None, ns(50))).dropped == {}


def test_a_period_and_series_leave_the_rest_out_without_counting_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(), market(ticker="KXB-1", series_ticker="KXB")],
        quotes=[
            quote(1, 42, 41, ticker="KXB-1"),
            *(quote(s, 40 + s, 60, ticker="KXA-1") for s in range(1, 9)),
        ],
    )
    timeline = open_folder(tmp_path, Period(ns(3), ns(6)), series=["KXA"])
    assert bids(timeline) == [4300, 4400, 4500]
    assert [each.ticker for each in timeline.markets] == ["KXA-1"]
    assert timeline.dropped == {}
    with pytest.raises(HistoryError, match="column series_ticker holds no KXC; it holds KXA, KXB"):
        open_folder(tmp_path, series=["KXC"])
    with pytest.raises(HistoryError, match="holds no usable row: none is of the series and period"):
        open_folder(tmp_path, Period(ns(100), None))


def test_a_folder_with_nothing_but_markets_or_no_row_left_is_refused(tmp_path: Path) -> None:
    write(tmp_path, markets=[market()])
    with pytest.raises(HistoryError, match=r"quotes\.parquet is missing .* trades, candles and a book"):
        open_folder(tmp_path)
    write(tmp_path, quotes=[quote(1, 42, 41)])
    with pytest.raises(HistoryError, match=r"holds no usable row: left out were quotes crossed 1$"):
        open_folder(tmp_path)


@pytest.mark.parametrize("changed", [[quote(s, 50, 51) for s in range(9)], [quote(1, 40, 41)]])
def test_a_file_that_changes_while_it_is_read_again_is_refused(tmp_path: Path, changed: list[Row]) -> None:
    write(tmp_path, 3, markets=[market()], quotes=[quote(s, 40, 41) for s in range(9)])
    timeline = open_folder(tmp_path, in_memory_rows=0)
    write(tmp_path, 3, quotes=changed)
    with pytest.raises(HistoryError, match=r"quotes\.parquet was changed while it was read"):
        list(timeline.slices())
    (tmp_path / "quotes.parquet").unlink()
    with pytest.raises(HistoryError, match=r"quotes\.parquet was changed while it was read"):
        list(timeline.slices())


def test_a_ticker_of_two_datasets_is_refused(tmp_path: Path) -> None:
    write(tmp_path, markets=[market(), market(dataset="e")], quotes=[quote(1, 40, 41)])
    with pytest.raises(HistoryError, match="KXA-1 is in datasets d and e; a backtest needs each market once"):
        open_folder(tmp_path)


def test_csv_gives_the_same_timeline(tmp_path: Path) -> None:
    files = {"markets": [market()], "quotes": [quote(1, 40, 41)], "trades": [trade()]}
    for name in ("p", "c"):
        (tmp_path / name).mkdir()
    parquet, text = write(tmp_path / "p", **files), write_csv(tmp_path / "c", **files)
    assert told(open_folder(text).slices()) == told(open_folder(parquet).slices())
    assert told(open_folder(text, in_memory_rows=0).slices()) == told(open_folder(parquet).slices())


def test_a_timeline_that_is_held_can_be_sent_to_another_process(tmp_path: Path) -> None:
    timeline = open_folder(write(tmp_path, markets=[market()], quotes=[quote(1, 40, 41)], trades=[trade()]))
    copy = pickle.loads(pickle.dumps(timeline))
    assert told(copy.slices()) == told(timeline.slices())
    assert copy.outcomes == timeline.outcomes


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(1, 40, 41)])
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(HistoryError, match="may not be read; check the permissions"):
        open_folder(tmp_path)


# --- what a strategy may know -----------------------------------------------------------------------


def test_a_market_and_its_rows_are_the_same_whatever_became_of_it(tmp_path: Path) -> None:
    early = at(600.5)
    rows = {"quotes": [quote(1, 40, 41), quote(2, 97, 98)], "trades": [trade()]}
    endings: list[Row] = [
        {"result": "yes", "close_time": early},
        {"result": "no", "close_time": early + timedelta(hours=3)},
        {"result": None, "close_time": early, "settlement_time": early + timedelta(days=2)},
        {"result": "scalar", "close_time": early, "settlement_value": 50.0},
        {"result": "yes", "close_time": early, "result_source": "derived"},
    ]
    seen = []
    for number, ending in enumerate(endings):
        folder = tmp_path / str(number)
        folder.mkdir()
        timeline = open_folder(write(folder, markets=[market(**ending)], **rows))
        seen.append((timeline.markets, told(timeline.slices())))
    assert all(each == seen[0] for each in seen)


def test_nothing_a_strategy_may_see_has_a_field_of_the_outcome(tmp_path: Path) -> None:
    timeline = open_folder(write(tmp_path, markets=[market()], quotes=[quote(1, 40, 41)], trades=[trade()]))
    names = {field.name for field in msgspec.structs.fields(timeline.markets[0])}
    for table in (Slice, Trades, BookUpdates, Quotes):
        names |= {field.name for field in fields(table)}
    told_by_outcome = {"result", "yes_value", "settles_ns", "settled_ns", "settlement_time", "outcome"}
    assert not names & told_by_outcome
    assert timeline.markets[0].status == "active"


def test_an_early_close_is_shown_only_as_an_outcome(tmp_path: Path) -> None:
    early = at(600.5)
    scheduled = at(5_000)
    write(
        tmp_path,
        markets=[
            market(ticker="ON-TIME", series_ticker="KXT"),
            market(ticker="EARLY", close_time=early),
            market(ticker="TOLD", close_time=early, scheduled_close_time=scheduled),
        ],
        quotes=[quote(1, 40, 41, ticker=each) for each in ("ON-TIME", "EARLY", "TOLD")],
    )
    timeline = open_folder(tmp_path)
    noon = OPEN.replace(hour=12)
    assert [each.close_ns for each in timeline.markets] == [
        int(when.timestamp()) * 10**9 for when in (CLOSE, noon, scheduled)
    ]
    assert timeline.outcomes["EARLY"].close_ns == timeline.outcomes["TOLD"].close_ns == ns(600.5)
    assert timeline.noted["closes that were not scheduled"] == 2


def test_a_game_that_ends_on_a_whole_minute_by_chance_does_not_show_it(tmp_path: Path) -> None:
    ends = [at(601), at(602.25), at(660)]
    write(
        tmp_path,
        markets=[market(ticker=f"G{n}", close_time=end) for n, end in enumerate(ends)],
        quotes=[quote(1, 40, 41, ticker=f"G{n}") for n in range(3)],
    )
    assert len({each.close_ns for each in open_folder(tmp_path).markets}) == 1


@given(second=st.integers(0, 86_399), minutes=st.integers(1, 600))
def test_how_early_a_close_was_does_not_show_within_its_day(second: int, minutes: int) -> None:
    from console.history.scheduled_close import scheduled

    noon = int(OPEN.replace(hour=12).timestamp()) * 10**9
    close = noon + second * 10**9 + 1
    names = pa.array(["KXA"])
    (known,), (is_guessed,) = scheduled(pa.array([close]), pa.nulls(1, pa.int64()), names, names)
    known = known.as_py()
    assert is_guessed.as_py()
    assert known == noon + 86_400 * 10**9
    assert known is not None
    assert known >= close


@pytest.mark.parametrize(
    ("event", "scheduled_on", "is_guessed"),
    [
        ("KXGAME-26MAY10ABCDEF", 11, False),
        # Over before the noon of its own day already, and by a deadline that was far.
        ("KXGAME-26MAY11ABCDEF", 12, False),
        ("KXHAPPENS-26MAY30", 31, False),
        # Put off, without a day, and without a day that there is.
        ("KXGAME-26MAY08ABCDEF", 11, True),
        ("KXHAPPENS-26", 11, True),
        ("KXHAPPENS-26FEB31", 11, True),
    ],
)
def test_a_market_was_to_close_at_the_noon_after_the_day_that_its_ticker_names(
    tmp_path: Path, event: str, scheduled_on: int, is_guessed: bool
) -> None:
    closes = OPEN + timedelta(hours=3, seconds=1.5)
    write(tmp_path, markets=[market(event_ticker=event, close_time=closes)], quotes=[quote(1, 40, 41)])
    timeline = open_folder(tmp_path)
    (found,) = timeline.markets
    noon = datetime(2026, 5, scheduled_on, 12, tzinfo=UTC)
    assert found.close_ns == int(noon.timestamp()) * 10**9
    assert timeline.outcomes[found.ticker].is_close_guessed is is_guessed


def test_outcomes_go_by_ticker_and_pay_ties_and_the_unknown_as_recorded(tmp_path: Path) -> None:
    paid = CLOSE + timedelta(hours=1)
    write(
        tmp_path,
        markets=[
            market(ticker="YES", settlement_time=paid),
            market(ticker="NO", result="no"),
            market(ticker="TIE", result="scalar", settlement_value=50.0),
            market(ticker="OPEN", result=None),
        ],
        quotes=[quote(1, 40, 41, ticker=each) for each in ("OPEN", "TIE", "NO", "YES")],
    )
    timeline = open_folder(tmp_path)
    values = {ticker: outcome.yes_value for ticker, outcome in timeline.outcomes.items()}
    assert values == {"YES": 10_000, "NO": 0, "TIE": 5_000, "OPEN": None}
    assert timeline.outcomes["YES"].settles_ns == int(paid.timestamp()) * 10**9
    assert timeline.outcomes["NO"].settles_ns == int(CLOSE.timestamp() + 15) * 10**9
    assert timeline.noted["markets without a result"] == 1


def test_a_result_that_the_last_quote_contradicts_is_noted(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(ticker="ODD", result="no"), market(ticker="EVEN", result="yes")],
        quotes=[quote(s, 96 + s, 98 + s, ticker=each) for s in (0, 1) for each in ("ODD", "EVEN")],
    )
    assert open_folder(tmp_path).noted["results against the last quote"] == 1


def test_a_market_without_an_opening_opens_with_its_first_row(tmp_path: Path) -> None:
    rows = [quote(s, 40, 41) for s in (7, 8)]
    timeline = open_folder(write(tmp_path, markets=[market(open_time=None)], quotes=rows, trades=[trade()]))
    assert timeline.markets[0].open_ns == ns(3)


def test_the_grid_is_the_coarsest_that_holds_the_prices(tmp_path: Path) -> None:
    prices = {"CENTS": (40, 41), "TAILS": (2.5, 41), "TENTHS": (40.5, 41), "FINE": (40.55, 41)}
    write(
        tmp_path,
        markets=[market(ticker=each, series_ticker=each) for each in prices],
        quotes=[quote(1, bid, ask, ticker=each) for each, (bid, ask) in prices.items()],
    )
    cents, tails, tenths, fine = (each.grid for each in open_folder(tmp_path).markets)
    assert (cents, tails) == (WHOLE_CENTS, TAPERED_DECI_CENTS)
    assert (tenths.ranges[0].step, fine.ranges[0].step) == (10, 1)


def test_the_grid_does_not_tell_which_market_of_a_series_came_near_an_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(ticker="NEAR"), market(ticker="FAR")],
        quotes=[quote(1, 2.5, 3, ticker="NEAR"), quote(1, 40, 41, ticker="FAR")],
    )
    near, far = (each.grid for each in open_folder(tmp_path).markets)
    assert near == far == TAPERED_DECI_CENTS


# --- size -------------------------------------------------------------------------------------------


def test_streaming_holds_a_few_row_groups_and_a_quote_takes_24_bytes(tmp_path: Path) -> None:
    rows, group = 400_000, 10_000
    second = np.arange(rows) * 10**9 // 1_000 + ns(0)
    table = pa.table(
        {
            "dataset": ["d"] * rows,
            "ts": pa.array(second, pa.timestamp("ns", tz="UTC")),
            "ticker": ["KXA-1"] * rows,
            "yes_bid": pa.array(np.full(rows, 40.0)),
            "yes_ask": pa.array(np.full(rows, 41.0)),
            "yes_bid_size": pa.array(np.full(rows, 7.0)),
            "yes_ask_size": pa.array(np.full(rows, 7.0)),
        }
    )
    write(tmp_path, markets=[market()])
    pa.parquet.write_table(table, tmp_path / "quotes.parquet", row_group_size=group)
    del table, second
    before = pa.total_allocated_bytes()
    timeline = open_folder(tmp_path, in_memory_rows=50_000)
    most = seen = 0
    for each in timeline.slices():
        seen += each.rows
        most = max(most, pa.total_allocated_bytes() - before)
        assert sum(values.nbytes for values in vars(each.quotes).values()) == 24 * each.rows
    assert seen == rows
    assert most < 24 * 10 * group


def test_the_recorded_data_is_cleaned_to_the_row() -> None:
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the optional data folder ../shared/data is absent")
    timeline = open_folder(folder)
    assert timeline.dropped == {
        "quotes after the close": 366,
        "quotes crossed": 2,
        "quotes locked": 44,
        "trades after the close": 17,
        "book updates after the close": 19_272,
    }
    rows = {name: timeline.noted[f"rows of {name}"] for name in ("quotes", "trades", "candles", "deltas")}
    assert rows == {
        "quotes": 598_163 - 366 - 2 - 44,
        "trades": 51_682 - 17,
        "candles": 31_696,
        "deltas": 2_464_718 - 19_272,
    }
    assert timeline.noted["trades that print the same twice"] == 1_206
    assert timeline.noted["markets without a result"] == 3
    assert timeline.rows == sum(rows.values()) + 28_803
