"""The file of measured edges: what a calibration writes and the strategy trades by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from console.config.errors import ConfigError
from console.config.trading_settings import EdgeSettings
from console.monitoring.buckets import BUCKETS
from console.strategies.edge import PUBLISHED_MARKS, ConstantEdge, EdgeModel, Marks, Role, TableEdge

FILE_NAME = "edge-table.json"
VERSION = 1

_LARGEST_FILE = 10_000_000

Mark = Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)]
"""Win probability less price paid, in ten-thousandths of a dollar."""


class EdgeCell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One price bucket, role and category: what was published, what was measured, what is used.

    ``low`` and ``high`` are the ends of the measurement's 95 % interval, ``events`` the independent events it
    is worth, ``used`` the mark to trade by.
    """

    category: str
    bucket: str
    role: Role
    published: Mark
    measured: Mark
    low: Mark | None
    high: Mark | None
    events: Annotated[float, msgspec.Meta(gt=0)]
    used: Mark


class EdgeTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every measured cell; ``data_from`` is when the first row it rests on came, ``data_to`` the last payout.

    ``prior_points`` is the spread between categories that the shrinking assumed.
    """

    version: int
    data: str
    data_from: datetime
    data_to: datetime
    prior_points: float
    cells: tuple[EdgeCell, ...]

    def marks(self) -> dict[str, dict[str, Marks]]:
        """The marks used by category and bucket; what was not measured keeps the published one."""
        marks: dict[str, dict[str, Marks]] = {}
        for cell in self.cells:
            table = marks.setdefault(cell.category, dict(PUBLISHED_MARKS))
            table[cell.bucket] = msgspec.structs.replace(table[cell.bucket], **{cell.role: cell.used})
        return marks


class EdgeTableError(ConfigError):
    """The file of measured edges cannot be traded by; without it the edge is not known."""


def table_path(settings: EdgeSettings, home: Path) -> Path:
    """Where the table stands; a relative name starts in the home."""
    return home / (settings.table or FILE_NAME)


def edge_model_of(settings: EdgeSettings, home: Path, now_ns: int) -> EdgeModel:
    """The edge model that the settings ask for; raises EdgeTableError.

    While no table was named and none was written, the published marks are the table.
    """
    if settings.model == "constant":
        return ConstantEdge(settings.constant_points)
    table = measured_table(settings, home, now_ns)
    return TableEdge() if table is None else TableEdge(measured=table.marks())


def measured_table(settings: EdgeSettings, home: Path, now_ns: int) -> EdgeTable | None:
    """The measured edges that are traded by, or None where there are none; raises EdgeTableError."""
    path = table_path(settings, home)
    if settings.model == "constant" or (not settings.table and not path.exists()):
        return None
    return read_edge_table(path, now_ns, settings.table_max_age_days)


def read_edge_table(path: Path, now_ns: int, max_age_days: int) -> EdgeTable:
    """The table in a file, checked; raises EdgeTableError when its data is older than ``max_age_days``."""
    table = _decoded(path)
    if table.version != VERSION:
        raise _unusable(path, f"has version {table.version}, and this program reads {VERSION}")
    _check_cells(path, table)
    now = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    if table.data_to > now:
        raise _unusable(path, f"rests on data up to {table.data_to:%Y-%m-%d}, which is yet to come")
    age = (now - table.data_to).days
    if age > max_age_days:
        raise _unusable(
            path,
            f"rests on data up to {table.data_to:%Y-%m-%d}, {age} days ago, and edge.table_max_age_days is "
            f"{max_age_days}",
        )
    return table


def _decoded(path: Path) -> EdgeTable:
    try:
        if not path.is_file():
            raise _unusable(path, "is not a file" if path.exists() else "does not exist")
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_FILE:
        raise _unusable(path, f"is larger than {_LARGEST_FILE // 1_000_000} MB, which no table is")
    try:
        return msgspec.json.decode(content, type=EdgeTable)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(path, f"is not an edge table: {error}") from None


def _check_cells(path: Path, table: EdgeTable) -> None:
    if any(at.tzinfo is None for at in (table.data_from, table.data_to)):
        raise _unusable(path, "gives data_from or data_to without a time zone")
    known = {bucket.name for bucket in BUCKETS}
    seen = set()
    for cell in table.cells:
        where = f"{cell.category}, {cell.bucket}, {cell.role}"
        if cell.bucket not in known:
            raise _unusable(path, f"has a cell of an unknown bucket ({where}); known are {', '.join(known)}")
        if where in seen:
            raise _unusable(path, f"has the cell {where} twice")
        seen.add(where)


def _unusable(path: Path, problem: str) -> EdgeTableError:
    return EdgeTableError(
        f"edge table {path} {problem}; run kconsole calibrate --write on recent data, or, to trade by the "
        "published marks, take it and edge.table away"
    )
