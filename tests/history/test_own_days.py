"""A day of a run as it was recorded: what is read of it afterwards, whatever became of the run."""

from __future__ import annotations

import stat
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from history_builders import Levels, rebuilt
from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.home import Lock, find_home
from console.domain.account_events import MarketSettled
from console.domain.book import Book, BookSide
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.market_events import FeedLost, MarketListed, MarketStatusChanged, TradePrinted
from console.domain.money import Count, Price, parse_count, parse_price
from console.domain.order import Settlement
from console.domain.time_units import NS_PER_DAY, NS_PER_S
from console.exchange.messages.ws import OrderbookDelta, OrderbookSnapshot
from console.history.collect_store import CollectStore
from console.history.day_recorder import DayRecorder
from console.history.folder import open_folder
from console.history.own_days import DAY_STORE, OwnDay, folder_of, forget_days, main, own_days_in, readable
from console.history.schema import HistoryError
from console.history.timeline import Timeline
from console.history.usable import Period

DAY_NS = 1_793_491_200 * NS_PER_S
"""A midnight that is over."""
START_NS = DAY_NS + 36_000 * NS_PER_S
SERIES = "KXBTC15M"
ONE, OTHER = f"{SERIES}-1", f"{SERIES}-2"
SIDES = {"yes": BookSide.BID, "no": BookSide.ASK}


def market(ticker: str = ONE, *, open_ns: int = START_NS - NS_PER_S, lives_s: int = 900) -> Market:
    return Market(
        ticker=ticker,
        event_ticker=ticker,
        series_ticker=SERIES,
        category="Crypto",
        title="Will it be up?",
        open_ns=open_ns,
        close_ns=open_ns + lives_s * NS_PER_S,
        status=MarketStatus.ACTIVE,
        fees=FeeTerms(),
    )


def snapshot(ticker: str = ONE, bid: str = "0.40", ask: str = "0.45", size: str = "10") -> OrderbookSnapshot:
    return OrderbookSnapshot(ticker, "", [(bid, size)], [(ask, size)])


def delta(ticker: str, side: str, price: str, change: str) -> OrderbookDelta:
    return OrderbookDelta(ticker, "", price, change, side)


def recorder(home: Path, keep_days: int = 1000, run: str = "run-1") -> DayRecorder:
    folder = find_home(str(home)).environment("demo")
    folder.create()
    return DayRecorder(folder.days, "demo", keep_days, run)


def the_day(home: Path, at_ns: int = START_NS) -> Path:
    return folder_of(find_home(str(home)).environment("demo").days, at_ns)


def read(folder: Path, period: Period | None = None) -> Timeline:
    with readable(folder) as files:
        return open_folder(files) if period is None else open_folder(files, period)


def displayed(*levels: tuple[BookSide, int, int]) -> Levels:
    return {(side, price * 100): size * 100 for side, price, size in levels}


def record_one(home: Path, run: str = "run-1", at_ns: int = START_NS) -> None:
    """A market, its book and a print, saved and not closed properly."""
    recording = recorder(home, run=run)
    recording.take(MarketListed(at_ns=at_ns, market=market()), at_ns)
    recording.take(snapshot(), at_ns)
    recording.take(
        TradePrinted(at_ns=at_ns, ticker=ONE, price=Price(4500), count=Count(300), taker_side=BookSide.BID),
        at_ns,
    )
    recording.save()
    recording.take(delta(ONE, "yes", "0.40", "5"), at_ns + NS_PER_S)
    recording.close()


def test_a_run_that_was_killed_leaves_all_but_its_last_second_and_the_next_one_goes_on(
    tmp_path: Path,
) -> None:
    record_one(tmp_path)
    record_one(tmp_path, run="run-2", at_ns=START_NS + 5 * NS_PER_S)
    day = read(the_day(tmp_path))
    assert [each.ticker for each in day.markets] == [ONE]
    books = rebuilt(day)
    assert len(books) == 2
    assert all(
        book == {ONE: displayed((BookSide.BID, 40, 10), (BookSide.ASK, 45, 10))} for book in books.values()
    )
    prints = [price for each in day.slices() for price in each.trades.price.tolist()]
    assert prints == [4500, 4500]
    assert own_days_in(tmp_path) == (
        OwnDay(datetime(2026, 11, 1, tzinfo=UTC).date(), "demo", the_day(tmp_path)),
    )


CHANGES = st.lists(
    st.tuples(
        st.sampled_from((ONE, OTHER)),
        st.sampled_from(("yes", "no")),
        st.integers(0, 4),
        st.integers(0, 5),
        st.sampled_from((0, 0, 0, 1, 400)),
        st.sampled_from(("change",) * 6 + ("whole", "lost", "torn")),
    ),
    max_size=40,
)


