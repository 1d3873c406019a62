"""A risk manager that stands alone, in cents, dollars and whole contracts: sizing, switches and latches.

It knows what it is told and nothing else; the engine trades by ``console.risk.manager``.
"""

from __future__ import annotations

import enum
import math
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.book import BookSide
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.fees import KalshiFees
from console.domain.market import FeeTerms, Outcome, Ticker
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    Cash,
    Count,
    Price,
)
from console.domain.ports import Clock
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.domain.trading_state import TradingState as Level
from console.risk import manager
from console.risk.correlation import calculate_market_returns, identify_correlated_markets
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.latches import Latches
from console.risk.proposal import Proposal, Standing
from console.risk.risk_day import RiskDays
from console.risk.sizing import size
from console.risk.switches.base import RiskView
from console.risk.switches.correlation import CorrelationBreach
from console.risk.switches.daily_loss import DailyLoss
from console.risk.switches.loss_streak import LossStreak
from console.risk.switches.manual import MANUAL, ManualHalt

__all__ = [
    "RiskLimits",
    "RiskManager",
    "Status",
    "TradingState",
    "calculate_market_returns",
    "identify_correlated_markets",
]

_OPERATOR = "operator"
_UTC_DAYS = RiskDays("UTC", 0)
_FEES = KalshiFees()
# Fees are rounded once an order, so one contract's share is read off an order of many.
_CONTRACTS_IN_ESTIMATE = 100
_NEW_MARKET = ""


class TradingState(enum.StrEnum):
    """What may be done, from most to least."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"


@dataclass(frozen=True)
class RiskLimits:
    """Shares are fractions of one, of capital."""

    kelly_fraction: float = 0.25
    max_single_position_pct: float = 0.05
    max_correlated_group_pct: float = 0.15
    max_total_exposure_pct: float = 0.20
    max_daily_loss_dollars: float = 500.0
    max_daily_loss_pct: float = 0.05
    max_consecutive_losses: int = 5
    loss_streak_pause_hours: float = 4.0

    def as_settings(self) -> RiskSettings:
        """The engine's settings with these limits; events are not told apart here, so they have none."""
        return RiskSettings(
            kelly_fraction=Decimal(str(self.kelly_fraction)),
            max_single_position_pct=Decimal(str(self.max_single_position_pct)),
            max_correlated_group_pct=Decimal(str(self.max_correlated_group_pct)),
            max_event_exposure_pct=Decimal(1),
            max_total_exposure_pct=Decimal(str(self.max_total_exposure_pct)),
            max_daily_loss_dollars=Decimal(str(self.max_daily_loss_dollars)),
            max_daily_loss_pct=Decimal(str(self.max_daily_loss_pct)),
            max_consecutive_losses=self.max_consecutive_losses,
            loss_streak_pause_hours=Decimal(str(self.loss_streak_pause_hours)),
        )


class Status(TypedDict):
    """What ``get_status`` says; dollars."""

    trading_state: str
    kill_switch_reason: str | None
    latches: list[str]
    current_capital: float
    daily_pnl: float
    total_exposure: float
    open_positions: int
    consecutive_losses: int


