"""Markets, quotes, an engine and a desk that answers it, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import EdgeSettings, StrategySettings
from console.domain.account_events import (
    AccountOpened,
    ClockSkewRead,
    ExternalOrdersListed,
    MarketSettled,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
    PositionsCompared,
)
from console.domain.actions import Action, Append, BeginHalt, Cancel, EndHalt, Submit
from console.domain.book import BookSide, Level, Quote
from console.domain.commands import Halt, PauseEntries, Resume
from console.domain.engine_events import (
    ClockTicked,
    GroupOpened,
    HaltProgressed,
    LatchCleared,
    LatchRaised,
    TimerFired,
)
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.fees import KalshiFees
from console.domain.market import FeeTerms, Market, MarketStatus, Ticker
from console.domain.market_events import ExchangeStatusRead, FeedLost, FeedProved, MarketListed, QuoteChanged
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    Cash,
    Count,
    Price,
)
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, Settlement
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.core import Engine
from console.engine.trade_log import TradeLog
from console.monitoring.why_not import FunnelStepName
from console.risk.manager import RiskManager
from console.strategies.edge import ConstantEdge
from console.strategies.favourite_longshot import FavouriteLongshot

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_772_039_071 * SECOND
"""2026-02-25 17:04:31 UTC."""

A, B, C = "KXBTC15M-A", "KXETH15M-B", "KXSOL15M-C"
PREFIX = "kc-test-"
FEES = FeeTerms()


def contracts(number: int) -> Count:
    return Count(number * COUNT_PER_CONTRACT)


def cents(number: int) -> Price:
    return Price(number * PRICE_PER_CENT)


def dollars(amount: str) -> Cash:
    return Cash(int(Decimal(amount) * CASH_PER_DOLLAR))


def market(
    ticker: Ticker = A,
    *,
    category: str = "Crypto",
    close_ns: int = START + 3 * DAY,
    fees: FeeTerms | None = FEES,
    exchange_index: int = 0,
) -> Market:
    series, _, event = ticker.partition("-")
    return Market(
        ticker=ticker,
        event_ticker=f"{series}-{event}",
        series_ticker=series,
        category=category,
        title=f"Will {event} win?",
        open_ns=START - DAY,
        close_ns=close_ns,
        status=MarketStatus.ACTIVE,
        fees=fees,
        exchange_index=exchange_index,
    )


def quote(bid: int | None, ask: int | None, size: int = 1_000) -> Quote:
    """Cents and whole contracts on both sides; None is an empty side."""
    return Quote(
        None if bid is None else Level(cents(bid), contracts(size)),
        None if ask is None else Level(cents(ask), contracts(size)),
    )


FAVOURITE = quote(92, 93)
"""Bought by a taker at 93c and by a maker at 92c."""

LONGSHOT = quote(7, 8)
"""Sold by a taker at 7c: NO is bought at 93c."""

TOSS_UP = quote(49, 50)
"""Traded by nobody here."""


def settings(style: Literal["maker", "taker"] = "taker", risk: RiskSettings | None = None) -> Settings:
    """The practice edge: three points over the mid, traded from two points on."""
    return Settings(
        risk=risk or RiskSettings(),
        strategy_flb=StrategySettings(style=style, min_edge_to_trade=Decimal("0.02")),
        edge=EdgeSettings(model="constant"),
    )


def shipped(used: Settings) -> FavouriteLongshot:
    """The shipped strategy by these settings."""
    return FavouriteLongshot(
        used.strategy_flb, used.quality, ConstantEdge(used.edge.constant_points), KalshiFees()
    )


def engine(
    with_settings: Settings | None = None,
    *,
    account: Account | None = None,
    trade_log: TradeLog | None = None,
    escalates: bool = False,
) -> Engine:
    used = with_settings or settings()
    return Engine(
        used,
        shipped(used),
        RiskManager(used.risk, used.quality, escalates=escalates),
        client_id_prefix=PREFIX,
        account=account,
        trade_log=trade_log,
        make_strategy=shipped,
    )


def submits(actions: Iterable[Action]) -> list[OrderIntent]:
    return [action.intent for action in actions if isinstance(action, Submit)]


def cancels(actions: Iterable[Action]) -> list[str]:
    """Client ids of the orders to cancel."""
    return [action.client_order_id for action in actions if isinstance(action, Cancel)]


def records(actions: Iterable[Action]) -> list[JournaledEvent]:
    return [action.record for action in actions if isinstance(action, Append)]


def raised(actions: Iterable[Action]) -> list[tuple[str, TradingState]]:
    return [(r.name, r.level) for r in records(actions) if isinstance(r, LatchRaised)]


def cleared(actions: Iterable[Action]) -> list[str]:
    return [r.name for r in records(actions) if isinstance(r, LatchCleared)]


def halts_begun(actions: Iterable[Action]) -> int:
    return sum(isinstance(action, BeginHalt) for action in actions)


def halts_ended(actions: Iterable[Action]) -> int:
    return sum(isinstance(action, EndHalt) for action in actions)


def stopped(built: Engine, step: FunnelStepName) -> dict[str, int]:
    """How many stopped on the way into a step, by reason."""
    [reasons] = [reasons for label, _, reasons in built.entries.why_not.rows(top=20) if label == step.value]
    return dict(reasons)


def passed(built: Engine, step: FunnelStepName) -> int:
    [count] = [count for label, count, _ in built.entries.why_not.rows() if label == step.value]
    return count


@dataclass
class Desk:
    """Tells an engine what happens, at a time of its own, and keeps every action."""

    engine: Engine = field(default_factory=engine)
    now_ns: int = START
    actions: list[Action] = field(default_factory=list)
    told: int = 0
    halts_are_confirmed: bool = True
    monotonic_ns: int = 0
    is_active: bool = True
    is_trading: bool = True
    skew_ms: int | None = 0
    mismatch: str = ""
    external: tuple[OrderReport, ...] = ()
    foreign: str = ""

    def take(self, event: EngineEvent) -> list[Action]:
        actions = self.engine.handle(event)
        self.actions += actions
        if self.halts_are_confirmed and halts_begun(actions):
            self.tell_halt(0)
        return actions

    def tell_halt(self, resting: int | None) -> list[Action]:
        """How many of ours the halt path found; none is its confirmation."""
        return self.take(HaltProgressed(at_ns=self.now_ns, resting=resting, is_confirmed=resting == 0))

    def later(self, seconds: float) -> None:
        """Time passes; a test that sets ``now_ns`` steps the wall clock instead."""
        self.now_ns += round(seconds * SECOND)
        self.monotonic_ns += round(seconds * SECOND)

    # --- the market ---------------------------------------------------------------------------------

    def open(
        self, *markets: Market, cash: str = "10000", account: str = "account-1", group: bool = True
    ) -> list[Action]:
        """An account, an exchange that trades, a living feed, markets without quotes, and one scan."""
        self.take(AccountOpened(at_ns=self.now_ns, account=account, cash=dollars(cash)))
        return self.connect(*markets, group=group)

    def connect(self, *markets: Market, group: bool = True) -> list[Action]:
        """What a start does after the account is known."""
        if group:
            self.take(GroupOpened(at_ns=self.now_ns, exchange_index=0, group_id="group-0"))
        self.prove()
        for each in markets or (market(),):
            self.take(MarketListed(at_ns=self.now_ns, market=each))
        return self.scan()

    def exchange(self, *, active: bool = True, trading: bool = True) -> list[Action]:
        self.is_active, self.is_trading = active, trading
        return self.read_exchange()

    def read_exchange(self) -> list[Action]:
        """What the loop reads every few seconds: status, clock and positions, as they were told last."""
        self.take(
            ExchangeStatusRead(
                at_ns=self.now_ns, exchange_active=self.is_active, trading_active=self.is_trading
            )
        )
        self.take(ClockSkewRead(at_ns=self.now_ns, skew_ms=self.skew_ms))
        self.take(ExternalOrdersListed(at_ns=self.now_ns, orders=self.external, foreign=self.foreign))
        return self.take(PositionsCompared(at_ns=self.now_ns, mismatch=self.mismatch))

    def prove(self) -> list[Action]:
        """The feed is alive, and so are the reads."""
        self.read_exchange()
        return self.take(FeedProved(at_ns=self.now_ns))

    def lose_feed(self) -> list[Action]:
        return self.take(FeedLost(at_ns=self.now_ns, reason="a message was skipped"))

    def show(self, shown: Quote = FAVOURITE, ticker: Ticker = A) -> list[Action]:
        return self.take(QuoteChanged(at_ns=self.now_ns, ticker=ticker, quote=shown))

    def settle(self, yes_value: Price, ticker: Ticker = A) -> list[Action]:
        settlement = Settlement(ticker, yes_value, self.now_ns)
        return self.take(MarketSettled(at_ns=self.now_ns, settlement=settlement))

    # --- time ---------------------------------------------------------------------------------------

    def scan(self) -> list[Action]:
        return self.take(TimerFired(at_ns=self.now_ns))

    def tick(self) -> list[Action]:
        return self.take(ClockTicked(at_ns=self.now_ns, monotonic_ns=self.monotonic_ns))

    # --- our orders ---------------------------------------------------------------------------------

    def enter(self, shown: Quote = FAVOURITE, ticker: Ticker = A) -> OrderIntent:
        """The order that a quote calls for, sent and not answered yet."""
        [intent] = submits(self.show(shown, ticker))
        return intent

    def hold(self, shown: Quote = FAVOURITE, ticker: Ticker = A, fee: str = "0") -> OrderIntent:
        """An order that filled whole."""
        intent = self.enter(shown, ticker)
        self.ack(intent)
        self.fill(intent, fee=fee)
        return intent

    def ack(self, intent: OrderIntent) -> list[Action]:
        return self.take(
            OrderAcked(
                at_ns=self.now_ns, client_order_id=intent.client_order_id, order_id=exchange_id(intent)
            )
        )

    def reject(self, intent: OrderIntent) -> list[Action]:
        return self.take(
            OrderRejected(
                at_ns=self.now_ns, client_order_id=intent.client_order_id, code="refused", message=""
            )
        )

    def lose_sight(self, intent: OrderIntent) -> list[Action]:
        return self.take(
            OrderBecameUnknown(
                at_ns=self.now_ns, client_order_id=intent.client_order_id, reason="no answer within 5 s"
            )
        )

    def report(self, intent: OrderIntent, status: OrderStatus, filled: Count = Count(0)) -> list[Action]:  # noqa: B008 - an int
        return self.take(
            OrderReported(
                at_ns=self.now_ns,
                client_order_id=intent.client_order_id,
                order_id=exchange_id(intent),
                status=status,
                filled=filled,
            )
        )

    def fill(
        self, intent: OrderIntent, count: Count | None = None, *, fee: str = "0", fill_id: str | None = None
    ) -> list[Action]:
        """A fill at the order's price, of all of it unless a count is given."""
        self.told += 1
        fill = Fill(
            fill_id=fill_id or f"fill-{self.told}",
            order_id=exchange_id(intent),
            ticker=intent.ticker,
            side=intent.side,
            price=intent.price,
            count=intent.count if count is None else count,
            fee=dollars(fee),
            is_taker=not intent.post_only,
            at_ns=self.now_ns,
        )
        return self.take(OrderFilled(at_ns=self.now_ns, client_order_id=intent.client_order_id, fill=fill))

    # --- the operator -------------------------------------------------------------------------------

    def halt(self) -> list[Action]:
        return self.take(Halt(at_ns=self.now_ns, reason="looks wrong"))

    def pause(self) -> list[Action]:
        return self.take(PauseEntries(at_ns=self.now_ns))

    def resume(self, latch: str, reason: str = "looked at it") -> list[Action]:
        return self.take(Resume(at_ns=self.now_ns, latch=latch, reason=reason))

    @property
    def state(self) -> TradingState:
        return self.engine.account.latches.state

    @property
    def latches(self) -> set[str]:
        return {latch.name for latch in self.engine.account.latches.active}


def exchange_id(intent: OrderIntent) -> str:
    return f"exchange-{intent.client_order_id}"


def desk(with_settings: Settings | None = None, *markets: Market, escalates: bool = False) -> Desk:
    """A desk that is open for trading."""
    built = Desk(engine(with_settings, escalates=escalates))
    built.open(*markets)
    return built


UNDER_A_DAY_OF_LOSS = RiskSettings(max_daily_loss_dollars=Decimal(100))


def losing_desk() -> tuple[Desk, OrderIntent]:
    """A desk that halts at a day's loss of 100 $ and holds about 500 $ of favourites bought at 93c."""
    trading = desk(settings(risk=UNDER_A_DAY_OF_LOSS))
    return trading, trading.hold(FAVOURITE)


def replayed(events: Iterable[JournaledEvent]) -> tuple[Account, TradeLog]:
    """What a restart makes of the journal."""
    account, trade_log = Account(), TradeLog()
    for event in events:
        trade_log.observe(event, account)
        account.apply(event)
    return account, trade_log


def won(intent: OrderIntent) -> Price:
    """The YES value with which an order's outcome wins."""
    return PAYOUT if intent.side is BookSide.BID else Price(0)
