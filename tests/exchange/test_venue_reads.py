"""What the venue reads: complete, converted exactly, or an error that names the address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import msgspec
import pytest
from exchange_builders import (
    NOW,
    ack,
    intent,
    listed_event,
    listed_fill,
    listed_market,
    listed_order,
    listed_series,
    listed_settlement,
    venue,
)
from scripted_exchange import Answer, Received, Script, cut_short, html, raw, reply, reset, scripted

from console.domain.account_events import OrderAcked, OrderRejected
from console.domain.book import BookSide
from console.domain.market import FeeTerms
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus
from console.domain.ports import Universe, VenueError, VenueRefusedError
from console.exchange.messages import Message, account, encode, market_data
from console.exchange.wire import to_ns

NOW_NS = to_ns(NOW)
DAY = timedelta(days=1)


def message(data: msgspec.Struct) -> Answer:
    return raw(200, encode(data))


def by_path(answers: dict[str, Answer]) -> Script:
    return lambda request: answers.get(request.path, reply(404, {"error": {"code": "not_found"}}))


def paged(pages: Sequence[Message]) -> Script:
    """Each page under the cursor that the one before it gave: its number."""

    def script(request: Received) -> Answer:
        return message(pages[int(request.query.get("cursor", ["0"])[0])])

    return script


def order_pages(last_cursor: str | None = "") -> list[account.OrdersReply]:
    return [
        account.OrdersReply(orders=[listed_order("a"), listed_order("b", "executed")], cursor="1"),
        account.OrdersReply(orders=[listed_order("c", "canceled")], cursor="2"),
        account.OrdersReply(orders=[listed_order("d", "held_for_review")], cursor=last_cursor),
    ]


NO_ORDERS = account.OrdersReply(orders=[], cursor="")


def orders_of(since: Script, resting: Message = NO_ORDERS) -> Script:
    """The list of resting orders, and the one of every order since a time."""
    return lambda request: message(resting) if "status" in request.query else since(request)


@pytest.mark.parametrize("last_cursor", ["", None])
async def test_every_page_of_orders_is_read_in_every_status(last_cursor: str | None) -> None:
    async with scripted(orders_of(paged(order_pages(last_cursor)))) as exchange:
        orders = await venue(exchange.rest).orders(NOW_NS)
    assert [(o.order_id, o.status) for o in orders] == [
        ("a", OrderStatus.RESTING),
        ("b", OrderStatus.EXECUTED),
        ("c", OrderStatus.CANCELED),
        ("d", OrderStatus.UNKNOWN),
    ]
    first = orders[0]
    assert (first.price, first.filled, first.remaining) == (Price(9200), Count(100), Count(200))
    lists = [request.query for request in exchange.received if "cursor" not in request.query]
    assert [(q.get("status"), q.get("min_ts")) for q in lists] == [
        (["resting"], None),
        (None, [str(NOW_NS // 10**9 - 1)]),
    ]


async def test_an_order_that_rests_since_long_is_listed_and_one_that_ended_meanwhile_is_listed_as_ended() -> (
    None
):
    resting = account.OrdersReply(orders=[listed_order("old"), listed_order("a")], cursor="")
    ended = account.OrdersReply(orders=[listed_order("a", "executed")], cursor="")
    async with scripted(orders_of(lambda _: message(ended), resting)) as exchange:
        orders = await venue(exchange.rest).orders(NOW_NS)
    assert {o.order_id: o.status for o in orders} == {"old": OrderStatus.RESTING, "a": OrderStatus.EXECUTED}


async def test_what_is_older_than_the_live_lists_is_read_from_the_historical_ones() -> None:
    cutoff = market_data.HistoricalCutoffReply(
        market_settled_ts=NOW - 90 * DAY, trades_created_ts=NOW - 80 * DAY, orders_updated_ts=NOW - 70 * DAY
    )
    old, new = NOW - 100 * DAY, NOW - 75 * DAY
    answers = {
        "/historical/cutoff": message(cutoff),
        "/portfolio/orders": message(account.OrdersReply(orders=[listed_order("new")], cursor="")),
        "/historical/orders": message(
            account.OrdersReply(orders=[listed_order("old", "executed")], cursor="")
        ),
        "/portfolio/fills": message(account.FillsReply(fills=[listed_fill("new", new)], cursor="")),
        "/historical/fills": message(
            account.FillsReply(fills=[listed_fill("old", old), listed_fill("new", new)], cursor="")
        ),
    }
    async with scripted(by_path(answers)) as exchange:
        connector = venue(exchange.rest)
        assert {o.order_id for o in await connector.orders(to_ns(old))} == {"new", "old"}
        assert [f.fill_id for f in await connector.fills(to_ns(old))] == ["old", "new"]
        assert {o.order_id for o in await connector.orders(to_ns(new))} == {"new", "old"}
        assert [f.fill_id for f in await connector.fills(to_ns(new))] == ["new"]
    assert len(exchange.asked("GET", "/historical/fills")) == 1


async def test_what_is_new_is_asked_of_the_live_lists_alone() -> None:
    async with scripted(orders_of(lambda _: message(NO_ORDERS))) as exchange:
        await venue(exchange.rest).orders(NOW_NS - 3_600 * 10**9)
    assert {request.path for request in exchange.received} == {"/portfolio/orders"}


@pytest.mark.parametrize(
    "failure", [reset, html(200), reply(200, {"orders": []}), cut_short(200, b"{}     ")]
)
async def test_a_page_that_fails_fails_the_whole_list(failure: Answer) -> None:
    def script(request: Received) -> Answer:
        return failure if "cursor" in request.query else message(order_pages()[0])

    async with scripted(script) as exchange:
        with pytest.raises(VenueError, match=f"GET {exchange.rest}/portfolio/orders"):
            await venue(exchange.rest).orders(NOW_NS)


async def test_pages_that_go_round_are_an_error_and_not_an_endless_read() -> None:
    page = account.OrdersReply(orders=[], cursor="again")
    async with scripted(lambda _: message(page)) as exchange:
        with pytest.raises(VenueError, match="came round to cursor 'again'"):
            await venue(exchange.rest).orders(NOW_NS)


async def test_an_amount_that_is_none_fails_the_read() -> None:
    order = msgspec.structs.replace(listed_order(), yes_price_dollars="NaN")
    async with scripted(lambda _: message(account.OrdersReply(orders=[order], cursor=""))) as exchange:
        with pytest.raises(VenueError, match="price 'NaN' is not a plain decimal"):
            await venue(exchange.rest).orders(NOW_NS)


async def test_a_balance_under_another_name_is_an_error_and_not_zero() -> None:
    balance = {"balance": 1, "balance_in_dollars": "10.00", "portfolio_value": 0, "updated_ts": 0}
    async with scripted(lambda _: reply(200, balance)) as exchange:
        with pytest.raises(VenueError, match="balance_dollars"):
            await venue(exchange.rest).balance()


async def test_the_balance_is_exact_to_a_millionth() -> None:
    balance = {"balance": 1, "balance_dollars": "9999.993700", "portfolio_value": 0, "updated_ts": 0}
    async with scripted(lambda _: reply(200, balance)) as exchange:
        assert await venue(exchange.rest).balance() == Cash(9_999_993_700)


async def test_fills_come_oldest_first_from_the_time_asked() -> None:
    fills = [listed_fill(name, NOW - age * DAY) for name, age in (("new", 0), ("old", 2), ("mid", 1))]
    page = account.FillsReply(fills=fills, cursor="")
    async with scripted(lambda _: message(page)) as exchange:
        found = await venue(exchange.rest).fills(to_ns(NOW - DAY))
    assert [fill.fill_id for fill in found] == ["mid", "new"]
    assert (found[0].fee, found[0].side, found[0].at_ns) == (Cash(5152), BookSide.BID, to_ns(NOW - DAY))


@pytest.mark.parametrize("count", ["0.00", "-1.00"])
async def test_a_fill_of_nothing_or_less_fails_the_read(count: str) -> None:
    fill = msgspec.structs.replace(listed_fill("t", NOW), count_fp=count)
    async with scripted(lambda _: message(account.FillsReply(fills=[fill], cursor=""))) as exchange:
        with pytest.raises(VenueError, match=f"a trade of {count} contracts"):
            await venue(exchange.rest).fills(NOW_NS)


async def test_a_scalars_settlement_is_read_to_the_ten_thousandth_from_its_market() -> None:
    settled = msgspec.structs.replace(listed_market("S"), result="scalar", settlement_value_dollars="0.1234")
    settlements = [listed_settlement(t, r, NOW) for t, r in (("Y", "yes"), ("N", "no"), ("S", "scalar"))]
    answers = {
        "/portfolio/settlements": message(account.SettlementsReply(settlements=settlements)),
        "/markets/S": message(market_data.MarketReply(market=settled)),
    }
    async with scripted(by_path(answers)) as exchange:
        found = await venue(exchange.rest).settlements()
    assert {s.ticker: s.yes_value for s in found} == {"Y": 10_000, "N": 0, "S": 1234}


async def test_positions_are_asked_for_with_the_settled_ones() -> None:
    position = account.MarketPosition(
        ticker="KXBTC-1",
        exchange_index=2,
        total_traded_dollars="1.000000",
        position_fp="-3.50",
        market_exposure_dollars="1.000000",
        realized_pnl_dollars="0.000000",
        fees_paid_dollars="0.010304",
        last_updated_ts=NOW,
    )
    page = account.PositionsReply(market_positions=[position], event_positions=[])
    async with scripted(lambda _: message(page)) as exchange:
        (found,) = await venue(exchange.rest).positions()
    assert (found.position, found.fees) == (Count(-350), Cash(10304))
    assert exchange.received[0].query["settlement_status"] == ["all"]


async def test_a_read_that_fails_for_a_moment_is_repeated() -> None:
    answers = [reply(429, {"error": "too many requests"}), html(503), message(order_pages()[2])]
    async with scripted(orders_of(lambda _: answers.pop(0))) as exchange:
        assert len(await venue(exchange.rest).orders(NOW_NS)) == 1
    assert len(exchange.received) == 4


async def test_a_read_that_goes_on_failing_is_given_up() -> None:
    async with scripted(lambda _: html(503)) as exchange:
        with pytest.raises(VenueError, match="503"):
            await venue(exchange.rest).orders(NOW_NS)
    assert len(exchange.received) == 3


async def test_a_refused_read_is_told_apart_and_not_repeated() -> None:
    refusal = reply(403, {"error": {"code": "forbidden", "message": "missing scope"}})
    async with scripted(lambda _: refusal) as exchange:
        with pytest.raises(VenueRefusedError, match="403 forbidden missing scope"):
            await venue(exchange.rest).orders(NOW_NS)
    assert len(exchange.received) == 1


async def test_a_request_stamped_too_old_is_stamped_anew_by_the_exchanges_clock() -> None:
    """The exchange's clock is an hour ahead; its Date says so with the refusal."""
    ahead = {"Date": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
    expired = reply(401, {"error": {"code": "header_timestamp_expired"}}, ahead)
    answers = [expired, message(NO_ORDERS), message(order_pages()[2])]
    async with scripted(lambda _: answers.pop(0)) as exchange:
        assert len(await venue(exchange.rest).orders(NOW_NS)) == 1
    stamps = [int(request.headers["kalshi-access-timestamp"]) for request in exchange.received]
    assert 3_590_000 < stamps[1] - stamps[0] < 3_610_000


async def test_a_group_reset_stamped_too_old_is_stamped_anew() -> None:
    expired = reply(401, {"error": {"code": "header_timestamp_expired"}})
    groups = message(account.OrderGroupsReply(order_groups=[]))
    answers = [groups, expired, reply(200, {})]
    async with scripted(lambda _: answers.pop(0)) as exchange:
        await venue(exchange.rest).reset_group("group-1")
    assert len(exchange.asked("PUT", "/portfolio/order_groups/group-1/reset")) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "forbidden", "message": "missing scope"}},
        {"code": "forbidden", "message": "missing scope"},
        {"error": "forbidden missing scope"},
    ],
)
async def test_a_refusal_is_told_in_the_exchanges_words_however_it_wraps_them(body: object) -> None:
    async with scripted(lambda _: reply(403, body)) as exchange:
        with pytest.raises(VenueRefusedError, match="403 forbidden missing scope"):
            await venue(exchange.rest).orders(NOW_NS)


