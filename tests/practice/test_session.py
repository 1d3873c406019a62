from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.domain.book import BookSide
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS
from console.domain.market import Market
from console.domain.money import Price
from console.history.clean import Defects
from console.history.schema import HistoryError
from console.practice.session import play
from console.practice.tape import Closed, Displayed, Listed, Printed, Settled, Swept, TapeEntry

S = 1_000_000_000
START = 1_800_000_000 * S
LOOP_S = 494.3  # 82 minutes 23 seconds at speed 10


@functools.cache
def entries(seed: int = 1, speed: float = 10.0, wall_s: float = 2 * LOOP_S + 120) -> list[TapeEntry]:
    tape = play(None, seed=seed, speed=speed, start_ns=START)
    return list(itertools.takewhile(lambda e: e.at_ns < START + wall_s * S, tape))


def of_market(tape: list[TapeEntry]) -> dict[str, list[TapeEntry]]:
    found: dict[str, list[TapeEntry]] = defaultdict(list)
    for entry in tape:
        found[entry.market.ticker if isinstance(entry, Listed) else entry.ticker].append(entry)
    return found


def listed(tape: list[TapeEntry]) -> list[Market]:
    return [entry.market for entry in tape if isinstance(entry, Listed)]


def first_loop() -> list[TapeEntry]:
    begun = {
        entry.market.ticker
        for entry in entries()
        if isinstance(entry, Listed) and entry.at_ns < START + LOOP_S * S
    }
    return [e for e in entries() if (e.market.ticker if isinstance(e, Listed) else e.ticker) in begun]


def best(entry: Displayed) -> tuple[Price | None, Price | None]:
    bid = entry.bids[0].price if entry.bids else None
    ask = entry.asks[0].price if entry.asks else None
    return bid, ask


def test_a_loop_of_the_shipped_session_is_73_markets_of_9_coins() -> None:
    markets = listed(first_loop())
    assert len(markets) == 73
    assert len({market.series_ticker for market in markets}) == 9
    assert {market.category for market in markets} == {"Crypto"}


def test_the_defects_of_the_shipped_session_are_counted() -> None:
    tape = play(None, seed=1, speed=10, start_ns=START)
    assert tape.defects == Defects(after_close=263, crossed=10, locked=11, one_sided=2_021, without_result=34)
    assert "modelled depth" in tape.labels
    assert "simulated result" in tape.labels


def test_the_shipped_session_offers_44_favourites_at_a_tight_spread() -> None:
    offered = set()
    for ticker, tape in of_market(first_loop()).items():
        for entry in tape:
            if not isinstance(entry, Displayed) or not entry.bids or not entry.asks:
                continue
            bid, ask = entry.bids[0].price, entry.asks[0].price
            for side in BookSide:
                pays = side.price_paid(ask if side is BookSide.BID else bid)
                gets = side.price_paid(bid if side is BookSide.BID else ask)
                if 9_000 <= pays <= 9_900 and (pays - gets) * 20_000 <= 200 * (pays + gets):
                    offered.add((ticker, side))
    assert len(offered) == 44


def test_every_recorded_change_is_shown_exactly() -> None:
    """670 changes stay of the 681 recorded ones when crossed, locked and late rows are dropped."""
    changes = 0
    for tape in of_market(first_loop()).values():
        quotes = [best(entry) for entry in tape if isinstance(entry, Displayed)]
        changes += sum(1 for before, after in itertools.pairwise([None, *quotes]) if before != after)
    assert changes == 670


def test_quotes_are_there_at_once() -> None:
    shown = {e.ticker for e in entries() if isinstance(e, Displayed) and e.at_ns <= START + S}
    assert len(shown) >= 4


def test_time_never_runs_backwards() -> None:
    assert all(before.at_ns <= after.at_ns for before, after in itertools.pairwise(entries()))


def test_every_market_is_listed_shown_closed_and_settled_in_that_order() -> None:
    for tape in of_market(first_loop()).values():
        assert isinstance(tape[0], Listed)
        assert isinstance(tape[1], Displayed)
        assert isinstance(tape[-2], Closed)
        assert isinstance(tape[-1], Settled)
        assert all(isinstance(entry, Displayed | Printed | Swept) for entry in tape[1:-2])
        market = tape[0].market
        assert market.open_ns <= tape[0].at_ns < tape[-2].at_ns == market.close_ns
        assert tape[-1].at_ns == market.close_ns + 1.5 * S


def test_no_book_is_crossed_off_its_grid_or_unsorted() -> None:
    grids = {market.ticker: market.grid for market in listed(entries())}
    assert set(grids.values()) == {WHOLE_CENTS, TAPERED_DECI_CENTS}
    for entry in entries():
        if not isinstance(entry, Displayed):
            continue
        bids, asks = [x.price for x in entry.bids], [x.price for x in entry.asks]
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert not bids or not asks or bids[0] < asks[0]
        assert all(grids[entry.ticker].contains(price) for price in bids + asks)


