from __future__ import annotations

from pathlib import Path

import pytest
from history_builders import Row, book_row, market, ns, rebuilt, write
from hypothesis import given, settings
from hypothesis import strategies as st

from console.domain.book import BookSide
from console.history.folder import open_folder
from console.history.schema import HistoryError
from console.history.usable import Period


def snapshot(second: float, side: str, price: float, size: float, **changes: object) -> Row:
    return book_row(second, side, price, size=size) | changes


def delta(second: float, side: str, price: float, change: float, **changes: object) -> Row:
    return book_row(second, side, price, delta=change) | changes


def test_a_book_is_its_snapshot_and_the_changes_since_on_the_yes_scale(tmp_path: Path) -> None:
    inner = tmp_path / "recording"
    inner.mkdir()
    write(tmp_path, markets=[market()])
    write(
        inner,
        snapshots=[
            snapshot(1, "yes", 40.0, 5.0),
            snapshot(1, "no", 58.5, 3.0),
            snapshot(9, "yes", 30.0, 2.0),
        ],
        deltas=[delta(2, "yes", 40.0, -1.5), delta(3, "no", 57.0, 4.0), delta(9, "yes", 30.0, 1.0)],
    )
    books = rebuilt(open_folder(tmp_path))
    bid, ask = BookSide.BID, BookSide.ASK
    assert books[ns(1)]["KXA-1"] == {(bid, 4000): 500, (ask, 4150): 300}
    assert books[ns(3)]["KXA-1"] == {(bid, 4000): 350, (ask, 4150): 300, (ask, 4300): 400}
    assert books[ns(9)]["KXA-1"] == {(bid, 3000): 300}, "a snapshot forgets what was, then changes apply"


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.sampled_from(["r", "q"]), st.booleans(), st.sampled_from([10, 20]), st.integers(-3, 3)),
        min_size=1,
        max_size=40,
    ),
    group=st.integers(1, 7),
)
def test_a_session_whose_sizes_fall_below_zero_is_left_out_whole_and_no_other(
    events: list[tuple[str, bool, int, int]], group: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ticker = {"r": "KXA-1", "q": "KXA-2"}
    snapshots = [snapshot(0, "yes", 10.0, 2.0, run_id=run, ticker=ticker[run]) for run in "rq"]
    deltas: list[Row] = []
    session, sizes, broken = dict.fromkeys("rq", 0), {"r": {10: 2}, "q": {10: 2}}, set()
    expected: dict[str, list[tuple[int, int]]] = {"r": [], "q": []}
    for second, (run, restarts, price, change) in enumerate(events, start=1):
        if restarts:
            snapshots.append(snapshot(second, "yes", 20.0, 1.0, run_id=run, ticker=ticker[run]))
            session[run], sizes[run] = second, {20: 1}
        else:
            deltas.append(delta(second, "yes", float(price), change, run_id=run, ticker=ticker[run]))
            sizes[run][price] = sizes[run].get(price, 0) + change
            expected[run].append((session[run], second))
            if sizes[run][price] < 0:
                broken.add((run, session[run]))
    if not deltas:
        return
    # By run, as a recorder's files are laid end to end.
    deltas.sort(key=lambda row: row["run_id"])
    folder = write(
        tmp_path_factory.mktemp("h"),
        group,
        markets=[market(), market(ticker="KXA-2")],
        snapshots=snapshots,
        deltas=deltas,
    )
    whole = {run: [at for start, at in expected[run] if (run, start) not in broken] for run in "rq"}
    for in_memory_rows in (10**6, 0):
        timeline = open_folder(folder, in_memory_rows=in_memory_rows)
        seen: dict[str, list[int]] = {"KXA-1": [], "KXA-2": []}
        for each in timeline.slices():
            own = each.books
            for at_ns, place, clears in zip(
                own.ts_ns.tolist(), own.market.tolist(), own.clears.tolist(), strict=True
            ):
                if not clears:
                    seen[timeline.markets[place].ticker].append((at_ns - ns(0)) // 10**9)
        assert seen == {ticker[run]: whole[run] for run in "rq"}
        left_out = sum(map(len, expected.values())) - sum(map(len, whole.values()))
        counted = timeline.dropped.get("book updates of sessions whose sizes fall below zero", 0)
        assert counted == left_out + len(broken)


def test_changes_before_a_snapshot_and_after_the_close_are_dropped_and_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market()],
        snapshots=[snapshot(5, "yes", 40.0, 5.0)],
        deltas=[
            delta(4, "yes", 40.0, 1.0),
            delta(6, "yes", 40.0, 1.0),
            delta(7, "yes", 40.0, 1.0, run_id="other"),
            delta(900, "yes", 40.0, 1.0),
        ],
    )
    timeline = open_folder(tmp_path)
    assert list(rebuilt(timeline)) == [ns(5), ns(6)]
    assert timeline.dropped == {"book updates before a snapshot": 2, "book updates after the close": 1}


