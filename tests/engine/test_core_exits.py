"""A strategy's own exits through the engine: what is sent, what stops it, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    PREFIX,
    START,
    A,
    B,
    Desk,
    cancels,
    cents,
    contracts,
    market,
    passed,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.domain.account_events import ExternalFilled, OrderIntended
from console.domain.book import BookSide, Quote
from console.domain.commands import ReduceOnly
from console.domain.engine_events import LatchRaised
from console.domain.market import Market
from console.domain.money import Cash, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, TimeInForce
from console.domain.trading_state import TradingState
from console.engine.core import Engine
from console.monitoring.why_not import FunnelStepName
from console.risk.latches import group_scope, market_scope
from console.risk.manager import RiskManager
from console.risk.proposal import Proposal
from console.strategies.base import Refusal

BID, ASK = BookSide.BID, BookSide.ASK


class Told:
    """Proposes at every quote to trade ``side`` at the touch, to close with it or to enter; None waits."""

    def __init__(self) -> None:
        self.side: BookSide | None = None
        self.closes = False
        self.is_taker = True

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        level = None if self.side is None else quote.touch(self.side)
        if self.side is None or level is None:
            return Refusal(FunnelStepName.PRICE, "waits")
        return Proposal(
            ticker=market.ticker,
            side=self.side,
            price=level.price,
            win_probability=Price(self.side.price_paid(level.price) + 300),
            fee_per_contract=None if self.closes else Cash(0),
            is_taker=self.is_taker,
            displayed=level.size if self.is_taker else None,
            strategy="told",
            closes=self.closes,
        )


def told_desk(with_settings: Settings | None = None) -> tuple[Desk, Told]:
    used, strategy = with_settings or settings(), Told()
    risk = RiskManager(used.risk, used.quality, escalates=False)
    trading = Desk(Engine(used, strategy, risk, client_id_prefix=PREFIX))
    trading.open(market(A), market(B))
    return trading, strategy


def holding(shown: Quote = FAVOURITE, with_settings: Settings | None = None) -> tuple[Desk, OrderIntent]:
    """A desk whose strategy has bought its side of a market, and from now on wants to close it."""
    trading, strategy = told_desk(with_settings)
    strategy.side = BID if shown is FAVOURITE else ASK
    bought = trading.hold(shown)
    strategy.side, strategy.closes = strategy.side.opposite, True
    return trading, bought


@pytest.mark.parametrize(("shown", "side", "price"), [(FAVOURITE, ASK, 92), (LONGSHOT, BID, 8)])
def test_what_is_held_is_closed_at_the_price_proposed_at_once_or_not_at_all(
    shown: Quote, side: BookSide, price: int
) -> None:
    trading, bought = holding(shown)
    [exit_order] = submits(trading.show(shown))
    assert (exit_order.side, exit_order.price, exit_order.count) == (side, cents(price), bought.count)
    assert (exit_order.reduce_only, exit_order.post_only, exit_order.expires_s) == (True, False, None)
    assert exit_order.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL
    assert (exit_order.strategy, exit_order.quote, exit_order.group_id) == ("told", shown, "group-0")
    assert OrderIntended(at_ns=trading.now_ns, intent=exit_order) in records(trading.actions)
    trading.ack(exit_order)
    trading.fill(exit_order)
    assert trading.engine.account.held == {}
    assert submits(trading.show(shown)) == []
    assert replayed(records(trading.actions))[0].comparable() == trading.engine.account.comparable()


def test_an_exit_waits_for_the_one_before() -> None:
    trading, bought = holding()
    [first] = submits(trading.show(FAVOURITE))
    assert submits(trading.show(FAVOURITE)) == submits(trading.scan()) == []
    trading.ack(first)
    trading.fill(first, contracts(100))
    trading.report(first, OrderStatus.CANCELED, contracts(100))
    [second] = submits(trading.show(FAVOURITE))
    assert second.count == bought.count - contracts(100)


def test_no_more_is_sold_than_is_displayed_or_than_one_order_may_carry() -> None:
    trading, _ = holding()
    [exit_order] = submits(trading.show(quote(92, 93, size=7)))
    assert exit_order.count == contracts(7)
    limited, _ = holding(with_settings=settings(risk=RiskSettings(max_order_contracts=40)))
    more = Fill("f", "o", A, BID, cents(93), contracts(60), Cash(0), True, START)
    limited.take(ExternalFilled(at_ns=START, fill=more))
    [exit_order] = submits(limited.show(FAVOURITE))
    assert exit_order.count == contracts(40)


def test_a_makers_exit_takes_as_well_and_knows_no_displayed_size() -> None:
    trading, strategy = told_desk()
    strategy.side = BID
    bought = trading.hold(FAVOURITE)
    strategy.side, strategy.closes, strategy.is_taker = ASK, True, False
    [exit_order] = submits(trading.show(quote(92, 93, size=1)))
    assert (exit_order.count, exit_order.post_only) == (bought.count, False)
    assert exit_order.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL


@pytest.mark.parametrize("held", [None, FAVOURITE, LONGSHOT])
def test_where_nothing_is_held_on_the_other_side_there_is_nothing_to_close(held: Quote | None) -> None:
    trading, strategy = told_desk()
    if held is not None:
        strategy.side = BID if held is FAVOURITE else ASK
        trading.hold(held)
    strategy.side, strategy.closes = strategy.side or BID, True
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS)["nothing to close"] == 1


def test_a_strategy_that_wants_the_other_side_must_close_first() -> None:
    trading, strategy = told_desk()
    strategy.side = BID
    trading.hold(FAVOURITE)
    strategy.side = ASK
    assert submits(trading.show(LONGSHOT)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"already in this market": 1}


def test_an_exit_that_is_sent_leaves_the_funnel_of_entries_alone() -> None:
    trading, _ = holding()
    before = trading.engine.entries.why_not.rows()
    [exit_order] = submits(trading.show(FAVOURITE))
    trading.ack(exit_order)
    trading.fill(exit_order)
    assert trading.engine.entries.why_not.rows() == before
    assert passed(trading.engine, FunnelStepName.FILLED) == 1


# --- what stops it, and what does not -------------------------------------------------------------------


def pause(at: Desk) -> None:
    at.pause()


def reduce_only(at: Desk) -> None:
    at.take(ReduceOnly(at_ns=at.now_ns))


def pause_by_a_switch(at: Desk) -> None:
    latch(at, TradingState.PAUSED)


def pause_the_group(at: Desk) -> None:
    latch(at, TradingState.REDUCE_ONLY, group_scope(at.engine.markets.group(A)))


def latch(at: Desk, level: TradingState, scope: str = "") -> None:
    at.take(LatchRaised(at_ns=at.now_ns, name="x", level=level, reason="x", source="test", scope=scope))


def fall_silent(at: Desk) -> None:
    at.later(200)
    at.read_exchange()


@pytest.mark.parametrize("state", [pause, reduce_only, pause_by_a_switch, pause_the_group, fall_silent])
def test_what_only_stops_entries_lets_an_exit_pass_and_withdraws_none(state: Callable[[Desk], None]) -> None:
    trading, _ = holding()
    state(trading)
    [exit_order] = submits(trading.show(FAVOURITE))
    trading.ack(exit_order)
    assert cancels(trading.tick()) == cancels(trading.scan()) == []


def test_limits_on_what_is_at_stake_and_on_orders_do_not_hold_an_exit_back() -> None:
    strict = RiskSettings(max_orders_per_minute=1)
    trading, _ = holding(with_settings=settings(risk=strict))
    assert trading.engine.account.orders_since(START - 1) == 1
    assert len(submits(trading.show(FAVOURITE))) == 1


def halt(at: Desk) -> None:
    at.halt()


def halt_the_market(at: Desk) -> None:
    latch(at, TradingState.HALTED, market_scope(A))


def halt_the_group(at: Desk) -> None:
    latch(at, TradingState.HALTED, group_scope(at.engine.markets.group(A)))


def pause_the_exchange(at: Desk) -> None:
    at.exchange(trading=False)


def close_the_market(at: Desk) -> None:
    at.now_ns = market(A).close_ns
    at.prove()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (halt, "halted"),
        (halt_the_market, "halted"),
        (halt_the_group, "halted"),
        (pause_the_exchange, "the exchange has paused trading"),
        (close_the_market, "not open"),
    ],
)
def test_nothing_is_closed_while_nothing_may_be_sent(state: Callable[[Desk], None], reason: str) -> None:
    trading, _ = holding()
    state(trading)
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {reason: 1}


def test_nothing_is_closed_before_the_exchange_has_told_of_itself() -> None:
    trading, _ = holding()
    trading.engine.activity.exchange = None
    assert submits(trading.show(FAVOURITE)) == []


def test_nothing_is_sold_to_an_empty_level() -> None:
    trading, _ = holding()
    assert submits(trading.show(quote(92, 93, size=0))) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"nothing displayed": 1}


def test_a_resting_entry_is_withdrawn_before_its_market_is_closed() -> None:
    trading, strategy = told_desk()
    strategy.side, strategy.is_taker = BID, False
    resting = trading.enter(FAVOURITE)
    trading.ack(resting)
    trading.fill(resting, contracts(5))
    strategy.side, strategy.closes = ASK, True
    shown = trading.show(FAVOURITE)
    assert (cancels(shown), submits(shown)) == ([resting.client_order_id], [])
    trading.report(resting, OrderStatus.CANCELED, contracts(5))
    [exit_order] = submits(trading.show(FAVOURITE))
    assert (exit_order.side, exit_order.count) == (ASK, contracts(5))


def test_a_proposal_to_close_at_a_resting_entrys_own_price_is_no_wish_for_that_entry() -> None:
    trading, strategy = told_desk()
    strategy.side, strategy.is_taker = BID, False
    resting = trading.enter(FAVOURITE)
    trading.ack(resting)
    assert cancels(trading.show(FAVOURITE)) == []
    strategy.closes = True
    assert cancels(trading.show(FAVOURITE)) == [resting.client_order_id]