async def test_an_old_stamp_is_tried_again_once_only() -> None:
    expired = reply(401, {"error": {"code": "header_timestamp_expired"}})
    async with scripted(lambda _: expired) as exchange:
        with pytest.raises(VenueRefusedError, match="header_timestamp_expired"):
            await venue(exchange.rest).orders(NOW_NS)
    assert len(exchange.received) == 2


async def test_cancelling_an_order_that_is_gone_is_no_error_and_a_refused_cancel_is() -> None:
    async with scripted(by_path({})) as exchange:
        await venue(exchange.rest).cancel("order/1", "KXBTC-1", 2)
    (request,) = exchange.received
    assert request.target.startswith("/trade-api/v2/portfolio/events/orders/order%2F1?")
    assert request.query == {"exchange_index": ["2"], "market_ticker": ["KXBTC-1"]}
    async with scripted(lambda _: reply(400, {"error": {"code": "MARKET_INACTIVE"}})) as exchange:
        with pytest.raises(VenueRefusedError, match="MARKET_INACTIVE"):
            await venue(exchange.rest).cancel("o", "KXBTC-1", 2)


async def test_a_group_of_an_earlier_run_is_reset_on_its_own_shard() -> None:
    group = account.OrderGroup(id="g", is_auto_cancel_enabled=True, exchange_index=2)
    answers = {
        "/portfolio/order_groups": message(account.OrderGroupsReply(order_groups=[group])),
        "/portfolio/order_groups/g/reset": raw(200, b""),
    }
    async with scripted(by_path(answers)) as exchange:
        await venue(exchange.rest).reset_group("g")
    assert exchange.asked("PUT", "/portfolio/order_groups/g/reset")[0].query == {"exchange_index": ["2"]}


