from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_builders import fill_record, market_record, markets_of, random_result, result_of, setup

from console.backtest.histogram_text import histogram_text
from console.backtest.report import Context, Report, report_of
from console.backtest.result import Result
from console.domain.book import Level, Quote
from console.domain.money import Count, Price
from console.monitoring.execution import slippage

SIZE = Count(100_000)
PNG = b"\x89PNG\r\n\x1a\n"


def report(result: Result) -> Report:
    return report_of(result, setup(), markets_of(result), Context())


def test_every_picture_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib, of the extra report")
    from console.backtest.plots import save_plots

    written = save_plots(report(random_result(1)), tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["equity.png", "slippage.png", "hit-rate.png"]
    assert all(path.read_bytes().startswith(PNG) for path in written)


def test_a_run_without_fills_has_its_equity_alone(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib, of the extra report")
    from console.backtest.plots import save_plots

    assert [path.name for path in save_plots(report(result_of([], [])), tmp_path)] == ["equity.png"]


def test_equity_and_hit_rates_are_what_is_drawn() -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib, of the extra report")
    from console.backtest.plots import equity_figure, hit_rate_figure

    it = report(random_result(2))
    above, _ = equity_figure(it.result).axes
    drawn = np.asarray(above.lines[0].get_ydata())
    assert len(drawn) == len(it.result.equity) + 2
    assert drawn[-1] == pytest.approx((it.result.final_equity or 0) / 1e6)
    (axis,) = hit_rate_figure(it.buckets).axes
    judged = [row.judged for row in it.buckets if row.judged is not None]
    assert np.asarray(axis.lines[0].get_ydata()) == pytest.approx([100 * each.hit_rate for each in judged])
    assert np.asarray(axis.lines[1].get_ydata()) == pytest.approx([100 * each.break_even for each in judged])


def fills_at(*cents: float) -> Result:
    quote = Quote(Level(Price(8_990), SIZE), Level(Price(9_000), SIZE))
    fills = [fill_record(cents=each, contracts=10, quote=quote, number=n) for n, each in enumerate(cents)]
    return result_of(fills, [market_record(mark=Price(9_000))])


def test_the_histogram_in_the_terminal_shows_each_bar_and_the_limit() -> None:
    bars = slippage(fills_at(90, 90, 90, 90.25, 90.5).fills, 50.0).taker.histogram
    lines = [line.rstrip() for line in histogram_text(bars, 50.0)]
    assert lines[0].split() == ["0", "to", "5", "#" * 52, "30"]
    assert lines[-1].split() == ["55", "to", "60", "#" * 17, "10"]
    assert [line.split()[0] for line in lines[-3:]] == ["limit", "50", "55"]
    assert max(map(len, lines)) <= 80


def test_what_the_slippage_model_charged_is_slippage_too() -> None:
    quote = Quote(Level(Price(8_990), SIZE), Level(Price(9_000), SIZE))
    charged = fill_record(cents=90, contracts=10, quote=quote, slippage=4_500, fee=4_500)
    assert slippage([charged], 50.0).taker.touch.mean == pytest.approx(5.0)


def test_nothing_measured_draws_nothing() -> None:
    found = slippage([fill_record(quote=Quote(None, None))], 50.0)
    assert found.unmeasured == 1
    assert list(histogram_text(found.taker.histogram, 50.0)) == []
