"""``kconsole report`` on the journal of a run, beside figures that pandas makes of its events alone."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recorded import settings, setup
from watching import played

from console.backtest.replay import SHIPPED
from console.cli import main
from console.commands.errors import ExitCode
from console.config.home import find_home
from console.domain.account_events import (
    AccountOpened,
    MarketSettled,
    MarketTraded,
    OrderFilled,
    OrderIntended,
)
from console.domain.book import BookSide, Level, Quote
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, Settlement, TimeInForce
from console.domain.trading_state import TradingState
from console.engine.journal import Journal
from console.history.folder import open_folder
from console.history.usable import Period

DAY = "2026-08-17"
DATA = str(resources.files("console.practice") / "data")
STEPS = {
    "daily": ["trades", "summary", "kill_switches", "slippage", "edge"],
    "weekly": ["buckets", "edge", "fees", "groups", "losses", "thresholds"],
    "monthly": ["backtest", "groups", "kelly", "kill_switches", "limits", "sizing"],
}
EVIL = "</svg><script>alert(1)</script>$\\frac{x}$--><img src=http://evil.example/x onerror=y>\x1b[2J"
SECOND = 1_000_000_000


def ns(minute: str) -> int:
    return int(pd.Timestamp(minute, tz="UTC").value)


def journaled(home: Path, events: Sequence[JournaledEvent]) -> Path:
    folder = find_home(str(home)).environment("practice")
    folder.create()
    journal = Journal(folder.journal)
    journal.append(events)
    journal.close()
    return home


@dataclass(frozen=True)
class Traded:
    home: Path
    events: Sequence[JournaledEvent]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    """Takers over the shipped eighteen hours."""
    chosen = settings("taker", scan_interval=Decimal(10), min_depth_contracts=1)
    made = setup(chosen, assumed_depth=Count(10_000))
    with resources.as_file(resources.files("console.practice") / "data") as folder:
        recording = open_folder(folder, Period(ns(SHIPPED[1].since), ns(SHIPPED[1].until)), ())
        events = played(made, recording).journal
    return Traded(journaled(tmp_path_factory.mktemp("home"), events), events)


def reported(capsys: pytest.CaptureFixture[str], home: Path, routine: str, *more: str) -> dict[str, Any]:
    """The steps by id."""
    capsys.readouterr()
    assert main(["report", routine, "--home", str(home), "--json", *more]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert [step["id"] for step in document["steps"]] == STEPS[routine]
    return {step["id"]: step for step in document["steps"]} | {"notes": document["notes"]}


def printed(capsys: pytest.CaptureFixture[str], home: Path, routine: str, *more: str) -> str:
    capsys.readouterr()
    assert main(["report", routine, "--home", str(home), *more]) == ExitCode.DONE
    return capsys.readouterr().out


def trades_of_events(events: Sequence[JournaledEvent]) -> pd.DataFrame:
    """A row a market; every position of these runs is held until it pays."""
    hoped = {
        e.intent.client_order_id: e.intent.win_probability for e in events if isinstance(e, OrderIntended)
    }
    paid = {e.settlement.ticker: e.settlement for e in events if isinstance(e, MarketSettled)}
    market = {e.market.ticker: e for e in events if isinstance(e, MarketTraded)}
    rows = []
    for event in events:
        if isinstance(event, OrderFilled) and event.fill.ticker in paid:
            fill, is_yes = event.fill, event.fill.side is BookSide.BID
            value, price = paid[fill.ticker].yes_value / 1e4, fill.price / 1e4
            n = fill.count / 100
            rows.append(
                {
                    "ticker": fill.ticker,
                    "event": market[fill.ticker].market.event_ticker,
                    "group": market[fill.ticker].group,
                    "n": n,
                    "cost": n * (price if is_yes else 1 - price),
                    "hoped": n * hoped[event.client_order_id] / 1e4,
                    "payout": n * (value if is_yes else 1 - value),
                    "fee": fill.fee / 1e6,
                }
            )
    trades = pd.DataFrame(rows).groupby(["ticker", "event", "group"], as_index=False).sum()
    trades["gross"] = trades["payout"] - trades["cost"]
    trades["net"] = trades["gross"] - trades["fee"]
    return trades


# --- figures --------------------------------------------------------------------------------------


def test_the_days_figures_are_those_of_pandas(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    steps, trades = reported(capsys, traded.home, "daily", "--day", DAY), trades_of_events(traded.events)
    listed = steps["trades"]["figures"]
    assert (listed["ended"], listed["open"]) == (len(trades), 0)
    assert len(trades) > 100
    assert float(listed["net_pnl"]) == pytest.approx(trades["net"].sum(), abs=1e-6)
    assert {each["ticker"]: float(each["net_pnl"]) for each in listed["trades"]} == {
        row.ticker: pytest.approx(row.net, abs=1e-6) for row in trades.itertuples()
    }
    summary = steps["summary"]["figures"]
    assert float(summary["net_pnl"]) == pytest.approx(trades["net"].sum(), abs=1e-6)
    assert summary["fee_pct_of_pnl"] == pytest.approx(100 * trades["fee"].sum() / trades["gross"].sum())
    assert summary["win_rate"] == pytest.approx((trades["net"] > 0).mean())
    edge = steps["edge"]["figures"]["total"]
    assert edge["realised_cents"] == pytest.approx(100 * trades["net"].sum() / trades["n"].sum())
    hoped = trades["hoped"].sum() - trades["cost"].sum() - trades["fee"].sum()
    assert edge["expected_cents"] == pytest.approx(100 * hoped / trades["n"].sum())
    assert steps["slippage"]["figures"]["taker"]["touch"]["mean"] == pytest.approx(0)


def test_the_weeks_figures_are_those_of_pandas(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    steps, trades = reported(capsys, traded.home, "weekly", "--until", DAY), trades_of_events(traded.events)
    fees, gross = steps["fees"]["figures"], trades["gross"].sum()
    assert fees["fee_share"] == pytest.approx(trades["fee"].sum() / gross)
    assert fees["drop"] == pytest.approx(1 - trades["net"].sum() / gross)
    nets = trades.groupby("group")["net"].sum()
    told = {row["name"]: float(row["net_pnl"]) for row in steps["groups"]["figures"]["groups"]}
    assert told == {group: pytest.approx(net, abs=1e-6) for group, net in nets.items()}
    (bucket,) = steps["losses"]["figures"]["buckets"]
    assert bucket["net_bps"] == pytest.approx(1e4 * trades["net"].sum() / trades["cost"].sum())
    entry = 100 * trades["cost"] / trades["n"]
    for pair in steps["thresholds"]["figures"]["pairs"]:
        least = int(pair["pair"].split(":")[0])
        kept = trades[entry.round(2) >= least]
        assert pair["kept"]["trades"] == len(kept)
        assert pair["kept"]["realised_cents"] == pytest.approx(100 * kept["net"].sum() / kept["n"].sum())


def test_the_month_is_tested_on_its_recording(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--day", DAY, "--data", DATA, "--assume-depth", "100")
    steps = reported(capsys, traded.home, "monthly", *more)
    tested = steps["backtest"]["figures"]
    assert tested["trades"] > 50
    assert {row["factor"] for row in tested["latency"]} == {0, 1, 3}
    assert tested["from"].startswith(DAY)
    assert any("no recorded result" in note for note in steps["backtest"]["notes"])
    sizing = steps["sizing"]["figures"]
    hardened, soft = (float(sizing[each]["mean_paid_for_a_trade"]) for each in ("hardened", "unhardened"))
    assert hardened < soft
    assert "positions are smaller" in steps["sizing"]["found"]
    assert steps["sizing"]["verdict"] == "cannot tell"
    assert "1 daily return is too few" in steps["sizing"]["found"]
    assert steps["groups"]["figures"]["measured"]["pairs"]["measured"] > 100
    assert "Thorp" in steps["kelly"]["figures"]["reference"]
    assert steps["kelly"]["figures"]["suggested"] is None
    assert float(steps["limits"]["figures"]["capital_before"]) == 10_000


def test_nothing_recorded_in_the_month_is_said(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    for more, said in ((("--data", DATA), "has no usable row of 2026-09"), ((), "with --data")):
        steps = reported(capsys, traded.home, "monthly", "--day", "2026-10-20", *more)
        for name in ("backtest", "groups", "sizing"):
            assert steps[name]["verdict"] == "no history"
            assert said in steps[name]["found"]


def test_a_day_before_or_after_is_another_day(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    for day in ("2026-08-16", "2026-08-18"):
        steps = reported(capsys, traded.home, "daily", "--day", day)
        assert steps["trades"]["verdict"] == "nothing traded"
        assert steps["trades"]["figures"] == {}


# --- forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("routine", STEPS)
def test_every_step_is_in_the_text_within_80_columns(
    routine: str, traded: Traded, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--data", DATA, "--assume-depth", "100") if routine == "monthly" else ()
    text = printed(capsys, traded.home, routine, "--day", DAY, *more)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    for number in range(1, len(STEPS[routine]) + 1):
        assert len(re.findall(rf"^{number}\. ", text, re.MULTILINE)) == 2


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(home: Path, routine: str, *more: str) -> Page:
    file = home / f"{routine}.html"
    assert main(["report", routine, "--home", str(home), "--html", str(file), *more]) == ExitCode.DONE
    return Page(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("routine", "charts"), [("daily", 3), ("weekly", 3)])
def test_a_page_has_every_step_with_charts_and_needs_nothing_else(
    routine: str, charts: int, traded: Traded
) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib, of the extra report")
    page = page_of(traded.home, routine, "--day", DAY)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == STEPS[routine]
    assert sum(tag == "svg" for tag, _ in page.tags) == charts
    assert {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object"} == set()
    fetched = [
        str(attributes[name])
        for _, attributes in page.tags
        for name in ("src", "href", "xlink:href")
        if name in attributes
    ]
    assert [each for each in fetched if not each.startswith("#")] == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {each.removeprefix("#") for each in fetched} <= set(ids)


def test_a_page_goes_where_a_link_leads(traded: Traded, tmp_path: Path) -> None:
    link, file = tmp_path / "link.html", tmp_path / "elsewhere" / "page.html"
    link.symlink_to(file)
    assert main(["report", "daily", "--home", str(traded.home), "--day", DAY, "--html", str(link)]) == 0
    assert link.is_symlink()
    assert file.read_text().startswith("<!doctype html>")


def test_a_png_of_every_chart(traded: Traded, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib, of the extra report")
    arguments = ["report", "weekly", "--home", str(traded.home), "--day", DAY, "--png", str(tmp_path / "new")]
    assert main(arguments) == ExitCode.DONE
    written = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in written] == ["edge.png", "groups.png", "hit-rate.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_without_matplotlib_a_page_says_so_and_pictures_are_refused(
    traded: Traded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = page_of(traded.home, "daily", "--day", DAY)
    assert "no charts: matplotlib is not installed" in page.text
    assert not any(tag == "svg" for tag, _ in page.tags)
    capsys.readouterr()
    arguments = ["report", "daily", "--home", str(traded.home), "--day", DAY, "--png", str(tmp_path)]
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err == "kconsole: --png needs matplotlib: pip install 'kconsole[report]'\n"


# --- journals -------------------------------------------------------------------------------------


def bought(
    number: int, at_ns: int, *, ticker: str, group: str, yes_value: int | None = 10_000
) -> list[JournaledEvent]:
    """Ten contracts at 93 cents, a fee of 5 cents, and what they paid an hour later."""
    market = Market(
        ticker=ticker,
        event_ticker=f"E-{ticker}",
        series_ticker="KXA",
        category="Weather",
        title=EVIL,
        open_ns=at_ns,
        close_ns=at_ns + 3_600 * SECOND,
        status=MarketStatus.ACTIVE,
        fees=FeeTerms(),
    )
    size = Count(100_000)
    intent = OrderIntent(
        client_order_id=f"c{number}",
        ticker=ticker,
        side=BookSide.BID,
        price=Price(9_300),
        count=Count(1_000),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=Quote(Level(Price(9_200), size), Level(Price(9_300), size)),
        win_probability=Price(9_600),
        strategy=EVIL,
    )
    fill = Fill(
        f"f{number}",
        f"o{number}",
        ticker,
        BookSide.BID,
        Price(9_300),
        Count(1_000),
        Cash(50_000),
        True,
        at_ns,
    )
    events: list[JournaledEvent] = [
        MarketTraded(at_ns=at_ns, market=market, group=group),
        OrderIntended(at_ns=at_ns, intent=intent),
        OrderFilled(at_ns=at_ns, client_order_id=f"c{number}", fill=fill),
    ]
    if yes_value is not None:
        paid_ns = at_ns + 3_600 * SECOND
        settlement = Settlement(ticker, Price(yes_value), paid_ns)
        events.append(MarketSettled(at_ns=paid_ns, settlement=settlement))
    return events


MORNING = ns("2026-03-02T06:00")


def opened(at_ns: int, account: str = "one") -> AccountOpened:
    return AccountOpened(at_ns=at_ns, account=account, cash=Cash(10_000_000_000))


def test_names_from_outside_can_do_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tripped = LatchRaised(
        at_ns=MORNING + 7_200 * SECOND,
        name="daily_loss",
        level=TradingState.HALTED,
        reason=EVIL,
        source="risk",
    )
    events = [opened(MORNING), *bought(1, MORNING + SECOND, ticker=EVIL, group=EVIL), tripped]
    home = journaled(tmp_path, events)
    for routine in ("daily", "weekly"):
        text = printed(capsys, home, routine, "--day", "2026-03-02")
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 80
        page = page_of(home, routine, "--day", "2026-03-02")
        assert "\x1b" not in page.text
        assert "<script>alert(1)</script>" in page.text
        assert {tag for tag, _ in page.tags} & {"script", "img"} == set()
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_a_kill_switch_is_told_with_when_and_why_and_an_operators_halt_is_not_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[JournaledEvent] = [opened(MORNING)]
    for number, name in enumerate(("loss_streak", "manual", "error_burst group:x")):
        switch, _, scope = name.partition(" ")
        events.append(
            LatchRaised(
                at_ns=MORNING + number * SECOND,
                name=switch,
                scope=scope,
                level=TradingState.PAUSED,
                reason=f"why {switch}",
                source="risk",
            )
        )
    events.append(
        LatchCleared(at_ns=MORNING + 60 * SECOND, name="loss_streak", reason="over", source="operator")
    )
    home = journaled(tmp_path, events)
    step = reported(capsys, home, "daily", "--day", "2026-03-02")["kill_switches"]
    assert (step["verdict"], step["figures"]["triggered"]) == ("look at this", 2)
    assert step["figures"]["by_name"] == {"loss_streak": 1, "error_burst group:x": 1}
    assert "stops that are no kill switch: manual 1" in step["notes"]
    assert "loss_streak: why loss_streak" in step["notes"]
    text = printed(capsys, home, "daily", "--day", "2026-03-02")
    assert "03-02 06:01 by operator" in text
    held = reported(capsys, home, "daily", "--day", "2026-03-03")["kill_switches"]
    assert (held["verdict"], held["figures"]["held_from_before"]) == ("look at this", 1)


def test_a_few_events_are_no_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = journaled(tmp_path, [opened(MORNING), *bought(1, MORNING + SECOND, ticker="KXA-1", group="g")])
    day = reported(capsys, home, "daily", "--day", "2026-03-02")
    assert day["edge"]["verdict"] == "cannot tell"
    assert "1 event is too few for a claim" in day["edge"]["found"]
    assert day["slippage"]["verdict"] == "cannot tell"
    week = reported(capsys, home, "weekly", "--day", "2026-03-02")
    assert {week[name]["verdict"] for name in ("buckets", "edge", "losses", "thresholds")} == {"cannot tell"}


def test_what_is_open_has_no_profit_unless_its_mark_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_ns = (pd.Timestamp.now("UTC") - pd.Timedelta(minutes=1)).value
    opening = bought(1, at_ns + SECOND, ticker="KXA-1", group="g", yes_value=None)
    home = journaled(tmp_path, [opened(at_ns), *opening])
    steps = reported(capsys, home, "weekly")
    assert steps["fees"]["verdict"] == "cannot tell"
    unmarked = "open without a price that is known, and so in no profit or loss: 1 trade"
    assert steps["notes"] == [unmarked]
    metrics = home / "practice" / "metrics"
    metrics.mkdir()
    (metrics / "metrics.json").write_text('{"at": "2026-03-02T18:30:00Z", "marks": {"KXA-1": 9500}}')
    assert reported(capsys, home, "weekly")["notes"] == ["open at prices of 03-02 18:30: 1 trade"]
    for broken in ('{"marks": [', '{"marks": {"KXA-1": 9500}}', '{"at": "noon", "marks": {"KXA-1": 9500}}'):
        (metrics / "metrics.json").write_text(broken)
        assert reported(capsys, home, "weekly")["notes"] == [unmarked]


def test_each_start_of_practice_is_of_the_day_and_its_cash_no_profit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = MORNING + 4 * 3_600 * SECOND
    events = [
        opened(MORNING - 86_400 * SECOND, "yesterday"),
        *bought(0, MORNING - 86_399 * SECOND, ticker="KXA-0", group="g"),
        opened(MORNING, "one"),
        *bought(1, MORNING + SECOND, ticker="KXA-1", group="g"),
        LatchRaised(
            at_ns=MORNING + 7_200 * SECOND,
            name="daily_loss",
            level=TradingState.HALTED,
            reason="x",
            source="risk",
        ),
        LatchCleared(at_ns=MORNING + 7_300 * SECOND, name="daily_loss", reason="y", source="operator"),
        opened(later, "two"),
        *bought(2, later + SECOND, ticker="KXA-2", group="h", yes_value=0),
    ]
    home = journaled(tmp_path, events)
    steps = reported(capsys, home, "daily", "--day", "2026-03-02")
    assert [each["ticker"] for each in steps["trades"]["figures"]["trades"]] == ["KXA-1", "KXA-2"]
    assert float(steps["summary"]["figures"]["net_pnl"]) == pytest.approx(10 * (0.07 - 0.93) - 0.10)
    assert steps["kill_switches"]["figures"]["by_name"] == {"daily_loss": 1}
    assert steps["notes"][0].startswith("2 accounts were traded one after the other")


def test_what_an_earlier_account_left_open_is_not_at_stake_in_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = MORNING + 600 * SECOND
    events = [
        opened(MORNING, "one"),
        *bought(1, MORNING + SECOND, ticker="KXA-1", group="g", yes_value=None),
        opened(later, "two"),
        *bought(2, later + SECOND, ticker="KXA-2", group="g", yes_value=None),
    ]
    home = journaled(tmp_path, events)
    groups = reported(capsys, home, "weekly", "--day", "2026-03-02")["groups"]
    for peak in (groups["figures"]["correlated_loss"][name] for name in ("peak", "everything")):
        assert (peak["markets"], float(peak["loss"])) == (1, 9.3)
    assert groups["verdict"] == "cannot tell"
    assert "1 group, 0 at a loss, 1 whose result is not known" in groups["found"]


def test_a_clock_that_was_ahead_for_a_while_hides_nothing_of_the_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = EquityMarked(
        at_ns=MORNING + 40 * 3_600 * SECOND, equity=Cash(10_000_000_000), high_water=Cash(10_000_000_000)
    )
    after = bought(1, MORNING + SECOND, ticker="KXA-1", group="g")
    home = journaled(tmp_path, [opened(MORNING), ahead, *after])
    trades = reported(capsys, home, "daily", "--day", "2026-03-02")["trades"]
    assert [each["ticker"] for each in trades["figures"]["trades"]] == ["KXA-1"]


def test_a_day_of_a_report_is_a_risk_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # 17:00 in New York is 22:00 UTC in winter.
    evening = ns("2026-03-02T22:00")
    before, after = (
        bought(number, evening + hours * 3_600 * SECOND, ticker=f"KXA-{number}", group="g")
        for number, hours in ((1, -3), (2, 1))
    )
    home = journaled(tmp_path, [opened(MORNING), *before, *after])
    zone = ("--set", "risk.day_zone=America/New_York", "--set", "risk.day_starts_hour=17")

    def traded_on(day: str, *more: str) -> list[str]:
        trades = reported(capsys, home, "daily", "--day", day, *more)["trades"]
        return [each["ticker"] for each in trades["figures"].get("trades", ()) if each["ended"]]

    assert traded_on("2026-03-02") == ["KXA-1"]
    assert traded_on("2026-03-01", *zone) == ["KXA-1"]
    assert traded_on("2026-03-02", *zone) == traded_on("2026-03-02T22:00", *zone) == ["KXA-2"]
    assert (
        reported(capsys, home, "daily", "--day", "2026-03-02", *zone)["edge"]["figures"]["over_time"][0][
            "since"
        ]
        == "2026-03-02"
    )
    text = printed(capsys, home, "daily", "--day", "2026-03-02", *zone)
    assert "2026-03-02 (America/New_York, days from 17:00)" in text
    assert "19:00" in text, "an hour after it was bought, on the clock of the day"


def test_a_young_journal_and_none_at_all_say_so_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    young = journaled(tmp_path / "young", [opened(MORNING)])
    for routine in STEPS:
        text = printed(capsys, young, routine, "--day", "2026-03-02")
        assert "NOTHING TRADED" in text or routine == "monthly"
        none = printed(capsys, tmp_path / "none", routine)
        assert "no console has run here yet" in none
        assert "$0.00" not in none
    assert not (tmp_path / "none").exists()


def test_a_day_that_has_not_begun_is_not_taken_for_a_quiet_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = journaled(tmp_path, [opened(MORNING)])
    for routine in STEPS:
        notes = reported(capsys, home, routine, "--day", "2099-01-01")["notes"]
        assert "2099-01-01 has not begun yet" in notes
        assert not any("begun" in note for note in reported(capsys, home, routine)["notes"])


def test_mark_outs_that_cannot_be_read_cost_themselves_alone(
    traded: Traded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(traded.home, home)
    (home / "practice" / "metrics" / "mark_outs.csv").mkdir(parents=True)
    assert main(["report", "daily", "--home", str(home), "--day", DAY]) == 0
    shown = capsys.readouterr()
    assert "mark_outs.csv is passed over: Is a directory" in shown.err
    assert "NOTHING TRADED" not in shown.out


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = journaled(tmp_path, [opened(MORNING)])
    said = {
        ("daily", "--data", "x"): (ExitCode.USAGE, "--data is for report monthly"),
        ("monthly", "--data", str(tmp_path / "nowhere")): (ExitCode.FAILED, "nowhere"),
        ("daily", "--html", str(home / "practice" / "journal.sqlite" / "x.html")): (
            ExitCode.FAILED,
            "--html",
        ),
        ("daily", "--html", ""): (ExitCode.FAILED, "--html . cannot be written: it is there and is no file"),
        ("daily", "--html", "-"): (ExitCode.USAGE, "--html takes a file"),
        ("daily", "--fee-schedule", "x"): (
            ExitCode.USAGE,
            "--fee-schedule is for report monthly with --data",
        ),
        ("monthly", "--assume-depth", "9"): (
            ExitCode.USAGE,
            "--assume-depth is for report monthly with --data",
        ),
    }
    for words, (code, text) in said.items():
        capsys.readouterr()
        assert main(["report", words[0], "--home", str(home), *words[1:]]) == code
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1
    (home / "practice" / "journal.sqlite").write_bytes(b"SQLite format 3\0" + bytes(np.arange(200) % 7))
    capsys.readouterr()
    assert main(["report", "daily", "--home", str(home)]) == ExitCode.REFUSED
    assert "journal" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", "daily", "--day", "yesterday"])


def test_the_journal_is_only_read(traded: Traded, capsys: pytest.CaptureFixture[str]) -> None:
    folder = traded.home / "practice"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}
    printed(capsys, traded.home, "daily", "--day", DAY)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()} == before
