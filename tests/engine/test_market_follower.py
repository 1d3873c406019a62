"""Which markets the engine follows when the exchange does not list one of them any more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from engine_builders import FAVOURITE, A, B, contracts, settings
from scripted_venue import ScriptedExchange, run_of, wide_market

from console.config.trading_settings import UniverseSettings
from console.domain.money import Cash
from console.domain.order import PositionReport
from console.domain.ports import KeyRefusedError, VenueRefusedError
from console.engine.worker import EngineFailedError


def holding_an_unlisted_market(error: Exception) -> ScriptedExchange:
    exchange = ScriptedExchange(wide_market(B))
    exchange.positions = [PositionReport(A, contracts(5), Cash(0), Cash(4_000_000))]
    exchange.trouble = lambda call, number: error if call == "market" else None
    return exchange


def test_a_market_that_is_listed_no_more_does_not_keep_the_engine_from_following_the_others(
    tmp_path: Path,
) -> None:
    exchange = holding_an_unlisted_market(VenueRefusedError("404 not found"))
    often = replace(settings("maker"), universe=UniverseSettings(refresh_seconds=Decimal(1)))
    with run_of(tmp_path, exchange, often) as run:
        run.show(FAVOURITE, B)
        run.seen("the other is looked at", lambda s: s.funnel[0].reached > 0)
        exchange.wait_for("markets", 2)
    assert exchange.subjects("market") == [A]


def test_a_key_that_is_refused_for_a_market_keeps_the_engine_from_starting(tmp_path: Path) -> None:
    exchange = holding_an_unlisted_market(KeyRefusedError("401"))
    with pytest.raises(EngineFailedError, match="401"), run_of(tmp_path, exchange):
        pass
