"""What each market charged and when, from dated rows whose sources are named."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from console.backtest.fee_rows import FeeFileError, FeeRow, Scope, read_rows, spans
from console.domain.market import FeeTerms, Market

__all__ = ["FeeFileError", "FeeSchedules"]

_SHIPPED = "the shipped fees"
_PER_UNIT = 10_000


class FeeSchedules:
    """The fee terms of markets by date: a market's own row before its event's, its series', the default.

    A file's row counts before a shipped one of the same scope. The shipped default, the ordinary schedule, is
    an assumption, and ``is_assumed`` says so; a file may say that what it does not list is not known.
    """

    def __init__(self, *sources: list[FeeRow]) -> None:
        self._rows: dict[tuple[Scope, str], list[FeeRow]] = {}
        for row in (row for rows in sources for row in rows):
            self._rows.setdefault((row.scope, row.ticker), []).append(row)

    @classmethod
    def load(cls, file: Path | None = None) -> FeeSchedules:
        """The shipped rows, and a file's before them; raises FeeFileError."""
        folder = resources.files("console.backtest") / "data"
        shipped = read_rows((folder / "fees.csv").read_text(encoding="utf-8"), _SHIPPED)
        return cls(shipped) if file is None else cls(_read(file), shipped)

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        """The terms in force then; None where they are not known."""
        row = self._row(market, at_ns)
        return None if row is None else row.terms

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        """When its terms change, in order."""
        times = sorted({ns for rows in self._of(market) for ns in spans(rows)})
        return tuple(ns for ns in times if self.terms(market, ns - 1) != self.terms(market, ns))

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        """Whether nobody has said that these are its terms then."""
        row = self._row(market, at_ns)
        return row is None or row.is_assumed

    def provenance(self, market: Market, at_ns: int) -> str:
        """The terms in force then and who says so, such as "quadratic x 0.5, known: fee change of ..."."""
        row = self._row(market, at_ns)
        if row is None:
            return "not known: no row for that time"
        if row.terms is None:
            return f"not known: {row.source}"
        certainty = "assumed" if row.is_assumed else "known"
        multiplier = f"{row.terms.multiplier / _PER_UNIT:.4f}".rstrip("0").rstrip(".")
        return f"{row.terms.fee_type} x {multiplier}, {certainty}: {row.source}"

    def _row(self, market: Market, at_ns: int) -> FeeRow | None:
        return next((row for rows in self._of(market) for row in rows if row.holds(at_ns)), None)

    def _of(self, market: Market) -> list[list[FeeRow]]:
        keys = (
            (Scope.MARKET, market.ticker),
            (Scope.EVENT, market.event_ticker),
            (Scope.SERIES, market.series_ticker),
            (Scope.DEFAULT, ""),
        )
        return [self._rows.get(key, []) for key in keys]


def _read(file: Path) -> list[FeeRow]:
    try:
        return read_rows(file.read_text(encoding="utf-8-sig"), str(file))
    except UnicodeDecodeError:
        raise FeeFileError(f"{file} is not UTF-8 text") from None
    except OSError as error:
        raise FeeFileError(f"{file} cannot be read: {error.strerror}") from None
