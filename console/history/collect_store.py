"""What was collected so far, in one file that survives an interruption, a kill and a power cut."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from console.config.home import Lock
from console.history.collect_rows import Asked, BookRow, CandleRow, MarketRow, Progress, TradeRow

STORE = "collect.sqlite"
_VERSION = 1
_SCHEMA = """
CREATE TABLE asked (
    environment TEXT NOT NULL, series TEXT NOT NULL, since_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL,
    minutes INTEGER NOT NULL);
CREATE TABLE listed (until_ns INTEGER NOT NULL);
CREATE TABLE markets (
    ticker TEXT PRIMARY KEY, event_ticker TEXT NOT NULL, series_ticker TEXT NOT NULL, category TEXT,
    title TEXT, floor_strike REAL, open_ns INTEGER NOT NULL, close_ns INTEGER NOT NULL,
    scheduled_close_ns INTEGER, result TEXT, settlement_value INTEGER, settlement_ns INTEGER,
    is_archived INTEGER NOT NULL, has_traded INTEGER NOT NULL);
CREATE TABLE progress (
    ticker TEXT PRIMARY KEY, candles_ns INTEGER NOT NULL DEFAULT 0, trades_ns INTEGER NOT NULL DEFAULT 0,
    in_archive INTEGER NOT NULL DEFAULT 0, cursor TEXT NOT NULL DEFAULT '');
CREATE TABLE trades (
    trade_id TEXT PRIMARY KEY, ticker TEXT NOT NULL, ts_ns INTEGER NOT NULL, price INTEGER NOT NULL,
    count INTEGER NOT NULL, taker_side TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE candles (
    ticker TEXT NOT NULL, end_ns INTEGER NOT NULL, open INTEGER, high INTEGER, low INTEGER, close INTEGER,
    bid INTEGER NOT NULL, ask INTEGER NOT NULL, volume INTEGER NOT NULL,
    PRIMARY KEY (ticker, end_ns)) WITHOUT ROWID;
CREATE TABLE books (
    seq INTEGER PRIMARY KEY, recv_ns INTEGER NOT NULL, run_id TEXT NOT NULL, ticker TEXT NOT NULL,
    side TEXT NOT NULL, price INTEGER NOT NULL, size INTEGER NOT NULL, is_snapshot INTEGER NOT NULL);
CREATE VIEW chosen AS SELECT markets.* FROM markets, asked
    WHERE open_ns < asked.until_ns AND close_ns > asked.since_ns;
"""


class CollectError(Exception):
    """A folder cannot be collected into; the text is one sentence."""


class StoreReader:
    """What a store holds at one moment, whoever writes it; every call may raise CollectError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            self._file = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
            )
            self._file.execute("BEGIN")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A fault of the file as one sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise CollectError(f"{self.path} cannot be used: {error}") from None

    def has_books(self) -> bool:
        """Whether a book was recorded."""
        with self._told():
            return self._file.execute("SELECT 1 FROM books LIMIT 1").fetchone() is not None

    def select(self, query: str, at_once: int) -> Iterator[list[tuple[object, ...]]]:
        """What a query finds, so many rows at once."""
        with self._told():
            found = self._file.execute(query)
            while rows := found.fetchmany(at_once):
                yield rows


