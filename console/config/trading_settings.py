"""What is traded, at what cost and of what quality."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from console.config.setting import MOST_BPS, MOST_CONTRACTS, MOST_SECONDS, setting


@dataclass(frozen=True, kw_only=True)
class StrategySettings:
    """The favourite-longshot harvester: buys favourites, sells longshots."""

    favorite_threshold: int = setting(90, "buys YES at or above", unit="c", low=50, high=99, loosens="down")
    longshot_threshold: int = setting(
        10, "sells YES (buys NO) at or below", unit="c", low=1, high=50, loosens="up"
    )
    min_edge_to_trade: Decimal = setting(
        "0.03",
        "least edge after fees and half the spread",
        unit="$ a contract",
        low=0,
        high=1,
        loosens="down",
    )
    style: Literal["maker", "taker"] = setting(
        "maker", "rest post-only orders, or take with IOC limits", loosens="either"
    )
    min_depth_contracts: int = setting(
        10,
        "least displayed size to trade against",
        unit="contracts",
        low=0,
        high=MOST_CONTRACTS,
        loosens="down",
    )
    order_expiry_seconds: int = setting(
        600, "a resting order cancels itself after", unit="s", low=5, high=86_400, loosens="up"
    )
    scan_interval: Decimal = setting("60", "time between scans", unit="s", low=Decimal("0.1"), high=3600)


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """Where the win probability comes from."""

    model: Literal["table", "constant"] = setting(
        "table", "a table by price, role and category, or a constant"
    )
    constant_points: Decimal = setting(
        "3.0", "win probability over the mid of the side bought", unit="points", low=0, high=50, loosens="up"
    )
    table: str = setting(
        "",
        "file that `kconsole calibrate --write` wrote, relative to the home; when empty, edge-table.json if "
        "there is one, else the published marks",
    )
    table_max_age_days: int = setting(
        92,
        "oldest end of the data that such a file rests on; published marks moved by half within a quarter",
        unit="days",
        low=1,
        high=3_660,
    )


@dataclass(frozen=True, kw_only=True)
class FeeSettings:
    """Which fee schedule estimates are made with."""

    model: Literal["kalshi", "profit"] = setting(
        "kalshi", "the exchange's schedule, or a share of profit", loosens="either"
    )
    profit_fee_rate: Decimal = setting(
        "0.07", "share of profit on winners", unit="fraction", low=0, high=1, loosens="down"
    )


@dataclass(frozen=True, kw_only=True)
class SlippageSettings:
    """The cost model of simulated executions."""

    base_slippage_bps: Decimal = setting("5.0", "cost of any order", unit="bps", low=0, high=MOST_BPS)
    size_impact_factor: Decimal = setting("0.1", "cost by share of the displayed size", low=0, high=100)


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """What a market must offer before it is traded."""

    max_spread_bps: Decimal = setting(
        "200.0",
        "widest spread, of the mid of the side bought",
        unit="bps",
        low=0,
        high=MOST_BPS,
        loosens="up",
    )
    max_stale_book_seconds: Decimal = setting(
        "30", "oldest proof that the feed is alive", unit="s", low=1, high=3600, loosens="up"
    )
    max_slippage_bps: Decimal = setting(
        "50.0", "slippage line, against the touch", unit="bps", low=0, high=MOST_BPS, loosens="up"
    )
    max_slippage_share: Decimal = setting(
        "0.50",
        "pauses when more than this share of taker fills lies above that line; the guide's word is "
        "consistently, which is more often than not",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    slippage_window_fills: int = setting(
        50,
        "newest taker fills that count; some days of the guide's trading, so that an old market is forgotten",
        unit="fills",
        low=1,
        high=1_000,
        loosens="either",
    )
    slippage_min_fills: int = setting(
        20,
        "fewest taker fills to judge by; if one in four is bad by chance, eleven of twenty come "
        "once in 250 times",
        unit="fills",
        low=1,
        high=1_000,
        loosens="up",
    )
    max_clock_skew_seconds: Decimal = setting(
        "5",
        "largest difference between our clock and the exchange's; ages and expiries are wrong by as "
        "much, and a signature may be refused",
        unit="s",
        low=1,
        high=60,
        loosens="up",
    )


@dataclass(frozen=True, kw_only=True)
class UniverseSettings:
    """Which markets are scanned; an empty list is no restriction."""

    series: tuple[str, ...] = setting((), "series tickers")
    categories: tuple[str, ...] = setting((), "categories")
    min_seconds_to_close: int = setting(0, "not nearer to the close than", unit="s", low=0, high=MOST_SECONDS)
    max_seconds_to_close: int = setting(
        172_800, "not further from the close than", unit="s", low=1, high=MOST_SECONDS
    )
    refresh_seconds: Decimal = setting(
        "60", "time between looks for new markets", unit="s", low=1, high=86_400
    )
