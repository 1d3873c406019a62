"""What the operator may ask for: pause, reduce only, halt, flatten, disarm, arm, resume."""

from __future__ import annotations

from console.domain.actions import AlertLevel, BeginFlatten, EndFlatten
from console.domain.commands import (
    Arm,
    CancelAllOrders,
    CancelOrder,
    ClosePosition,
    Disarm,
    Flatten,
    Halt,
    OperatorCommand,
    PauseEntries,
    ReduceOnly,
    Resume,
    StopTrading,
)
from console.domain.engine_events import (
    ClockTicked,
    FlattenDue,
    FlattenEnded,
    HaltProgressed,
    LatchCleared,
    LatchRaised,
)
from console.domain.market_events import ExchangeStatusRead
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.cancels import Cancels
from console.engine.effects import Effects
from console.engine.flatten import FLATTEN, Flattening
from console.engine.market_verbs import MarketVerbs
from console.engine.markets import Markets
from console.monitoring.responses import FLATTEN_ENDED, NOT_CLEARED, NOT_DONE
from console.risk.latches import DISARMED, EVERYTHING
from console.risk.manager import RiskManager
from console.risk.switches.base import RiskView
from console.risk.switches.manual import MANUAL

PAUSE = "pause"
REDUCE = "reduce_only"
OPERATOR = "operator"

_FLATTEN_GOES_ON = frozenset({FLATTEN, "daily_loss", "drawdown"})
"""Halts that closing positions may itself bring about; any other that comes up ends a flatten."""


class Verbs:
    """Takes the operator's commands; a refusal is told and journaled with the command."""

    def __init__(
        self,
        account: Account,
        markets: Markets,
        risk: RiskManager,
        effects: Effects,
        cancels: Cancels,
        *,
        slice_contracts: int,
        client_id_prefix: str,
    ) -> None:
        self._account = account
        self._markets = markets
        self._risk = risk
        self._effects = effects
        self._cancels = cancels
        self._slice_contracts = slice_contracts
        self._market_verbs = MarketVerbs(
            account, markets, effects, slice_contracts=slice_contracts, client_id_prefix=client_id_prefix
        )
        self._prefix = client_id_prefix
        self._flattening: Flattening | None = None
        self._halts_before: set[str] = set()

    @property
    def is_flattening(self) -> bool:
        return self._flattening is not None

    def take(self, command: OperatorCommand, view: RiskView) -> None:
        """Journal a command and bring it about."""
        self._effects.append(command)
        match command:
            case PauseEntries():
                self._raise(command, PAUSE, TradingState.PAUSED)
            case ReduceOnly():
                self._raise(command, REDUCE, TradingState.REDUCE_ONLY)
            case Halt():
                self._end_flatten(command.at_ns, f"halted: {command.reason}")
                self._raise(command, MANUAL, TradingState.HALTED)
            case Flatten():
                self._begin_flatten(command)
            case Disarm():
                self._cancels.ask_anew()
                self._raise(command, DISARMED, TradingState.REDUCE_ONLY)
            case Arm():
                self._clear(command.at_ns, DISARMED, command.reason, view)
            case Resume():
                self._clear(command.at_ns, command.latch, command.reason, view)
            case CancelAllOrders():
                for order in self._account.open_orders:
                    self._cancels.insist(order, command.at_ns)
            case CancelOrder():
                for order in self._account.open_orders:
                    if order.intent.client_order_id == command.client_order_id:
                        self._cancels.insist(order, command.at_ns)
            case StopTrading() | ClosePosition():
                self._market_verbs.take(command)

    def tick(self, event: ClockTicked, exchange: ExchangeStatusRead | None) -> None:
        """Go on with what a command began in single markets."""
        self._market_verbs.tick(event, exchange)

    def note_halt(self, progress: HaltProgressed) -> None:
        """How far the halt path got."""
        self._effects.halt_progress = progress

    def refusal(self, latch: str, view: RiskView) -> str | None:
        """Why the latch of this id may not be cleared now, or None when it may."""
        found = self._account.latches.get(latch)
        if found is not None and found.level is TradingState.HALTED and found.scope == EVERYTHING:
            unproved = self._unproved()
            if unproved is not None:
                return unproved
        return self._risk.resume_refusal(latch, view, self._account.latches)

    def _unproved(self) -> str | None:
        """What a halt still lacks before it may end."""
        if self._flattening is not None:
            return "positions are being flattened"
        progress = self._effects.halt_progress
        if progress is None or progress.resting is None:
            return "the halt is not confirmed yet: how many of ours still rest is not known"
        if not progress.is_confirmed:
            return f"the halt is not confirmed yet: {progress.resting} of ours still rest"
        return None

    def _raise(
        self, command: PauseEntries | ReduceOnly | Halt | Flatten | Disarm, name: str, level: TradingState
    ) -> None:
        self._effects.raise_latch(
            LatchRaised(at_ns=command.at_ns, name=name, level=level, reason=command.reason, source=OPERATOR)
        )

    def _clear(self, at_ns: int, latch: str, reason: str, view: RiskView) -> None:
        found = self._account.latches.get(latch)
        refusal = self.refusal(latch, view)
        if refusal is None and not reason.strip():
            refusal = "a reason is needed"
        if found is None or refusal is not None:
            text = f"{latch} was not cleared: {refusal}"
            self._effects.alert(at_ns, AlertLevel.WARNING, text, NOT_CLEARED)
            return
        self._effects.clear_latch(
            LatchCleared(at_ns=at_ns, name=found.name, reason=reason, source=OPERATOR, scope=found.scope)
        )

    # --- flattening ---------------------------------------------------------------------------------

    def _begin_flatten(self, command: Flatten) -> None:
        if self._flattening is not None:
            text = "positions are being flattened already"
            self._effects.alert(command.at_ns, AlertLevel.WARNING, text, NOT_DONE)
            return
        # First, so that the halt it begins is the one that the flatten waits for.
        self._effects.act(BeginFlatten(f"flatten: {command.reason}"))
        self._raise(command, FLATTEN, TradingState.HALTED)
        self._flattening = Flattening(self._slice_contracts)
        self._halts_before = self._halts()

    def continue_flatten(self, event: FlattenDue, exchange: ExchangeStatusRead | None) -> None:
        """Send the next slice of every position, or end when nothing is left that could be sold."""
        if self._flattening is None:
            return
        newer = self._halts() - self._halts_before - _FLATTEN_GOES_ON
        if newer:
            self._end_flatten(event.at_ns, f"not flat: stopped by {', '.join(sorted(newer))}")
            return
        exits = self._flattening.exits(self._account, self._markets, exchange, event.at_ns)
        ending = self._flattening.ending(self._account.held)
        if ending is not None:
            self._end_flatten(event.at_ns, ending)
            return
        for order in exits:
            self._effects.submit(event.at_ns, order, self._prefix)

    def _end_flatten(self, at_ns: int, reason: str) -> None:
        if self._flattening is None:
            return
        self._flattening = None
        is_flat = not self._account.held
        self._effects.append(FlattenEnded(at_ns=at_ns, reason=reason, is_flat=is_flat))
        self._effects.act(EndFlatten())
        level = AlertLevel.WARNING if is_flat else AlertLevel.CRITICAL
        self._effects.alert(at_ns, level, f"flatten ended: {reason}", FLATTEN_ENDED)

    def _halts(self) -> set[str]:
        return {
            latch.id
            for latch in self._account.latches.active
            if latch.level is TradingState.HALTED and latch.scope == EVERYTHING
        }
