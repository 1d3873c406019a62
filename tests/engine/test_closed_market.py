"""What is held in a market between its close and its payout, onto an exchange in memory."""

from __future__ import annotations

import time
from pathlib import Path

from engine_builders import A, B, cents, contracts, dollars, quote
from scripted_venue import ScriptedExchange, run_of, wide_market

from console.domain.book import NO_QUOTE
from console.domain.market import MarketStatus, Ticker
from console.domain.market_events import MarketStatusChanged
from console.domain.money import Price
from console.domain.order import PositionReport
from console.engine.snapshot import Snapshot


def test_the_book_of_a_closed_market_that_is_taken_down_does_not_make_a_position_worthless(
    tmp_path: Path,
) -> None:
    """Fails when the asks that go last leave a favourite marked at nothing until it pays out."""
    exchange = ScriptedExchange(wide_market(A), wide_market(B))
    exchange.positions += [held(A), held(B)]
    with run_of(tmp_path, exchange) as run:
        run.show(quote(96, 97))
        run.seen("its mark", lambda s: mark_of(s, A) == cents(96))
        run.say(MarketStatusChanged(at_ns=time.time_ns(), ticker=A, status=MarketStatus.CLOSED))
        run.show(quote(None, 97))
        run.show(NO_QUOTE)
        run.show(quote(49, 51), B)
        after = run.seen("all was heard", lambda s: mark_of(s, B) == cents(49))
        assert mark_of(after, A) == cents(96)


def held(ticker: Ticker) -> PositionReport:
    return PositionReport(ticker=ticker, position=contracts(10), fees=dollars("0"), paid=dollars("9.50"))


def mark_of(snapshot: Snapshot, ticker: Ticker) -> Price | None:
    return next((each.mark for each in snapshot.positions if each.ticker == ticker), None)
