"""Parts of a recording: which rows and markets are in them, and what of the future is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from history_builders import OPEN, book_row, market, ns, quote, trade, write

from console.backtest.other_futures import NoFuture, OtherFuture
from console.backtest.timeline_parts import Stretch, TimelinePart, first_rows_ns
from console.domain.money import Price
from console.history.folder import open_folder
from console.history.timeline import Timeline


@pytest.fixture
def whole(tmp_path: Path) -> Timeline:
    """Market KXA-1 of event A quoted from second 1, KXB-1 of event B from second 20, trades at 5 and 25."""
    other = market(ticker="KXB-1", event_ticker="B", result="no")
    rows = [quote(s, 40 + s, 42 + s) for s in (1, 10, 20, 30)]
    rows += [quote(s, 60, 61, ticker="KXB-1") for s in (20, 30)]
    rows.sort(key=lambda row: row["ts"])
    times = [{"ts": row["ts"]} for row in (quote(5, 1, 2), quote(25, 1, 2))]
    trades = [trade(**time, yes_price_cents=30.0) for time in times]
    folder = write(tmp_path, markets=[market(event_ticker="A"), other], quotes=rows, trades=trades)
    return open_folder(folder)


def seconds(timeline: Timeline, kind: str = "quotes") -> list[tuple[str, float]]:
    """Ticker and second of every row."""
    return [
        (timeline.markets[place].ticker, (at_ns - ns(0)) / 1e9)
        for each in timeline.slices()
        for rows in (getattr(each, kind),)
        for place, at_ns in zip(rows.market.tolist(), rows.ts_ns.tolist(), strict=True)
    ]


def test_a_part_has_the_rows_of_its_time_and_events_alone(whole: Timeline) -> None:
    part = TimelinePart(whole, Stretch(ns(10), ns(30)))
    assert seconds(part) == [("KXA-1", 10), ("KXA-1", 20), ("KXB-1", 20)]
    assert seconds(part, "trades") == [("KXA-1", 25)]
    assert part.rows == 4
    of_b = TimelinePart(whole, Stretch(events=frozenset({"B"})))
    assert seconds(of_b) == [("KXB-1", 20), ("KXB-1", 30)]


def test_a_part_lists_no_market_without_a_row(whole: Timeline) -> None:
    part = TimelinePart(whole, Stretch(until_ns=ns(20)))
    assert [each.ticker for each in part.markets] == ["KXA-1"]
    assert list(part.outcomes) == ["KXA-1"]


def test_the_whole_is_left_as_it_was(whole: Timeline) -> None:
    before = seconds(whole)
    TimelinePart(whole, Stretch(ns(10), ns(20), frozenset({"B"})))
    list(OtherFuture(whole, ns(10)).slices())
    assert seconds(whole) == before
    assert len(whole.markets) == 2


def test_every_column_of_a_row_is_kept(whole: Timeline) -> None:
    def columns(timeline: Timeline) -> list[tuple[str, list[object]]]:
        return [
            (name, column.tolist())
            for each in timeline.slices()
            for kind in vars(each).values()
            for name, column in vars(kind).items()
            if name != "market"
        ]

    assert columns(TimelinePart(whole, Stretch())) == columns(whole)


def test_a_book_begins_with_a_snapshot_within_the_part(tmp_path: Path) -> None:
    snapshots = [book_row(s, "yes", 40.0, seq=seq, size=10.0) for s, seq in ((0, 1), (20, 4))]
    deltas = [book_row(s, "yes", 40.0, seq=seq, delta=1.0, ts=OPEN) for s, seq in ((5, 2), (15, 3), (25, 5))]
    recording = tmp_path / "l2"
    recording.mkdir()
    write(recording, snapshots=snapshots, deltas=deltas)
    whole = open_folder(write(tmp_path, markets=[market()], quotes=[quote(1, 40, 41)]))
    assert [second for _, second in seconds(whole, "books")] == [0, 5, 15, 20, 25]
    late = TimelinePart(whole, Stretch(since_ns=ns(10)))
    assert [second for _, second in seconds(late, "books")] == [20, 25]


def test_first_rows_are_told_of_markets_that_have_any(whole: Timeline) -> None:
    assert first_rows_ns(whole) == {"KXA-1": ns(1), "KXB-1": ns(20)}


def test_without_a_future_nothing_is_known_of_it(whole: Timeline) -> None:
    cut = NoFuture(whole, ns(10))
    assert seconds(cut) == [("KXA-1", 1), ("KXA-1", 10)]
    assert [each.ticker for each in cut.markets] == ["KXA-1"]
    assert whole.outcomes["KXA-1"].yes_value == Price(10_000)
    assert cut.outcomes["KXA-1"].yes_value is None


def test_what_was_settled_stays_known_and_an_early_close_is_not_foreseen(tmp_path: Path) -> None:
    closes_early = market(ticker="EARLY", scheduled_close_time=OPEN.replace(hour=12))
    rows = [quote(1, 40, 41), quote(1, 40, 41, ticker="EARLY")]
    whole = open_folder(write(tmp_path, markets=[market(), closes_early], quotes=rows))
    known = whole.outcomes["EARLY"]
    assert NoFuture(whole, known.settles_ns).outcomes["EARLY"] == known
    just_closed = NoFuture(whole, known.close_ns).outcomes["EARLY"]
    assert (just_closed.close_ns, just_closed.yes_value) == (known.close_ns, None)
    before = NoFuture(whole, known.close_ns - 1).outcomes["EARLY"]
    assert before.close_ns == whole.markets[1].close_ns > known.close_ns
    assert before.settles_ns - before.close_ns == known.settles_ns - known.close_ns


def test_another_future_exchanges_yes_and_no_after_the_moment(whole: Timeline) -> None:
    other = OtherFuture(whole, ns(20))

    def rows(timeline: Timeline, kind: str, *columns: str) -> list[tuple[object, ...]]:
        found = [getattr(each, kind) for each in timeline.slices()]
        return [
            row for each in found for row in zip(*(getattr(each, c).tolist() for c in columns), strict=True)
        ]

    before, after = (rows(timeline, "quotes", "bid", "ask") for timeline in (whole, other))
    assert before[:-2] == after[:-2]
    assert before[-2:] == [(7000, 7200), (6000, 6100)]
    assert after[-2:] == [(2800, 3000), (3900, 4000)]
    assert rows(other, "trades", "price", "buys_yes") == [(3000, True), (7000, False)]
    assert other.outcomes["KXA-1"].yes_value == 0
    assert other.outcomes["KXB-1"].yes_value == 10_000


def test_columns_keep_their_types(whole: Timeline) -> None:
    for derived in (TimelinePart(whole, Stretch(ns(1))), OtherFuture(whole, ns(10))):
        for each, original in zip(derived.slices(), whole.slices(), strict=True):
            for kind in ("quotes", "trades", "books"):
                now, before = vars(getattr(each, kind)), vars(getattr(original, kind))
                assert {n: c.dtype for n, c in now.items()} == {n: c.dtype for n, c in before.items()}
                assert all(isinstance(column, np.ndarray) for column in now.values())
