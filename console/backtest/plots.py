"""Pictures of a run as PNG: equity with drawdown, slippage, hit rates against break-even."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.backtest.report import Report
from console.config.files import replace_file
from console.monitoring.execution import RoleSlippage, Slippage, is_spread
from console.monitoring.frames import equity_frame
from console.monitoring.hit_rates import BucketRow
from console.monitoring.records import Records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREY = "#2a6f97", "#b23a48", "#6c757d"
_SIZE = (9.0, 5.0)
_DPI = 120


class NoPlotsError(Exception):
    """Plots need matplotlib, which is not installed."""


def save_plots(report: Report, folder: Path) -> list[Path]:
    """Write every picture that has something to show; raises NoPlotsError and OSError."""
    figures = {"equity": equity_figure(report.result)}
    if report.slippage.taker.touch.n or report.slippage.maker.touch.n:
        figures["slippage"] = slippage_figure(report.slippage)
    if any(row.judged for row in report.buckets):
        figures["hit-rate"] = hit_rate_figure(report.buckets)
    folder.mkdir(parents=True, exist_ok=True)
    return [save(figure, folder / f"{name}.png") for name, figure in figures.items()]


def save(figure: Figure, path: Path) -> Path:
    """Write one picture, a PNG whatever its name, or leave what was there; raises OSError."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=_DPI, format="png")
    replace_file(path, picture.getvalue())
    return path


def equity_figure(records: Records) -> Figure:
    """Equity at marks and, below it, how far it was under its high."""
    figure = blank_figure()
    from matplotlib import rc_context

    with rc_context({"date.converter": "concise"}):
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        frame = equity_frame(records)
        above.step(frame.index, frame["equity"], where="post", color=BLUE, linewidth=1.4)
        above.axhline(frame["equity"].iloc[0], color=GREY, linewidth=0.8, linestyle="--")
        label(above, "Equity at marks", "dollars")
        below.fill_between(frame.index, -frame["drawdown"], step="post", color=RED, alpha=0.4, linewidth=0)
        below.step(frame.index, -frame["drawdown"], where="post", color=RED, linewidth=0.8)
        label(below, "Below the high", "dollars")
        for axis in (above, below):
            axis.yaxis.set_major_formatter("{x:,.0f}")
        below.set_xlabel("UTC", fontsize=9, color=GREY)
    return figure


def slippage_figure(slippage: Slippage) -> Figure:
    """Contracts by slippage against the touch, with the limit; a panel for each role that has a spread."""
    roles = [("Takers", slippage.taker), ("Makers", slippage.maker)]
    traded = [(name, role) for name, role in roles if role.touch.n]
    shown = [(name, role) for name, role in traded if is_spread(role.histogram)] or traded or roles[:1]
    figure = blank_figure()
    for axis, (name, role) in zip(figure.subplots(len(shown), 1, squeeze=False)[:, 0], shown, strict=True):
        _slippage_bars(axis, name, role, slippage.limit_bps)
    return figure


def hit_rate_figure(rows: Sequence[BucketRow]) -> Figure:
    """The hit rate of each bucket with its interval, and the rate at which it breaks even."""
    figure = blank_figure()
    axis = figure.subplots()
    judged = [(row, row.judged) for row in rows if row.judged is not None]
    places = range(len(judged))
    for place, (_, it) in zip(places, judged, strict=True):
        if it.interval is not None:
            low, high = (100 * end for end in it.interval)
            axis.vlines(place, low, high, color=BLUE, linewidth=2, alpha=0.6)
        axis.annotate(
            f"{it.n_contracts:,.0f} contracts\n{it.n_events:,} events",
            (place, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=GREY,
        )
    rates = [100 * it.hit_rate for _, it in judged]
    needs = [100 * it.break_even for _, it in judged]
    axis.plot(places, rates, "o", color=BLUE, markersize=8, label="hit rate, 95 % interval")
    axis.plot(places, needs, "_", color=RED, markersize=30, markeredgewidth=2, label="break-even")
    axis.set_xticks(places, [f"{row.lo}-{row.hi}c" for row, _ in judged])
    axis.margins(x=0.15, y=0.2)
    axis.set_ylim(top=min(101.0, axis.get_ylim()[1]))
    label(axis, "Hit rate by price of the outcome bought", "% of contracts")
    axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def _slippage_bars(axis: Axes, name: str, role: RoleSlippage, limit_bps: float) -> None:
    bars = role.histogram
    places = range(len(bars))
    axis.bar(places, [bar.n_contracts for bar in bars], width=0.9, color=BLUE)
    labels = [f"{bar.low:g}" if bar.low is not None else "less" for bar in bars[:-1]]
    axis.set_xticks(places, [*labels, f"≥ {bars[-1].low:g}"], fontsize=8)
    first, width = bars[1].low or 0.0, (bars[1].high or 0.0) - (bars[1].low or 0.0)
    axis.axvline(0.5 + (limit_bps - first) / width, color=RED, linestyle="--", linewidth=1.2)
    axis.annotate(
        f" limit {limit_bps:g}",
        (0.5 + (limit_bps - first) / width, 1),
        xycoords=("data", "axes fraction"),
        va="top",
        color=RED,
        fontsize=8,
    )
    it = role.touch
    figures = ", ".join(
        f"{label} {value:,.1f}"
        for label, value in (("mean", it.mean), ("p50", it.p50), ("p95", it.p95), ("p99", it.p99))
        if value is not None
    )
    label(axis, f"{name}: slippage against the touch, {it.n:,} fills ({figures})", "contracts")
    axis.set_xlabel("bps, each bar from its label on; positive is a cost", fontsize=9, color=GREY)
    axis.yaxis.set_major_formatter("{x:,.0f}")


def blank_figure() -> Figure:
    """A picture of the usual size without anything in it; raises NoPlotsError."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlotsError("plots need matplotlib: pip install 'kconsole[report]'") from None
    figure = Figure(figsize=_SIZE)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
    return figure


def label(axis: Axes, title: str, unit: str) -> None:
    """Title and unit of an axis, and how all of them look; neither is taken for a formula."""
    axis.set_title(title, loc="left", fontsize=11, parse_math=False)
    axis.set_ylabel(unit, fontsize=9, color=GREY)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", alpha=0.25)