def test_modelled_prints_hit_the_shown_best() -> None:
    shown: dict[str, Displayed] = {}
    for entry in entries():
        if isinstance(entry, Displayed):
            shown[entry.ticker] = entry
        elif isinstance(entry, Printed):
            book = shown[entry.ticker]
            level = (book.asks if entry.taker_side is BookSide.BID else book.bids)[0]
            assert (entry.price, entry.modelled) == (level.price, True)
            assert entry.count > 0


def test_a_level_is_swept_exactly_when_the_next_quote_is_worse() -> None:
    for tape in of_market(first_loop()).values():
        shown: Displayed | None = None
        swept: dict[BookSide, Price] = {}
        for entry in tape:
            if isinstance(entry, Swept):
                swept[entry.side] = entry.price
            elif isinstance(entry, Displayed):
                for side in BookSide:
                    old = None if shown is None else best(shown)[side is BookSide.ASK]
                    new = best(entry)[side is BookSide.ASK]
                    gave_way = old is not None and (
                        new is None or side.price_paid(new) < side.price_paid(old)
                    )
                    assert swept.get(side) == (old if gave_way else None)
                swept.clear()
                shown = entry


def test_the_same_seed_gives_the_same_session() -> None:
    again = play(None, seed=1, speed=10, start_ns=START)
    assert list(itertools.islice(again, 5_000)) == entries()[:5_000]


def test_another_seed_gives_the_same_prices_with_other_sizes() -> None:
    one, two = of_market(entries(1, 10.0, 120.0)), of_market(entries(2, 10.0, 120.0))
    assert one.keys() == two.keys()
    sizes = 0
    for ticker in one:
        first, second = (
            {e.at_ns: e for e in tape if isinstance(e, Displayed)} for tape in (one[ticker], two[ticker])
        )
        for at_ns in first.keys() & second.keys():
            assert best(first[at_ns]) == best(second[at_ns])
            sizes += first[at_ns].bids != second[at_ns].bids
    assert sizes > 100


def test_a_second_loop_shows_the_same_prices_with_other_sizes() -> None:
    markets = of_market(entries())
    titles: dict[str, list[Displayed]] = defaultdict(list)
    for tape in markets.values():
        assert isinstance(tape[0], Listed)
        assert isinstance(tape[1], Displayed)
        titles[tape[0].market.title].append(tape[1])
    assert len(titles) == 73
    repeated = [shown for shown in titles.values() if len(shown) > 1]
    assert len(repeated) >= 70
    assert all(best(shown[0]) == best(shown[1]) for shown in repeated)
    assert all(shown[0].bids != shown[1].bids for shown in repeated if shown[0].bids)


def test_tickers_never_repeat_within_a_run_nor_between_runs() -> None:
    # A run that starts one market life later has closes at the very same moments.
    later = play(None, seed=1, speed=10, start_ns=START + 90 * S)
    other = listed(list(itertools.takewhile(lambda e: e.at_ns < START + LOOP_S * S, later)))
    tickers = [market.ticker for market in [*listed(entries()), *other]]
    assert len(tickers) == len(set(tickers)) > 180


