"""The file of measured edges, as trading reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.config.trading_settings import EdgeSettings
from console.domain.book import BookSide, Level, Quote
from console.domain.money import Count, Price
from console.strategies.edge import PUBLISHED_MARKS, ConstantEdge
from console.strategies.edge_table import FILE_NAME, EdgeTableError, edge_model_of

NOW = datetime(2026, 4, 1, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 1_000_000_000
QUOTE = Quote(Level(Price(9_200), Count(100)), Level(Price(9_300), Count(100)))


def cell(**changes: object) -> dict[str, object]:
    return {
        "category": "Crypto",
        "bucket": "favorite_extreme",
        "role": "maker_yes",
        "published": 165,
        "measured": -50,
        "low": -300,
        "high": 200,
        "events": 400.0,
        "used": -120,
    } | changes


def document(*cells: dict[str, object], **changes: object) -> dict[str, Any]:
    return {
        "version": 1,
        "data": "recordings",
        "data_from": "2026-01-01T00:00:00Z",
        "data_to": "2026-03-31T00:00:00Z",
        "prior_points": 1.277,
        "cells": list(cells or (cell(),)),
    } | changes


def written(home: Path, content: object) -> Path:
    path = home / FILE_NAME
    path.write_bytes(content if isinstance(content, bytes) else msgspec.json.encode(content))
    return path


def probability(home: Path, category: str, side: BookSide = BookSide.BID) -> Price | None:
    return edge_model_of(EdgeSettings(), home, NOW_NS).win_probability(category, QUOTE, side, "maker")


def test_the_table_in_the_home_is_traded_by(tmp_path: Path) -> None:
    written(tmp_path, document())
    assert probability(tmp_path, "Crypto") == 9_200 - 120


def test_what_was_not_measured_keeps_the_published_mark(tmp_path: Path) -> None:
    written(tmp_path, document())
    published = PUBLISHED_MARKS["favorite_extreme"].maker_yes
    assert probability(tmp_path, "Sports") == 9_200 + published
    no = PUBLISHED_MARKS["longshot_extreme"].maker_no
    assert probability(tmp_path, "Crypto", BookSide.ASK) == 700 + no


def test_while_none_was_written_the_published_marks_are_the_table(tmp_path: Path) -> None:
    assert probability(tmp_path, "Crypto") == 9_200 + PUBLISHED_MARKS["favorite_extreme"].maker_yes


def test_the_constant_reads_no_file(tmp_path: Path) -> None:
    written(tmp_path, b"rubbish")
    settings = EdgeSettings(model="constant", constant_points=Decimal(3))
    assert isinstance(edge_model_of(settings, tmp_path, NOW_NS), ConstantEdge)


def test_a_table_of_ones_own_is_named_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(msgspec.json.encode(document(cell(used=7))))
    model = edge_model_of(EdgeSettings(table="mine.json"), tmp_path, NOW_NS)
    assert model.win_probability("Crypto", QUOTE, BookSide.BID, "maker") == 9_207


def test_a_named_table_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgeTableError, match=r"mine\.json does not exist; run kconsole calibrate"):
        edge_model_of(EdgeSettings(table="mine.json"), tmp_path, NOW_NS)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not an edge table"),
        (b'{"version": 1', "is not an edge table"),
        (b"\xff\xfe\x00", "is not an edge table"),
        (b"[" * 100_000, "is not an edge table"),
        ({}, "missing required field"),
        (document(version=2), "has version 2, and this program reads 1"),
        (document(surprise=1), "unknown field `surprise`"),
        (document(cell(used=None)), r"cells\[0\]\.used"),
        (document(cell(used=10_001)), r"cells\[0\]\.used"),
        (document(cell(events=0)), r"cells\[0\]\.events"),
        (document(cell(role="both")), r"cells\[0\]\.role"),
        (document(cell(bucket="middling")), "unknown bucket .*middling"),
        (document(cell(), cell(used=5)), "Crypto, favorite_extreme, maker_yes twice"),
        (document(data_to="2026-04-02T00:00:00Z"), "2026-04-02, which is yet to come"),
        (document(data_to="2026-03-31T00:00:00"), "without a time zone"),
        (
            document(data_to="2025-12-01T00:00:00Z"),
            "2025-12-01, 121 days ago, and edge.table_max_age_days is 92",
        ),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused_in_one_sentence(
    tmp_path: Path, content: object, problem: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(EdgeTableError, match=problem) as refused:
        edge_model_of(EdgeSettings(), tmp_path, NOW_NS)
    said = str(refused.value)
    assert said.startswith(f"edge table {path} ")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (Path.mkdir, "is not a file"),
        (lambda path: path.write_bytes(b" " * 10_000_001), "larger than 10 MB"),
    ],
)
def test_what_is_not_a_small_file_is_not_read(
    tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    make(tmp_path / FILE_NAME)
    with pytest.raises(EdgeTableError, match=problem):
        edge_model_of(EdgeSettings(), tmp_path, NOW_NS)


def test_a_table_is_good_on_the_last_day_of_its_age(tmp_path: Path) -> None:
    written(tmp_path, document(data_to="2025-12-30T00:00:00Z"))
    assert probability(tmp_path, "Crypto") == 9_080
