"""What must hold before real money is traded: the guide's pre-flight checklist, item by item."""

from __future__ import annotations

import msgspec

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.risk.switches.every import every_switch

SWITCH = "switch_"
"""What the id of a kill switch's item begins with; its key follows."""

_DATA, _RISK = "data and backtests", "risk management"
_SYSTEM, _OPERATION = "system health", "operation"
_MONTH_DAYS, _WEEK_DAYS = 31, 7


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item: checked by the machine, or with ``question`` asked of the operator.

    What was found counts no more after ``lasts_days``, nor where ``by_settings`` once other settings are in
    force or another version of the program runs.
    """

    id: str
    section: str
    title: str
    question: str | None = None
    lasts_days: int | None = None
    by_settings: bool = True


def _asked(name: str, title: str, question: str, lasts_days: int | None = None) -> Item:
    return Item(
        id=name,
        section=_OPERATION,
        title=title,
        question=question,
        lasts_days=lasts_days,
        by_settings=False,
    )


def _recorded(name: str, title: str) -> Item:
    return Item(id=name, section=_DATA, title=title, lasts_days=_MONTH_DAYS)


def _of(section: str, name: str, title: str, lasts_days: int | None = None) -> Item:
    return Item(id=name, section=section, title=title, lasts_days=lasts_days)


def _switches() -> tuple[Item, ...]:
    return tuple(
        _of(_RISK, f"{SWITCH}{switch.key}", f"kill switch {switch.label} trips and can be resumed")
        for switch in every_switch(RiskSettings(), QualitySettings())
    )


ITEMS: tuple[Item, ...] = (
    _recorded("data_coverage", "three months or more of recorded markets"),
    _recorded("backtest", "backtest with the exact fee schedule"),
    _recorded("edge_after_fees", "the edge survives fees"),
    _recorded("thresholds", "thresholds chosen by what they make after fees"),
    _recorded("walk_forward", "walk-forward makes money where nothing was chosen"),
    _recorded("lookahead", "no decision depends on the future"),
    _recorded("expectations", "expected win rate, Sharpe ratio and drawdown written down"),
    _of(_RISK, "fractional_kelly", "a quarter of the Kelly stake, or less"),
    _recorded("groups", "correlated markets are in one group"),
    _of(_RISK, "group_limit", "15 % of equity in a group, or less"),
    _of(_RISK, "daily_limits", "daily loss limits in dollars and percent"),
    *_switches(),
    _of(_RISK, "manual_resume", "a halt is confirmed, resumed by hand, and trading goes on"),
    _of(_RISK, "halt_rounds", "a halt leaves nothing resting, by each of its ways alone"),
    _of(_RISK, "gate", "a closed gate lets no order leave, by itself"),
    _of(_SYSTEM, "export_folder", "the folder of exports takes files"),
    _of(_SYSTEM, "logging", "what happens is logged to a file and shown"),
    _of(_SYSTEM, "alerts", "a test alert is delivered", _WEEK_DAYS),
    _of(_SYSTEM, "clock", "our clock agrees with the exchange's", 1),
    _of(_SYSTEM, "shutdown", "a console told to end leaves nothing resting and the terminal as it was"),
    _of(_SYSTEM, "recovery", "a killed run starts again and agrees with its exchange"),
    Item(
        id="recovery_procedures",
        section=_SYSTEM,
        title="recovery procedures are written down",
        question="Is it written down what to do after a halt, a crash and a damaged journal, and by whom?",
        by_settings=False,
    ),
    Item(
        id="demo_first",
        section=_OPERATION,
        title="traded on Kalshi's demo exchange first",
        by_settings=False,
    ),
    Item(id="demo_week", section=_OPERATION, title="run there on seven days", by_settings=False),
    Item(id="metrics_logged", section=_OPERATION, title="metrics are on disk", by_settings=False),
    _asked(
        "daily_summaries",
        "daily summaries are reviewed",
        "Have you reviewed the summaries of the last days?",
        _WEEK_DAYS,
    ),
    _asked(
        "minimal_capital",
        "real money begins with 100 to 500 dollars",
        "Does the account hold 100 to 500 dollars to begin with?",
    ),
    _asked(
        "scale_slowly",
        "capital grows with results only",
        "Is it decided by which results, and by how much, the capital may grow?",
    ),
)
"""All of it, in the guide's order; each kill switch is an item of its own."""
