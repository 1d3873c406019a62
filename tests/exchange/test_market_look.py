"""One market, read now: its best prices and what it paid."""

from __future__ import annotations

import msgspec
import pytest
from exchange_builders import listed_market, venue
from scripted_exchange import raw, scripted

from console.domain.book import Level, Quote
from console.domain.money import PAYOUT, Count, Price
from console.domain.ports import VenueError
from console.exchange.messages import encode, market_data


def answer(market: market_data.Market) -> bytes:
    return encode(market_data.MarketReply(market=market))


async def test_a_quote_has_the_best_prices_and_no_empty_side() -> None:
    market = msgspec.structs.replace(listed_market(), yes_bid_size_fp="0.00")
    async with scripted(lambda _request: raw(200, answer(market))) as exchange:
        quote = await venue(exchange.rest).quote("KXBTC-1")
    assert quote == Quote(None, Level(Price(9_200), Count(1_000)))


@pytest.mark.parametrize(
    ("status", "result", "value", "paid"),
    [
        ("active", "", None, None),
        ("determined", "yes", None, None),
        ("finalized", "yes", None, PAYOUT),
        ("finalized", "no", None, Price(0)),
        ("finalized", "scalar", "0.1234", Price(1_234)),
    ],
)
async def test_a_payout_is_told_once_it_is_final(
    status: str, result: str, value: str | None, paid: Price | None
) -> None:
    market = msgspec.structs.replace(
        listed_market(status=status), result=result, settlement_value_dollars=value
    )
    async with scripted(lambda _request: raw(200, answer(market))) as exchange:
        assert await venue(exchange.rest).payout("KXBTC-1") == paid


async def test_a_price_that_makes_no_sense_is_an_error() -> None:
    market = msgspec.structs.replace(listed_market(), yes_ask_dollars="1.2000")
    async with scripted(lambda _request: raw(200, answer(market))) as exchange:
        with pytest.raises(VenueError, match="/markets/KXBTC-1"):
            await venue(exchange.rest).quote("KXBTC-1")
