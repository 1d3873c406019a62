"""The guide's walk-forward: no event in two parts, nothing of the future, and loud about no trades."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from console.backtest.event_backtester import (
    EventBacktester,
    FeeSchedule,
    NoTradesError,
    OrderAction,
    OrderSide,
    SlippageModel,
    run_walk_forward_backtest,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def event(
    number: int, begins: datetime, settles: datetime, result: str | None = "yes"
) -> list[dict[str, Any]]:
    """Two quotes of one market at 90c, and its outcome on both rows."""
    ticker = f"KXDAY-{number}-T1"
    return [
        {
            "ts": at,
            "ticker": ticker,
            "event_ticker": f"KXDAY-{number}",
            "yes_bid": 89,
            "yes_ask": 90,
            "yes_bid_size": 500,
            "yes_ask_size": 500,
            "result": result,
            "settlement_time": settles,
            "close_time": settles - HOUR,
        }
        for at in (begins, begins + HOUR)
    ]


def daily(days: int) -> pd.DataFrame:
    """An event a day, which settles in the evening; every fifth is lost."""
    rows = []
    for number in range(days):
        begins = BEGIN + number * DAY + 8 * HOUR
        rows += event(number, begins, begins + 10 * HOUR, "no" if number % 5 == 4 else "yes")
    return pd.DataFrame(rows)


class Buyer:
    """Buys ten of each market once, and keeps what it was given."""

    def __init__(self) -> None:
        self.trained: list[pd.DataFrame] = []
        self.seen: list[list[Mapping[str, Any]]] = []

    def __call__(self, train: pd.DataFrame) -> Any:
        self.trained.append(train)
        rows: list[Mapping[str, Any]] = []
        self.seen.append(rows)

        def decide(backtester: EventBacktester, row: Mapping[str, Any]) -> None:
            rows.append(row)
            if not backtester.position(row["ticker"]):
                backtester.submit_order(row["ts"], row["ticker"], OrderSide.YES, OrderAction.BUY, 10)

        return decide


def test_each_window_learns_from_what_came_before_and_trades_what_follows() -> None:
    buyer = Buyer()
    windows = run_walk_forward_backtest(
        daily(20),
        buyer,
        train_days=5,
        test_days=5,
        fee_schedule=FeeSchedule(profit_fee_rate=0.07),
        slippage_model=SlippageModel(0, 0),
    )
    assert [window.test_start for window in windows] == [BEGIN + days * DAY for days in (5, 10, 15)]
    for number, window in enumerate(windows):
        assert (window.train_events, window.test_events, window.purged_events) == (5, 5, 0)
        assert buyer.trained[number]["ts"].max() < window.test_start
        assert {row["ts"] >= window.test_start for row in buyer.seen[number]} == {True}
        # Four of five win a dollar less the fee, one loses nine.
        assert window.metrics["total_trades"] == 5
        assert window.metrics["total_pnl"] == pytest.approx(4 * 0.93 - 9)
        assert list(window.trades["net_pnl"]) == pytest.approx([0.93] * 4 + [-9])


def test_a_strategy_is_not_shown_what_tells_the_outcome() -> None:
    buyer = Buyer()
    run_walk_forward_backtest(daily(10), buyer, train_days=5, test_days=5)
    assert set(buyer.seen[0][0]) == {
        "ts", "ticker", "event_ticker", "yes_bid", "yes_ask", "yes_bid_size", "yes_ask_size",
    }  # fmt: skip
    assert "result" in buyer.trained[0].columns


def test_what_the_exchange_tells_of_a_market_after_its_end_is_not_shown() -> None:
    """Joined to the quotes from its list of markets; what was recorded quote by quote is shown."""
    table = daily(10)
    won = table["result"] == "yes"
    after: dict[str, Any] = {
        "settlement_value_dollars": won.astype(float),
        "expiration_value": won.astype(str),
        "settlement_ts": table["settlement_time"],
        "expiration_time": table["settlement_time"],
        "last_price_dollars": won * 0.98 + 0.01,
        "previous_price_dollars": won * 0.98,
        "volume_fp": won * 100.0,
    }
    table = table.assign(**after, strike=55, last_price=range(len(table)))
    buyer = Buyer()
    run_walk_forward_backtest(table, buyer, train_days=5, test_days=5)
    shown = set(buyer.seen[0][0])
    assert not shown & set(after)
    assert {"strike", "last_price"} <= shown


def test_an_event_on_both_sides_of_a_boundary_is_in_neither_part() -> None:
    boundary = BEGIN + 5 * DAY
    straddling = event(100, boundary - 2 * HOUR, boundary + 2 * HOUR)
    too_late = event(101, boundary + 5 * DAY - 2 * HOUR, boundary + 6 * DAY)
    buyer = Buyer()
    table = pd.concat([daily(10), pd.DataFrame(straddling + too_late)])
    (window,) = run_walk_forward_backtest(
        table[table["ts"] < boundary + 5 * DAY], buyer, train_days=5, test_days=5
    )[:1]
    used = set(buyer.trained[0]["event_ticker"]) | {row["event_ticker"] for row in buyer.seen[0]}
    assert used == {f"KXDAY-{number}" for number in range(10)}
    assert window.purged_events == 2


def test_an_embargo_keeps_what_settled_just_before_the_test_out_of_training() -> None:
    buyer = Buyer()
    (window,) = run_walk_forward_backtest(daily(10), buyer, train_days=5, test_days=5, embargo_days=1.5)
    assert set(buyer.trained[0]["event_ticker"]) == {"KXDAY-0", "KXDAY-1", "KXDAY-2"}
    assert (window.train_events, window.purged_events) == (3, 2)


def test_a_market_resolves_before_the_next_entry_of_that_time() -> None:
    settles = BEGIN + 5 * DAY + 10 * HOUR
    rows = event(50, settles - 5 * HOUR, settles) + event(51, settles, settles + 5 * HOUR)
    cash = []

    def strategy(train: pd.DataFrame) -> Any:
        def decide(backtester: EventBacktester, row: Mapping[str, Any]) -> None:
            cash.append((row["ticker"], backtester.cash))
            if not backtester.position(row["ticker"]):
                backtester.submit_order(row["ts"], row["ticker"], "yes", "buy", 10)

        return decide

    table = pd.concat(
        [daily(5), pd.DataFrame(rows), pd.DataFrame(event(52, BEGIN + 9 * DAY, BEGIN + 9 * DAY + HOUR))]
    )
    run_walk_forward_backtest(
        table, strategy, train_days=5, test_days=5, slippage_model=SlippageModel(0, 0),
        fee_schedule=FeeSchedule(profit_fee_rate=0),
    )  # fmt: skip
    assert cash[2] == ("KXDAY-51-T1", 10_001)


def test_a_window_that_traded_nothing_is_a_failure_that_names_it() -> None:
    def idle(train: pd.DataFrame) -> Any:
        return lambda backtester, row: None

    with pytest.raises(
        NoTradesError, match="2 of 2 windows traded nothing: 2026-03-06 to 2026-03-11"
    ) as none:
        run_walk_forward_backtest(daily(15), idle, train_days=5, test_days=5)
    assert [window.has_traded for window in none.value.windows] == [False, False]
    marked = run_walk_forward_backtest(daily(15), idle, train_days=5, test_days=5, allow_no_trades=True)
    assert not any(window.has_traded for window in marked)


def test_a_market_without_a_result_stays_open_at_its_mark() -> None:
    table = pd.concat([daily(9), pd.DataFrame(event(9, BEGIN + 9 * DAY, BEGIN + 9 * DAY + HOUR, None))])
    (window,) = run_walk_forward_backtest(table, Buyer(), train_days=5, test_days=5)
    assert (window.metrics["total_trades"], window.metrics["open_trades"]) == (4, 1)


@pytest.mark.parametrize("column", ["ts", "ticker", "yes_bid", "yes_ask", "result"])
def test_a_table_without_a_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(ValueError, match=f"historical_df has no column {column}"):
        run_walk_forward_backtest(daily(10).drop(columns=column), Buyer())


def test_a_table_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ValueError, match="no column settlement_time, nor close_time"):
        run_walk_forward_backtest(daily(10).drop(columns=["settlement_time", "close_time"]), Buyer())
    with pytest.raises(ValueError, match="historical_df has no rows"):
        run_walk_forward_backtest(daily(10).iloc[:0], Buyer())
    with pytest.raises(ValueError, match=r"shorter than a window of 90 \+ 30 days"):
        run_walk_forward_backtest(daily(10), Buyer())
    broken = daily(10).astype({"ts": "object"})
    broken.loc[3, "ts"] = "soon"
    with pytest.raises(ValueError, match="column ts, row 3: 'soon' is not a time"):
        run_walk_forward_backtest(broken, Buyer(), train_days=5, test_days=5)
    torn = daily(10)
    torn.loc[0, "result"] = "no"
    with pytest.raises(ValueError, match="column result: KXDAY-0-T1 has more than one"):
        run_walk_forward_backtest(torn, Buyer(), train_days=5, test_days=5)
    odd = daily(10).replace({"result": {"no": "maybe"}})
    with pytest.raises(ValueError, match="resolution is 'maybe'"):
        run_walk_forward_backtest(odd, Buyer(), train_days=5, test_days=5)
    with pytest.raises(ValueError, match="train_days is 0, not a number above 0"):
        run_walk_forward_backtest(daily(10), Buyer(), train_days=0)
    with pytest.raises(ValueError, match="embargo_days is -1, not a number from 0 on"):
        run_walk_forward_backtest(daily(10), Buyer(), embargo_days=-1)
    with pytest.raises(ValueError, match="train_days is inf, not a number above 0"):
        run_walk_forward_backtest(daily(10), Buyer(), train_days=float("inf"))
    with pytest.raises(ValueError, match="historical_df is NoneType, not a table"):
        run_walk_forward_backtest(None, Buyer())  # type: ignore[arg-type]
    nameless = daily(10)
    nameless.loc[3, "ticker"] = None
    with pytest.raises(ValueError, match="column ticker, row 3 is empty"):
        run_walk_forward_backtest(nameless, Buyer())
    counted = daily(10).assign(ts=range(20))
    with pytest.raises(ValueError, match="column ts holds numbers"):
        run_walk_forward_backtest(counted, Buyer())
    with pytest.raises(ValueError, match="train_days is '30', not a number above 0"):
        run_walk_forward_backtest(daily(10), Buyer(), train_days="30")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than 10,000 windows of 9 days"):
        run_walk_forward_backtest(daily(10), Buyer(), train_days=1e-12, test_days=1e-12)
    with pytest.raises(ValueError, match="strategy is NoneType, not a function"):
        run_walk_forward_backtest(daily(10), None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strategy returned NoneType, not a function"):
        run_walk_forward_backtest(daily(10), lambda train: None, train_days=5, test_days=5)  # type: ignore[arg-type, return-value]
