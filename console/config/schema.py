"""Every setting and threshold, once: name, type, default, unit, range and help.

Loading, validation, the threshold form and the documentation are derived from these declarations. A fraction
or a dollar amount is a Decimal, so that no money passes through a float.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from console.config.secret_url import SecretUrl

Loosens = Literal["up", "down", "either"]

_MOST_DOLLARS = 1_000_000_000
_MOST_CONTRACTS = 1_000_000
_MOST_BPS = 10_000
_MOST_SECONDS = 366 * 86_400


def setting(
    default: Any,  # noqa: ANN401 - checked against the field's annotation when settings are loaded
    description: str,
    *,
    unit: str = "",
    low: Decimal | int | None = None,
    high: Decimal | int | None = None,
    loosens: Loosens | None = None,
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare one setting; ``low`` and ``high`` are allowed values themselves, and every number has both.

    ``loosens`` is the direction in which a change permits more, of a setting that a running engine takes;
    without it a setting counts from the next start.
    """
    metadata = {
        "description": description,
        "unit": unit,
        "low": low,
        "high": high,
        "loosens": loosens,
    }
    if isinstance(default, str) and default[:1].isdigit():
        default = Decimal(default)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class RiskSettings:
    """How much may be at stake, and when trading stops."""

    kelly_fraction: Decimal = setting(
        "0.25", "share of the full Kelly stake", unit="fraction", low=0, high=1, loosens="up"
    )
    max_single_position_pct: Decimal = setting(
        "0.05", "worst case of one market, of equity", unit="fraction", low=0, high=1, loosens="up"
    )
    max_correlated_group_pct: Decimal = setting(
        "0.15", "worst case of one correlated group, of equity", unit="fraction", low=0, high=1, loosens="up"
    )
    group_breach_margin_pct: Decimal = setting(
        "0",
        "how far a group may outgrow its cap, of the cap, before it is only reduced",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    max_total_exposure_pct: Decimal = setting(
        "0.20", "worst case of everything, of equity", unit="fraction", low=0, high=1, loosens="up"
    )
    max_event_exposure_pct: Decimal = setting(
        "0.10",
        "worst case of one event, of equity; between a market's and a group's, as an event is",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    max_daily_loss_dollars: Decimal = setting(
        "500", "halts at this loss in a risk day", unit="$", low=0, high=_MOST_DOLLARS, loosens="up"
    )
    max_daily_loss_pct: Decimal = setting(
        "0.05",
        "halts at this loss in a risk day, of its opening equity",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    day_zone: str = setting(
        "UTC", "time zone of the risk day, by its IANA name; never the machine's own", loosens="either"
    )
    day_starts_hour: int = setting(
        0,
        "local hour at which a risk day begins, the first of it where it comes twice",
        unit="h",
        low=0,
        high=23,
        loosens="either",
    )
    max_consecutive_losses: int = setting(
        5, "pauses after this many losses in a row", unit="losses", low=1, high=1_000, loosens="up"
    )
    loss_streak_pause_hours: Decimal = setting(
        "4", "length of that pause", unit="h", low=0, high=168, loosens="down"
    )
    max_drawdown_pct: Decimal = setting(
        "0.10",
        "halts at this loss from the highest equity, of that; two daily limits, so that two of the worst "
        "days allowed end trading",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    max_errors_per_hour: int = setting(
        10,
        "pauses after more errors than this within an hour",
        unit="errors",
        low=0,
        high=10_000,
        loosens="up",
    )
    max_scans_without_fill: int = setting(
        20,
        "pauses after this many scans in a row with orders out and no fill",
        unit="scans",
        low=1,
        high=100_000,
        loosens="up",
    )
    max_rejects_per_minute: int = setting(
        5,
        "pauses when the exchange rejects this many orders within a minute; one is chance, five are a wrong "
        "price, a wrong account or a changed rule",
        unit="orders",
        low=1,
        high=10_000,
        loosens="up",
    )
    max_unknown_orders: int = setting(
        3,
        "pauses when more orders than this were sent without it being known what became of them; a line that "
        "breaks once hits one or two",
        unit="orders",
        low=0,
        high=10_000,
        loosens="up",
    )
    unknown_pause_seconds: Decimal = setting(
        "30",
        "pauses when one of them is older than this; five reads of the account did not show it by then",
        unit="s",
        low=1,
        high=_MOST_SECONDS,
        loosens="up",
    )
    unknown_halt_seconds: Decimal = setting(
        "120",
        "halts when one of them is older than this; one that cannot rest is settled in half that time",
        unit="s",
        low=1,
        high=_MOST_SECONDS,
        loosens="up",
    )
    tripwire_orders_per_minute: int = setting(
        60,
        "halts at more orders than this within a minute; twice what max_orders_per_minute lets pass, so that "
        "only a failure of that limit meets it",
        unit="orders",
        low=1,
        high=10_000,
        loosens="up",
    )
    tripwire_notional_pct_per_minute: Decimal = setting(
        "0.50",
        "halts when orders sent within a minute cost more than this, of equity; two and a half times the "
        "total exposure allowed, so that only orders sent again and again meet it",
        unit="fraction",
        low=0,
        high=100,
        loosens="up",
    )
    max_burst_contracts: int = setting(
        20_000,
        "the exchange itself cancels and refuses our orders past this many contracts filled in 15 s; "
        "four of the largest orders at once",
        unit="contracts",
        low=1,
        high=1_000_000,
    )
    max_order_contracts: int = setting(
        5_000, "largest single order", unit="contracts", low=1, high=_MOST_CONTRACTS, loosens="up"
    )
    flatten_slice_contracts: int = setting(
        250,
        "largest order of a flatten; a twentieth of the largest order, so that a wrong price costs a slice",
        unit="contracts",
        low=1,
        high=_MOST_CONTRACTS,
    )
    max_orders_per_minute: int = setting(
        30,
        "orders sent within a minute before the next is refused; half of what the tripwire halts at, so that "
        "trading as usual never reaches that",
        unit="orders",
        low=1,
        high=6_000,
        loosens="up",
    )
    price_collar_cents: Decimal = setting(
        "5",
        "furthest price from the mid of the side bought; five times the half spread that 200 bps admit, so "
        "that only a wrong price meets it",
        unit="c",
        low=0,
        high=99,
        loosens="up",
    )
    drawdown_scale_from_pct: Decimal = setting(
        "1",
        "drawdown at which stakes begin to shrink, to nothing at max_drawdown_pct; off when not below that, "
        "since the guide sizes by equity alone",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    groups: dict[str, tuple[str, ...]] = setting(
        {},
        "correlated groups by name, each a list of ticker patterns (`*` and `?`); the first that fits "
        "decides, and where none does the rule of category and close time",
        loosens="either",
    )


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
        high=_MOST_CONTRACTS,
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

    base_slippage_bps: Decimal = setting("5.0", "cost of any order", unit="bps", low=0, high=_MOST_BPS)
    size_impact_factor: Decimal = setting("0.1", "cost by share of the displayed size", low=0, high=100)


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """What a market must offer before it is traded."""

    max_spread_bps: Decimal = setting(
        "200.0",
        "widest spread, of the mid of the side bought",
        unit="bps",
        low=0,
        high=_MOST_BPS,
        loosens="up",
    )
    max_stale_book_seconds: Decimal = setting(
        "30", "oldest proof that the feed is alive", unit="s", low=1, high=3600, loosens="up"
    )
    max_slippage_bps: Decimal = setting(
        "50.0", "slippage line, against the touch", unit="bps", low=0, high=_MOST_BPS, loosens="up"
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
class MonitoringSettings:
    """What is written and who is told."""

    metrics_output_dir: str = setting(
        "metrics", "folder of the metrics' files, relative to the environment's folder in the home"
    )
    export_interval_seconds: int = setting(
        300, "time between exports of all metrics", unit="s", low=1, high=86_400
    )
    prometheus_port: int = setting(
        0, "port on this machine at which Prometheus may ask for metrics; 0 is none", low=0, high=65_535
    )
    alert_on_kill_switch: bool = setting(
        True,
        "send it on when a kill switch trips or trading is stopped otherwise; screen and log tell it always",
        loosens="down",
    )
    alert_on_high_slippage: bool = setting(
        True,
        "send it on when slippage nears what pauses; screen and log tell it always",
        loosens="down",
    )
    alert_level: Literal["info", "warning", "critical"] = setting(
        "warning", "least grave alert that is sent on", loosens="either"
    )
    alert_at_loss_share: Decimal = setting(
        "0.70",
        "tells when so much of the daily loss or of the drawdown that halts is lost; where switches warn",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    alert_at_exposure_share: Decimal = setting(
        "1",
        "tells when so much of the cap on everything is at stake; below 1 also while entries fill it up",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    webhook_url: SecretUrl = setting(SecretUrl(), "gets each alert as JSON, by POST")
    ntfy_url: SecretUrl = setting(SecretUrl(), "topic of an ntfy server that gets each alert")
    heartbeat_url: SecretUrl = setting(
        SecretUrl(), "asked by GET while the engine makes progress, so that silence tells"
    )
    heartbeat_interval_seconds: int = setting(60, "time between heartbeats", unit="s", low=5, high=3_600)
    log_file_megabytes: int = setting(
        10, "size at which the log's file is put aside", unit="MB", low=1, high=1_000
    )
    log_files_kept: int = setting(5, "full log files that are kept", unit="files", low=1, high=100)


@dataclass(frozen=True, kw_only=True)
class ExchangeSettings:
    """Who we are at the exchange."""

    key_id: str = setting("", "API key id")
    private_key_path: str = setting(
        "", "file of the private key (PEM, RSA or Ed25519), relative to the environment's keys folder"
    )
    request_timeout_seconds: Decimal = setting("5", "total time of one request", unit="s", low=1, high=60)


@dataclass(frozen=True, kw_only=True)
class UniverseSettings:
    """Which markets are scanned; an empty list is no restriction."""

    series: tuple[str, ...] = setting((), "series tickers")
    categories: tuple[str, ...] = setting((), "categories")
    min_seconds_to_close: int = setting(
        0, "not nearer to the close than", unit="s", low=0, high=_MOST_SECONDS
    )
    max_seconds_to_close: int = setting(
        172_800, "not further from the close than", unit="s", low=1, high=_MOST_SECONDS
    )
    refresh_seconds: Decimal = setting(
        "60", "time between looks for new markets", unit="s", low=1, high=86_400
    )


@dataclass(frozen=True, kw_only=True)
class PracticeSettings:
    """The practice exchange."""

    speed: Decimal = setting("10", "how much faster than recorded", unit="x", low=Decimal("0.1"), high=100)
    starting_cash_dollars: Decimal = setting(
        "10000", "cash of a new practice account", unit="$", low=1, high=_MOST_DOLLARS
    )


@dataclass(frozen=True, kw_only=True)
class InterfaceSettings:
    """The screen."""

    refresh_hz: int = setting(4, "how often the screen is drawn", unit="Hz", low=1, high=10)
    theme: str = setting("kconsole", "colour theme")
    keymap: dict[str, str] = setting({}, "keys by binding id")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of it, by section as it stands in the configuration files."""

    risk: RiskSettings = field(default_factory=RiskSettings)
    strategy_flb: StrategySettings = field(default_factory=StrategySettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    fees: FeeSettings = field(default_factory=FeeSettings)
    slippage: SlippageSettings = field(default_factory=SlippageSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    universe: UniverseSettings = field(default_factory=UniverseSettings)
    practice: PracticeSettings = field(default_factory=PracticeSettings)
    ui: InterfaceSettings = field(default_factory=InterfaceSettings)


SECTIONS: dict[str, type] = {
    section.name: section.default_factory  # type: ignore[misc]
    for section in dataclasses.fields(Settings)
}
"""Section name to its dataclass."""
