"""The deterministic core: every event in, the actions it calls for out; no I/O, no clock, no randomness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.config.changes import settings_hash
from console.config.errors import ConfigError
from console.config.schema import Settings
from console.domain.account_events import (
    AccountOpened,
    BalanceRead,
    ClockSkewRead,
    DifferencesFound,
    ExternalFilled,
    ExternalOrdersListed,
    MarketSettled,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    PositionsCompared,
)
from console.domain.actions import Action, AlertLevel, Submit
from console.domain.commands import (
    Arm,
    CancelAllOrders,
    CancelOrder,
    ChangeSettings,
    ClosePosition,
    Disarm,
    Flatten,
    Halt,
    PauseEntries,
    ReduceOnly,
    Resume,
    StopTrading,
)
from console.domain.engine_events import (
    ClockTicked,
    ErrorHappened,
    FlattenDue,
    GroupOpened,
    GuardSeen,
    HaltProgressed,
    JournalFailed,
    KeyRefused,
    LatchRaised,
    Noticed,
    SettingsChanged,
    TimerFired,
)
from console.domain.events import EngineEvent, JournaledEvent, OtherEvent
from console.domain.market import Ticker
from console.domain.market_events import (
    ExchangeStatusRead,
    FeedLost,
    FeedProved,
    MarketListed,
    MarketStatusChanged,
    QuoteChanged,
)
from console.domain.money import Cash
from console.domain.order import OrderIntent, OrderReport
from console.engine.account import Account
from console.engine.activity import Activity
from console.engine.bookkeeper import Bookkeeper
from console.engine.cancels import Cancels
from console.engine.clock_watch import ClockWatch
from console.engine.effects import Effects
from console.engine.entries import Entries
from console.engine.log_views import AlertView
from console.engine.markets import Followed, Markets
from console.engine.risk_views import RiskViews
from console.engine.settings_change import beyond_limits, decide
from console.engine.trade_log import TradeLog, edit_text
from console.engine.valuation import Worth, equity_at_marks, marking_events
from console.engine.verbs import Verbs
from console.monitoring.responses import NOT_DONE, SETTINGS, error_kind
from console.risk.breaches import names_of
from console.risk.exposure import Exposure
from console.risk.groups import Grouping
from console.risk.manager import RiskManager
from console.risk.risk_day import RiskDays
from console.risk.switches.base import EvaluatedAt, RiskView
from console.risk.switches.clock_skew import CLOCK_SKEW
from console.strategies.base import Strategy

FORGET_AFTER_CLOSE_NS = 600_000_000_000


class Engine:
    """One account's trading: feed it events in order and carry out the actions in theirs.

    The same events give the same actions. ``account`` changes only by events that the actions append to the
    journal, so replaying those rebuilds it. ``make_strategy`` is asked when the operator changes settings;
    without it they stay. ``worth`` values positions where newer quotes are known than those fed, by which
    they are valued without it. ``evaluated`` is what the switches read last.
    """

    def __init__(
        self,
        settings: Settings,
        strategy: Strategy,
        risk: RiskManager,
        *,
        client_id_prefix: str,
        account: Account | None = None,
        trade_log: TradeLog | None = None,
        make_strategy: Callable[[Settings], Strategy] | None = None,
        worth: Worth | None = None,
    ) -> None:
        self.settings = settings
        self.settings_hash = settings_hash(settings)
        self.evaluated: RiskView | None = None
        self._make_strategy = make_strategy
        self.account = account or Account()
        self.client_id_prefix = client_id_prefix
        self.trade_log = trade_log or TradeLog()
        self.markets = Markets(Grouping(settings.risk.groups))
        self._worth = worth or self.markets.worth
        self.risk = risk
        self.activity = Activity(self.account, client_id_prefix)
        self.entries = Entries(
            settings,
            strategy,
            risk,
            self.account,
            self.markets,
            self.activity,
            self.risk_view,
            client_id_prefix=client_id_prefix,
        )
        self.equity: Cash | None = None
        self.equity_ns: int | None = None
        self.feed_proved_ns: int | None = None
        self._monotonic_ns: int | None = None
        self._views = RiskViews(self.account, self.activity, self.markets)
        self._view: RiskView | None = None
        self._viewed = 0
        self._clock_watch = ClockWatch()
        self._effects = Effects(self.account, self.trade_log, self.activity, self.markets)
        self._cancels = Cancels(self.account, self._effects)
        self._books = Bookkeeper(self.account, self._effects, self._cancels, self.entries.why_not)
        self.risk_days = RiskDays(settings.risk.day_zone, settings.risk.day_starts_hour)
        self._verbs = Verbs(
            self.account,
            self.markets,
            risk,
            self._effects,
            self._cancels,
            slice_contracts=settings.risk.flatten_slice_contracts,
            client_id_prefix=client_id_prefix,
        )

    def handle(self, event: EngineEvent) -> list[Action]:
        """Take one event and return what must be done, in the order in which it must be done."""
        actions = self._effects.begin()
        self._view = None
        # Nearly every event is a quote, and no switch counts them.
        if isinstance(event, QuoteChanged):
            self.feed_proved_ns = event.at_ns
            self._look_at(self.markets.take_quote(event.ticker, event.quote), event.at_ns)
        else:
            self.activity.hear(event)
            self._take(event)
        if self.account.latches.active:
            self._cancels.ask_for_what_may_not_rest(
                self.markets, event.at_ns, is_flattening=self._verbs.is_flattening
            )
        return actions

    @property
    def alerts(self) -> Sequence[AlertView]:
        """The newest, oldest first."""
        return self._effects.alerts

    @property
    def group_ids(self) -> dict[int, str]:
        """Our order group on each shard."""
        return self.entries.group_ids

    def exposure(self) -> Exposure:
        """Worst cases of what is held and of every order that may still fill, ours or not."""
        return self._views.exposure(self.external_orders)

    @property
    def external_orders(self) -> tuple[OrderReport, ...]:
        """What rests on the account and is not ours: it counts, and is never touched."""
        return self._books.external_orders

    @property
    def cash_difference(self) -> Cash | None:
        """The exchange's cash less ours, as last read."""
        return self._books.cash_difference

    @property
    def exchange(self) -> ExchangeStatusRead | None:
        """What the exchange last said of itself."""
        return self.activity.exchange

    def risk_view(self, now_ns: int) -> RiskView:
        """What switches read now; within one event the same object until the account changes."""
        view = self._view
        if view is None or view.now_ns != now_ns or self._viewed != self._effects.appended:
            self._viewed = self._effects.appended
            view = self._view = self._views.at(
                now_ns,
                monotonic_ns=self._monotonic_ns,
                equity=self.equity,
                feed_proved_ns=self.feed_proved_ns,
                exposure=self.exposure(),
                slippage_window_fills=self.settings.quality.slippage_window_fills,
            )
        return view

    def _take(self, event: OtherEvent) -> None:
        # The most frequent first, here and wherever events are told apart: each case that fails takes time.
        match event:
            case FeedProved():
                self.feed_proved_ns = event.at_ns
            case ExchangeStatusRead() | PositionsCompared() | ClockSkewRead() | GuardSeen():
                pass  # Heard by the switches.
            case OrderFilled() | OrderReported() | OrderAcked():
                self._books.take(event)
            case OrderRejected() | OrderBecameUnknown() | OrderAdopted() | ExternalFilled():
                self._books.take(event)
            case ClockTicked():
                self._tell_time(event)
                self._evaluate_switches(event.at_ns, EvaluatedAt.TICK)
                self._cancels.ask_again(event.at_ns)
                self._verbs.tick(event, self.exchange)
                self._effects.tell_held_back(event.at_ns)
            case TimerFired():
                self._mark(event.at_ns)
                self._look_at_all(event.only, event.at_ns)
            case FeedLost():
                self.markets.lose_quotes()
            case MarketListed():
                self.markets.list(event.market)
                if self.account.position(event.market.ticker).contracts:
                    self._effects.tell_market(event.market.ticker, event.at_ns)
            case MarketStatusChanged():
                self.markets.change_status(event.ticker, event.status, event.close_ns)
            case JournalFailed() | KeyRefused():
                self._evaluate_switches(event.at_ns, EvaluatedAt.TICK)
            case HaltProgressed():
                self._verbs.note_halt(event)
            case FlattenDue():
                self._verbs.continue_flatten(event, self.exchange)
            case GroupOpened():
                self.entries.group_ids[event.exchange_index] = event.group_id
            case BalanceRead() | ExternalOrdersListed() | DifferencesFound():
                self._books.take(event)
            case ErrorHappened():
                text, kind = f"{event.source}: {event.message}", error_kind(event.source)
                self._effects.alert_at_most(event.at_ns, AlertLevel.WARNING, text, kind)
            case Noticed():
                self._effects.alert_at_most(event.at_ns, AlertLevel.WARNING, event.text, event.kind)
            case _:
                self._take_journaled(event)

    def _tell_time(self, tick: ClockTicked) -> None:
        """Note the time; where the wall clock stepped, what is known keeps its age."""
        self._monotonic_ns = tick.monotonic_ns
        step_ns = self._clock_watch.step_ns(tick.at_ns, tick.monotonic_ns)
        if not step_ns:
            return
        self.activity.step_clock(step_ns)
        self.risk.step_clock(step_ns)
        if self.feed_proved_ns is not None:
            self.feed_proved_ns += step_ns
        if self.equity_ns is not None:
            self.equity_ns += step_ns

    def _take_journaled(self, event: JournaledEvent) -> None:
        match event:
            case MarketSettled():
                self._settle(event)
            case LatchRaised():
                self._effects.raise_latch(event)
            case PauseEntries() | ReduceOnly() | Halt() | Flatten() | Disarm() | Arm() | Resume():
                self._verbs.take(event, self.risk_view(event.at_ns))
            case CancelAllOrders() | CancelOrder() | StopTrading() | ClosePosition():
                self._verbs.take(event, self.risk_view(event.at_ns))
            case ChangeSettings():
                self._effects.append(event)
                self._change_settings(event)
            case SettingsChanged():
                self._effects.append(event)
                text = f"settings: {edit_text(event)}: {event.reason}"
                self._effects.alert(event.at_ns, AlertLevel.WARNING, text, SETTINGS)
            case AccountOpened():
                self._effects.append(event)
                self.equity = None
            case _:
                self._effects.append(event)

    # --- orders -------------------------------------------------------------------------------------

    def _settle(self, event: MarketSettled) -> None:
        ticker = event.settlement.ticker
        # A schedule that charges profits charges for a market that was closed before, too.
        if self.account.position(ticker).contracts or event.settlement.fee:
            self._effects.append(event)
        self._forget(ticker)

    # --- looking ------------------------------------------------------------------------------------

    def _look_at(self, followed: Followed, at_ns: int) -> None:
        """Consider one market: withdraw an order that is no longer wanted, or enter, or close."""
        market, quote = followed.market, followed.quote
        if market is None or not followed.is_live:
            return
        working = self.account.working
        if working and market.ticker in working:
            for order in working[market.ticker].values():
                if not order.intent.reduce_only and not self.entries.still_wants(order, market, quote, at_ns):
                    self._cancels.ask(order, at_ns)
            return
        decision = self.entries.decide(market, quote, at_ns)
        if decision is None:
            return
        if isinstance(decision, OrderIntent):
            self._effects.append(OrderIntended(at_ns=at_ns, intent=decision))
            self._effects.act(Submit(decision))
        else:
            self.trade_log.note_denied(at_ns, market.ticker, decision.limit, decision.reason)

    def _mark(self, at_ns: int) -> None:
        """Mark the book and look at every switch."""
        self.equity, self.equity_ns = equity_at_marks(self.account, self._worth), at_ns
        if self.equity is not None:
            # A clock that is known to be wrong begins no day: the next one would forget today's loss.
            day = None if self.account.latches.named(CLOCK_SKEW) else self.risk_days.day_of(at_ns)
            for event in marking_events(self.account, self.equity, at_ns, day):
                self._effects.append(event)
        self._evaluate_switches(at_ns, EvaluatedAt.SCAN)

    def _look_at_all(self, only: Sequence[Ticker] | None, at_ns: int) -> None:
        for followed in self.markets.listed if only is None else self.markets.those(only):
            market = followed.market
            if market is not None and at_ns > market.close_ns + FORGET_AFTER_CLOSE_NS:
                self._forget(market.ticker)
            else:
                self._look_at(followed, at_ns)

    def _evaluate_switches(self, at_ns: int, at: EvaluatedAt) -> None:
        self.evaluated = self.risk_view(at_ns)
        for event in self.risk.evaluate(self.evaluated, self.account.latches, at):
            if isinstance(event, LatchRaised):
                self._effects.raise_latch(event)
            else:
                self._effects.clear_latch(event)

    def _forget(self, ticker: Ticker) -> None:
        """Drop a market that is over, unless something of ours is left in it."""
        if self.account.working.get(ticker) or self.account.position(ticker).contracts:
            return
        self._view = None
        self.markets.forget(ticker)
        self.trade_log.forget(ticker)

    # --- the operator -------------------------------------------------------------------------------

    def _change_settings(self, command: ChangeSettings) -> None:
        """Take other settings and read every switch by them, or tell why not."""
        try:
            if self._make_strategy is None:
                raise ConfigError("this engine keeps those it was started with")
            settings, event = decide(command, self.settings, self.account.latches)
            strategy = self._make_strategy(settings)
        except ConfigError as error:
            text = f"settings were not changed: {error}"
            self._effects.alert(command.at_ns, AlertLevel.WARNING, text, NOT_DONE)
            return
        self._effects.append(event)
        self._effects.alert(command.at_ns, AlertLevel.INFO, f"settings: {edit_text(event)}", SETTINGS)
        exceeded = names_of(self.exposure(), self.equity, self.settings.risk)
        self.settings, self.settings_hash = settings, event.settings
        self.entries.trade_by(settings, strategy)
        self.risk.change_limits(settings.risk, settings.quality)
        self.markets.regroup(settings.risk.groups)
        # What rests beyond a limit could fill beyond it; the next quote makes an order of what is left.
        beyond = beyond_limits(
            self.account.open_orders, exceeded, self.exposure(), self.equity, settings.risk
        )
        for order in beyond:
            self._cancels.insist(order, command.at_ns)
        self.risk_days = RiskDays(settings.risk.day_zone, settings.risk.day_starts_hour)
        self._view = None
        self._evaluate_switches(command.at_ns, EvaluatedAt.SCAN)

    def resume_refusal(self, latch: str, at_ns: int) -> str | None:
        """Why this latch may not be cleared now, or None when it may."""
        return self._verbs.refusal(latch, self.risk_view(at_ns))

    @property
    def is_flattening(self) -> bool:
        return self._verbs.is_flattening
