"""The metrics collector: the guide's interface, and files that other programs get in the way of."""

from __future__ import annotations

import csv
import fcntl
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    OrderFilled,
    OrderIntended,
)
from console.domain.book import BookSide, Level, Quote
from console.domain.events import JournaledEvent
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, Settlement, TimeInForce
from console.monitoring.mark_outs import NotedMarkOut, read_mark_outs
from console.monitoring.metrics_collector import MetricsCollector
from console.monitoring.trades_csv import COLUMNS

GUIDE = Path(__file__).parents[2] / ".." / "shared" / "hardening-guide.txt"
needs_guide = pytest.mark.skipif(not GUIDE.exists(), reason="../shared/hardening-guide.txt is not there")
SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND


def snippet(after: str) -> str:
    text = GUIDE.read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text[text.index(after) :], re.DOTALL)
    assert found is not None
    return found[1].replace("from src.", "from console.")


def bought(number: int, ticker: str = "KXA-1", client: str | None = None) -> list[JournaledEvent]:
    """An order for ten at 92 cents and its fill."""
    name = client or f"kc-x-{number}"
    at_ns = START + number * 60 * SECOND
    quote = Quote(Level(Price(9_000), Count(9_900)), Level(Price(9_200), Count(9_900)))
    intent = OrderIntent(
        name,
        ticker,
        BookSide.BID,
        Price(9_200),
        Count(1_000),
        TimeInForce.IMMEDIATE_OR_CANCEL,
        quote,
        Price(9_500),
        "FLB_FAVORITE",
    )
    return [
        OrderIntended(at_ns=at_ns, intent=intent),
        OrderFilled(at_ns=at_ns + SECOND, client_order_id=name, fill=fill(number, ticker)),
    ]


def fill(number: int, ticker: str) -> Fill:
    at_ns = START + number * 60 * SECOND
    return Fill(
        f"f{number}",
        f"o{number}",
        ticker,
        BookSide.BID,
        Price(9_200),
        Count(1_000),
        Cash(52_000),
        True,
        at_ns + SECOND,
    )


def settled(number: int, ticker: str, yes_value: int) -> JournaledEvent:
    at_ns = START + number * 60 * SECOND + 30 * SECOND
    return MarketSettled(at_ns=at_ns, settlement=Settlement(ticker, Price(yes_value), at_ns))


def opened() -> JournaledEvent:
    return AccountOpened(at_ns=START, account="a", cash=Cash(10_000_000_000))


def feed(collector: MetricsCollector, events: Sequence[JournaledEvent]) -> None:
    for event in events:
        collector.observe(event)
    collector.flush()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trades_log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def record(collector: MetricsCollector, **changes: Any) -> None:
    trade: dict[str, Any] = {
        "ticker": "WEATHER-LAX-2024",
        "side": "yes",
        "action": "buy",
        "contracts": 10,
        "entry_price": 92.5,
        "exit_price": 100,
        "gross_pnl": 7.5,
        "net_pnl": 6.97,
        "fee": 0.53,
        "slippage_bps": 5.0,
        "holding_period_hours": 48,
        "market_family": "weather_california",
        "strategy": "FLB_FAVORITE",
    }
    collector.record_trade(**trade | changes)


@needs_guide
def test_the_guide_s_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(snippet("### 4. **Production Metrics & Monitoring**"), space)
    assert space["bucket_summary"]["favorite_extreme"] == {
        "price_range": "90-100",
        "trades": 1,
        "win_rate": "100.0%",
        "net_bps": "7535.1",
        "fee_drag_bps": "573.0",
    }
    assert "DAILY SUMMARY" in capsys.readouterr().out
    assert [row["ticker"] for row in rows(tmp_path / "metrics")] == ["WEATHER-LAX-2024"]
    path = space["metrics"].export_all_metrics()
    assert json.loads(path.read_bytes())["bucket_summary"]["favorite_extreme"]["trades"] == 1


