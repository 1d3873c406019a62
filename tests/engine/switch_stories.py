"""What makes each switch trip, told to the engine as events: a story a switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from engine_builders import (
    FAVOURITE,
    PREFIX,
    A,
    B,
    C,
    Desk,
    cents,
    contracts,
    desk,
    exchange_id,
    market,
    quote,
    settings,
)

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import (
    ClockSkewRead,
    ExternalOrdersListed,
    MarketSettled,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    PositionsCompared,
)
from console.domain.book import BookSide
from console.domain.commands import Halt
from console.domain.engine_events import (
    ClockTicked,
    ErrorHappened,
    GuardSeen,
    JournalFailed,
    KeyRefused,
    TimerFired,
)
from console.domain.event import Event
from console.domain.events import OtherEvent
from console.domain.market_events import ExchangeStatusRead, FeedLost, FeedProved, MarketListed, QuoteChanged
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.domain.trading_state import TradingState
from console.engine.activity import Activity
from console.engine.core import Engine
from console.risk.exposure import Exposure

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED

QUICK = Settings(
    risk=RiskSettings(max_scans_without_fill=3, tripwire_orders_per_minute=5, max_orders_per_minute=3),
    quality=QualitySettings(slippage_min_fills=3, slippage_window_fills=4),
)
"""Small numbers, so that a story is short."""


def quick(style: str = "taker") -> Desk:
    base = settings("maker" if style == "maker" else "taker")
    return desk(replace(base, risk=QUICK.risk, quality=QUICK.quality), market(A), market(B), market(C))


def intent(number: int, side: BookSide = BookSide.BID, count: int = 10, price: int = 93) -> OrderIntent:
    """An order as the journal would have it, whoever made it."""
    return OrderIntent(
        client_order_id=f"{PREFIX}x{number}",
        ticker=A,
        side=side,
        price=cents(price),
        count=contracts(count),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=quote(price - 1, price),
        win_probability=cents(96),
        strategy="test",
    )


def send(at: Desk, *intents: OrderIntent) -> None:
    for each in intents:
        at.take(OrderIntended(at_ns=at.now_ns, intent=each))


def fill_at(at: Desk, order: OrderIntent, price: int, *, taker: bool = True) -> None:
    at.told += 1
    fill = Fill(
        f"fill-{at.told}", exchange_id(order), order.ticker, order.side, cents(price), order.count, Cash(0),
        taker, at.now_ns,
    )  # fmt: skip
    at.take(OrderFilled(at_ns=at.now_ns, client_order_id=order.client_order_id, fill=fill))


def lose(at: Desk, number: int) -> None:
    """Buy and sell for less."""
    buy, sell = intent(2 * number), intent(2 * number + 1, BookSide.ASK, price=92)
    send(at, buy, sell)
    fill_at(at, buy, 93)
    fill_at(at, sell, 92)
    at.later(61)
    at.prove()


def win(at: Desk, number: int) -> None:
    buy, sell = intent(2 * number), intent(2 * number + 1, BookSide.ASK, price=92)
    send(at, buy, sell)
    fill_at(at, buy, 93)
    fill_at(at, sell, 94)
    at.later(61)
    at.prove()


# --- the stories: ``times`` of what feeds a switch, then it is read -------------------------------------


def fail_requests(at: Desk, times: int) -> None:
    for number in range(times):
        at.take(ErrorHappened(at_ns=at.now_ns, source="orders", message=f"refused {number}"))


def lose_sight_of_orders(at: Desk, times: int) -> None:
    for number in range(times):
        order = intent(number, count=1)
        send(at, order)
        at.lose_sight(order)
        at.later(61)
        at.prove()


def lose_the_feed(at: Desk, times: int) -> None:
    for _ in range(times):
        at.lose_feed()


def lose_settlements(at: Desk, times: int) -> None:
    for number in range(times):
        order = intent(number)
        send(at, order)
        fill_at(at, order, 93)
        at.settle(Price(0))
        at.take(MarketListed(at_ns=at.now_ns, market=market(A)))
        at.later(61)
        at.prove()


def lose_in_a_row(at: Desk, times: int) -> None:
    for number in range(times):
        lose(at, number)


def fall_silent(at: Desk, seconds: int) -> None:
    at.later(seconds)
    at.read_exchange()


def scan_unfilled(at: Desk, times: int) -> None:
    at.ack(at.enter(FAVOURITE))
    for _ in range(times):
        at.scan()


def reject(at: Desk, times: int) -> None:
    orders = [intent(number, count=1) for number in range(times)]
    for order in orders:
        send(at, order)
        at.reject(order)
        at.later(11)


def send_orders(at: Desk, times: int) -> None:
    send(at, *(intent(number, count=1) for number in range(times)))


def slip(at: Desk, times: int) -> None:
    """Fills a cent above a touch of 93c, which is 107 bps."""
    for number in range(times):
        order = intent(number)
        send(at, order)
        fill_at(at, order, 94)
        at.later(61)
        at.prove()


def fall(at: Desk, dollars_lost: int) -> None:
    """Lose by a fee, day after day within the daily limit, so that only the drawdown sees it."""
    step = 450
    for number in range(-(-dollars_lost // step)):
        order = intent(number)
        send(at, order)
        at.ack(order)
        at.fill(order, Count(1), fee=str(min(step, dollars_lost - number * step)))
        at.take(QuoteChanged(at_ns=at.now_ns, ticker=A, quote=quote(93, 94)))
        at.scan()
        at.later(86_400)
        at.prove()
        at.scan()


def outgrow_the_group(at: Desk, number: int) -> None:
    """Hold so many contracts at 93c in one group."""
    order = intent(1, count=number)
    send(at, order)
    at.later(61)
    at.prove()


def contradict(at: Desk, times: int) -> None:
    for number in range(times):
        at.take(OrderAcked(at_ns=at.now_ns, client_order_id=f"{PREFIX}never-{number}", order_id="exchange-9"))


def differ(at: Desk, times: int) -> None:
    at.mismatch = "A: ours 1, the exchange's 2" if times else ""
    at.read_exchange()


def wait_unanswered(at: Desk, seconds: int) -> None:
    """An order of which nothing is heard for so long, while everything else goes well."""
    order = intent(1, count=1)
    send(at, order)
    at.lose_sight(order)
    at.later(seconds)
    at.prove()


def lose_sight_at_once(at: Desk, times: int) -> None:
    for number in range(times):
        order = intent(number, count=1)
        send(at, order)
        at.lose_sight(order)


def meet_another(at: Desk, times: int) -> None:
    at.foreign = "order kc-other-1 was placed by another kconsole" if times else ""
    at.read_exchange()


def skew(at: Desk, milliseconds: int) -> None:
    at.skew_ms = milliseconds
    at.read_exchange()


def set_the_clock(at: Desk, milliseconds: int) -> None:
    at.tick()
    at.now_ns += milliseconds * 1_000_000
    at.tick()


def no_step(*_looked: object) -> int:
    return 0


def stop_trading(at: Desk, times: int) -> None:
    at.exchange(trading=times == 0)


def fail_to_write(at: Desk, times: int) -> None:
    for _ in range(times):
        at.take(JournalFailed(at_ns=at.now_ns, reason="disk full"))


def refuse_the_key(at: Desk, times: int) -> None:
    for _ in range(times):
        at.take(KeyRefused(at_ns=at.now_ns, reason="401: check the API key"))


def lose_the_guard(at: Desk, times: int) -> None:
    at.take(GuardSeen(at_ns=at.now_ns, absence="the guard process has ended" if times else None))


def press_halt(at: Desk, times: int) -> None:
    for _ in range(times):
        at.halt()


def lose_by_fees(at: Desk, dollars_lost: int) -> None:
    order = intent(1)
    send(at, order)
    at.ack(order)
    at.fill(order, Count(100), fee=str(dollars_lost))
    at.show(quote(93, 94))


def deaf_to(kind: type[Event]) -> Mutation:
    """An engine whose switches are not told of one kind of event."""

    def deaf(told: Callable[[Activity, Any], None]) -> Callable[[Activity, Event], None]:
        return lambda self, event: None if isinstance(event, kind) else told(self, event)

    return {
        "console.engine.activity.Activity.hear": deaf(Activity.hear),
        "console.engine.activity.Activity.record": deaf(Activity.record),
    }


def nothing(*args: object, **more: object) -> None:
    """What is left of a call that was removed."""


def no_exposure(engine: Engine) -> Exposure:
    return Exposure.of({}, (), {})


def deaf_engine(engine: Engine, event: OtherEvent) -> None:
    if not isinstance(event, FeedProved | Halt):
        TAKE(engine, event)


TAKE = Engine._take
Mutation = dict[str, object]


@dataclass(frozen=True)
class Story:
    """``below`` times of ``happen`` leave the switch alone, ``trips`` times trip it.

    ``fed_by`` is the event that feeds it; ``muted`` removes its feed where that is not the engine's count of
    such events.
    """

    key: str
    level: TradingState
    happen: Callable[[Desk, int], None]
    below: int
    trips: int
    fed_by: type[Event]
    scope: str = ""
    style: str = "taker"
    muted: Mutation = field(default_factory=dict)


NO_UNKNOWN_ORDERS: Mutation = {"console.engine.account.Account.unknown_orders": property(lambda _: ())}
ENGINE_TAKES: Mutation = {"console.engine.core.Engine._take": deaf_engine}
STORIES = (
    Story("manual", HALTED, press_halt, 0, 1, Halt, muted=ENGINE_TAKES),
    Story(
        "daily_loss", HALTED, lose_by_fees, 499, 500, TimerFired,
        muted={"console.engine.core.equity_at_marks": nothing},
    ),
    Story(
        "drawdown", HALTED, fall, 999, 1_000, TimerFired,
        muted={"console.engine.core.equity_at_marks": nothing},
    ),
    Story(
        "loss_streak", PAUSED, lose_in_a_row, 4, 5, OrderFilled,
        muted={"console.engine.streak.LossStreak.changed": nothing},
    ),
    Story(
        "loss_streak", PAUSED, lose_settlements, 4, 5, MarketSettled,
        muted={"console.engine.streak.LossStreak.changed": nothing},
    ),
    Story(
        "slippage", PAUSED, slip, 2, 3, OrderFilled, muted={"console.engine.account.slippage_of": nothing}
    ),
    Story("error_burst", PAUSED, fail_requests, 10, 11, ErrorHappened),
    Story("error_burst", PAUSED, lose_sight_of_orders, 10, 11, OrderBecameUnknown),
    Story("error_burst", PAUSED, lose_the_feed, 10, 11, FeedLost),
    Story("stale_book", PAUSED, fall_silent, 30, 31, FeedProved, muted=ENGINE_TAKES),
    Story("no_fills", PAUSED, scan_unfilled, 1, 2, TimerFired, style="maker"),
    Story(
        "correlation", REDUCE_ONLY, outgrow_the_group, 1_612, 1_613, OrderIntended, "group:Crypto",
        muted={"console.engine.core.Engine.exposure": no_exposure},
    ),
    Story("reject_rate", PAUSED, reject, 4, 5, OrderRejected),
    Story("tripwire", HALTED, send_orders, 5, 6, OrderIntended),
    Story("tripwire", HALTED, contradict, 0, 1, OrderAcked),
    Story("position_mismatch", HALTED, differ, 0, 1, PositionsCompared),
    Story("unknown_orders", PAUSED, lose_sight_at_once, 3, 4, OrderBecameUnknown, muted=NO_UNKNOWN_ORDERS),
    Story("unknown_orders", PAUSED, wait_unanswered, 30, 31, OrderBecameUnknown, muted=NO_UNKNOWN_ORDERS),
    Story("unknown_orders", HALTED, wait_unanswered, 30, 121, OrderBecameUnknown, muted=NO_UNKNOWN_ORDERS),
    Story("foreign_instance", HALTED, meet_another, 0, 1, ExternalOrdersListed),
    Story("clock_skew", PAUSED, skew, 5_000, 5_001, ClockSkewRead),
    Story("clock_skew", PAUSED, skew, -5_000, -5_001, ClockSkewRead),
    Story(
        "clock_skew", PAUSED, set_the_clock, 5_000, 5_001, ClockTicked,
        muted={"console.engine.clock_watch.ClockWatch.step_ns": no_step},
    ),
    Story(
        "clock_skew", PAUSED, set_the_clock, -5_000, -5_001, ClockTicked,
        muted={"console.engine.clock_watch.ClockWatch.step_ns": no_step},
    ),
    Story("exchange_paused", PAUSED, stop_trading, 0, 1, ExchangeStatusRead),
    Story("journal", HALTED, fail_to_write, 0, 1, JournalFailed),
    Story("guard", PAUSED, lose_the_guard, 0, 1, GuardSeen),
    Story("api_key", HALTED, refuse_the_key, 0, 1, KeyRefused),
)  # fmt: skip


def told(story: Story, times: int) -> Desk:
    """The story, and then one tick and one scan."""
    trading = quick(story.style)
    story.happen(trading, times)
    trading.tick()
    trading.scan()
    return trading


def trips_of(trading: Desk, key: str) -> list[tuple[TradingState, str]]:
    return [
        (latch.level, latch.scope.split(" @ ")[0])
        for latch in trading.engine.account.latches.active
        if latch.name == key
    ]
