"""A file of fees: which terms a series, event or market had from one time until another, and who says so."""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from console.domain.market import FeeTerms

COLUMNS = ("scope", "ticker", "from", "until", "fee_type", "multiplier", "certainty", "source")
FEE_TYPES = ("quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees", "flat")
"""The exchange's own; that of a "flat" fee is known by name alone, so nothing can be traded under it."""

BEGINNING_NS = -(2**63)
END_NS = 2**63 - 1

_MULTIPLIER_UNITS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeeFileError(ValueError):
    """A file of fees cannot be used; the text names the file, row and column and what would be right."""


class Scope(enum.StrEnum):
    """What a row speaks of; the first that has terms for a market decides."""

    MARKET = "market"
    EVENT = "event"
    SERIES = "series"
    DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class FeeRow:
    """Terms from one time until before another; None where it is known that they are not known."""

    scope: Scope
    ticker: str
    from_ns: int
    until_ns: int
    terms: FeeTerms | None
    is_assumed: bool
    source: str

    def holds(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns < self.until_ns


def read_rows(text: str, name: str) -> list[FeeRow]:
    """The rows of a CSV file; raises FeeFileError.

    A row for each time span: ``scope`` market, event, series or default; ``from`` and ``until`` are UTC, the
    first included, the second not, empty where open; without ``fee_type`` and ``multiplier`` the terms are
    not known; ``certainty`` is known or assumed; ``source`` says who says so.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[FeeRow] = []
    lines: dict[FeeRow, int] = {}
    try:
        header = tuple(reader.fieldnames or ())
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise FeeFileError(f"{name} has no column {missing[0]!r}; its columns are {','.join(COLUMNS)}")
        for cells in reader:
            row = _Cells(cells, f"{name} row {reader.line_num}").row()
            for other in rows:
                if _overlap(row, other):
                    raise FeeFileError(
                        f"{name} row {reader.line_num}, column from: {row.ticker or 'the default'} has terms "
                        f"for that time in row {lines[other]} already; time spans must not overlap"
                    )
            rows.append(row)
            lines[row] = reader.line_num
    except csv.Error as error:
        raise FeeFileError(f"{name} is not CSV after row {reader.line_num}: {error}") from None
    return rows


def _overlap(one: FeeRow, other: FeeRow) -> bool:
    same = (one.scope, one.ticker) == (other.scope, other.ticker)
    return same and one.from_ns < other.until_ns and other.from_ns < one.until_ns


class _Cells:
    """One row's texts."""

    def __init__(self, cells: dict[str, str], where: str) -> None:
        self._where = where
        if None in cells:
            raise FeeFileError(f"{where} has more cells than columns; quote a text that holds a comma")
        self._cells = {column: (text or "").strip() for column, text in cells.items()}

    def row(self) -> FeeRow:
        scope = Scope(self._one_of("scope", tuple(Scope)))
        from_ns, until_ns = self._time("from", BEGINNING_NS), self._time("until", END_NS)
        if from_ns >= until_ns:
            raise self._wrong("until", "a time after from")
        if not self._cells["source"]:
            raise self._wrong("source", "who says so")
        return FeeRow(
            scope=scope,
            ticker=self._ticker(scope),
            from_ns=from_ns,
            until_ns=until_ns,
            terms=self._terms(),
            is_assumed=self._one_of("certainty", ("known", "assumed")) == "assumed",
            source=self._cells["source"],
        )

    def _ticker(self, scope: Scope) -> str:
        ticker = self._cells["ticker"]
        if scope is Scope.DEFAULT and ticker:
            raise self._wrong("ticker", "nothing, as a default is for all")
        if scope is not Scope.DEFAULT and not ticker:
            raise self._wrong("ticker", f"the ticker of the {scope}")
        return ticker

    def _terms(self) -> FeeTerms | None:
        fee_type, multiplier = self._cells["fee_type"], self._cells["multiplier"]
        if not fee_type and not multiplier:
            return None
        self._one_of("fee_type", FEE_TYPES)
        try:
            scaled = Decimal(multiplier) * _MULTIPLIER_UNITS
        except InvalidOperation:
            scaled = Decimal("nan")
        if not scaled.is_finite() or scaled < 0 or scaled != int(scaled):
            raise self._wrong("multiplier", "a number from 0 on with at most four decimals")
        return FeeTerms(fee_type, int(scaled))

    def _one_of(self, column: str, choices: tuple[str, ...]) -> str:
        if self._cells[column] not in choices:
            raise self._wrong(column, f"one of {', '.join(choices)}")
        return self._cells[column]

    def _time(self, column: str, otherwise: int) -> int:
        text = self._cells[column]
        if not text:
            return otherwise
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(column, "a time such as 2026-07-03 or 2026-07-03T12:00:00Z") from None
        since = (time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

    def _wrong(self, column: str, right: str) -> FeeFileError:
        return FeeFileError(f"{self._where}, column {column}: {self._cells[column]!r} should be {right}")


def spans(rows: list[FeeRow]) -> Iterator[int]:
    """Every time at which a row begins or ends."""
    for row in rows:
        yield from (ns for ns in (row.from_ns, row.until_ns) if BEGINNING_NS < ns < END_NS)
