"""The metrics of a shipped recording's run once more: from the journal, and from raw events in pandas."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recorded import settings, setup
from watching import played

from console.backtest.replay import SHIPPED
from console.backtest.result import Result
from console.backtest.run import run
from console.config.trading_settings import QualitySettings
from console.domain.account_events import MarketSettled, MarketTraded, OrderFilled, OrderIntended
from console.domain.events import JournaledEvent
from console.domain.fees import KalshiFees
from console.domain.money import Count
from console.history.folder import open_folder
from console.history.usable import Period
from console.monitoring.figures import Figures, figures_of
from console.monitoring.ledger import Ledger
from console.monitoring.period import records_between
from console.monitoring.records import Records
from console.monitoring.trades import trades_of

CENT = 100
Run = tuple[Result, Sequence[JournaledEvent], Records]


@pytest.fixture(scope="module")
def ran() -> Run:
    """A run that makers and takers both fill would be two; here takers, who trade most."""
    chosen = settings("taker", scan_interval=Decimal(10), min_depth_contracts=1)
    made = setup(chosen, assumed_depth=Count(10_000))
    with resources.as_file(resources.files("console.practice") / "data") as folder:
        recording = open_folder(folder, Period(_ns(SHIPPED[0].since), _ns(SHIPPED[0].until)), ())
        result = run(made, recording)
        journal = played(made, recording).journal
    return result, journal, records_in(journal)


def records_in(journal: Sequence[JournaledEvent], first_ns: int = 0) -> Records:
    found = records_between(journal, first_ns)
    assert found is not None
    return found.records


@pytest.fixture(scope="module")
def figures(ran: Run) -> Figures:
    return figures_of(ran[2], KalshiFees(), QualitySettings())


def _ns(minute: str) -> int:
    return int(pd.Timestamp(minute, tz="UTC").value)


def test_it_trades(ran: Run) -> None:
    assert len(ran[0].fills) > 20


def test_a_journal_gives_the_records_of_the_run_that_wrote_it(ran: Run) -> None:
    result, _, records = ran
    assert [r.fill for r in records.fills] == [r.fill for r in result.fills]
    assert [r.intent for r in records.fills] == [r.intent for r in result.fills]
    assert {m.ticker: (m.event_ticker, m.series_ticker, m.group) for m in records.traded} == {
        m.ticker: (m.event_ticker, m.series_ticker, m.group) for m in result.traded
    }
    assert [(m.yes_value, m.settled_ns, m.position) for m in records.traded] == [
        (m.yes_value, m.settled_ns, m.position) for m in result.traded
    ]
    assert records.equity == result.equity
    assert (records.capital, records.final_equity) == (result.capital, result.final_equity)
    assert records.orders == result.orders
    assert [d.intent for d in records.decisions] == [d.intent for d in result.decisions]
    assert [latch.name for latch in records.latches] == [latch.name for latch in result.latches]
    mine, theirs = trades_of(records), trades_of(result)
    assert [(t.net, t.paid, t.fees, t.ending) for t in mine] == [
        (t.net, t.paid, t.fees, t.ending) for t in theirs
    ]


def frames(journal: Sequence[JournaledEvent]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fills and trades, from the events alone; every position of this run is held until it pays."""
    intents = {e.intent.client_order_id: e.intent for e in journal if isinstance(e, OrderIntended)}
    markets = {e.market.ticker: e for e in journal if isinstance(e, MarketTraded)}
    paid = {e.settlement.ticker: e.settlement for e in journal if isinstance(e, MarketSettled)}
    rows: list[dict[str, Any]] = []
    for event in journal:
        if not isinstance(event, OrderFilled):
            continue
        fill, intent = event.fill, intents[event.client_order_id]
        is_yes = fill.side.value == "bid"
        touch = intent.quote.ask if is_yes else intent.quote.bid
        assert touch is not None
        price = fill.price / CENT if is_yes else 100 - fill.price / CENT
        rows.append(
            {
                "ticker": fill.ticker,
                "at": pd.Timestamp(fill.at_ns, tz="UTC"),
                "price": price,
                "touch": touch.price / CENT if is_yes else 100 - touch.price / CENT,
                "n": fill.count / 100,
                "fee": fill.fee / 1e6,
                "hoped": intent.win_probability / CENT,
                "strategy": intent.strategy,
                "series": markets[fill.ticker].market.series_ticker,
                "event": markets[fill.ticker].market.event_ticker,
                "group": markets[fill.ticker].group,
                "payout": np.nan
                if fill.ticker not in paid
                else (paid[fill.ticker].yes_value if is_yes else 10_000 - paid[fill.ticker].yes_value) / CENT,
            }
        )
    fills = pd.DataFrame(rows)
    for column in ("price", "hoped"):
        fills[f"{column} n"] = fills[column] * fills["n"]
    keys = ["ticker", "series", "event", "group", "strategy", "payout"]
    trades = (
        fills.groupby(keys, dropna=False)
        .agg(
            n=("n", "sum"),
            cost=("price n", "sum"),
            hoped=("hoped n", "sum"),
            fee=("fee", "sum"),
            at=("at", "min"),
        )
        .reset_index()
    )
    trades["net"] = (trades["payout"] * trades["n"] - trades["cost"]) / 100 - trades["fee"]
    return fills, trades