class RiskManager:
    """Sizes positions and says whether trading is allowed, from its limits and the trades it is told of.

    A new one may trade. Capital counts open positions at cost. Raises ValueError for a capital that is not a
    positive amount.
    """

    def __init__(
        self,
        initial_capital: float,
        limits: RiskLimits | None = None,
        *,
        now_ns: Clock = time.time_ns,
        monotonic_ns: Clock = time.monotonic_ns,
    ) -> None:
        if not (math.isfinite(initial_capital) and initial_capital > 0):
            raise ValueError(f"initial_capital is {initial_capital}, not an amount above 0")
        self.limits = limits or RiskLimits()
        self.positions: dict[Ticker, Position] = {}
        self._settings = self.limits.as_settings()
        self._manager = manager.RiskManager(
            self._settings,
            QualitySettings(),
            escalates=False,
            switches=(
                ManualHalt(),
                DailyLoss(self._settings),
                LossStreak(self._settings),
                CorrelationBreach(self._settings),
            ),
        )
        self._latches = Latches()
        self._places: dict[Ticker, Place] = {}
        self._now_ns, self._monotonic_ns = now_ns, monotonic_ns
        self._cash = self._day_open = _cash(initial_capital)
        self._day = _UTC_DAYS.day_of(now_ns())
        self._losses = self._losses_answered = 0

    # --- what it is asked ---------------------------------------------------------------------------

    def calculate_position_size(
        self, edge: float, win_probability: float, price_cents: float, market_group: str = ""
    ) -> tuple[int, str]:
        """Whole contracts of an outcome to buy at a price, and why no more; 0 when anything refuses.

        The taker's fee of the exchange's schedule counts as cost. ``edge`` is over the price; of the two
        claims, edge and probability, the smaller counts.
        """
        permit = self._manager.permit(self._evaluate(), self._latches, group=market_group)
        if not permit.allowed:
            return 0, permit.reason
        for name, value in (
            ("edge", edge),
            ("win_probability", win_probability),
            ("price_cents", price_cents),
        ):
            if not math.isfinite(value):
                return 0, f"{name} is {value}"
        if not edge > 0:
            return 0, "no edge"
        price = Price(math.ceil(Decimal(str(price_cents)) * PRICE_PER_CENT))
        claimed = min(Decimal(str(win_probability)), Decimal(price) / PAYOUT + Decimal(str(edge)))
        proposal = Proposal(
            ticker=_NEW_MARKET,
            side=BookSide.BID,
            price=price,
            win_probability=Price(int(claimed * PAYOUT)),
            fee_per_contract=_fee_of_one(price) if 0 < price < PAYOUT else None,
            is_taker=False,
            displayed=None,
            strategy="",
        )
        place = Place(market_group, _NEW_MARKET) if market_group else Place.alone(_NEW_MARKET)
        sized = size(proposal, self._standing({_NEW_MARKET: place}, price), self._settings)
        return sized.count // COUNT_PER_CONTRACT, sized.reason

    def can_trade(self) -> tuple[bool, str]:
        """Whether a new position may be opened, and why not."""
        permit = self._manager.permit(self._evaluate(), self._latches)
        return permit.allowed, permit.reason or "trading is allowed"

    def get_status(self) -> Status:
        self._evaluate()
        active = self._latches.active
        return Status(
            trading_state=self.trading_state.value,
            kill_switch_reason=active[0].reason if active else None,
            latches=[latch.id for latch in active],
            current_capital=self.current_capital,
            daily_pnl=self.daily_pnl,
            total_exposure=self._get_total_exposure(),
            open_positions=len(self.positions),
            consecutive_losses=self._losses,
        )

    @property
    def trading_state(self) -> TradingState:
        """The most restrictive of what holds for everything."""
        return TradingState[self._latches.state.name]

    @property
    def current_capital(self) -> float:
        """Dollars, open positions at cost."""
        return self._capital() / CASH_PER_DOLLAR

    @property
    def daily_pnl(self) -> float:
        """Dollars made since 00:00 UTC, after fees, open positions at cost."""
        self._begin_day()
        return (self._capital() - self._day_open) / CASH_PER_DOLLAR

    def _get_total_exposure(self) -> float:
        """Dollars lost if every open position loses."""
        return self._exposure({}).total.held / CASH_PER_DOLLAR

    # --- what it is told ----------------------------------------------------------------------------

    def manual_halt(self, reason: str = "operator") -> None:
        """Stop; only ``manual_resume`` ends it."""
        self._latches.apply(
            LatchRaised(
                at_ns=self._now_ns(), name=MANUAL, level=Level.HALTED, reason=reason, source=_OPERATOR
            )
        )

    def manual_resume(self) -> None:
        """End the manual halt; what else holds trading back still does."""
        self._latches.apply(
            LatchCleared(at_ns=self._now_ns(), name=MANUAL, reason="manual resume", source=_OPERATOR)
        )

    def record_fill(
        self,
        ticker: Ticker,
        side: Outcome,
        price_cents: float,
        contracts: float,
        market_group: str = "",
        fee: float = 0.0,
    ) -> None:
        """Contracts of an outcome were bought; against the other outcome held, they close it."""
        self._begin_day()
        paid = Price(round(price_cents * PRICE_PER_CENT))
        book_side = BookSide.BID if side == "yes" else BookSide.ASK
        price, count = book_side.price_paid(paid), Count(round(contracts * COUNT_PER_CONTRACT))
        held = self.positions.get(ticker, Position())
        self._cash = Cash(
            self._cash + cash_change_of_fill(held.contracts, book_side, price, count, _cash(fee))
        )
        self._places[ticker] = Place(market_group, ticker) if market_group else Place.alone(ticker)
        self._put(ticker, held.filled(book_side, price, count, _cash(fee)))

    def record_resolution(self, ticker: Ticker, resolution: Outcome) -> None:
        """A market paid out."""
        self._begin_day()
        held = self.positions.get(ticker, Position())
        yes_value = PAYOUT if resolution == "yes" else Price(0)
        self._cash = Cash(self._cash + cash_change_of_settlement(held.contracts, yes_value))
        if held.contracts:
            self._put(ticker, held.settled(yes_value))

    # --- inside -------------------------------------------------------------------------------------

    def _put(self, ticker: Ticker, position: Position) -> None:
        if position.contracts:
            self.positions[ticker] = position
        else:
            self.positions.pop(ticker, None)
            self._places.pop(ticker, None)
            self._note_result(position.realised - position.fees)
        self._evaluate()

    def _note_result(self, result: int) -> None:
        if result > 0:
            self._losses = self._losses_answered = 0
        elif result < 0:
            self._losses += 1

    def _evaluate(self) -> RiskView:
        """Read the switches, and return what they read as it is afterwards."""
        for event in self._manager.evaluate(self._view(), self._latches):
            self._latches.apply(event)
            if isinstance(event, LatchCleared) and event.name == LossStreak.key:
                self._losses_answered = self._losses
        return self._view()

    def _view(self) -> RiskView:
        self._begin_day()
        return RiskView(
            now_ns=self._now_ns(),
            monotonic_ns=self._monotonic_ns(),
            equity=self._capital(),
            day_open_equity=self._day_open,
            losses_in_a_row=self._losses,
            losses_answered=self._losses_answered,
            exposure=self._exposure({}),
        )

    def _begin_day(self) -> None:
        day = _UTC_DAYS.day_of(self._now_ns())
        if day > self._day:
            self._day, self._day_open = day, self._capital()

    def _capital(self) -> Cash:
        return Cash(self._cash + sum(position.paid for position in self.positions.values()))

    def _exposure(self, more: dict[Ticker, Place]) -> Exposure:
        return Exposure.of(self.positions, [], {**self._places, **more})

    def _standing(self, more: dict[Ticker, Place], price: Price) -> Standing:
        """The price given is all that is known of the market, so it is its middle too."""
        return Standing(
            equity=self._capital(),
            high_water=None,
            cash=self._cash,
            exposure=self._exposure(more),
            twice_mid=2 * price,
            orders_in_minute=0,
        )


def _cash(dollars: float) -> Cash:
    return Cash(round(Decimal(str(dollars)) * CASH_PER_DOLLAR))


def _fee_of_one(price: Price) -> Cash:
    count = Count(_CONTRACTS_IN_ESTIMATE * COUNT_PER_CONTRACT)
    return Cash(-(-_FEES.on_trade(FeeTerms(), price, count, is_taker=True) // _CONTRACTS_IN_ESTIMATE))
