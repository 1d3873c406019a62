from __future__ import annotations

from datetime import UTC, datetime

from console.domain.market import Market, MarketStatus
from console.risk.groups import group_of


def market(ticker: str, event: str, category: str, close: str) -> Market:
    close_ns = int(datetime.fromisoformat(close).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    return Market(
        ticker=ticker,
        event_ticker=event,
        series_ticker="S",
        category=category,
        title="",
        open_ns=0,
        close_ns=close_ns,
        status=MarketStatus.ACTIVE,
        fees=None,
    )


def test_coins_that_close_together_are_one_group_named_for_what_they_share() -> None:
    btc = group_of(market("BTC-1", "BTC", "Crypto", "2026-02-25T04:30:00"))
    eth = group_of(market("ETH-1", "ETH", "Crypto", "2026-02-25T04:30:00"))
    assert btc == eth == "Crypto @ 2026-02-25T04:30Z"


def test_another_close_or_another_category_is_another_group() -> None:
    groups = {
        group_of(market("A", "E", "Crypto", "2026-02-25T04:30:00")),
        group_of(market("A", "E", "Crypto", "2026-02-25T04:30:20")),
        group_of(market("A", "E", "Crypto", "2026-02-25T04:45:00")),
        group_of(market("A", "E", "Sports", "2026-02-25T04:30:00")),
    }
    assert len(groups) == 4


def test_without_a_category_the_event_is_the_group() -> None:
    assert group_of(market("A", "E", "", "2026-02-25T04:30:00")) == "E"
    assert group_of(market("B", "E", "", "2026-02-26T04:30:00")) == "E"