def test_profit_by_strategy_family_group_and_hour(ran: Run, figures: Figures) -> None:
    trades = frames(ran[1])[1]
    told = trades[trades["payout"].notna()]
    told = told.assign(hour=told["at"].dt.strftime("%H:00 UTC"))
    for name in ("strategy", "series", "group", "hour"):
        nets = told.groupby(name)["net"].sum()
        rows = {row.name: row.net_pnl for row in figures.parts[name] if row.net_pnl is not None}
        assert rows == {key: pytest.approx(1e6 * net, abs=5) for key, net in nets.items()}


def test_net_bps_fee_drag_and_hit_rate_by_bucket(ran: Run, figures: Figures) -> None:
    trades = frames(ran[1])[1]
    trades["entry"] = trades["cost"] / trades["n"]
    for row in figures.buckets:
        members = trades[(trades["entry"] >= row.lo) & (trades["entry"] < row.hi) & trades["payout"].notna()]
        paid = members["cost"].sum() / 100
        assert row.money.trades - row.money.unmarked == len(members)
        assert row.money.net_bps == pytest.approx(1e4 * members["net"].sum() / paid)
        assert row.judged is not None
        assert row.judged.hit_rate == pytest.approx(
            (members["payout"] * members["n"]).sum() / 100 / members["n"].sum()
        )
        assert row.judged.break_even == pytest.approx((paid + members["fee"].sum()) / members["n"].sum())
        assert row.judged.interval is not None
        low, high = row.judged.interval
        assert low <= row.judged.hit_rate <= high


def test_fill_ratio_of_what_was_ordered(ran: Run, figures: Figures) -> None:
    asked = sum(e.intent.count for e in ran[1] if isinstance(e, OrderIntended)) / 100
    (taker,) = figures.fill_ratios
    assert (taker.role, taker.n_contracts) == ("taker", asked)
    assert taker.of_contracts == pytest.approx(frames(ran[1])[0]["n"].sum() / asked)


def test_realised_edge_against_expected(ran: Run, figures: Figures) -> None:
    trades = frames(ran[1])[1]
    told = trades[trades["payout"].notna()]
    n, total = told["n"].sum(), figures.edge.total
    assert total is not None
    assert total.realised_cents == pytest.approx(100 * told["net"].sum() / n)
    assert total.expected_cents == pytest.approx(
        ((told["hoped"] - told["cost"]).sum() - 100 * told["fee"].sum()) / n
    )
    assert sum(each.trades for each in figures.edge.over_time) == len(told)


def test_slippage_in_tenths_of_cents_and_bps(ran: Run, figures: Figures) -> None:
    fills = frames(ran[1])[0]
    cents = fills["price"] - fills["touch"]
    taker = figures.slippage.taker
    assert taker.touch_cents.mean == pytest.approx(np.average(cents, weights=fills["n"]), abs=1e-9)
    bps = 1e4 * cents / fills["touch"]
    assert taker.touch.mean == pytest.approx(np.average(bps, weights=fills["n"]), abs=0.01)
    assert sum(bar.n_contracts for bar in taker.touch_cents.histogram) == pytest.approx(fills["n"].sum())
    for bar in taker.touch_cents.histogram:
        assert bar.low is not None
        assert bar.high is not None
        assert bar.high - bar.low == pytest.approx(0.1)
        within = cents.round(6).between(bar.low, bar.high, inclusive="left")
        assert bar.n_contracts == pytest.approx(fills["n"][within].sum())


def test_drawdown_counts_every_mark(ran: Run, figures: Figures) -> None:
    result = ran[0]
    marks = pd.Series([result.capital, *(equity for _, equity in result.equity), result.final_equity])
    assert figures.performance.max_drawdown.fall == (marks.cummax() - marks).max()


def test_a_period_has_the_trades_that_ended_in_it(ran: Run) -> None:
    result, journal, whole = ran
    middle_ns = (result.first_ns + result.last_ns) // 2
    late = records_in(journal, middle_ns)
    early = records_in([event for event in journal if event.at_ns < middle_ns])
    ended = [t for t in trades_of(whole) if t.ended_ns is not None]
    first = [t for t in trades_of(early) if t.ended_ns is not None]
    second = [t for t in trades_of(late) if t.ended_ns is not None]
    assert sorted((t.market.ticker, t.net or 0) for t in first + second) == sorted(
        (t.market.ticker, t.net or 0) for t in ended
    )
    assert first
    assert second
    assert late.capital == next(e for at, e in reversed(whole.equity) if at <= middle_ns)
    halves = [figures_of(each, KalshiFees(), QualitySettings()).performance for each in (early, late)]
    assert sum(each.total_fees for each in halves) == result.fees


def test_a_market_that_an_older_journal_does_not_describe_is_told_as_unknown(ran: Run) -> None:
    old = [event for event in ran[1] if not isinstance(event, MarketTraded)]
    records = records_in(old)
    assert {(m.event_ticker, m.series_ticker, m.group) for m in records.traded} == {("unknown",) * 3}
    assert figures_of(records, KalshiFees(), QualitySettings()).parts["series"][0].name == "unknown"


def test_without_an_account_there_are_no_records() -> None:
    assert Ledger().records() is None
    assert records_between([]) is None
