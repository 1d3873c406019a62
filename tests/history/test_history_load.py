from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from history_builders import OPEN, Row, candle, column, market, ns, quote, trade, without, write, write_csv
from hypothesis import given
from hypothesis import strategies as st

from console.history.clean import Defects, clean
from console.history.folder import open_folder
from console.history.load import History, load
from console.history.read import MAX_FILE_BYTES
from console.history.schema import HistoryError


def test_quotes_become_exact_prices_and_times(tmp_path: Path) -> None:
    history = load(write(tmp_path, markets=[market()], quotes=[quote(1, 95.1, 99.9, yes_bid_size=12.5)]))
    assert column(history.quotes, "bid") == [9510]
    assert column(history.quotes, "ask") == [9990]
    assert column(history.quotes, "bid_size") == [1250]
    assert column(history.quotes, "ask_size") == [None]
    assert column(history.quotes, "ts_ns") == [int(OPEN.timestamp() + 1) * 10**9]
    assert column(history.markets, "strike") == [10.5]


@given(price=st.one_of(st.integers(1_000, 10_000), st.integers(0, 100).map(lambda tenths: 10 * tenths)))
def test_a_price_stored_in_32_bits_is_read_back_exactly(
    price: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(tmp_path_factory.mktemp("h"), markets=[market()])
    table = pa.Table.from_pylist([quote(1, price / 100, 100.0)])
    field = table.schema.get_field_index("yes_bid")
    table = table.set_column(field, "yes_bid", table["yes_bid"].cast(pa.float32()))
    pq.write_table(table, folder / "quotes.parquet")
    assert column(load(folder).quotes, "bid") == [price]


def test_csv_holds_the_same_as_parquet(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "c").mkdir()
    markets, quotes = [market(), market(ticker="KXA-2", result=None)], [quote(1, 0.1, 5.5), quote(2, 40, 41)]
    trades = [trade()]
    parquet = load(write(tmp_path / "p", markets=markets, quotes=quotes, trades=trades))
    text = load(write_csv(tmp_path / "c", markets=markets, quotes=quotes, trades=trades))
    assert text.markets.equals(parquet.markets)
    assert text.quotes.equals(parquet.quotes)
    assert text.trades.equals(parquet.trades)


def test_csv_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    write_csv(tmp_path, markets=[market()], quotes=[quote(1, 40, 41, ts="2026-05-11 05:00:01")])
    assert column(load(tmp_path).quotes, "ts_ns") == [int(OPEN.timestamp() + 1) * 10**9]


def test_csv_times_may_have_a_zone_in_some_rows_alone(tmp_path: Path) -> None:
    times = [
        "2026-05-11T05:00:01Z",
        "2026-05-11 05:00:02",
        "2026-05-11T07:00:03.5+02:00",
        "2026-05-11 05:00:04.0",
    ]
    write_csv(tmp_path, markets=[market()], quotes=[quote(1, 40, 41, ts=ts) for ts in times])
    assert column(load(tmp_path).quotes, "ts_ns") == [ns(1), ns(2), ns(3.5), ns(4)]


def test_an_empty_text_is_unknown_in_parquet_as_in_csv(tmp_path: Path) -> None:
    history = load(write(tmp_path, markets=[market(result="", category="")], quotes=[quote(1, 4, 5)]))
    assert column(history.outcomes, "result") == column(history.outcomes, "yes_value") == [None]
    assert column(history.markets, "category") == [None]


def test_a_result_read_off_prices_is_not_announced(tmp_path: Path) -> None:
    sources = ["kalshi_api", "Derived: final quote", "inferred: prints", None]
    markets = [market(ticker=f"KXA-{n}", result_source=source) for n, source in enumerate(sources, start=1)]
    history = load(write(tmp_path, markets=markets, quotes=[quote(1, 4, 5)]))
    assert column(history.outcomes, "is_announced") == [True, False, False, True]


def test_a_folder_of_trades_alone_loads_with_no_quotes(tmp_path: Path) -> None:
    history = load(write(tmp_path, markets=[market()], trades=[trade()]))
    assert history.quotes.num_rows == 0
    assert column(history.trades, "price") == [4100]
    assert column(history.trades, "count") == [700]


def test_a_missing_folder_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="nowhere: there is no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(HistoryError, match=r"markets\.parquet is missing"):
        load(tmp_path)
    write(tmp_path, markets=[market()])
    with pytest.raises(HistoryError, match=r"quotes\.parquet is missing .* and so is trades"):
        load(tmp_path)


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "markets.parquet").write_text("ticker,close\n")
    (tmp_path / "quotes.parquet").touch()
    with pytest.raises(HistoryError, match=r"markets\.parquet: cannot be read as parquet"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("markets", "quotes", "message"),
    [
        ([without(market(), "result")], [quote(1, 1, 2)], r"markets\.parquet: column result is missing"),
        ([market()], [without(quote(1, 1, 2), "ticker")], r"quotes\.parquet: column ticker is missing"),
        ([market()], [without(quote(1, 1, 2), "dataset")], r"quotes\.parquet: column dataset is missing"),
        ([market()], [without(quote(1, 1, 2), "ts")], r"quotes\.parquet: column ts is missing"),
        ([market()], [quote(1, 4, 5, ts=1_778_475_601)], "column ts holds int64; it must hold a timestamp"),
        (
            [market()],
            [quote(1, 4, 5), quote(2, float("nan"), 5)],
            "row 2, column yes_bid: nan is not a number",
        ),
        ([market()], [quote(1, 4, 5), quote(2, 4, None)], "row 2, column yes_ask: is empty"),  # type: ignore[arg-type]
        (
            [market()],
            [quote(1, 4, 101)],
            r"row 1, column yes_ask: 101(\.0)? is not a price of 0 to 100 cents",
        ),
        ([market()], [quote(1, 4.005, 5)], "row 1, column yes_bid: 4.005 cents is finer than"),
        (
            [market()],
            [quote(1, 0.94, 0.95)],
            "row 1, column yes_bid: 0.94 looks like dollars; prices are YES cents",
        ),
        (
            [market()],
            [quote(1, 4, 5, ticker="KXB")],
            "row 1, column ticker: KXB of dataset d is not in the mark",
        ),
        ([market()], [quote(2, 4, 5), quote(1, 4, 5)], "row 2, column ts: is earlier than the row before"),
        (
            [market()],
            [quote(1, 4, 5, yes_bid_size=-1.0)],
            "row 1, column yes_bid_size: -1.0 is not a number of",
        ),
        (
            [market(result="maybe")],
            [quote(1, 4, 5)],
            "row 1, column result: maybe is not yes, no, scalar or empty",
        ),
        ([market(), market()], [quote(1, 4, 5)], "row 2, column ticker: KXA-1 stands twice in dataset d"),
        ([market(close_time=OPEN)], [quote(1, 4, 5)], "row 1, column close_time: is not after open_time"),
        (
            [market(close_time=datetime(1970, 1, 21, tzinfo=UTC), open_time=None)],
            [quote(1, 4, 5)],
            "row 1, column close_time: 1970-01-21 .* check its unit",
        ),
        (
            [market(result="no", settlement_value=100.0)],
            [quote(1, 4, 5)],
            r"markets\.parquet: row 1, column result: no contradicts a settlement_value of 100 cents",
        ),
        (
            [market(result="scalar")],
            [quote(1, 4, 5)],
            "row 1, column settlement_value: is empty; a scalar market needs it",
        ),
        (
            [market(result="scalar", settlement_value=0.5)],
            [quote(1, 4, 5)],
            "row 1, column settlement_value: 0.5 looks like dollars; it must be in cents",
        ),
        (
            [market(event_ticker="")],
            [quote(1, 4, 5)],
            "row 1, column event_ticker: is empty; it must hold text",
        ),
        ([market()], [quote(1, 4, 5), quote(2, 4, 5, ticker="")], "row 2, column ticker: is empty"),
        ([market()], [quote(1, 4, 5, ticker=["KXA-1"])], "column ticker holds list<.*; it must hold a name"),
        ([market()], [quote(1, 4, 5, ticker={"a": 1})], "column ticker holds struct<.*; it must hold a name"),
        (
            [market(settlement_time=OPEN)],
            [quote(1, 4, 5)],
            "row 1, column settlement_time: is before close_time",
        ),
        (
            [market()],
            [quote(1, 4, 5), quote(2, 4, 5, yes_ask_size=3e7)],
            "row 2, column yes_ask_size: 30000000.0 contracts are more than 21,474,836",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_file_row_and_column(
    tmp_path: Path, markets: list[Row], quotes: list[Row], message: str
) -> None:
    with pytest.raises(HistoryError, match=message):
        load(write(tmp_path, markets=markets, quotes=quotes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 46.0}, r"candles\.parquet: row 2, column low: 46(\.0)? is above the high of 45(\.0)?"),
        ({"period_min": 0}, "row 2, column period_min: 0(\\.0)? is not a number of minutes"),
        ({"volume": -1.0}, "row 2, column volume: -1(\\.0)? is not a number of contracts"),
        ({"end_ts": OPEN}, "row 2, column end_ts: is earlier than the row before it in dataset d"),
    ],
)
def test_a_bad_candle_is_refused(tmp_path: Path, changes: Row, message: str) -> None:
    rows = [candle(60, 40, 41), candle(120, 40, 41, **changes)]
    with pytest.raises(HistoryError, match=message):
        open_folder(write(tmp_path, markets=[market()], candles=rows))


def test_a_bad_row_behind_the_first_row_group_is_named_by_its_row_in_the_file(tmp_path: Path) -> None:
    quotes = [quote(second, 4, 5) for second in range(10)]
    write(tmp_path, 3, markets=[market()], quotes=[*quotes[:7], quote(7, 4, 101), *quotes[8:]])
    with pytest.raises(HistoryError, match="row 8, column yes_ask: 101"):
        load(tmp_path)
    write(tmp_path, 3, quotes=[*quotes[:6], quote(4, 4, 5), *quotes[7:]])
    with pytest.raises(HistoryError, match="row 7, column ts: is earlier than the row before"):
        load(tmp_path)


def test_a_tie_keeps_its_settlement_value_and_has_no_result(tmp_path: Path) -> None:
    tie = market(result="scalar", settlement_value=50.0)
    history = load(write(tmp_path, markets=[tie, market(ticker="KXA-2")], quotes=[quote(1, 4, 5)]))
    assert column(history.outcomes, "result") == [None, "yes"]
    assert column(history.outcomes, "yes_value") == [5_000, 10_000]


def test_what_is_not_a_plain_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.mkdir()
    write(folder, markets=[market()])
    quotes = folder / "quotes.parquet"
    os.mkfifo(quotes)
    with pytest.raises(HistoryError, match=r"quotes\.parquet is not a regular file"):
        load(folder)
    quotes.unlink()
    quotes.mkdir()
    with pytest.raises(HistoryError, match=r"quotes\.parquet is not a regular file"):
        load(folder)
    quotes.rmdir()
    for elsewhere in (write(tmp_path, quotes=[quote(1, 4, 5)]) / "quotes.parquet", Path("/dev/zero")):
        quotes.symlink_to(elsewhere)
        with pytest.raises(HistoryError, match=rf"quotes\.parquet leads out of its folder, to {elsewhere}"):
            load(folder)
        quotes.unlink()


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(1, 4, 5)])
    (tmp_path / "quotes.parquet").rename(tmp_path / "recorded")
    (tmp_path / "quotes.parquet").symlink_to("recorded")
    assert load(tmp_path).quotes.num_rows == 1