def status_answers(*, shard_active: bool) -> dict[str, Answer]:
    shard = {
        "exchange_index": 2,
        "description": "crypto",
        "exchange_active": True,
        "trading_active": shard_active,
        "intra_exchange_transfers_active": True,
    }
    state = {"exchange_active": True, "trading_active": True, "exchange_index_statuses": [shard]}
    windows = [
        {"start_datetime": NOW + start * DAY, "end_datetime": NOW + end * DAY}
        for start, end in ((5, 6), (-2, -1), (1, 2))
    ]
    schedule = {"schedule": {"standard_hours": [], "maintenance_windows": windows}}
    return {
        "/exchange/status": reply(200, state),
        "/exchange/schedule": raw(200, msgspec.json.encode(schedule)),
        "/markets/KXBTC-1": message(market_data.MarketReply(market=listed_market())),
        "/events": message(market_data.EventsReply(events=[listed_event()], cursor="")),
        "/series/KXBTC": message(market_data.SeriesReply(series=listed_series())),
    }


async def test_status_tells_the_next_maintenance_and_the_state_of_the_shards_we_trade_on() -> None:
    async with scripted(by_path(status_answers(shard_active=False))) as exchange:
        connector = venue(exchange.rest)
        before = await connector.status()
        await connector.market("KXBTC-1")
        after = await connector.status()
    assert before.pause_starts_ns == to_ns(NOW + DAY)
    assert (before.trading_active, after.trading_active) == (True, False)


