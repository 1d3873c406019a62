"""The edge a position was entered on, and what was measured of such entries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from console.config.trading_settings import EdgeSettings
from console.domain.book import BookSide
from console.domain.money import PRICE_PER_CENT
from console.engine.account_views import PositionView
from console.monitoring.buckets import bucket_of
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, put

if TYPE_CHECKING:
    from console.strategies.edge import Role
    from console.strategies.edge_table import EdgeCell

MeasuredEdges = Mapping[tuple[str, str, "Role"], "EdgeCell"]
"""By category, price bucket and role."""


def measured_edges(settings: EdgeSettings, home: Path, now_ns: int) -> MeasuredEdges:
    """What is traded by; empty without a table, and with one that cannot be used: the engine tells why."""
    # Only here: the first frame does not wait for what most runs have no file for.
    from console.strategies.edge_table import EdgeTableError, measured_table

    try:
        table = measured_table(settings, home, now_ns)
    except EdgeTableError:
        return {}
    return {(cell.category, cell.bucket, cell.role): cell for cell in table.cells} if table else {}


def role_of(position: PositionView) -> str:
    """How its entries were made; empty where that is not known."""
    if not position.bought or position.as_maker is None:
        return ""
    if 0 < position.as_maker < position.bought:
        return "mixed"
    return "maker" if position.as_maker else "taker"


def measured_of(position: PositionView, edges: MeasuredEdges) -> EdgeCell | None:
    """What was measured of entries in its category, at its price and in its role."""
    role: Role
    match role_of(position), position.side:
        case "taker", _:
            role = "taker"
        case "maker", BookSide.BID:
            role = "maker_yes"
        case "maker", BookSide.ASK:
            role = "maker_no"
        case _:
            return None
    return edges.get((position.category, bucket_of(position.average_price).name, role))


def used_in_cents(position: PositionView) -> Line:
    """The edge its entries were made on, before fees."""
    if position.expected is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    return put(fmt.cents(position.expected - position.average_price), Tone.MUTED)


def used_in_words(position: PositionView) -> Line:
    if position.expected is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    points = (position.expected - position.average_price) / PRICE_PER_CENT
    return put(f"{points:+.2f} c a contract, before fees: {fmt.cents(position.expected)} c expected")


def measured_in_cents(cell: EdgeCell | None) -> Line:
    """The measured mark and of how many events, where there is one."""
    if cell is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    return put(f"{cell.measured / PRICE_PER_CENT:+.2f} n={cell.events:.0f}", Tone.MUTED)


def measured_in_words(cell: EdgeCell | None) -> Line:
    if cell is None:
        return put("no measurement of such entries; kconsole calibrate makes one", Tone.MUTED)
    within = (
        "no interval"
        if cell.low is None or cell.high is None
        else f"{cell.low / PRICE_PER_CENT:+.2f} to {cell.high / PRICE_PER_CENT:+.2f}"
    )
    events = f"{cell.events:,.0f} event{'' if round(cell.events) == 1 else 's'}"
    return put(f"{cell.measured / PRICE_PER_CENT:+.2f} c ({events}, {within})")