class CollectStore(StoreReader):
    """The store of one folder, which one process may use at a time; every call may raise CollectError."""

    def __init__(self, folder: Path, name: str = STORE) -> None:
        """Raises also LockHeldError, ConfigError and OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        is_new = not self.path.exists()
        if is_new and (held := sorted(folder.glob("markets.*"))):
            raise CollectError(f"{held[0]} was not collected by this command; give another folder with --out")
        self._lock = Lock(folder / "collect.lock", f"the collection in {folder}")
        try:
            # For the user alone, and so are the files that SQLite puts beside it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            with self._told():
                self._file = sqlite3.connect(self.path, isolation_level=None)
                self._prepare()
        except BaseException:
            self._lock.release()
            raise

    def _prepare(self) -> None:
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        version = self._file.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._file.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise CollectError(f"{self.path} is of version {version}, which this program does not read")

    def close(self) -> None:
        super().close()
        self._lock.release()

    @contextmanager
    def _whole(self) -> Iterator[sqlite3.Connection]:
        """All of a block's changes, or none."""
        with self._told():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    # --- what is asked --------------------------------------------------------------------------

    @property
    def asked(self) -> Asked | None:
        """What was asked for when it was last begun; None when it never was."""
        with self._told():
            row = self._file.execute("SELECT * FROM asked").fetchone()
        return None if row is None else Asked(row[0], tuple(row[1].split(",")), *row[2:])

    def ask(self, asked: Asked) -> None:
        """Ask for this from now on; when it is something else, lists that were being read begin anew."""
        if asked == self.asked:
            return
        with self._whole() as file:
            file.execute("DELETE FROM asked")
            row = msgspec.structs.astuple(msgspec.structs.replace(asked, series=",".join(asked.series)))
            file.execute("INSERT INTO asked VALUES (?, ?, ?, ?, ?)", row)
            file.execute("UPDATE progress SET cursor = '', in_archive = 0")

    # --- markets --------------------------------------------------------------------------------

    @property
    def listed_ns(self) -> int:
        """All markets that had opened by then are there; 0 before they were listed."""
        with self._told():
            row = self._file.execute("SELECT max(until_ns) FROM listed").fetchone()
        return row[0] or 0

    def save_markets(self, rows: Iterable[MarketRow], listed_ns: int = 0) -> None:
        """Of one market the last row counts; with ``listed_ns`` they are all that had opened by then."""
        with self._whole() as file:
            _insert(file, "markets", MarketRow, rows)
            file.execute("INSERT INTO listed VALUES (?)", (listed_ns,))

    def markets(self) -> list[MarketRow]:
        """Those that were open at some time of the period asked for, by their close."""
        with self._told():
            rows = self._file.execute("SELECT * FROM chosen ORDER BY close_ns, ticker").fetchall()
        names = MarketRow.__struct_fields__
        return [msgspec.convert(dict(zip(names, row, strict=True)), MarketRow, strict=False) for row in rows]

    def progress(self, ticker: str) -> Progress:
        query = "SELECT candles_ns, trades_ns, in_archive, cursor FROM progress WHERE ticker = ?"
        with self._told():
            row = self._file.execute(query, (ticker,)).fetchone()
        return Progress() if row is None else Progress(row[0], row[1], bool(row[2]), row[3])

    # --- rows -----------------------------------------------------------------------------------

    def save_seen(
        self, markets: Iterable[MarketRow], books: Iterable[BookRow], trades: Iterable[TradeRow]
    ) -> None:
        """What a feed told, all of it or nothing; of one market the last row counts."""
        with self._whole() as file:
            _insert(file, "markets", MarketRow, markets)
            _insert_books(file, books)
            _insert(file, "trades", TradeRow, trades)

    def save_candles(self, ticker: str, rows: Iterable[CandleRow], until_ns: int) -> None:
        """Rows of a market whose candles before a time are now complete."""
        with self._whole() as file:
            _insert(file, "candles", CandleRow, rows)
            _note(file, ticker, "candles_ns = ?", until_ns)

    def save_trades(self, ticker: str, rows: Iterable[TradeRow], *, in_archive: bool, cursor: str) -> None:
        """One page, and where the list goes on."""
        with self._whole() as file:
            _insert(file, "trades", TradeRow, rows)
            _note(file, ticker, "in_archive = ?, cursor = ?", in_archive, cursor)

    def end_trades(self, ticker: str, until_ns: int) -> None:
        """All trades of a market before a time are there."""
        with self._whole() as file:
            _note(file, ticker, "trades_ns = ?, in_archive = 0, cursor = ''", until_ns)

    def save_book(self, rows: Iterable[BookRow]) -> None:
        with self._whole() as file:
            _insert_books(file, rows)

    def rows(self) -> int:
        """Trades and candles there are."""
        query = "SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM candles)"
        with self._told():
            found: int = self._file.execute(query).fetchone()[0]
        return found


def _insert(
    file: sqlite3.Connection, table: str, kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct]
) -> None:
    marks = _marks(kind.__struct_fields__)
    file.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608 - our own names
        map(msgspec.structs.astuple, rows),
    )


def _insert_books(file: sqlite3.Connection, rows: Iterable[BookRow]) -> None:
    names = BookRow.__struct_fields__
    file.executemany(
        f"INSERT INTO books ({', '.join(names)}) VALUES ({_marks(names)})",  # noqa: S608 - our own names
        map(msgspec.structs.astuple, rows),
    )


def _note(file: sqlite3.Connection, ticker: str, change: str, *values: object) -> None:
    file.execute("INSERT OR IGNORE INTO progress (ticker) VALUES (?)", (ticker,))
    file.execute(f"UPDATE progress SET {change} WHERE ticker = ?", (*values, ticker))  # noqa: S608


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))
