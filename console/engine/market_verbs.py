"""What the operator may ask of a part of the markets: stop trading it, close what is held in it."""

from __future__ import annotations

from console.domain.actions import AlertLevel
from console.domain.commands import ClosePosition, StopTrading
from console.domain.engine_events import ClockTicked, LatchCleared, LatchRaised
from console.domain.market import Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.closing import Closings, ending_text
from console.engine.effects import Effects
from console.engine.markets import Markets
from console.monitoring.responses import CLOSING, NOT_DONE
from console.risk.latches import market_scope, series_scope

STOPPED = "stopped"
"""The latch under which a market or a series is not entered any more."""

_OPERATOR, _ENGINE = "operator", "engine"


class MarketVerbs:
    """Raises the latches of single markets and series, ends them with their market, and sells positions."""

    def __init__(
        self,
        account: Account,
        markets: Markets,
        effects: Effects,
        *,
        slice_contracts: int,
        client_id_prefix: str,
    ) -> None:
        self._account = account
        self._markets = markets
        self._effects = effects
        self._closings = Closings(slice_contracts)
        self._prefix = client_id_prefix

    def take(self, command: StopTrading | ClosePosition) -> None:
        """Bring a command about that was journaled."""
        match command:
            case StopTrading():
                self._stop_trading(command)
            case ClosePosition():
                self._begin_close(command)

    def _stop_trading(self, command: StopTrading) -> None:
        if not command.scope.startswith((market_scope(""), series_scope(""))):
            text = f"not stopped: {command.scope!r} is neither market:<ticker> nor series:<ticker>"
            self._effects.alert(command.at_ns, AlertLevel.WARNING, text, NOT_DONE)
            return
        self._raise_stop(command.at_ns, command.scope, command.reason)

    def _raise_stop(self, at_ns: int, scope: str, reason: str) -> None:
        market = self._markets.get(scope.removeprefix(market_scope("")))
        self._effects.raise_latch(
            LatchRaised(
                at_ns=at_ns,
                name=STOPPED,
                level=TradingState.REDUCE_ONLY,
                reason=reason,
                source=_OPERATOR,
                scope=scope,
                until_ns=market.close_ns if market is not None else None,
            )
        )

    def _begin_close(self, command: ClosePosition) -> None:
        refusal = self._close_refusal(command.ticker)
        if refusal is not None:
            text = f"{command.ticker} not closed: {refusal}"
            self._effects.alert(command.at_ns, AlertLevel.WARNING, text, NOT_DONE)
            return
        # First, so that it is not entered again, and that its entry orders are cancelled before it is sold.
        self._raise_stop(command.at_ns, market_scope(command.ticker), f"closed by {command.reason}")
        self._closings.begin(command.ticker, command.least_price)

    def _close_refusal(self, ticker: Ticker) -> str | None:
        if not self._account.position(ticker).contracts:
            return "nothing is held there"
        if self._account.latches.state is TradingState.HALTED:
            return "halted; a flatten sells while halted"
        return None

    def tick(self, event: ClockTicked, exchange: ExchangeStatusRead | None) -> None:
        """Go on closing positions, and let stops of markets end that trade no more."""
        orders, endings = self._closings.next_step(self._account, self._markets, exchange, event)
        for order in orders:
            self._effects.submit(event.at_ns, order, self._prefix)
        for ending in endings:
            level = AlertLevel.WARNING if ending.left else AlertLevel.INFO
            self._effects.alert(event.at_ns, level, ending_text(ending), CLOSING)
        for latch in self._account.latches.named(STOPPED):
            market = self._markets.get(latch.scope.removeprefix(market_scope("")))
            is_open = market is not None and market.is_open(event.at_ns)
            if latch.until_ns is not None and event.at_ns >= latch.until_ns and not is_open:
                reason = "its market has closed"
                self._effects.clear_latch(
                    LatchCleared(
                        at_ns=event.at_ns, name=STOPPED, reason=reason, source=_ENGINE, scope=latch.scope
                    )
                )