@pytest.mark.parametrize("target", ["nowhere", "quotes.parquet"])
def test_a_link_that_leads_nowhere_is_no_absent_file(tmp_path: Path, target: str) -> None:
    write(tmp_path, markets=[market()], trades=[trade()])
    (tmp_path / "quotes.parquet").symlink_to(target)
    for opened in (load, open_folder):
        with pytest.raises(HistoryError, match=r"quotes\.parquet is a link that leads nowhere"):
            opened(tmp_path)


def test_a_file_above_the_size_cap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path, markets=[market()], quotes=[quote(1, 4, 5)])
    monkeypatch.setitem(MAX_FILE_BYTES, ".csv", 10)
    with pytest.raises(HistoryError, match=r"markets\.csv has \d+ bytes; at most 10 are read"):
        load(tmp_path)


def test_a_row_group_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(second, 4, 5) for second in range(5)])
    monkeypatch.setattr("console.history.read.MAX_GROUP_ROWS", 4)
    with pytest.raises(HistoryError, match="row group 0 holds 5 rows; write at most 4 into one"):
        load(tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(second, 4, 5) for second in range(100)])
    path = tmp_path / "quotes.parquet"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(HistoryError, match=r"quotes\.parquet: cannot be read as parquet"):
        load(tmp_path)


