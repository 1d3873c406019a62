"""Calibration against computations made another way, and what it must not be fooled by."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from recordings import write

from console.backtest.calibrate import Calibration, Row, bucket_rows, calibrate
from console.backtest.calibration_report import Report
from console.backtest.estimates import ORDER_CONTRACTS, order_fee
from console.backtest.observations import observe
from console.backtest.published import BECKER_ALL, REPLICATION
from console.domain.money import CASH_PER_CENT, Price
from console.history.folder import open_folder
from console.monitoring.buckets import BUCKETS, bucket_of
from console.strategies.edge import PUBLISHED_MARKS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "console" / "practice" / "data"
SHARED = ROOT.parent / "shared" / "data"
NEEDS_SHARED = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")


def calibrated(folder: Path) -> Calibration:
    return calibrate(observe(open_folder(folder)), lambda _: None)


def only(rows: tuple[Row, ...], lo: int, role: str = "taker", source: str = "quote") -> Row:
    (row,) = [each for each in rows if (each.lo, each.role, each.price_source) == (lo, role, source)]
    return row


# --- another computation ------------------------------------------------------------------------------


def in_pandas(folder: Path, kind: str) -> pd.DataFrame:
    """Win rate, mean price, markets and events by role and bucket, straight from the files."""
    markets = pd.read_parquet(folder / "markets.parquet").dropna(subset=["result"])
    columns = ["dataset", "ticker", "event_ticker", "close_time", "result"]
    recorded = pd.read_parquet(folder / f"{kind}.parquet")
    if kind == "quotes" and (folder / "candles.parquet").is_file():
        candles = pd.read_parquet(folder / "candles.parquet").rename(columns={"end_ts": "ts"})
        unquoted = candles[~candles["dataset"].isin(recorded["dataset"])]
        recorded = pd.concat([recorded, unquoted[["dataset", "ts", "ticker", "yes_bid", "yes_ask"]]])
    rows = recorded.merge(markets[columns], on=["dataset", "ticker"])
    rows = rows[rows["ts"] < rows["close_time"]]
    sides = _quoted(rows) if kind == "quotes" else _traded(rows)
    edges = [0, 1_000, 2_000, 4_000, 6_000, 8_000, 9_000, 10_000]
    sides["lo"] = pd.cut(sides["price"], edges, right=False, labels=edges[:-1]).astype(int) // 100
    if kind == "quotes":
        sides = sides.drop_duplicates(["dataset", "ticker", "side", "lo"])
    sides["won"] = sides["side"] == sides["result"]
    return sides.groupby(["role", "lo"], as_index=False).agg(
        n=("won", "size"),
        win_rate=("won", "mean"),
        mean_price=("price", "mean"),
        events=("event_ticker", "nunique"),
    )


def _ticks(cents: pd.Series[float]) -> pd.Series[int]:
    return (cents.astype(float) * 100).round().astype(int)


def _quoted(rows: pd.DataFrame) -> pd.DataFrame:
    bid, ask = _ticks(rows["yes_bid"]), _ticks(rows["yes_ask"])
    good = rows[(bid < ask) & (ask - bid <= 2_000)]
    yes = good.assign(side="yes", price=_ticks(good["yes_ask"]))
    no = good.assign(side="no", price=10_000 - _ticks(good["yes_bid"]))
    both = pd.concat([yes, no])
    return both[both["price"] < 10_000].assign(role="taker")


def _traded(rows: pd.DataFrame) -> pd.DataFrame:
    yes_price = _ticks(rows["yes_price_cents"])
    opposite = rows["taker_side"].map({"yes": "no", "no": "yes"})
    taker = rows.assign(role="taker", side=rows["taker_side"])
    maker = rows.assign(role="maker_" + opposite, side=opposite)
    both = pd.concat([taker.assign(yes_price=yes_price), maker.assign(yes_price=yes_price)])
    both["price"] = both["yes_price"].where(both["side"] == "yes", 10_000 - both["yes_price"])
    return both


def assert_same(found: Calibration, folder: Path, kind: str) -> None:
    source = kind.removesuffix("s")
    expected = in_pandas(folder, kind)
    assert len(expected) == sum(row.price_source == source for row in found.buckets)
    for _, want in expected.iterrows():
        got = only(found.buckets, want["lo"], want["role"], source).estimate
        assert (got.n_observations, got.n_events) == (want["n"], want["events"])
        assert got.win_rate == pytest.approx(want["win_rate"], abs=1e-12)
        assert got.mean_price == pytest.approx(want["mean_price"] / 100, abs=1e-9)
        assert got.edge == pytest.approx(100 * want["win_rate"] - want["mean_price"] / 100, abs=1e-9)


def test_the_shipped_recordings_give_what_pandas_gives() -> None:
    assert_same(calibrated(SHIPPED), SHIPPED, "quotes")


@NEEDS_SHARED
def test_the_shared_recordings_give_what_pandas_gives() -> None:
    found = calibrated(SHARED)
    assert_same(found, SHARED, "quotes")
    assert_same(found, SHARED, "trades")


# --- published tables ---------------------------------------------------------------------------------

BECKER = SHARED / "reference" / "becker_by_price.csv"


@pytest.mark.skipif(not BECKER.is_file(), reason="../shared/data/reference is not here")
def test_beckers_table_comes_out_of_his_cents_by_the_same_buckets() -> None:
    cents = pd.read_csv(BECKER)
    bucket = bucket_rows(np.asarray(100 * cents["price_c"], dtype=np.int64))
    cents["deviation"] = cents["win_rate_pct_all"] - cents["price_c"]
    cents["fee"] = [
        order_fee(Price(100 * cent), is_taker=True) / CASH_PER_CENT / ORDER_CONTRACTS
        for cent in cents["price_c"]
    ]
    means = cents.groupby(bucket).mean()
    fees = [0.33, 0.86, 1.43, 1.73, 1.46, 0.91, 0.36]
    for row, each in enumerate(BUCKETS):
        marks, mean = PUBLISHED_MARKS[each.name], means.loc[row]
        assert BECKER_ALL[each.name] == pytest.approx(mean["deviation"], abs=0.006)
        assert marks.taker / 100 == pytest.approx(mean["taker_excess_pp"], abs=0.006)
        assert marks.maker_yes / 100 == pytest.approx(mean["maker_bought_yes_pp"], abs=0.006)
        assert marks.maker_no / 100 == pytest.approx(mean["maker_bought_no_pp"], abs=0.006)
        assert fees[row] == pytest.approx(mean["fee"], abs=0.006)


REPLICATED = SHARED / "reference" / "bdw_replication_by_band.csv"


@pytest.mark.skipif(not REPLICATED.is_file(), reason="../shared/data/reference is not here")
def test_the_replications_marks_come_out_of_its_bands() -> None:
    bands = pd.read_csv(REPLICATED)
    bands["points"] = bands["win_rate_pct"] - bands["mean_price_c"]
    middle = bands["band_c"].str.split("-").str[0].astype(int) * 100 + 400
    bands["bucket"] = bucket_rows(np.asarray(middle, dtype=np.int64))
    for row, group in bands.groupby("bucket"):
        mean = np.average(group["points"], weights=group["n_returns"])
        assert REPLICATION[BUCKETS[int(str(row))].name] == pytest.approx(mean, abs=0.006)


def test_many_prices_fall_into_the_buckets_that_one_does() -> None:
    prices = np.arange(10_000, dtype=np.int64)
    assert [BUCKETS[row] for row in bucket_rows(prices)] == [bucket_of(Price(int(p))) for p in prices]


# --- what must not fool it ----------------------------------------------------------------------------


def test_a_no_is_bucketed_by_its_own_price_and_not_by_that_of_yes(tmp_path: Path) -> None:
    write(tmp_path, [("A", "E", "Crypto", "no")], quotes=[("10:00", "A", 6, 7)])
    rows = calibrated(tmp_path).buckets
    assert only(rows, 90).estimate.mean_price == 94
    assert only(rows, 90).estimate.win_rate == 1
    assert only(rows, 0).estimate.mean_price == 7
    assert only(rows, 0).estimate.win_rate == 0


def test_a_price_on_the_edge_belongs_to_the_bucket_that_begins_there(tmp_path: Path) -> None:
    quotes = [("10:00", "A", 88, 89.9), ("10:01", "A", 88, 90)]
    rows = calibrated(write(tmp_path, [("A", "E", "Crypto", "yes")], quotes=quotes)).buckets
    assert only(rows, 80).estimate.mean_price == 89.9
    assert only(rows, 90).estimate.mean_price == 90


def test_a_quote_that_stands_long_or_comes_back_is_one_chance(tmp_path: Path) -> None:
    quotes = [(f"10:{minute:02}", "A", 90, 91 + minute % 3) for minute in range(60)]
    rows = calibrated(write(tmp_path, [("A", "E", "Crypto", "yes")], quotes=quotes)).buckets
    row = only(rows, 90).estimate
    assert (row.n_observations, row.mean_price) == (1, 91)


def test_what_cannot_be_bought_is_not_counted(tmp_path: Path) -> None:
    quotes = [("10:00", "A", 0, 3), ("10:01", "A", 97, 100), ("12:00", "A", 50, 51), ("12:01", "A", 60, 61)]
    rows = calibrated(write(tmp_path, [("A", "E", "Crypto", "yes")], quotes=quotes)).buckets
    assert {row.lo: row.estimate.mean_price for row in rows} == {0: 3}


def test_markets_without_a_result_are_left_out_and_counted(tmp_path: Path) -> None:
    markets = [("A", "E", "Crypto", "yes"), ("B", "F", "Crypto", "")]
    quotes = [("10:00", "A", 50, 51), ("10:00", "B", 50, 51), ("10:01", "B", 50, 52)]
    observations = observe(open_folder(write(tmp_path, markets, quotes=quotes)))
    assert (observations.coverage.markets, observations.coverage.markets_without_result) == (1, 1)
    assert observations.coverage.rows_without_result == 2
    assert all(row.estimate.n_markets == 1 for row in calibrate(observations, lambda _: None).buckets)


def test_both_parties_of_a_trade_stand_at_their_own_price(tmp_path: Path) -> None:
    trades = [("10:00", "A", 92, 5, "yes"), ("10:01", "A", 95, 2.5, "no"), ("12:00", "A", 99, 1, "yes")]
    rows = calibrated(write(tmp_path, [("A", "E", "Crypto", "yes")], trades=trades)).buckets
    assert only(rows, 90, "taker", "trade").estimate.mean_price == 92
    assert only(rows, 0, "maker_no", "trade").estimate.mean_price == 8
    assert only(rows, 0, "taker", "trade").estimate.mean_price == 5
    bought = only(rows, 90, "maker_yes", "trade").estimate
    assert (bought.mean_price, bought.n_contracts, bought.win_rate) == (95, 2.5, 1)


def favourites(folder: Path, lost: int, *, of: int, strikes: int = 1) -> Row:
    """The row of 95c favourites, of which so many events lost; each event has as many strikes."""
    names = [(f"M{n}-{k}", f"E{n}", n < lost) for n in range(of) for k in range(strikes)]
    markets = [(ticker, event, "Crypto", "no" if has_lost else "yes") for ticker, event, has_lost in names]
    quotes = [("10:00", ticker, 94.0, 95.0) for ticker, _, _ in names]
    return only(calibrated(write(folder, markets, quotes=quotes)).buckets, 90)


def test_sixty_wins_of_sixty_are_no_proof_of_an_edge(tmp_path: Path) -> None:
    row = favourites(tmp_path, 0, of=60)
    assert row.estimate.edge == 5
    assert row.estimate.ci is not None
    assert row.estimate.ci[0] < 0 < row.estimate.ci[1]
    assert row.events_needed is not None
    assert row.events_needed > 60


def test_strikes_of_one_event_are_one_draw(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "ten")]
    for folder in folders:
        folder.mkdir()
    one, ten = (
        favourites(folder, 20, of=100, strikes=strikes).estimate
        for folder, strikes in zip(folders, (1, 10), strict=True)
    )
    assert (one.n_markets, ten.n_markets) == (100, 1_000)
    assert (one.n_events, ten.n_events) == (100, 100)
    assert ten.ci == pytest.approx(one.ci)
    assert ten.win_rate_ci == pytest.approx(one.win_rate_ci)


def test_one_event_has_no_interval(tmp_path: Path) -> None:
    assert favourites(tmp_path, 0, of=1).estimate.ci is None


def test_the_fee_comes_off_the_edge_and_raises_the_break_even(tmp_path: Path) -> None:
    it = favourites(tmp_path, 5, of=100).estimate
    assert it.fee == pytest.approx(0.3325)
    assert it.net_edge == pytest.approx(it.edge - 0.3325)
    assert it.break_even == pytest.approx(0.953325)
    assert it.losses_per_100 == pytest.approx(5)
    assert it.return_pct == pytest.approx(0)
    assert it.net_return_pct < 0


def test_time_to_close_parts_what_was_seen_early_from_what_was_seen_late(tmp_path: Path) -> None:
    quotes = [("05:59", "A", 94, 95), ("06:00", "A", 94, 95), ("11:55", "A", 94, 95), ("11:56", "A", 94, 95)]
    rows = calibrated(write(tmp_path, [("A", "E", "Crypto", "yes")], quotes=quotes)).by_time_to_close
    assert [row.time_to_close for row in rows if row.lo == 90] == [
        "under 5 min",
        "5 to 15 min",
        "6 h to 1 day",
    ]


def test_the_report_is_one_for_any_order_of_markets(tmp_path: Path) -> None:
    markets = [(f"M{n}", f"E{n % 7}", "Crypto", "no" if n % 5 else "yes") for n in range(40)]
    quotes = [("10:00", f"M{n}", 10.0 + n, 11.0 + n) for n in range(40)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forth = calibrated(write(tmp_path / "a", markets, quotes=quotes))
    back = calibrated(write(tmp_path / "b", markets[::-1], quotes=quotes[::-1]))
    assert [row.estimate.win_rate for row in forth.buckets] == [row.estimate.win_rate for row in back.buckets]
    assert [row.estimate.ci for row in forth.buckets] == [row.estimate.ci for row in back.buckets]


def test_reading_by_row_group_gives_the_same_calibration_of_as_few_prices(tmp_path: Path) -> None:
    source = random.Random(5)
    markets = [(f"M{n}", f"E{n % 4}", "Crypto", "yes" if n % 3 else "no") for n in range(12)]
    quotes = [
        (f"{hour:02}:{minute:02}", f"M{source.randrange(12)}", bid, bid + source.randint(1, 9))
        for hour in range(8, 12)
        for minute in range(60)
        for bid in [source.randint(1, 90)]
    ]
    trades = [("10:00", f"M{n}", 40 + n, 2, "yes") for n in range(12)]
    folder = write(tmp_path, markets, quotes=quotes, trades=trades)
    for name in ("markets", "quotes", "trades"):
        table = pa.csv.read_csv(folder / f"{name}.csv")
        (folder / f"{name}.csv").unlink()
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=7)
    held, streamed = (observe(open_folder(folder, in_memory_rows=rows)) for rows in (10**6, 0))
    assert calibrate(streamed, lambda _: None) == calibrate(held, lambda _: None)
    assert (streamed.coverage, streamed.period) == (held.coverage, held.period)
    kept = held.panels[0]
    chances = {
        (market, is_yes, price // 100, (held.close_ns[market] - at) // 300_000_000_000)
        for market, is_yes, price, at in zip(
            kept.market.tolist(), kept.is_yes.tolist(), kept.price.tolist(), kept.ts_ns.tolist(), strict=True
        )
    }
    assert len(kept.market) == len(chances) < 2 * len(quotes)


def test_a_dataset_of_candles_alone_is_calibrated_by_the_quotes_at_their_end(tmp_path: Path) -> None:
    write(tmp_path, [("A", "E", "Sports", "yes")])
    (tmp_path / "candles.csv").write_text(
        "dataset,end_ts,period_min,ticker,open,high,low,close,yes_bid,yes_ask,volume\n"
        "d,2026-03-01T10:00:00Z,60,A,50,90,50,90,80,81,5\n"
        "d,2026-03-01T13:00:00Z,60,A,50,99,50,99,98,99,5\n"
    )
    observations = observe(open_folder(tmp_path))
    rows = calibrate(observations, lambda _: None).buckets
    assert {row.lo: row.estimate.mean_price for row in rows} == {20: 20, 80: 81}
    assert observations.coverage.dropped == {"candles after the close": 1}


WARNINGS: list[tuple[Callable[[Path], Path], str]] = [
    (
        lambda folder: write(folder, [("A", "E", "Crypto", "")], quotes=[("10:00", "A", 94, 95)]),
        "nothing was measured",
    ),
    (
        lambda folder: write(
            folder, [("A", "E", "C", "yes")], quotes=[("10:00", "A", 94, 95)], result_source="derived: quotes"
        ),
        "1 of 1 results were read off prices",
    ),
    (
        lambda folder: write(folder, [("A", "E", "Crypto", "yes")], quotes=[("10:00", "A", 94, 95)]),
        "what makers earn is not measured",
    ),
    (
        lambda folder: write(folder, [("A", "E", "Crypto", "yes")], quotes=[("10:00", "A", 94, 95)]),
        "fewer events than it takes",
    ),
    (
        lambda folder: write(folder, [("A", "E", "Crypto", "yes")], quotes=[("10:00", "A", 1, 2)]),
        "1 results contradict a last quote",
    ),
    (
        lambda folder: write(folder, [("A", "E", "Crypto", "yes")], quotes=[("10:00", "A", 94, 95)]),
        "all markets closed on one day",
    ),
]


@pytest.mark.parametrize(("made", "warning"), WARNINGS)
def test_the_report_warns_of_what_weakens_it(
    tmp_path: Path, made: Callable[[Path], Path], warning: str
) -> None:
    observations = observe(open_folder(made(tmp_path)))
    report = Report(
        data="d", observations=observations, calibration=calibrate(observations, lambda _: None), table=None
    )
    assert any(warning in said for said in report.warnings())