async def test_a_paused_exchange_tells_its_state_under_an_error_status() -> None:
    paused = {
        "exchange_active": False,
        "trading_active": False,
        "exchange_estimated_resume_time": "2026-11-26T10:00:00Z",
    }
    answers = {**status_answers(shard_active=True), "/exchange/status": reply(503, paused)}
    async with scripted(by_path(answers)) as exchange:
        status = await venue(exchange.rest).status()
    assert (status.exchange_active, status.trading_active) == (False, False)
    assert status.resumes_ns == 1_795_687_200_000_000_000


def market_answers(
    markets: Sequence[market_data.Market],
    event: market_data.EventData | None = None,
    series: market_data.Series | None = None,
) -> Script:
    return by_path(
        {
            "/markets": message(market_data.MarketsReply(markets=list(markets), cursor="")),
            "/events": message(market_data.EventsReply(events=[event or listed_event()], cursor="")),
            "/series/KXBTC": message(market_data.SeriesReply(series=series or listed_series())),
        }
    )


async def test_open_markets_in_the_window_come_with_the_fees_of_their_series() -> None:
    markets = [
        listed_market("soon", closes_in_s=30),
        listed_market("good"),
        listed_market("late", closes_in_s=9000),
        listed_market("paused", status="inactive"),
        listed_market("odd", status="a_status_of_tomorrow"),
    ]
    universe = Universe(series=("KXBTC",), min_seconds_to_close=60, max_seconds_to_close=3600)
    async with scripted(market_answers(markets)) as exchange:
        (found,) = await venue(exchange.rest).markets(universe)
    assert (found.ticker, found.series_ticker, found.category) == ("good", "KXBTC", "Crypto")
    assert found.fees == FeeTerms("quadratic", 10_000)
    assert (found.title, found.exchange_index) == ("Bitcoin: Above 90,000", 2)
    query = exchange.asked("GET", "/markets")[0].query
    assert query["series_ticker"] == ["KXBTC"]
    assert query["mve_filter"] == ["exclude"]
    assert "status" not in query


async def test_without_a_window_the_open_ones_are_asked_for() -> None:
    async with scripted(market_answers([listed_market()])) as exchange:
        assert len(await venue(exchange.rest).markets(Universe())) == 1
    assert exchange.asked("GET", "/markets")[0].query["status"] == ["open"]