def test_every_damaged_byte_gives_an_error_or_a_history(tmp_path: Path) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(second, 4, 5) for second in range(100)])
    path = tmp_path / "quotes.parquet"
    whole, told = path.read_bytes(), set()
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            load(tmp_path)
        except HistoryError as error:
            told.add(str(error).partition(":")[0])
    assert told == {str(path)}


def test_whatever_is_in_a_file_is_told_in_one_short_line(tmp_path: Path) -> None:
    for ticker in ("KX\nA\x1b[2J", "A" * 1_000_000):
        write(tmp_path, markets=[market()], quotes=[quote(1, 4, 5, ticker=ticker)])
        with pytest.raises(HistoryError, match=r"quotes\.parquet: row 1, column ticker: ") as refused:
            load(tmp_path)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 500


def test_a_field_in_quotes_may_hold_a_line_end(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, markets=[market(title="two\nlines")], quotes=[quote(1, 4, 5)])
    assert column(load(folder).markets, "title") == ["two\nlines"]


def test_a_csv_row_of_another_length_is_named_by_its_line(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, markets=[market()], quotes=[quote(second, 4, 5) for second in range(9)])
    with (folder / "quotes.csv").open("a") as file:
        file.write("d,2026\r\n")
    with pytest.raises(HistoryError, match=r"quotes\.csv: cannot be read as csv: .* line 11: Expected 5 "):
        load(folder)