def test_health_names_what_passes_a_limit(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    calm = collector.get_system_health("RUNNING", 1, 1_999.0, 10_000.0, -499.0)
    assert calm.alerts_active == ()
    for _ in range(20):
        record(collector, slippage_bps=60.0)
    worst = collector.get_system_health("HALTED", 1, 2_001.0, 10_000.0, -500.0, errors_last_hour=11)
    assert worst.alerts_active == (
        "trading is HALTED",
        "daily loss $500.00 is at the limit of $500.00",
        "exposure 20.01 % is above 20 % of capital",
        "mean slippage 60.00 bps of the newest 20 of takers' fills is above 50 bps",
        "11 errors in the last hour, more than 10",
    )


def test_health_names_the_limit_in_force_and_no_rounded_one(tmp_path: Path) -> None:
    quality = QualitySettings(max_slippage_bps=Decimal("50.5"), max_stale_book_seconds=Decimal("2.5"))
    risk = RiskSettings(max_total_exposure_pct=Decimal("0.125"))
    collector = MetricsCollector(tmp_path, risk=risk, quality=quality)
    for _ in range(20):
        record(collector, slippage_bps=50.54)
    health = collector.get_system_health("RUNNING", 1, 1_251.0, 10_000.0, 0.0, feed_age_s=2.6)
    assert health.alerts_active == (
        "exposure 12.51 % is above 12.5 % of capital",
        "mean slippage 50.54 bps of the newest 20 of takers' fills is above 50.5 bps",
        "market data is 2.6 s old, older than 2.5 s",
    )


def test_health_takes_what_is_unknown_for_no_figure_and_no_alert(tmp_path: Path) -> None:
    health = MetricsCollector(tmp_path).get_system_health("RUNNING", 0, 0.0, None, None)
    assert (health.exposure_share, health.daily_pnl_share, health.mean_slippage_bps) == (None, None, None)
    assert health.alerts_active == ()
    assert health.not_judged == (
        "the day's loss is not known",
        "exposure as a share of capital is not known",
        "slippage: 0 of takers' fills are too few (20 are asked)",
        "errors are not counted",
        "the age of market data is not known",
    )


def test_slippage_of_long_ago_is_forgotten_and_of_too_few_fills_is_not_told(tmp_path: Path) -> None:
    quality = QualitySettings(slippage_window_fills=30, slippage_min_fills=20)
    collector = MetricsCollector(tmp_path, quality=quality)
    for _ in range(19):
        record(collector, slippage_bps=90.0)
    few = collector.get_system_health("RUNNING", 0, 0.0, 1.0, 0.0)
    assert (few.mean_slippage_bps, few.slippage_fills, few.alerts_active) == (None, 19, ())
    assert "slippage: 19 of takers' fills are too few (20 are asked)" in few.not_judged
    record(collector, slippage_bps=90.0)
    assert collector.get_system_health("RUNNING", 0, 0.0, 1.0, 0.0).mean_slippage_bps == 90
    for _ in range(30):
        record(collector, slippage_bps=2.0)
    now = collector.get_system_health("RUNNING", 0, 0.0, 1.0, 0.0)
    assert (now.mean_slippage_bps, now.slippage_fills, now.alerts_active) == (2, 30, ())


def test_the_daily_loss_is_held_against_the_day_s_opening_equity_as_the_switch_does(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    assert collector.get_system_health("RUNNING", 0, 0.0, 950.5, -49.5).alerts_active == ()
    (alert,) = collector.get_system_health("RUNNING", 0, 0.0, 950.0, -50.0).alerts_active
    assert alert == "daily loss $50.00 is at the limit of $50.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry_price": 100},
        {"entry_price": -1},
        {"contracts": 0},
        {"contracts": math.inf},
        {"side": "buy"},
        {"slippage_bps": math.nan},
        {"net_pnl": math.nan},
        {"exit_price": math.nan},
        {"holding_period_hours": math.inf},
    ],
)
def test_what_no_trade_can_be_is_refused_and_changes_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    collector = MetricsCollector(tmp_path)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        record(collector, **wrong)
    assert not (tmp_path / "trades_log.csv").exists()