@pytest.mark.parametrize(
    ("event", "series", "fees"),
    [
        (listed_event("flat", Decimal("0.5")), None, FeeTerms("flat", 5000)),
        (listed_event("flat"), None, FeeTerms("flat", 10_000)),
        (listed_event(None, Decimal("0.5")), None, FeeTerms("quadratic", 5000)),
        (None, listed_series(Decimal("0.5")), FeeTerms("quadratic", 5000)),
        (None, listed_series(Decimal("0.33333")), None),
        (None, listed_series(Decimal("1e999999")), None),
        (None, listed_series(Decimal("-1")), None),
    ],
)
async def test_fees_are_the_events_where_it_has_its_own_and_unknown_when_inexact(
    event: market_data.EventData | None, series: market_data.Series | None, fees: FeeTerms | None
) -> None:
    async with scripted(market_answers([listed_market()], event, series)) as exchange:
        (found,) = await venue(exchange.rest).markets(Universe())
    assert found.fees == fees


@pytest.mark.parametrize("exclusive", [True, False])
async def test_a_market_knows_whether_its_event_lets_one_market_win_at_most(exclusive: bool) -> None:
    event = msgspec.structs.replace(listed_event(), mutually_exclusive=exclusive)
    async with scripted(market_answers([listed_market()], event)) as exchange:
        (found,) = await venue(exchange.rest).markets(Universe())
    assert found.mutually_exclusive is exclusive


async def test_other_categories_and_markets_without_a_grid_are_left_out() -> None:
    broken = msgspec.structs.replace(listed_market("broken"), price_ranges=[])
    async with scripted(market_answers([listed_market(), broken])) as exchange:
        connector = venue(exchange.rest)
        assert [m.ticker for m in await connector.markets(Universe(categories=("Crypto",)))] == ["KXBTC-1"]
        assert await connector.markets(Universe(categories=("Weather",))) == []
    asked = Counter(request.path for request in exchange.received)
    assert asked == {"/markets": 2, "/events": 1, "/series/KXBTC": 1}


NOTHING = {"refill_rate": 0, "bucket_capacity": 0}
NO_TOKENS = {"usage_tier": "basic", "read": NOTHING, "write": NOTHING, "grants": []}


@pytest.mark.parametrize(
    "limits", [reply(403, {}), reply(200, {"usage_tier": "basic"}), reply(200, NO_TOKENS)]
)
async def test_limits_that_cannot_be_read_do_not_keep_the_status_from_being_read(limits: Answer) -> None:
    answers = {
        **status_answers(shard_active=True),
        "/account/limits": limits,
        "/account/endpoint_costs": reply(200, {"default_cost": 10, "endpoint_costs": []}),
    }
    async with scripted(by_path(answers)) as exchange:
        connector = venue(exchange.rest)
        assert (await connector.status()).trading_active
        assert (await connector.status()).trading_active
    assert len(exchange.asked("GET", "/account/limits")) == 1


async def test_orders_go_at_the_accounts_own_rate_once_it_is_known() -> None:
    """The smallest tier's bucket holds seven orders; this account's holds many."""
    bucket = {"refill_rate": 1000, "bucket_capacity": 1000}
    limits = {"usage_tier": "premier", "read": bucket, "write": bucket, "grants": []}

    def script(request: Received) -> Answer:
        if request.method == "POST":
            return reply(201, ack())
        return by_path(
            {
                **status_answers(shard_active=True),
                "/account/limits": reply(200, limits),
                "/account/endpoint_costs": reply(200, {"default_cost": 10, "endpoint_costs": []}),
            }
        )(request)

    async with scripted(script) as exchange:
        connector = venue(exchange.rest, deadline_s=0.3)
        await connector.status()
        outcomes = [await connector.submit(intent()) for _ in range(40)]
        await connector.close()
    assert all(isinstance(outcome, OrderAcked) for outcome in outcomes)


async def test_an_order_that_would_wait_too_long_for_tokens_is_not_sent() -> None:
    async with scripted(lambda _: reply(201, ack())) as exchange:
        connector = venue(exchange.rest, deadline_s=0.3)
        outcomes = [await connector.submit(intent()) for _ in range(7)]
        waiting = await asyncio.gather(*(connector.submit(intent()) for _ in range(20)))
        await connector.close()
    assert all(isinstance(outcome, OrderAcked) for outcome in outcomes)
    unsent = [outcome for outcome in waiting if isinstance(outcome, OrderRejected)]
    assert unsent
    assert {outcome.code for outcome in unsent} == {"not_sent"}
    assert len(exchange.received) == 27 - len(unsent)