def test_an_empty_csv_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, markets=[market()])
    (tmp_path / "quotes.csv").touch()
    with pytest.raises(HistoryError, match=r"quotes\.csv: cannot be read as csv"):
        load(tmp_path)


def test_markets_without_a_row_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, markets=[market()], quotes=[quote(1, 4, 5)])
    path = tmp_path / "markets.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(HistoryError, match=r"markets\.csv has no rows; it must hold a market in each"):
        load(tmp_path)


def test_a_bad_value_deep_in_a_csv_is_found(tmp_path: Path) -> None:
    quotes = [quote(second, 4, 5) for second in range(100)]
    quotes[77]["yes_ask"] = "five"
    with pytest.raises(HistoryError, match=r"quotes\.csv: row 78, column yes_ask: 'five' is not a number"):
        load(write_csv(tmp_path, markets=[market()], quotes=quotes))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, markets=[market()], quotes=[quote(0, 90, 91)])
    path = folder / "quotes.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0] + ",yes_bid", *(line + ",1" for line in lines[1:])]))
    with pytest.raises(HistoryError, match="column yes_bid stands twice"):
        load(folder)


def test_an_unknown_taker_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="row 1, column taker_side: buy is not yes or no"):
        load(write(tmp_path, markets=[market()], trades=[trade(taker_side="buy")]))


def test_cleaning_drops_and_counts_each_row_once(tmp_path: Path) -> None:
    rows = [
        quote(1, 40, 41),
        quote(2, 42, 41),
        quote(3, 41, 41),
        quote(4, 0, 3),
        quote(5, 97, 100),
        quote(900, 50, 40),
        quote(901, 40, 41),
    ]
    kept, defects = clean(load(write(tmp_path, markets=[market(result=None)], quotes=rows)))
    assert column(kept, "bid") == [4000, 0, 9700]
    assert defects == Defects(after_close=2, crossed=1, locked=1, one_sided=2, without_result=1)


def test_importing_the_package_does_not_import_pyarrow() -> None:
    code = "import sys, console.history.clean, console.practice.session; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_needs_neither_pandas_nor_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['pandas'] = None\n"
        "from console.practice.session import play\n"
        "next(play(None, seed=1, speed=10, start_ns=10**18))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_pandas_is_not_imported_for_pyarrow_and_works_with_it_afterwards(tmp_path: Path) -> None:
    write(tmp_path, markets=[market()], quotes=[quote(1, 4, 5)])
    code = (
        "import sys; from pathlib import Path; from console.history.folder import open_folder\n"
        f"open_folder(Path({str(tmp_path)!r}))\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas as pd, pyarrow as pa\n"
        "frame = pd.DataFrame({'a': ['x', None], 'b': pd.to_datetime(['2026-01-01', None], utc=True)})\n"
        "assert pa.Table.from_pandas(frame).to_pandas().equals(frame)\n"
        "assert pa.table(frame)['a'].to_pylist() == pa.array(frame['a']).to_pylist() == ['x', None]"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_recorded_data_loads_whole() -> None:
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the optional data folder ../shared/data is absent")
    history: History = load(folder)
    assert history.quotes.num_rows == 598_163
    assert history.trades.num_rows == 51_682
    _, defects = clean(history)
    assert (defects.crossed, defects.locked, defects.without_result) == (2, 44, 3)
