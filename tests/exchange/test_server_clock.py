"""What an answer's headers tell of the exchange's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from exchange_builders import ack, intent, venue
from scripted_exchange import Answer, reply, scripted

from console.domain.account_events import OrderAcked
from console.exchange.clock import date_ms


@pytest.mark.parametrize(
    "date", ["", "soon", "Mon, 99 Jan 2026 00:00:00 GMT", "Mon, 01 Jan 99999999999999 00:00:00 GMT"]
)
def test_a_date_that_is_none_tells_nothing(date: str) -> None:
    assert date_ms({"Date": date}) is None
    assert date_ms({}) is None


def dated(seconds: int, **more: str) -> Answer:
    """An acknowledgement whose Date is that many seconds away from now."""
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return reply(201, ack(), {"Date": at, **more})


async def stamp_after(first: Answer) -> int:
    """How far from our clock, in seconds, a request is stamped after an answer."""
    answers = [first, dated(0)]
    async with scripted(lambda _: answers.pop(0)) as exchange:
        connector = venue(exchange.rest)
        for _ in range(2):
            assert isinstance(await connector.submit(intent()), OrderAcked)
        await connector.close()
    stamp_s = int(exchange.received[1].headers["kalshi-access-timestamp"]) / 1000
    return round(stamp_s - datetime.now(UTC).timestamp())


async def test_requests_are_stamped_by_the_exchanges_clock() -> None:
    assert abs(await stamp_after(dated(300)) - 300) <= 2


async def test_an_answer_from_a_cache_does_not_tell_the_time() -> None:
    """Market lists come from a cache for 15 s, with the Date of when they were made."""
    assert abs(await stamp_after(dated(-300, Age="300"))) <= 1
