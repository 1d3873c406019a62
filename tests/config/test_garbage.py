"""Searches for garbage wait until each part of a run has started."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from console.config.garbage import put_off_searches, search_again


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    assert gc.isenabled()


def test_garbage_is_searched_for_once_all_that_starts_has_started() -> None:
    put_off_searches("screen")
    put_off_searches("metrics")
    search_again("screen")
    assert not gc.isenabled()
    search_again("metrics")
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_part_that_ends_twice_freezes_nothing_more() -> None:
    put_off_searches("metrics")
    search_again("metrics")
    gc.unfreeze()
    search_again("metrics")
    assert gc.get_freeze_count() == 0


def test_what_an_earlier_run_held_is_searched_in_the_next() -> None:
    put_off_searches("metrics")
    search_again("metrics")
    put_off_searches("metrics")
    assert gc.get_freeze_count() == 0
    search_again("metrics")
