"""What is public at the practice exchange as Kalshi's messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from console.domain.book import BookSide, Level
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid
from console.domain.money import PAYOUT, Count, Price, complement, format_count, format_price
from console.exchange.messages import market_data
from console.practice.account import fee_terms
from console.practice.market import ListedMarket
from console.practice.records import Trade

SHARD = 0
"""The practice exchange has one shard."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRUCTURES = {WHOLE_CENTS: "linear_cent", TAPERED_DECI_CENTS: "tapered_deci_cent"}
_SETTLEMENT_TIMER_S = 15
_FEE_MULTIPLIER_UNITS = 10_000


def moment(at_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_ns // 1_000)


def seconds(at_ns: int) -> int:
    return at_ns // 1_000_000_000


def milliseconds(at_ns: int) -> int:
    return at_ns // 1_000_000


def outcome(side: BookSide) -> str:
    return side.outcome.lower()


def structure(grid: PriceGrid) -> str:
    return _STRUCTURES.get(grid, "custom")


def price_ranges(grid: PriceGrid) -> list[market_data.PriceRange]:
    return [
        market_data.PriceRange(
            start=format_price(r.start), end=format_price(r.end), step=format_price(r.step)
        )
        for r in grid.ranges
    ]


def market_message(market: ListedMarket, now_ns: int) -> market_data.Market:
    """An empty side has price 0 (bid) or 1 dollar (ask) and size 0."""
    definition, quote = market.definition, market.quote()
    bid = quote.bid or Level(Price(0), Count(0))
    ask = quote.ask or Level(PAYOUT, Count(0))
    close = moment(definition.close_ns)
    nothing = format_price(Price(0))
    return market_data.Market(
        ticker=definition.ticker,
        event_ticker=definition.event_ticker,
        market_type="binary",
        title=definition.title,
        yes_sub_title=definition.title,
        no_sub_title=definition.title,
        created_time=moment(market.listed_ns),
        updated_time=moment(market.updated_ns),
        open_time=moment(definition.open_ns),
        close_time=close,
        expected_expiration_time=close,
        latest_expiration_time=close,
        settlement_timer_seconds=_SETTLEMENT_TIMER_S,
        status=market.status(now_ns),
        yes_bid_dollars=format_price(bid.price),
        yes_bid_size_fp=format_count(bid.size),
        yes_ask_dollars=format_price(ask.price),
        yes_ask_size_fp=format_count(ask.size),
        no_bid_dollars=format_price(complement(ask.price)),
        no_ask_dollars=format_price(complement(bid.price)),
        last_price_dollars=format_price(market.last_trade.price) if market.last_trade else nothing,
        volume_fp=format_count(market.volume),
        volume_24h_fp=format_count(market.volume),
        # Nobody's positions but ours are known: as if every trade had opened.
        open_interest_fp=format_count(market.volume),
        result=market.result or "",
        can_close_early=False,
        notional_value_dollars=format_price(PAYOUT),
        previous_yes_bid_dollars=nothing,
        previous_yes_ask_dollars=nothing,
        previous_price_dollars=nothing,
        expiration_value="",
        rules_primary=definition.title,
        rules_secondary="simulated result" if market.result_is_simulated else "",
        price_level_structure=structure(definition.grid),
        price_ranges=price_ranges(definition.grid),
        exchange_index=SHARD,
        settlement_value_dollars=None if market.yes_value is None else format_price(market.yes_value),
        settlement_ts=None if market.settled_ns is None else moment(market.settled_ns),
        strike_type=None if market.strike is None else "greater_or_equal",
        floor_strike=market.strike,
    )


def event_message(
    markets: Sequence[ListedMarket], nested: list[market_data.Market] | None
) -> market_data.EventData:
    definition = markets[0].definition
    return market_data.EventData(
        event_ticker=definition.event_ticker,
        series_ticker=definition.series_ticker,
        sub_title="",
        title=definition.title,
        collateral_return_type="",
        mutually_exclusive=False,
        settlement_sources=[],
        category=definition.category,
        markets=nested,
        last_updated_ts=moment(max(m.listed_ns for m in markets)),
        exchange_index=SHARD,
    )


def series_message(market: ListedMarket, volume: Count | None) -> market_data.Series:
    definition = market.definition
    terms = fee_terms(definition)
    return market_data.Series(
        ticker=definition.series_ticker,
        frequency="custom",
        title=definition.series_ticker,
        category=definition.category,
        categories=[definition.category],
        tags=[],
        settlement_sources=[],
        contract_url="",
        contract_terms_url="",
        fee_type=terms.fee_type,
        fee_multiplier=Decimal(terms.multiplier) / _FEE_MULTIPLIER_UNITS,
        additional_prohibitions=[],
        volume_fp=None if volume is None else format_count(volume),
        exchange_index=SHARD,
    )


def book_message(market: ListedMarket | None, depth: int = 0) -> market_data.OrderBook:
    """Bids of both outcomes, worst first, the ``depth`` best of them (0: all)."""
    if market is None:
        return market_data.OrderBook(yes_dollars=[], no_dollars=[])
    bids, asks = market.levels(BookSide.BID)[-depth:], market.levels(BookSide.ASK)[-depth:]
    return market_data.OrderBook(
        yes_dollars=[(format_price(level.price), format_count(level.size)) for level in bids],
        no_dollars=[(format_price(complement(level.price)), format_count(level.size)) for level in asks],
    )


def trade_message(trade: Trade) -> market_data.Trade:
    return market_data.Trade(
        trade_id=trade.trade_id,
        ticker=trade.ticker,
        count_fp=format_count(trade.count),
        yes_price_dollars=format_price(trade.price),
        no_price_dollars=format_price(complement(trade.price)),
        taker_outcome_side=outcome(trade.taker_side),
        taker_book_side=trade.taker_side,
        created_time=moment(trade.at_ns),
        is_block_trade=False,
    )
