"""The files of a run's metrics: two that grow by lines, and one that is replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from console.config.appended_csv import AppendedCsv
from console.config.files import replace_file
from console.monitoring.documents import Document
from console.monitoring.mark_outs import COLUMNS as MARK_OUT_COLUMNS
from console.monitoring.mark_outs import FILE_NAME as MARK_OUTS_CSV
from console.monitoring.mark_outs import NotedMarkOut, read_mark_outs
from console.monitoring.trades_csv import COLUMNS, TradeRow

TRADES_CSV = "trades_log.csv"
METRICS_JSON = "metrics.json"


class MetricFiles:
    """``trades_log.csv``, ``mark_outs.csv`` and ``metrics.json`` in one folder.

    What a file does not take waits for the next ``flush``, and ``on_trouble`` is told once, in a sentence,
    until it works again.
    """

    def __init__(self, folder: Path, on_trouble: Callable[[str], None]) -> None:
        self._folder = folder
        self._on_trouble = on_trouble
        self._trades = AppendedCsv(folder / TRADES_CSV, COLUMNS)
        self._mark_outs = AppendedCsv(folder / MARK_OUTS_CSV, MARK_OUT_COLUMNS)
        self._journaled: list[TradeRow] = []
        self._troubles: set[str] = set()

    def add_trade(self, row: TradeRow) -> None:
        """Have a line of its own."""
        self._trades.add(msgspec.structs.astuple(row))

    def add_journaled_trade(self, row: TradeRow) -> None:
        """Have a line unless the file has this trade, as it does when the journal is read again."""
        self._journaled.append(row)

    def add_mark_out(self, noted: NotedMarkOut) -> None:
        self._mark_outs.add(msgspec.structs.astuple(noted))

    def flush(self) -> bool:
        """Append what waits to the CSV files; whether all of it is there now."""
        trades = self._try(TRADES_CSV, self._flush_trades)
        # Nothing to write is no sign that the file can be written again.
        mark_outs = not self._mark_outs.waiting or self._try(MARK_OUTS_CSV, self._mark_outs.flush)
        return mark_outs and trades

    def mark_outs(self) -> dict[str, tuple[int | None, ...]] | None:
        """What earlier runs noted, by fill; None where the file cannot be read."""
        found: list[dict[str, tuple[int | None, ...]]] = []
        self._try(MARK_OUTS_CSV, lambda: found.append(read_mark_outs(self._folder)))
        return found[0] if found else None

    def replace_metrics(self, document: Document) -> Path:
        """Write all metrics, replacing the file as a whole; where it is."""
        path = self._folder / METRICS_JSON
        text = json.dumps(document, indent=1, default=str, allow_nan=False).encode() + b"\n"
        self._try(METRICS_JSON, lambda: replace_file(path, text))
        return path

    def _flush_trades(self) -> None:
        while self._journaled:
            if not self._trades.has(self._journaled[0].trade_id):
                self.add_trade(self._journaled[0])
            del self._journaled[0]
        self._trades.flush()

    def _try(self, name: str, write: Callable[[], None]) -> bool:
        try:
            write()
        except OSError as error:
            if name not in self._troubles:
                self._troubles.add(name)
                reason = error.strerror or str(error)
                self._on_trouble(f"{self._folder / name} is not written: {reason}; it is tried again")
            return False
        self._troubles.discard(name)
        return True