def test_tickers_belong_to_their_event_and_series() -> None:
    for market in listed(entries()):
        assert market.ticker.startswith(f"{market.event_ticker}-")
        assert market.event_ticker.startswith(f"{market.series_ticker}-")
        close = datetime.fromtimestamp(market.close_ns // S, UTC)
        assert market.event_ticker.endswith(f"{close:%d%H%M%S}")
        assert len(market.ticker) <= 32


def test_the_closes_of_the_two_recordings_coincide() -> None:
    markets = listed(first_loop())
    closes = {market.close_ns for market in markets}
    assert len(closes) == 7
    assert len({m.close_ns for m in markets if m.series_ticker == "KXBTC15M"} & closes) == 7


def test_results_not_recorded_are_drawn_and_say_so() -> None:
    settled = [e for e in first_loop() if isinstance(e, Settled)]
    assert sum(e.simulated for e in settled) == 34
    assert {e.result for e in settled if e.simulated} == {"yes", "no"}


def test_speed_divides_every_interval() -> None:
    slow = {m.ticker: m for m in listed(entries(1, 10.0, 60.0))}
    fast = listed(entries(1, 100.0, 4.0))
    assert [(m.close_ns - START) * 10 for m in fast[:12]] == [
        m.close_ns - START for m in list(slow.values())[:12]
    ]


def test_books_are_redrawn_at_most_about_twice_a_second() -> None:
    for tape in of_market(entries()).values():
        shown = [e for e in tape if isinstance(e, Displayed)]
        again = [a.at_ns - b.at_ns for b, a in itertools.pairwise(shown) if best(a) == best(b)]
        lived = (shown[-1].at_ns - shown[0].at_ns) / S
        assert len(again) <= 2 * lived + 1


# --- other folders ----------------------------------------------------------------------------------

OPEN = datetime(2026, 5, 11, 5, 0, tzinfo=UTC)


def write(folder: Path, quotes: list[tuple[float, float, float]], **extra: object) -> Path:
    names = {"event_ticker": "KXA-X", "series_ticker": "KXA", "category": "Other", "title": "Will it?"}
    market: dict[str, object] = {
        "dataset": "d",
        "ticker": "KXA-X-1",
        **names,
        "open_time": OPEN,
        "close_time": OPEN + timedelta(minutes=15),
        "result": "no",
    }
    rows: list[dict[str, object]] = [
        {
            "dataset": "d",
            "ts": OPEN + timedelta(seconds=second),
            "ticker": "KXA-X-1",
            "yes_bid": float(bid),
            "yes_ask": float(ask),
            **extra,
        }
        for second, bid, ask in quotes
    ]
    pq.write_table(pa.Table.from_pylist([market]), folder / "markets.parquet")
    pq.write_table(pa.Table.from_pylist(rows), folder / "quotes.parquet")
    return folder


def one_market(folder: Path) -> list[TapeEntry]:
    tape = list(itertools.islice(play(folder, seed=0, speed=1, start_ns=START), 20_000))
    first = tape[0]
    assert isinstance(first, Listed)
    return of_market(tape)[first.market.ticker]


def test_another_folder_is_played_from_its_first_quote(tmp_path: Path) -> None:
    tape = one_market(write(tmp_path, [(30, 40, 42), (60, 41, 42), (90, 0, 1)]))
    assert isinstance(tape[0], Listed)
    assert tape[0].market.title == "Will it?"
    assert tape[0].market.grid == WHOLE_CENTS
    assert tape[0].at_ns == START == tape[1].at_ns
    assert tape[0].market.close_ns == START + 870 * S
    assert isinstance(tape[-1], Settled)
    assert (tape[-1].result, tape[-1].simulated) == ("no", False)
    last = next(e for e in reversed(tape) if isinstance(e, Displayed))
    assert last.bids == ()
    assert last.asks[0].price == 100


def test_recorded_sizes_are_shown_as_they_are(tmp_path: Path) -> None:
    tape = one_market(write(tmp_path, [(0, 40, 42), (60, 41, 42)], yes_bid_size=12.5, yes_ask_size=7.0))
    for entry in tape:
        if isinstance(entry, Displayed):
            assert (entry.bids[0].size, entry.asks[0].size) == (1_250, 700)


def test_recorded_trades_replace_modelled_prints(tmp_path: Path) -> None:
    write(tmp_path, [(0, 40, 42), (60, 41, 42)])
    trades = [
        {
            "dataset": "d",
            "ts": OPEN + timedelta(seconds=10),
            "ticker": "KXA-X-1",
            "yes_price_cents": 42.0,
            "count": 3.0,
            "taker_side": "yes",
        }
    ]
    pq.write_table(pa.Table.from_pylist(trades), tmp_path / "trades.parquet")
    prints = [e for e in one_market(tmp_path) if isinstance(e, Printed)]
    assert [(e.at_ns, e.price, e.count, e.taker_side) for e in prints] == [
        (START + 10 * S, 4_200, 300, BookSide.BID)
    ]
    assert "modelled prints" not in play(tmp_path, seed=0, speed=1, start_ns=START).labels


def test_a_price_off_every_grid_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"a quote of KXA-X-1 is at 50\.5 cents"):
        play(write(tmp_path, [(0, 50.5, 52)]), seed=0, speed=1, start_ns=START)


def test_a_market_of_a_single_quote_is_played_to_its_settlement(tmp_path: Path) -> None:
    tape = one_market(write(tmp_path, [(0, 90, 91)]))
    assert isinstance(tape[-1], Settled)
    assert {best(entry) for entry in tape if isinstance(entry, Displayed)} == {(9_000, 9_100)}


def test_a_folder_without_a_usable_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="there is no quote to play"):
        play(write(tmp_path, [(1_000, 50, 52)]), seed=0, speed=1, start_ns=START)


def test_the_shipped_recordings_name_their_sources() -> None:
    text = (resources.files("console.practice") / "data" / "ATTRIBUTION.md").read_text()
    for word in ("kapelame/kalshi-crypto-pairs", "MIT", "Johnny-God/kalshi-crypto-15m-dataset", "CC BY 4.0"):
        assert word in text


def test_the_recorded_data_plays_whole() -> None:
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the optional data folder ../shared/data is absent")
    tape = play(folder, seed=0, speed=10, start_ns=START)
    series = {m.series_ticker for m in listed(list(itertools.islice(tape, 2_000)))}
    assert {"KXBTC15M", "KXHIGHNY"} <= series