def test_the_daily_summary_is_of_the_risk_day_and_has_slippage_with_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The account opens at 20:26 UTC, 16:26 in New York: the second trade is of the next day.
    late = RiskSettings(day_zone="America/New_York", day_starts_hour=17)
    collector = MetricsCollector(tmp_path, risk=late, now_ns=lambda: START + 2 * 3_600 * SECOND)
    collector.print_daily_summary(capital=10_000)
    shown = capsys.readouterr().out
    assert "DAILY SUMMARY 2026-05-28 America/New_York, days from 17:00" in shown
    assert "no fill of the day to measure" in shown
    events = [opened(), *bought(1), settled(1, "KXA-1", 10_000), *bought(50, "KXA-2")]
    feed(collector, [*events, settled(50, "KXA-2", 0)])
    record(collector, slippage_bps=7.0)
    collector.print_daily_summary(capital=10_000)
    shown = capsys.readouterr().out
    assert re.search(r"trades ended +2 ", shown)
    assert re.search(r"taker slippage +0.0  bps of the touch, p95 0.0, n = 1$", shown, re.MULTILINE)
    assert re.search(r" slippage +7.0  bps as recorded, n = 1$", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 80


def test_a_trade_is_in_the_file_as_soon_as_it_ends_and_once(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    feed(collector, [opened(), *bought(1)])
    assert not (tmp_path / "trades_log.csv").exists()
    feed(collector, [settled(1, "KXA-1", 10_000)])
    (row,) = rows(tmp_path)
    assert tuple(row) == COLUMNS
    assert (row["entry_price"], row["exit_price"], row["contracts"]) == ("92", "100", "10")
    assert (row["gross_pnl"], row["net_pnl"], row["fee"]) == ("0.8", "0.748", "0.052")
    assert row["slippage_bps"] == "0"
    feed(collector, [*bought(2, "KXA-2"), settled(2, "KXA-2", 0)])
    assert [each["net_pnl"] for each in rows(tmp_path)] == ["0.748", "-9.252"]


def test_a_restart_adds_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    journal = [opened(), *bought(1), settled(1, "KXA-1", 10_000)]
    feed(MetricsCollector(tmp_path), journal)
    more = [*bought(2, "KXA-2"), settled(2, "KXA-2", 0)]
    feed(MetricsCollector(tmp_path), journal + more)
    assert [row["ticker"] for row in rows(tmp_path)] == ["KXA-1", "KXA-2"]


@pytest.mark.parametrize("left", [5, 40, 60, 120])
def test_a_line_that_a_crash_cut_is_written_anew_and_counted_once(tmp_path: Path, left: int) -> None:
    journal = [opened(), *bought(1), settled(1, "KXA-1", 10_000), *bought(2, "KXA-2")]
    journal.append(settled(2, "KXA-2", 0))
    feed(MetricsCollector(tmp_path), journal)
    path = tmp_path / "trades_log.csv"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    feed(MetricsCollector(tmp_path), journal)
    assert path.read_bytes() == whole


def test_a_heading_that_a_crash_cut_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "trades_log.csv"
    path.write_text("timestamp,tick")
    feed(MetricsCollector(tmp_path), [opened(), *bought(1), settled(1, "KXA-1", 10_000)])
    assert [row["ticker"] for row in rows(tmp_path)] == ["KXA-1"]


def test_a_line_that_only_lacks_its_end_is_not_written_twice(tmp_path: Path) -> None:
    journal = [opened(), *bought(1), settled(1, "KXA-1", 10_000)]
    path = tmp_path / "trades_log.csv"
    feed(MetricsCollector(tmp_path), journal)
    path.write_text(path.read_text().rstrip("\n"))
    feed(MetricsCollector(tmp_path), [*journal, *bought(2, "KXA-2"), settled(2, "KXA-2", 0)])
    assert [row["ticker"] for row in rows(tmp_path)] == ["KXA-1", "KXA-2"]


def test_trades_of_an_account_that_was_followed_by_another_are_not_lost(tmp_path: Path) -> None:
    again = AccountOpened(at_ns=START + SECOND, account="b", cash=Cash(1))
    feed(MetricsCollector(tmp_path), [opened(), *bought(1), settled(1, "KXA-1", 10_000), again])
    assert [row["ticker"] for row in rows(tmp_path)] == ["KXA-1"]


def test_a_file_locked_by_another_program_is_told_once_and_written_later(tmp_path: Path) -> None:
    told: list[str] = []
    collector = MetricsCollector(tmp_path, on_trouble=told.append)
    record(collector, ticker="FIRST")
    with (tmp_path / "trades_log.csv").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        record(collector, ticker="SECOND")
        record(collector, ticker="THIRD")
        assert [row["ticker"] for row in rows(tmp_path)] == ["FIRST"]
    assert collector.flush()
    assert [row["ticker"] for row in rows(tmp_path)] == ["FIRST", "SECOND", "THIRD"]
    (text,) = told
    assert "trades_log.csv is not written: another program has locked it; it is tried again" in text


def test_a_disk_that_is_full_leaves_whole_lines_and_gets_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = MetricsCollector(tmp_path, on_trouble=lambda _: None)
    record(collector, ticker="FIRST")
    whole = (tmp_path / "trades_log.csv").read_bytes()
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        record(collector, ticker="SECOND")
    assert (tmp_path / "trades_log.csv").read_bytes() == whole
    record(collector, ticker="THIRD")
    assert [row["ticker"] for row in rows(tmp_path)] == ["FIRST", "SECOND", "THIRD"]


def test_a_file_that_was_saved_over_or_removed_goes_on(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    record(collector, ticker="FIRST")
    path = tmp_path / "trades_log.csv"
    path.write_text(path.read_text().rstrip("\n"))
    record(collector, ticker="SECOND")
    assert [row["ticker"] for row in rows(tmp_path)] == ["FIRST", "SECOND"]
    path.unlink()
    record(collector, ticker="THIRD")
    assert [row["ticker"] for row in rows(tmp_path)] == ["THIRD"]


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(lambda text: text + '"' + "x" * 200_000 + "\n", id="a quote left open"),
        pytest.param(lambda text: '"' + text, id="a quote before all"),
        pytest.param(lambda text: text.replace(",", ";"), id="other separators"),
        pytest.param(lambda text: '"' + text.replace(",", '","').replace("\n", '"\n"'), id="all in quotes"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="other line ends"),
        pytest.param(lambda text: "\ufeff" + text + "\0\n", id="a mark and a zero"),
    ],
)
def test_a_file_that_a_spreadsheet_left_odd_keeps_no_trade_out_and_doubles_none(
    tmp_path: Path, left: Callable[[str], str]
) -> None:
    journal = [opened(), *bought(1), settled(1, "KXA-1", 10_000)]
    path = tmp_path / "trades_log.csv"
    feed(MetricsCollector(tmp_path), journal)
    odd = left(path.read_text())
    path.write_text(odd, newline="")
    feed(MetricsCollector(tmp_path), [*journal, *bought(2, "KXA-2"), settled(2, "KXA-2", 0)])
    after = path.read_text().removeprefix(odd.replace("\r\n", "\n"))
    assert after.count("KXA-1") == 0
    assert after.count("KXA-2") == 1


def test_text_that_a_spreadsheet_would_run_is_plain_text(tmp_path: Path) -> None:
    record(MetricsCollector(tmp_path), market_family='=HYPERLINK("http://x")', net_pnl=-1.0, gross_pnl=-0.47)
    (row,) = rows(tmp_path)
    assert row["market_family"] == '\'=HYPERLINK("http://x")'
    assert row["net_pnl"] == "-1"


def test_what_others_traded_on_the_account_is_in_its_money_and_in_no_trade(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    theirs = ExternalFilled(at_ns=START + 90 * SECOND, fill=fill(9, "KXA-1"))
    feed(collector, [opened(), *bought(1), theirs, settled(1, "KXA-1", 10_000)])
    records = collector.records()
    assert records is not None
    assert records.left_out == ("KXA-1",)
    assert records.fills == ()
    assert records.final_equity == 10_000_000_000 + 2 * (800_000 - 52_000)


def test_rates_are_of_our_own_trades_where_others_trade_on_the_account(tmp_path: Path) -> None:
    alone, beside = MetricsCollector(tmp_path / "a"), MetricsCollector(tmp_path / "b")
    ours = [opened(), *bought(1), settled(1, "KXA-1", 10_000)]
    theirs: list[JournaledEvent] = [
        *bought(2, "KXA-2"),
        ExternalFilled(at_ns=START + 150 * SECOND, fill=fill(9, "KXA-2")),
        settled(2, "KXA-2", 0),
    ]
    feed(alone, ours)
    feed(beside, ours + theirs)
    one, both = alone.figures(), beside.figures()
    assert one is not None
    assert both is not None
    assert both.performance.total_pnl == -17_756_000
    assert both.performance.net_bps == one.performance.net_bps == pytest.approx(1e4 * 0.748 / 9.2)
    assert both.performance.fee_pct_of_pnl == one.performance.fee_pct_of_pnl == pytest.approx(6.5)
    assert both.fill_ratios == one.fill_ratios


def test_equity_is_not_known_after_a_fill_that_no_scan_marked(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    feed(collector, [opened(), *bought(1)])
    figures = collector.figures()
    assert figures is not None
    assert figures.performance.total_pnl is None
    assert figures.unmarked == 1
    assert collector.document()["metrics"]["total_pnl"] is None


def test_mark_outs_outlive_the_run_that_saw_them(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path)
    collector.note_mark_out(NotedMarkOut(horizon=1, twice_mid=18_500, fill_id="f1"))
    collector.flush()
    with (tmp_path / "mark_outs.csv").open("a") as file:
        file.write('nonsense\n7,1,f1\n"' + "x" * 200_000 + "\n")
    assert read_mark_outs(tmp_path) == {"f1": (None, 18_500, None)}
    later = MetricsCollector(tmp_path)
    later.recall_mark_outs()
    feed(later, [opened(), *bought(1)])
    records = later.records()
    assert records is not None
    assert records.fills[0].twice_mids == (None, 18_500, None)


def test_a_run_s_figures_do_not_load_what_only_intervals_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    collector = MetricsCollector(tmp_path)
    intended, filled = bought(1)
    assert isinstance(filled, OrderFilled)
    as_maker = msgspec.structs.replace(filled, fill=msgspec.structs.replace(filled.fill, is_taker=False))
    feed(collector, [opened(), intended, as_maker, settled(2, "KXA-1", 10_000)])
    figures = collector.figures(intervals=False)
    assert figures is not None
    assert [each.fills for each in figures.mark_outs] == [1, 1, 1]


def test_mark_outs_that_can_be_neither_read_nor_written_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("a file")
    told: list[str] = []
    collector = MetricsCollector(tmp_path / "in the way", on_trouble=told.append)
    collector.recall_mark_outs()
    collector.flush()
    collector.note_mark_out(NotedMarkOut(horizon=1, twice_mid=18_500, fill_id="f1"))
    collector.flush()
    assert len(told) == 1


def test_the_json_is_replaced_as_a_whole(tmp_path: Path) -> None:
    told: list[str] = []
    collector = MetricsCollector(tmp_path / "m", on_trouble=told.append)
    feed(collector, [opened(), *bought(1), settled(1, "KXA-1", 10_000)])
    before = json.loads(collector.export_all_metrics().read_bytes())
    assert before["metrics"]["by_strategy"][0]["net_pnl"] == "0.748000"
    (tmp_path / "m" / "metrics.json.partial").mkdir()
    collector.export_all_metrics()
    assert json.loads((tmp_path / "m" / "metrics.json").read_bytes())["until"] == before["until"]
    assert len(told) == 1
