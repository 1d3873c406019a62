from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from history_builders import ns

from console.history.schema import HistoryError
from console.history.ticks import open_ticks


def write_ticks(folder: Path, rows: int = 6) -> Path:
    path = folder / "ticks.parquet"
    tickers = pa.DictionaryArray.from_arrays(
        pa.array([row % 2 for row in range(rows)], pa.int32()), pa.array(["T0", "T1"])
    )
    table = pa.table(
        {
            "ts_ns": [ns(row) for row in range(rows)],
            "ticker": tickers,
            "yes_bid": pa.array(range(40, 40 + rows), pa.int16()),
            "yes_ask": pa.array(range(42, 42 + rows), pa.int16()),
            "bid_size": pa.array([10] * rows, pa.int32()),
            "ask_size": pa.array([20] * rows, pa.int32()),
        }
    )
    pq.write_table(table, path, row_group_size=4)
    header = "ticker,event_ticker,open_ts_ns,close_ts_ns,result\n"
    lines = [f"T{n},E,{ns(0)},{ns(3_600)},{result}\n" for n, result in enumerate(("yes", "no"))]
    path.with_suffix(".markets.csv").write_text(header + "".join(lines))
    return path


@pytest.mark.parametrize("in_memory_rows", [100, 0])
def test_a_tick_file_is_a_timeline_of_quotes(tmp_path: Path, in_memory_rows: int) -> None:
    timeline = open_ticks(write_ticks(tmp_path), in_memory_rows)
    assert [each.ticker for each in timeline.markets] == ["T0", "T1"]
    assert {ticker: each.yes_value for ticker, each in timeline.outcomes.items()} == {"T0": 10_000, "T1": 0}
    quotes = [each.quotes for each in timeline.slices()]
    assert [bid for each in quotes for bid in each.bid.tolist()] == [4000, 4100, 4200, 4300, 4400, 4500]
    assert [size for each in quotes for size in each.ask_size.tolist()] == [2_000] * 6
    assert [place for each in quotes for place in each.market.tolist()] == [0, 1, 0, 1, 0, 1]
    assert timeline.dropped == {}


def test_a_tick_file_without_its_markets_is_refused(tmp_path: Path) -> None:
    path = write_ticks(tmp_path)
    path.with_suffix(".markets.csv").unlink()
    with pytest.raises(
        HistoryError, match=r"ticks\.markets\.csv is missing; .* NAME\.markets\.csv beside it"
    ):
        open_ticks(path)


@pytest.mark.parametrize(
    ("told", "instead", "message"),
    [
        ("yes\n", "YES\n", "row 1, column result: YES is not yes, no, scalar or empty"),
        ("T1,", "T0,", "row 2, column ticker: T0 stands twice$"),
        (str(ns(3_600)), str(ns(0)), "row 1, column close_ts_ns: is not after open_ts_ns"),
    ],
)
def test_a_bad_market_of_ticks_is_refused(tmp_path: Path, told: str, instead: str, message: str) -> None:
    path = write_ticks(tmp_path)
    sidecar = path.with_suffix(".markets.csv")
    sidecar.write_text(sidecar.read_text().replace(told, instead))
    with pytest.raises(HistoryError, match=rf"ticks\.markets\.csv: {message}"):
        open_ticks(path)


def test_a_market_of_ticks_without_a_result_has_no_payout(tmp_path: Path) -> None:
    path = write_ticks(tmp_path)
    sidecar = path.with_suffix(".markets.csv")
    sidecar.write_text(sidecar.read_text().replace("yes\n", "\n"))
    assert open_ticks(path).outcomes["T0"].yes_value is None


def test_unsorted_ticks_are_refused(tmp_path: Path) -> None:
    path = write_ticks(tmp_path)
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), path)
    with pytest.raises(HistoryError, match="row 7, column ts_ns: is earlier than the row before it; sort by"):
        open_ticks(path)
