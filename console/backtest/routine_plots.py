"""Pictures of routine reviews, beside those of a backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.backtest.plots import BLUE, GREY, RED, blank_figure, label
from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.edge import Edge
from console.monitoring.frames import equity_frame
from console.monitoring.performance import Part
from console.monitoring.records import Records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 12
_LONGEST_NAME = 36


def edge_figure(edge: Edge) -> Figure:
    """Realised edge with its interval, and what was expected, by day or week."""
    figure = blank_figure()
    axis = figure.subplots()
    places = range(len(edge.over_time))
    for place, each in zip(places, edge.over_time, strict=True):
        if each.interval is not None:
            axis.vlines(place, *each.interval, color=BLUE, linewidth=2, alpha=0.6)
    realised = [each.realised_cents for each in edge.over_time]
    expected = [each.expected_cents for each in edge.over_time]
    axis.plot(places, realised, "o", color=BLUE, markersize=8, label="realised, 95 % interval")
    axis.plot(places, expected, "_", color=RED, markersize=24, markeredgewidth=2, label="expected")
    axis.axhline(0, color=GREY, linewidth=0.8, linestyle="--")
    step = max(1, len(edge.over_time) // 8)
    axis.set_xticks(places[::step], [f"{each.since:%b %d}" for each in edge.over_time][::step])
    axis.set_xlim(-0.75, len(edge.over_time) - 0.25)
    label(axis, "Edge after fees, by when trades ended", "cents a contract")
    axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def groups_figure(parts: Sequence[Part]) -> Figure:
    """Net profit by correlation group, those that lost and made most."""
    known = [part for part in parts if part.net_pnl is not None]
    half = _MOST_BARS // 2
    shown = known if len(known) <= _MOST_BARS else [*known[:half], *known[-half:]]
    figure = blank_figure()
    axis = figure.subplots()
    net = [(part.net_pnl or 0) / CASH_PER_DOLLAR for part in shown]
    places = range(len(shown))
    axis.barh(places, net, color=[RED if each < 0 else BLUE for each in net], height=0.7)
    axis.set_yticks(places, [_short(part.name) for part in shown], fontsize=8, parse_math=False)
    axis.invert_yaxis()
    axis.axvline(0, color=GREY, linewidth=0.8)
    label(axis, "Net profit by correlation group", "")
    axis.set_xlabel("dollars", fontsize=9, color=GREY)
    axis.grid(visible=False, axis="y")
    axis.grid(axis="x", alpha=0.25)
    return figure


def sizing_figure(runs: Mapping[str, Records]) -> Figure:
    """Equity of several runs as a share of what each began with."""
    from matplotlib import rc_context

    figure = blank_figure()
    with rc_context({"date.converter": "concise"}):
        axis = figure.subplots()
        for (name, records), color in zip(runs.items(), (BLUE, RED), strict=True):
            equity = equity_frame(records)["equity"]
            share = 100 * equity / equity.iloc[0]
            axis.step(equity.index, share, where="post", color=color, linewidth=1.4, label=name)
        axis.axhline(100, color=GREY, linewidth=0.8, linestyle="--")
        label(axis, "The same month, sizing hardened and not", "% of the capital")
        axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def _short(name: str) -> str:
    plain = "".join(each if each.isprintable() else "?" for each in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"
