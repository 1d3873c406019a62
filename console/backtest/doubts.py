"""How much of a run rests on what was not recorded, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from console.backtest.words import dollars, some
from console.domain.money import Cash, format_count
from console.history.scheduled_close import UNKNOWN_CLOSE
from console.history.timeline import UNSIZED

if TYPE_CHECKING:
    from console.backtest.result import Result
    from console.backtest.setup import Setup
    from console.monitoring.trades import Trade


class Doubts(msgspec.Struct, frozen=True, kw_only=True):
    """Of the markets traded those whose result a draw decided, or was read off prices; and of the recording.

    ``drawn_pnl`` is what the drawn ones made, ``unsized`` counts quotes whose size was not recorded,
    ``prints`` the trades that were, ``left_out`` the markets of which it was not known when they would close.
    """

    traded: int = 0
    drawn: int = 0
    drawn_pnl: Cash = Cash(0)
    read_off: int = 0
    unsized: int = 0
    prints: int = 0
    left_out: int = 0


def doubts_of(result: Result, trades: Sequence[Trade]) -> Doubts:
    """Those of one run."""
    return Doubts(
        traded=len(result.traded),
        drawn=sum(market.is_drawn for market in result.traded),
        drawn_pnl=Cash(sum(trade.net or 0 for trade in trades if trade.is_drawn)),
        read_off=sum(market.is_read_off for market in result.traded),
        unsized=result.noted.get(UNSIZED, 0),
        prints=result.prints,
        left_out=result.noted.get(UNKNOWN_CLOSE, 0),
    )


def summed(each: Iterable[Doubts]) -> Doubts:
    """Those of several runs on parts of one recording, of which each counts all quotes without a size."""
    every = [*each, Doubts()]
    return Doubts(
        traded=sum(it.traded for it in every),
        drawn=sum(it.drawn for it in every),
        drawn_pnl=Cash(sum(it.drawn_pnl for it in every)),
        read_off=sum(it.read_off for it in every),
        unsized=max(it.unsized for it in every),
        prints=sum(it.prints for it in every),
        left_out=sum(it.left_out for it in every),
    )


def in_words(doubts: Doubts, setup: Setup) -> Iterator[str]:
    """A sentence for each kind that there is."""
    if doubts.unsized and setup.modelled_depth:
        yield (
            f"{some(doubts.unsized, 'quote')} had no size and were given one drawn by the laws of recorded "
            "BTC books: fills there are invented, try other seeds"
        )
    elif doubts.unsized and setup.assumed_depth is not None:
        yield (
            f"{some(doubts.unsized, 'quote')} had no size and were taken to show "
            f"{format_count(setup.assumed_depth)} contracts: fills there are invented, compare with a "
            "smaller size"
        )
    elif doubts.unsized:
        yield (
            f"{some(doubts.unsized, 'quote')} had no size, and nothing was filled there: record sizes, or "
            "invent them by --assume-depth or --modelled-depth"
        )
    if not doubts.prints and setup.settings.strategy_flb.style == "maker":
        yield (
            "no trade was recorded, so that a resting order fills only where the display crosses it: record "
            "trades before relying on what makers do or do not get"
        )
    of_traded = some(doubts.traded, "traded market")
    if doubts.drawn:
        yield (
            f"{doubts.drawn:,} of {of_traded} had no recorded result, so a seeded draw settled them, which "
            f"made {dollars(doubts.drawn_pnl)} of the P&L: hit and win rates leave them out; try other seeds"
        )
    if doubts.read_off:
        yield (
            f"the results of {doubts.read_off:,} of {of_traded} were read off prices (result_source says "
            "derived or inferred): they flatter hit and win rates, so check them against the exchange"
        )
    if doubts.left_out:
        yield (
            f"{some(doubts.left_out, 'market')} ended early, and when they were to close is not recorded, so "
            "that nobody could know that they were near it: they were left out; give scheduled_close_time"
        )