@settings(max_examples=20)
@given(changes=CHANGES)
def test_every_book_is_read_as_it_stood_whatever_came_between(
    changes: Sequence[tuple[str, str, int, int, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Written whole now and then, over a midnight, with feeds lost and messages missed."""
    home = tmp_path_factory.mktemp("home")
    recording = recorder(home)
    at_ns = DAY_NS + NS_PER_DAY - 2_000 * NS_PER_S
    live: dict[str, Book] = {}
    for ticker in (ONE, OTHER):
        listed = market(ticker, open_ns=at_ns - NS_PER_S, lives_s=100_000)
        recording.take(MarketListed(at_ns=at_ns, market=listed), at_ns)
    for ticker, side, cents, size, after_s, kind in changes:
        at_ns += after_s * NS_PER_S
        price = f"0.{(10 if side == 'yes' else 50) + cents}"
        if kind == "lost":
            recording.take(FeedLost(at_ns=at_ns, reason="gone"), at_ns)
            live.clear()
        elif kind == "torn":
            recording.lose([ticker])
            live.pop(ticker, None)
        elif kind == "whole" or ticker not in live:
            recording.take(snapshot(ticker), at_ns)
            live[ticker] = Book()
            live[ticker].replace({Price(4000): Count(1000)}, {Price(4500): Count(1000)})
        else:
            change = size * 100 - live[ticker].size_at(SIDES[side], parse_price(price))
            recording.take(delta(ticker, side, price, f"{change / 100:.2f}"), at_ns)
            live[ticker].add(SIDES[side], parse_price(price), Count(change))
            assert parse_count(f"{change / 100:.2f}") == change
    at_ns += 1_000
    recording.take(snapshot("KXBTC15M-3"), at_ns)
    recording.take(MarketListed(at_ns=at_ns, market=market("KXBTC15M-3", open_ns=at_ns - 1)), at_ns)
    recording.save()
    recording.close()
    day = read(the_day(home, at_ns))
    assert not day.dropped.get("book updates of sessions whose sizes fall below zero")
    assert not day.dropped.get("book updates before a snapshot")
    stood: dict[str, Levels] = {}
    for seen in rebuilt(day).values():
        stood |= seen
    for ticker, book in live.items():
        levels = {(side, each.price): each.size for side in BookSide for each in book.levels(side)}
        assert stood[ticker] == levels


def test_a_replay_may_begin_within_a_day(tmp_path: Path) -> None:
    recording = recorder(tmp_path)
    recording.take(MarketListed(at_ns=START_NS, market=market(lives_s=7_200)), START_NS)
    recording.take(snapshot(), START_NS)
    for minute in range(60):
        recording.take(delta(ONE, "yes", "0.39", "1"), START_NS + minute * 60 * NS_PER_S)
    recording.save()
    recording.close()
    day = read(the_day(tmp_path), Period(START_NS + 1_000 * NS_PER_S, None))
    (*_, last) = rebuilt(day).values()
    assert last[ONE][BookSide.BID, 3900] == 60 * 100


def test_a_market_that_is_paid_after_midnight_is_paid_in_the_day_it_closed(tmp_path: Path) -> None:
    midnight_ns = DAY_NS + NS_PER_DAY
    recording = recorder(tmp_path)
    short = market(open_ns=midnight_ns - 900 * NS_PER_S)
    for each in (short, market(OTHER, open_ns=midnight_ns - 60 * NS_PER_S)):
        recording.take(MarketListed(at_ns=midnight_ns - NS_PER_S, market=each), midnight_ns - NS_PER_S)
        recording.take(snapshot(each.ticker), midnight_ns - NS_PER_S)
    late_ns = midnight_ns + 30 * NS_PER_S
    decided = MarketStatusChanged(at_ns=late_ns, ticker=ONE, status=MarketStatus.DETERMINED)
    recording.take(decided, late_ns)
    paid = MarketSettled(at_ns=late_ns, settlement=Settlement(ONE, Price(10_000), late_ns))
    recording.take(paid, late_ns)
    recording.save()
    recording.close()
    before, after = read(the_day(tmp_path)), read(the_day(tmp_path, late_ns))
    assert {each.ticker: before.outcomes[each.ticker].yes_value for each in before.markets} == {
        ONE: 10_000,
        OTHER: None,
    }
    assert before.outcomes[ONE].close_ns == midnight_ns
    assert [each.ticker for each in after.markets] == [OTHER]
    assert rebuilt(after)


def test_markets_that_came_and_were_paid_are_kept_no_longer_than_they_may_be_heard_of(tmp_path: Path) -> None:
    recording, held, minute_ns = recorder(tmp_path), [], 60 * NS_PER_S
    for minute in range(200):
        at_ns, ticker = START_NS + minute * minute_ns, f"{SERIES}-{minute:03d}"
        lives = market(ticker, open_ns=at_ns - NS_PER_S, lives_s=30)
        recording.take(MarketListed(at_ns=at_ns, market=lives), at_ns)
        recording.take(snapshot(ticker), at_ns)
        paid_ns = at_ns + 40 * NS_PER_S
        settlement = Settlement(ticker, Price(10_000), paid_ns)
        recording.take(MarketSettled(at_ns=paid_ns, settlement=settlement), paid_ns)
        # A connection made anew sends the books of markets that nobody has taken out yet.
        recording.take(snapshot(ticker), paid_ns + NS_PER_S)
        recording.save()
        held.append((len(recording._markets), len(recording._books)))
    recording.close()
    assert max(held[100:]) == max(held[50:100])
    assert max(max(each) for each in held) <= 31
    day = read(the_day(tmp_path))
    assert len(day.markets) == 200
    assert {day.outcomes[each.ticker].yes_value for each in day.markets} == {10_000}


def test_a_market_that_ends_early_closed_when_it_was_decided(tmp_path: Path) -> None:
    recording = recorder(tmp_path)
    recording.take(MarketListed(at_ns=START_NS, market=market()), START_NS)
    recording.take(snapshot(), START_NS)
    over_ns = START_NS + 100 * NS_PER_S
    recording.take(MarketStatusChanged(at_ns=over_ns, ticker=ONE, status=MarketStatus.DETERMINED), over_ns)
    recording.take(
        MarketSettled(at_ns=over_ns, settlement=Settlement(ONE, Price(5_000), over_ns - NS_PER_S)), over_ns
    )
    recording.save()
    recording.close()
    day = read(the_day(tmp_path))
    assert day.outcomes[ONE].close_ns == over_ns - NS_PER_S
    assert day.outcomes[ONE].yes_value == 5_000
    assert day.markets[0].close_ns == market().close_ns


def test_a_clock_that_was_set_back_leaves_a_day_that_can_be_read(tmp_path: Path) -> None:
    recording = recorder(tmp_path)
    recording.take(MarketListed(at_ns=START_NS, market=market()), START_NS)
    recording.take(snapshot(), START_NS)
    for change in ("5", "-3"):
        recording.take(delta(ONE, "yes", "0.40", change), START_NS - 7_200 * NS_PER_S)
    recording.save()
    recording.close()
    (*_, last) = rebuilt(read(the_day(tmp_path))).values()
    assert last[ONE][BookSide.BID, 4000] == 12 * 100


def test_days_are_forgotten_but_the_newest_and_what_is_not_a_day_stays(tmp_path: Path) -> None:
    days = tmp_path / "days"
    names = ("2026-10-28", "2026-10-29", "2026-10-30", "2026-11-01", "mine")
    for name in names:
        (days / name).mkdir(parents=True)
    (days / "2026-01-01").symlink_to(days / "mine")
    forget_days(days, 3, START_NS)
    assert sorted(each.name for each in days.iterdir()) == ["2026-01-01", "2026-10-30", "2026-11-01", "mine"]


def test_a_day_that_is_over_becomes_files_once_nobody_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_one(tmp_path)
    folder = the_day(tmp_path)
    monkeypatch.setattr("sys.argv", ["", str(folder.parent)])
    with CollectStore(folder, DAY_STORE):
        main()
        assert (folder / DAY_STORE).exists()
        first = rebuilt(read(folder))
        assert not (folder / "markets.parquet").exists()
    main()
    assert not list(folder.glob(f"{DAY_STORE}*"))
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert rebuilt(read(folder)) == first
    assert [each.folder for each in own_days_in(tmp_path)] == [folder]


def test_files_of_a_day_that_goes_on_go_with_who_reads_them_even_if_it_was_killed(tmp_path: Path) -> None:
    at_ns = time.time_ns()
    record_one(tmp_path, at_ns=at_ns)
    folder = the_day(tmp_path, at_ns)
    killed = folder / "view-killed"
    killed.mkdir()
    Lock(killed / "lock", "").release()
    with readable(folder) as files, readable(folder) as others:
        assert {killed, files, others} & set(folder.iterdir()) == {files, others}
        # As a run goes on to write meanwhile.
        with CollectStore(folder, DAY_STORE) as store:
            store.save_seen((), (), ())
    assert not list(folder.glob("view-*"))


def test_a_day_whose_store_is_damaged_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = the_day(tmp_path)
    folder.mkdir(parents=True)
    (folder / DAY_STORE).write_bytes(b"no database" * 1000)
    with pytest.raises(HistoryError, match=r"day\.sqlite cannot be used: file is not a database"):
        read(folder)
