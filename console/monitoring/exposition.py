"""Metrics as Prometheus asks for them; a figure that is not known has no sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.execution import Bar, Bps, RoleSlippage
from console.monitoring.figures import Figures
from console.monitoring.hit_rates import BucketRow
from console.monitoring.slippage import CENTIBPS_PER_BPS
from console.monitoring.system_health import SystemHealth

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_STATES = ("RUNNING", "PAUSED", "REDUCE_ONLY", "HALTED")
_NONE: Mapping[str, str] = {}

Sample = tuple[Mapping[str, str], float | None]
"""A value with its labels, None where it is not known."""


def families(
    figures: Figures | None, health: SystemHealth | None, slipped: Mapping[str, Sequence[Bar]]
) -> Iterator[Metric]:
    """Every metric of a run, each once; the same names whatever is known.

    ``slipped`` are the contracts of every fill of each role by slippage: figures leave markets out in which
    somebody else turns out to have traded, and what Prometheus counts may never fall.
    """
    gauges = {**_GAUGES_OF_HEALTH, **_GAUGES_OF_FIGURES}
    for name, (text, _) in gauges.items():
        yield _gauge(name, text, _samples(name, figures, health))
    lost = None if health is None else health.log_lines_lost
    yield _counter("kconsole_log_lines_lost", "Lines that are in no log file.", lost)
    yield _histogram(slipped)


def _samples(name: str, figures: Figures | None, health: SystemHealth | None) -> Iterable[Sample]:
    if name in _GAUGES_OF_HEALTH:
        return () if health is None else _GAUGES_OF_HEALTH[name][1](health)
    return () if figures is None else _GAUGES_OF_FIGURES[name][1](figures)


def _gauge(name: str, text: str, samples: Iterable[Sample]) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    found = [(labels, value) for labels, value in samples if value is not None]
    names = list(found[0][0]) if found else []
    family = GaugeMetricFamily(name, text, labels=names)
    for labels, value in found:
        family.add_metric([labels[each] for each in names], value)
    return family


def _counter(name: str, text: str, value: float | None) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily

    family = CounterMetricFamily(name, text, labels=[])
    if value is not None:
        family.add_metric([], value)
    return family


def _histogram(slipped: Mapping[str, Sequence[Bar]]) -> Metric:
    """Contracts by their slippage; without a sum, which savings could make fall.

    A bar ends below its high and samples are whole hundredths, so the last of these is the bound that it
    includes, as Prometheus takes bounds.
    """
    from prometheus_client.metrics_core import HistogramMetricFamily

    text = "Contracts by slippage against the touch at the decision, in basis points."
    family = HistogramMetricFamily("kconsole_slippage_touch_basis_points", text, labels=["role"])
    for role, bars in slipped.items():
        seen = accumulate(bar.n_contracts for bar in bars)
        bounds = ["+Inf" if bar.high is None else f"{bar.high - 1 / CENTIBPS_PER_BPS:.2f}" for bar in bars]
        family.add_metric([role], list(zip(bounds, seen, strict=True)), sum_value=None)
    return family


def _roles(figures: Figures) -> list[tuple[str, RoleSlippage]]:
    both = (("taker", figures.slippage.taker), ("maker", figures.slippage.maker))
    return [(name, role) for name, role in both if role.touch.n]


def _one(value: float | None) -> list[Sample]:
    return [(_NONE, value)]


def _bucket(value: Callable[[BucketRow], float | None]) -> Callable[[Figures], list[Sample]]:
    return lambda figures: [({"bucket": row.name}, value(row)) for row in figures.buckets]


def _judged(name: str) -> Callable[[Figures], list[Sample]]:
    return _bucket(lambda row: None if row.judged is None else getattr(row.judged, name))


def _interval_end(place: int) -> Callable[[Figures], list[Sample]]:
    def end(row: BucketRow) -> float | None:
        return None if row.judged is None or row.judged.interval is None else row.judged.interval[place]

    return _bucket(end)


def _slippage(figures: Figures) -> Iterator[Sample]:
    for role, it in _roles(figures):
        measured: Sequence[tuple[str, Bps]] = (("touch", it.touch), ("mid", it.mid))
        for reference, bps in measured:
            for statistic in ("mean", "p50", "p95", "p99"):
                labels = {"role": role, "reference": reference, "statistic": statistic}
                yield labels, getattr(bps, statistic)


def _parts(figures: Figures) -> Iterator[Sample]:
    for by, rows in figures.parts.items():
        for row in rows:
            net = None if row.net_pnl is None else row.net_pnl / CASH_PER_DOLLAR
            yield {"by": by, "name": row.name}, net


def _edge(name: str) -> Callable[[Figures], list[Sample]]:
    return lambda it: _one(None if it.edge.total is None else getattr(it.edge.total, name))


def _money(name: str) -> Callable[[Figures], list[Sample]]:
    def dollars(it: Figures) -> list[Sample]:
        cash = getattr(it.performance, name)
        return _one(None if cash is None else cash / CASH_PER_DOLLAR)

    return dollars


_GAUGES_OF_HEALTH: dict[str, tuple[str, Callable[[SystemHealth], Iterable[Sample]]]] = {
    "kconsole_trading_state": (
        "1 for the state trading is in.",
        lambda it: [({"state": state}, float(it.trading_state == state)) for state in _STATES],
    ),
    "kconsole_feed_connected": (
        "Whether market data is coming in.",
        lambda it: _one(None if it.is_connected is None else float(it.is_connected)),
    ),
    "kconsole_positions": ("Markets in which something is held.", lambda it: _one(it.active_positions)),
    "kconsole_equity_dollars": ("Cash and positions at their marks.", lambda it: _one(it.capital)),
    "kconsole_daily_pnl_dollars": ("Profit of the risk day at marks.", lambda it: _one(it.daily_pnl)),
    "kconsole_exposure_dollars": ("What can be lost at worst.", lambda it: _one(it.total_exposure)),
    "kconsole_exposure_ratio": ("The same as a share of equity.", lambda it: _one(it.exposure_share)),
    "kconsole_feed_age_seconds": ("Since the feed proved itself.", lambda it: _one(it.feed_age_s)),
    "kconsole_order_round_trip_seconds": (
        "How long the last order took to be answered.",
        lambda it: _one(it.order_round_trip_s),
    ),
    "kconsole_clock_skew_seconds": (
        "How far our clock is ahead of the exchange's.",
        lambda it: _one(it.clock_skew_s),
    ),
    "kconsole_errors_last_hour": ("Errors counted in an hour.", lambda it: _one(it.errors_last_hour)),
    "kconsole_unknown_orders": (
        "Orders of which it is not known whether they exist.",
        lambda it: _one(it.unknown_orders),
    ),
    "kconsole_disk_free_bytes": ("Free where the journal is.", lambda it: _one(it.disk_free_bytes)),
    "kconsole_alerts_active": ("Limits that are passed now.", lambda it: _one(len(it.alerts_active))),
}

_GAUGES_OF_FIGURES: dict[str, tuple[str, Callable[[Figures], Iterable[Sample]]]] = {
    "kconsole_net_pnl_dollars": ("Equity at marks less what there was first.", _money("total_pnl")),
    "kconsole_realised_pnl_dollars": ("Profit of what was closed or settled.", _money("realised")),
    "kconsole_trades": ("Trades that ended.", lambda it: _one(it.performance.trades)),
    "kconsole_fees_dollars": ("Fees charged by the exchange.", _money("total_fees")),
    "kconsole_part_net_pnl_dollars": ("Net profit by a kind of trade.", _parts),
    "kconsole_fee_of_gross_ratio": (
        "Fees as a share of profit before them.",
        lambda it: _one(it.performance.fee_share),
    ),
    "kconsole_win_ratio": (
        "Share of trades that made money.",
        lambda it: _one(it.performance.win_rate),
    ),
    "kconsole_net_basis_points": (
        "Net profit of what was paid.",
        lambda it: _one(it.performance.net_bps),
    ),
    "kconsole_fee_basis_points": ("Fees of what was paid.", lambda it: _one(it.performance.fee_bps)),
    "kconsole_drawdown_dollars": (
        "Deepest fall from a high of equity.",
        lambda it: _one(it.performance.max_drawdown.fall / CASH_PER_DOLLAR),
    ),
    "kconsole_drawdown_ratio": (
        "The same as a share of the high.",
        lambda it: _one(it.performance.max_drawdown.of_high),
    ),
    "kconsole_fill_ratio": (
        "Contracts filled of those ordered.",
        lambda it: [({"role": row.role}, row.of_contracts) for row in it.fill_ratios],
    ),
    "kconsole_bucket_trades": ("Trades by price of the outcome.", _bucket(lambda row: row.money.trades)),
    "kconsole_bucket_net_basis_points": (
        "Net profit of what was paid.",
        _bucket(lambda row: row.money.net_bps),
    ),
    "kconsole_bucket_hit_ratio": ("How often what was bought won.", _judged("hit_rate")),
    "kconsole_bucket_break_even_ratio": ("How often it has to.", _judged("break_even")),
    "kconsole_bucket_hit_low_ratio": ("Lower end of the 95 % interval.", _interval_end(0)),
    "kconsole_bucket_hit_high_ratio": ("Upper end of the 95 % interval.", _interval_end(1)),
    "kconsole_slippage_basis_points": ("Slippage at the decision, by contracts.", _slippage),
    "kconsole_mark_out_cents": (
        "What makers' contracts were worth more after a time.",
        lambda it: [
            ({"outcome": row.outcome, "after": f"{row.after_s}s"}, row.mean_cents) for row in it.mark_outs
        ],
    ),
    "kconsole_edge_expected_cents": ("Edge expected, a contract.", _edge("expected_cents")),
    "kconsole_edge_realised_cents": ("Edge realised, a contract.", _edge("realised_cents")),
    "kconsole_edge_trend_cents": (
        "Change of the realised edge in 30 days.",
        lambda it: _one(it.edge.trend_cents),
    ),
}
