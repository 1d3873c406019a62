"""What one event brings about: changes of durable state, each journaled, and actions, all in their order."""

from __future__ import annotations

from collections import deque

import msgspec

from console.domain.account_events import MarketTraded, OrderAdopted, OrderIntended
from console.domain.actions import Action, Alert, AlertLevel, Append, BeginHalt, EndHalt, Submit
from console.domain.engine_events import HaltProgressed, LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.order import OrderIntent
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.activity import Activity
from console.engine.log_views import AlertView
from console.engine.markets import Markets
from console.engine.trade_log import TradeLog
from console.monitoring.alerts import Repeats
from console.monitoring.responses import CLEARED
from console.risk.latches import EVERYTHING, latch_id

ALERTS_KEPT = 200


class Effects:
    """Collects the actions of one event; ``append`` is the one way in which the account changes.

    ``appended`` counts those changes.
    """

    def __init__(self, account: Account, trade_log: TradeLog, activity: Activity, markets: Markets) -> None:
        self.alerts: deque[AlertView] = deque(maxlen=ALERTS_KEPT)
        self._account = account
        self._trade_log = trade_log
        self._activity = activity
        self._markets = markets
        self.appended = 0
        self._alerts_ever = 0
        self._repeats = Repeats()
        self._actions: list[Action] = []
        self.halt_progress: HaltProgressed | None = None

    def begin(self) -> list[Action]:
        """A new list, which the effects of the next event go to."""
        actions: list[Action] = []
        self._actions = actions
        return actions

    def act(self, action: Action) -> None:
        self._actions.append(action)

    def append(self, event: JournaledEvent) -> None:
        """Journal an event and apply it; of a market's first order what the market is goes before."""
        match event:
            case OrderIntended(intent=intent) | OrderAdopted(intent=intent):
                self.tell_market(intent.ticker, event.at_ns)
            case _:
                pass
        self._append(event)

    def tell_market(self, ticker: Ticker, at_ns: int) -> None:
        """Journal once what a market is in which something is ours: the exchange forgets its markets."""
        market = self._markets.get(ticker)
        if market is not None and ticker not in self._account.told_markets:
            self._append(MarketTraded(at_ns=at_ns, market=market, group=self._markets.group(ticker)))

    def _append(self, event: JournaledEvent) -> None:
        self.appended += 1
        self._actions.append(Append(event))
        self._trade_log.observe(event, self._account)
        self._account.apply(event)
        self._activity.record(event)

    def submit(self, at_ns: int, order: OrderIntent, prefix: str) -> None:
        """Send an order that was made without an id."""
        intent = msgspec.structs.replace(order, client_order_id=f"{prefix}{self._account.intents_ever + 1}")
        self.append(OrderIntended(at_ns=at_ns, intent=intent))
        self.act(Submit(intent))

    def alert(self, at_ns: int, level: AlertLevel, text: str, kind: str, latch: str = "") -> None:
        """Tell the operator; ``kind`` says what to do about it, in ``monitoring.responses``."""
        self._alerts_ever += 1
        self.alerts.append(AlertView(self._alerts_ever, at_ns, level, text, kind, latch))
        self._actions.append(Alert(self._alerts_ever, at_ns, level, text, kind))

    def alert_at_most(self, at_ns: int, level: AlertLevel, text: str, kind: str) -> None:
        """Tell of what may come often: past a few within a minute only how many there were."""
        if self._repeats.admits(at_ns, kind, text):
            self.alert(at_ns, level, text, kind)

    def tell_held_back(self, at_ns: int) -> None:
        """Tell how many were held back, once their minute is over."""
        for held in self._repeats.ended(at_ns):
            text = f"{held.count} more like it within a minute, the last: {held.text}"
            self.alert(at_ns, AlertLevel.WARNING, text, held.kind)

    def raise_latch(self, event: LatchRaised) -> None:
        """Raise a latch, unless one of its name and level or above is in force."""
        latch = self._account.latches.get(latch_id(event.name, event.scope))
        if latch is not None and latch.level >= event.level:
            return
        self.append(event)
        halts = event.level is TradingState.HALTED and event.scope == EVERYTHING
        level = AlertLevel.CRITICAL if halts else AlertLevel.WARNING
        name = latch_id(event.name, event.scope)
        self.alert(event.at_ns, level, f"{event.level.name} {name}: {event.reason}", event.name, name)
        if halts:
            self.halt_progress = None
            self.act(BeginHalt(event.reason))

    def clear_latch(self, event: LatchCleared) -> None:
        """Clear one latch; when the last HALT goes, orders may pass again."""
        was_halted = self._account.latches.state is TradingState.HALTED
        self.append(event)
        name = latch_id(event.name, event.scope)
        self.alert(event.at_ns, AlertLevel.INFO, f"{name} cleared: {event.reason}", CLEARED)
        if was_halted and self._account.latches.state is not TradingState.HALTED:
            self.act(EndHalt())