def test_a_second_run_of_a_market_takes_over_from_the_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market(), market(ticker="KXA-2")],
        snapshots=[
            snapshot(1, "yes", 40.0, 5.0),
            snapshot(1, "yes", 30.0, 5.0, ticker="KXA-2"),
            snapshot(4, "yes", 40.0, 6.0, run_id="q"),
        ],
        deltas=[
            delta(2, "yes", 40.0, 1.0),
            delta(5, "yes", 40.0, 2.0),
            delta(6, "yes", 30.0, 1.0, ticker="KXA-2"),
            delta(5, "yes", 40.0, 2.0, run_id="q"),
        ],
    )
    timeline = open_folder(tmp_path)
    books = rebuilt(timeline)
    assert books[ns(2)]["KXA-1"] == {(BookSide.BID, 4000): 600}
    assert books[ns(5)]["KXA-1"] == {(BookSide.BID, 4000): 800}
    assert books[ns(6)]["KXA-2"] == {(BookSide.BID, 3000): 600}
    assert timeline.dropped == {"book updates after another run's snapshot": 1}


def test_of_a_period_only_sessions_that_begin_in_it_are_used(tmp_path: Path) -> None:
    write(
        tmp_path,
        markets=[market()],
        snapshots=[snapshot(1, "yes", 40.0, 5.0), snapshot(6, "yes", 41.0, 5.0)],
        deltas=[delta(second, "yes", 41.0, 1.0) for second in (2, 4, 7)],
    )
    timeline = open_folder(tmp_path, Period(since_ns=ns(3)))
    assert list(rebuilt(timeline)) == [ns(6), ns(7)]
    assert timeline.dropped == {"book updates of sessions begun before the period": 1}


@pytest.mark.parametrize(
    ("snapshots", "deltas", "message"),
    [
        ([], [delta(1, "yes", 40.0, 1.0)], r"snapshots\.parquet is missing beside deltas\.parquet"),
        ([snapshot(1, "yes", 40.0, 1.0)], [], r"deltas\.parquet is missing beside snapshots\.parquet"),
        (
            [snapshot(1, "yes", 40.0, -1.0)],
            [delta(1, "yes", 40.0, 1.0)],
            r"snapshots\.parquet: row 1, column size: -1(\.0)? is not a number of contracts",
        ),
        (
            [snapshot(1, "yes", 40.0, 1.0)],
            [delta(2, "yes", 40.0, 1.0), delta(3, "buy", 40.0, 1.0)],
            r"deltas\.parquet: row 2, column side: buy is not yes or no",
        ),
        (
            [snapshot(1, "yes", 40.0, 1.0)],
            [delta(3, "yes", 40.0, 1.0), delta(2, "yes", 40.0, 1.0)],
            r"deltas\.parquet: row 2, column recv_ns: is earlier than the row before it in run_id r",
        ),
        (
            [snapshot(1, "yes", 40.0, 1.0)],
            [delta(2, "yes", 40.0, 1.0, ticker="KXZ")],
            r"deltas\.parquet: row 1, column ticker: KXZ is not in the markets file",
        ),
        (
            [snapshot(1, "yes", 40.0, 1.0)],
            [delta(2, "yes", 40.0, 1.0, recv_ns=1_778_475_602)],
            "row 1, column recv_ns: 1778475602 is not a time of 2015 to 2100: check its unit",
        ),
    ],
)
def test_a_bad_recording_is_refused_with_its_file_row_and_column(
    tmp_path: Path, snapshots: list[Row], deltas: list[Row], message: str
) -> None:
    files = {"snapshots": snapshots, "deltas": deltas}
    write(tmp_path, markets=[market()], **{name: rows for name, rows in files.items() if rows})
    with pytest.raises(HistoryError, match=message):
        open_folder(tmp_path)
