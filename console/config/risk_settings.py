"""How much may be at stake, and when trading stops."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from console.config.setting import MOST_CONTRACTS, MOST_DOLLARS, MOST_SECONDS, setting


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
        "500", "halts at this loss in a risk day", unit="$", low=0, high=MOST_DOLLARS, loosens="up"
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
        high=MOST_SECONDS,
        loosens="up",
    )
    unknown_halt_seconds: Decimal = setting(
        "120",
        "halts when one of them is older than this; one that cannot rest is settled in half that time",
        unit="s",
        low=1,
        high=MOST_SECONDS,
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
        5_000, "largest single order", unit="contracts", low=1, high=MOST_CONTRACTS, loosens="up"
    )
    flatten_slice_contracts: int = setting(
        250,
        "largest order of a flatten; a twentieth of the largest order, so that a wrong price costs a slice",
        unit="contracts",
        low=1,
        high=MOST_CONTRACTS,
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
