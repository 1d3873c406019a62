"""What a backtest is asked for: the settings of live trading, and the world it trades in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from console.config.schema import Settings
from console.domain.events import JournaledEvent
from console.domain.fees import AccountPrecision, ProfitFees
from console.domain.market import FeeTerms, Market
from console.domain.money import Cash, Count
from console.domain.order import OrderIntent, PositionReport
from console.simulation.execution import QueueModel
from console.simulation.slippage import SlippageModel
from console.strategies.base import Strategy

MakeStrategy = Callable[[Sequence[Market]], Strategy]
"""A new strategy for each run, told the markets of the recording in their order."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long messages are on their way, in nanoseconds of true time.

    ``feed`` from the exchange to us, ``entry`` from a decision to the exchange, for cancels too, ``response``
    from there to us. To each up to ``jitter`` is added, drawn by the run's seed; no message of one way
    overtakes another.
    """

    feed_ns: int = 0
    entry_ns: int = 0
    response_ns: int = 0
    jitter_ns: int = 0

    def times(self, factor: int) -> Latency:
        """All of it so many times as long."""
        return Latency(
            feed_ns=factor * self.feed_ns,
            entry_ns=factor * self.entry_ns,
            response_ns=factor * self.response_ns,
            jitter_ns=factor * self.jitter_ns,
        )


@dataclass(frozen=True, kw_only=True)
class ClockSkew:
    """How far our clock is ahead of the exchange's: at the first row, and growing by parts per million."""

    offset_ns: int = 0
    drift_ppm: int = 0


class FeeSource(Protocol):
    """What each market charges, and when."""

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        """The terms in force then; None where they are not known, and nothing may be traded."""

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        """When its terms change, in order."""

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        """Whether nobody has said that these are its terms then."""

    def provenance(self, market: Market, at_ns: int) -> str:
        """The terms in force then and who says so, in a line."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What a run that happened had beside its quotes, for running it again.

    It began with ``positions``, after ``state``; ``scans_ns`` are the scans that are known. What
    came from outside, latches and commands, is ``told`` at its time. ``arrival_ns`` says when an order
    decided at a time reached the exchange, None where none such was sent. Three trips of a pause make a halt
    if it ``escalates``. ``strategy_of`` remakes the strategy when a command changes settings; then no row may
    be left out.
    """

    positions: tuple[PositionReport, ...]
    state: tuple[JournaledEvent, ...]
    scans_ns: tuple[int, ...]
    told: tuple[JournaledEvent, ...]
    arrival_ns: Callable[[OrderIntent, int], int | None]
    escalates: bool
    strategy_of: Callable[[Settings], Strategy]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One run. Runs of an equal setup over the same recording are equal to the last journaled byte.

    ``fees`` are what the exchange charges at a trade, rounded to ``precision``; with ``profit_fees`` it
    charges nothing there and a share of the profit when a market settles.
    ``assumed_depth`` is the size of a quote that was recorded without one; None fills nothing there,
    unless with ``modelled_depth`` it is drawn.
    ``slippage`` costs cash on top. ``skip_ahead`` leaves out rows that can change no decision. ``lived`` is
    the run that is run again, if one is.
    """

    settings: Settings
    make_strategy: MakeStrategy
    fees: FeeSource
    capital: Cash
    precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER
    profit_fees: ProfitFees | None = None
    latency: Latency = field(default_factory=Latency)
    skew: ClockSkew = field(default_factory=ClockSkew)
    queue: QueueModel = QueueModel.PESSIMISTIC
    slippage: SlippageModel | None = None
    assumed_depth: Count | None = None
    modelled_depth: bool = False
    stop_on_halt: bool = False
    skip_ahead: bool = True
    seed: int = 0
    lived: Lived | None = None

    def with_latency(self, factor: int) -> Setup:
        """The same with every latency so many times as long."""
        return replace(self, latency=self.latency.times(factor))
