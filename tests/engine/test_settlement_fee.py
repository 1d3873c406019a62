"""What settling was charged reaches cash, fees and the streak; journals without it read as before."""

from __future__ import annotations

from engine_builders import FAVOURITE, desk, dollars

from console.domain.account_events import MarketSettled
from console.domain.money import PAYOUT, Cash
from console.domain.order import Settlement
from console.engine.journal import decode_event


def test_a_fee_on_settling_is_taken_from_cash_and_counted_as_a_fee() -> None:
    trading = desk()
    intent = trading.hold(FAVOURITE)
    account = trading.engine.account
    cash, fees, held = account.cash, account.fees, account.position(intent.ticker)
    settlement = Settlement(intent.ticker, PAYOUT, trading.now_ns, dollars("0.70"))
    trading.take(MarketSettled(at_ns=trading.now_ns, settlement=settlement))
    paid = held.value_at(PAYOUT)
    assert account.cash == cash + paid - dollars("0.70")
    assert account.fees == fees + dollars("0.70")
    assert account.position(intent.ticker).fees == held.fees + dollars("0.70")


def test_a_settlement_journaled_without_a_fee_had_none() -> None:
    row = '{"type":"MarketSettled","at_ns":1,"settlement":{"ticker":"KXA-1","yes_value":10000,"at_ns":1}}'
    event = decode_event(row)
    assert isinstance(event, MarketSettled)
    assert event.settlement.fee == Cash(0)
