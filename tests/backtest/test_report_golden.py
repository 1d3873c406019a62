"""Every figure of a report once more, from the raw records in pandas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_builders import KnownFees, markets_of, random_result, setup

from console.backtest.report import Context, Report, report_of
from console.backtest.result import Result
from console.domain.market import FeeTerms
from console.monitoring.frames import equity_frame, trades_frame
from console.monitoring.records import MARK_OUT_NS

SEEDS = (1, 2, 3)
LOWS = [0, 10, 20, 40, 60, 80, 90]
CLOSE = 1e-9


class Independent:
    """One run as frames: fills, the parts of fills by trade, trades."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.markets = pd.DataFrame([_fields(market) for market in result.traded]).set_index("ticker")
        self.fills = pd.DataFrame([self._fill(record) for record in result.fills])
        self.parts = self._parts()
        self.trades = self._trades()

    @staticmethod
    def _fill(record: Any) -> dict[str, Any]:
        fill, quote = record.fill, record.intent.quote
        is_yes = fill.side.value == "bid"
        touch = quote.ask if is_yes else quote.bid
        two_sided = quote.bid is not None and quote.ask is not None
        mid = (quote.bid.price + quote.ask.price) / 20_000 if two_sided else math.nan
        yes_price = fill.price / 10_000
        touch_price = math.nan if touch is None else touch.price / 10_000
        row = {
            "ticker": fill.ticker,
            "at": fill.at_ns,
            "sign": 1 if is_yes else -1,
            "yes_price": yes_price,
            "price": yes_price if is_yes else 1 - yes_price,
            "count": fill.count / 100,
            "fee": fill.fee / 1e6 - record.slippage / 1e6,
            "slippage": record.slippage / 1e6,
            "is_taker": fill.is_taker,
            "touch": touch_price if is_yes else 1 - touch_price,
            "mid": mid if is_yes else 1 - mid,
            "expected": record.intent.win_probability / 10_000,
        }
        for after, twice in zip(MARK_OUT_NS, record.twice_mids, strict=True):
            later = math.nan if twice is None else twice / 20_000
            row[f"out {after}"] = 100 * ((later if is_yes else 1 - later) - row["price"])
        return row

    def _parts(self) -> pd.DataFrame:
        """Fills cut where the position goes through zero, each part with the number of its trade."""
        fills = self.fills.copy()
        fills["signed"] = (fills["sign"] * fills["count"]).round(2)
        before = (fills.groupby("ticker")["signed"].cumsum() - fills["signed"]).round(2)
        closing = np.minimum(fills["count"], np.maximum(0, -fills["sign"] * before)).round(2)
        opening = (fills["count"] - closing).round(2)
        pieces = []
        for kind, size in (("closing", closing), ("opening", opening)):
            piece = fills[size > 0].copy()
            share = size[size > 0] / piece["count"]
            for column in ("count", "fee", "slippage"):
                piece[column] = piece[column] * share
            piece["kind"] = kind
            piece["starts"] = (
                (kind == "opening")
                & (opening[size > 0] > 0)
                & (before + fills["sign"] * closing)[size > 0].round(2).eq(0)
            )
            pieces.append(piece)
        parts = pd.concat(pieces).sort_index(kind="stable")
        parts["trade"] = parts.groupby("ticker")["starts"].cumsum()
        return parts

    def _trades(self) -> pd.DataFrame:
        parts = self.parts.copy()
        parts["value"] = parts["sign"] * parts["count"]
        parts["spent"] = parts["value"] * parts["yes_price"]
        opening = parts["kind"].eq("opening")
        for name, column in (("contracts", "count"), ("paid", "price"), ("hoped", "expected")):
            weight = 1 if column == "count" else parts["count"]
            parts[name] = (parts[column] * weight).where(opening, 0.0)
        parts["buying"] = (parts["fee"] + parts["slippage"]).where(opening, 0.0)
        sums = ["value", "spent", "fee", "slippage", "contracts", "paid", "hoped", "buying"]
        trades = parts.groupby(["ticker", "trade"])[sums].sum()
        trades["side"] = parts.groupby(["ticker", "trade"])["sign"].first()
        trades["opened"] = parts.groupby(["ticker", "trade"])["at"].min()
        trades["last"] = parts.groupby(["ticker", "trade"])["at"].max()
        trades = trades.reset_index().join(self.markets, on="ticker")
        trades["held"] = trades["value"].round(2)
        worth = trades["yes_value"].fillna(trades["mark"]).fillna(0.0)
        trades["gross"] = trades["held"] * worth - trades["spent"]
        trades["net"] = trades["gross"] - trades["fee"] - trades["slippage"]
        trades["is_open"] = trades["held"].ne(0) & trades["yes_value"].isna()
        trades["ended"] = np.where(trades["held"].eq(0), trades["last"], trades["settled_ns"])
        won = np.where(trades["side"] > 0, trades["yes_value"], 1 - trades["yes_value"])
        trades["payout"] = won * trades["contracts"]
        trades["is_judged"] = trades["yes_value"].notna() & ~trades["is_drawn"]
        return trades


def _fields(market: Any) -> dict[str, Any]:
    return {
        "ticker": market.ticker,
        "event": market.event_ticker,
        "series": market.series_ticker,
        "category": market.category,
        "group": market.group,
        "settled_ns": market.settled_ns,
        "yes_value": math.nan if market.yes_value is None else market.yes_value / 10_000,
        "mark": math.nan if market.mark is None else market.mark / 10_000,
        "is_drawn": market.is_drawn,
    }


@pytest.fixture(scope="module", params=SEEDS)
def both(request: pytest.FixtureRequest) -> tuple[Report, Independent]:
    result = random_result(request.param, markets=150, days=12)
    fees = KnownFees(FeeTerms("quadratic_with_maker_fees"))
    return report_of(result, setup(fees=fees), markets_of(result), Context()), Independent(result)


def _cash(amount: float) -> Any:
    """Millionths of a dollar; charges shared between two trades are rounded to one."""
    return pytest.approx(1e6 * amount, abs=20)


def test_money(both: tuple[Report, Independent]) -> None:
    it, trades, fills = both[0].performance, both[1].trades, both[1].fills
    assert it.total_pnl == _cash(trades["net"].sum())
    assert it.total_fees == _cash(fills["fee"].sum())
    assert it.slippage_cost == _cash(fills["slippage"].sum())
    assert it.paid == _cash(trades["paid"].sum())
    assert it.unrealised is not None
    assert it.realised + it.unrealised == _cash(trades["gross"].sum())
    assert it.net_bps == pytest.approx(1e4 * trades["net"].sum() / trades["paid"].sum(), rel=1e-6)
    assert it.fee_bps == pytest.approx(1e4 * fills["fee"].sum() / trades["paid"].sum(), rel=1e-6)
    gross = trades["gross"].sum()
    share = 100 * fills["fee"].sum() / gross if gross > 0 else None
    assert it.fee_pct_of_pnl == (None if share is None else pytest.approx(share, rel=1e-6))


def test_trades_and_their_win_rate(both: tuple[Report, Independent]) -> None:
    it, trades = both[0].performance, both[1].trades
    ended = trades[~trades["is_open"]]
    told = ended[~(ended["is_drawn"] & ended["held"].ne(0))]
    assert (it.trades, it.open_trades) == (len(ended), int(trades["is_open"].sum()))
    assert it.win_rate == pytest.approx((told["net"].round(9) > 0).mean())


def test_drawdown_and_sharpe_ratio(both: tuple[Report, Independent]) -> None:
    report, result = both[0], both[1].result
    marks = [(result.first_ns, result.capital), *result.equity, (result.last_ns, result.final_equity)]
    series = pd.Series([m[1] for m in marks], pd.to_datetime([m[0] for m in marks], utc=True)).astype(float)
    below = series.cummax() - series
    assert report.performance.max_drawdown.fall == below.max()
    assert report.performance.max_drawdown.of_high == pytest.approx(
        below.max() / series.cummax().iloc[below.argmax()]
    )
    daily = series.groupby(series.index.floor("D")).last().resample("D").ffill()  # type: ignore[attr-defined]
    returns = pd.concat([pd.Series([float(result.capital)]), daily]).pct_change().dropna()
    assert report.performance.days == len(returns)
    assert report.performance.sharpe_ratio == pytest.approx(returns.mean() / returns.std() * 365**0.5)


def test_intervals_are_those_of_whole_events_or_days(both: tuple[Report, Independent]) -> None:
    it, trades, last_ns = both[0].performance, both[1].trades, both[1].result.last_ns
    days = trades["ended"].fillna(last_ns).astype("int64") // (86_400 * 10**9)
    widths, p_values = [], []
    for key in (trades["event"], days):
        sums = trades.groupby(key)[["net", "paid"]].sum()
        drawn = np.random.default_rng(99).integers(0, len(sums), (20_000, len(sums)))
        net, paid = sums["net"].to_numpy(), sums["paid"].to_numpy()
        totals, bps = net[drawn].sum(axis=1), 1e4 * net[drawn].sum(axis=1) / paid[drawn].sum(axis=1)
        widths.append([*np.percentile(totals, (2.5, 97.5)), *np.percentile(bps, (2.5, 97.5))])
        t = abs(net.mean()) / (net.std(ddof=1) / len(net) ** 0.5)
        inside = np.linspace(-t, t, 200_001)
        density = (1 + inside**2 / (len(net) - 1)) ** (-len(net) / 2)
        scale = math.lgamma(len(net) / 2) - math.lgamma((len(net) - 1) / 2)
        scale -= math.log((len(net) - 1) * math.pi) / 2
        p_values.append(1 - math.exp(scale) * np.trapezoid(density, inside))
    assert it.pnl_interval is not None
    assert it.bps_interval is not None
    for interval, at in ((it.pnl_interval, 0), (it.bps_interval, 2)):
        low, high = max(((w[at], w[at + 1]) for w in widths), key=lambda ends: ends[1] - ends[0])
        within = 0.06 * (high - low)
        assert [interval.low, interval.high] == pytest.approx([low, high], abs=within)
    assert it.p_value == pytest.approx(max(p_values), abs=1e-7)


def test_hit_rates_by_bucket(both: tuple[Report, Independent]) -> None:
    report, trades = both[0], both[1].trades
    cents = (100 * trades["paid"] / trades["contracts"]).round(6)
    low = pd.cut(cents, [*LOWS, 100], right=False, labels=LOWS).astype(int)
    assert [row.lo for row in report.buckets] == sorted(low.unique())
    for row in report.buckets:
        members = trades[low == row.lo]
        assert (row.money.trades, row.money.events) == (len(members), members["event"].nunique())
        assert row.n_contracts == pytest.approx(members["contracts"].sum())
        assert row.mean_price == pytest.approx(100 * members["paid"].sum() / members["contracts"].sum())
        assert row.money.net_pnl == _cash(members["net"].sum())
        assert row.money.net_bps == pytest.approx(
            1e4 * members["net"].sum() / members["paid"].sum(), rel=1e-5
        )
        judged = members[members["is_judged"]]
        if judged.empty:
            assert row.judged is None
            continue
        it, contracts = row.judged, judged["contracts"].sum()
        assert it is not None
        rate = judged["payout"].sum() / contracts
        by_event = judged.groupby("event")["contracts"].sum()
        n = by_event.sum() ** 2 / (by_event**2).sum()
        assert it.hit_rate == pytest.approx(rate)
        assert it.effective_events == pytest.approx(n)
        assert it.interval == pytest.approx(_wilson(rate, n))
        assert it.break_even == pytest.approx((judged["paid"] + judged["buying"]).sum() / contracts, rel=1e-5)
        assert it.expected == pytest.approx(judged["hoped"].sum() / contracts)
        lost = judged.assign(missed=judged["contracts"] - judged["payout"]).groupby("event")["missed"].sum()
        assert (it.n_events, it.lost_events) == (len(by_event), int((lost > 1e-9).sum()))


def _wilson(rate: float, n: float) -> tuple[float, float]:
    """The two chances from which the rate is 1.96 standard errors away."""
    z2 = 1.959964**2
    roots = np.roots([1 + z2 / n, -(2 * rate + z2 / n), rate**2]).real
    return max(0.0, float(min(roots))), min(1.0, float(max(roots)))


@pytest.mark.parametrize("name", ["series", "category", "group"])
def test_profit_by_kind(both: tuple[Report, Independent], name: str) -> None:
    nets = both[1].trades.groupby(name)["net"].sum()
    rows = both[0].parts[name]
    assert {row.name: row.net_pnl for row in rows} == {key: _cash(net) for key, net in nets.items()}
    assert [row.net_pnl for row in rows] == sorted(row.net_pnl or 0 for row in rows)


def test_slippage_by_role(both: tuple[Report, Independent]) -> None:
    slippage, fills = both[0].slippage, both[1].fills
    assert slippage.unmeasured == fills["touch"].isna().sum()
    for role, is_taker in ((slippage.taker, True), (slippage.maker, False)):
        for found, reference in ((role.touch, "touch"), (role.mid, "mid")):
            measured = fills[
                (fills["is_taker"] == is_taker) & fills["touch"].notna() & fills[reference].notna()
            ]
            cost = measured["price"] - measured[reference] + measured["slippage"] / measured["count"]
            bps = (1e4 * cost / measured[reference]).rename("bps")
            assert [found.n, found.n_contracts] == pytest.approx([len(measured), measured["count"].sum()])
            assert found.mean == pytest.approx(np.average(bps, weights=measured["count"]), abs=0.011)
            ordered = pd.concat([bps, measured["count"]], axis=1).sort_values("bps")
            reached = ordered["count"].cumsum() / ordered["count"].sum()
            for value, share in ((found.p50, 0.5), (found.p95, 0.95), (found.p99, 0.99)):
                rank = ordered["bps"][reached.round(12) >= share].iloc[0]
                assert value == pytest.approx(rank, abs=0.011)
        assert sum(bar.n_contracts for bar in role.histogram) == pytest.approx(role.touch.n_contracts)


def test_mark_outs_of_makers(both: tuple[Report, Independent]) -> None:
    makers = both[1].fills[~both[1].fills["is_taker"]]
    for row in both[0].mark_outs:
        bought = makers[makers["sign"].eq(1 if row.outcome == "YES" else -1)]
        known = bought[bought[f"out {row.after_s * 10**9}"].notna()]
        mean = np.average(known[f"out {row.after_s * 10**9}"], weights=known["count"])
        assert (row.fills, row.unknown) == (len(bought), len(bought) - len(known))
        assert row.mean_cents == pytest.approx(mean)
        assert row.interval is not None
        assert row.interval[0] < mean < row.interval[1]


def test_frames_hold_the_same_figures(both: tuple[Report, Independent]) -> None:
    result, mine = both[1].result, both[1]
    trades, equity = trades_frame(result), equity_frame(result)
    assert trades["net_pnl"].sum() == pytest.approx(mine.trades["net"].sum(), abs=1e-6)
    assert sorted(trades["contracts"]) == pytest.approx(sorted(mine.trades["contracts"]))
    assert str(trades["opened"].dtype) == "datetime64[ns, UTC]"
    assert trades["ended"].isna().sum() == mine.trades["is_open"].sum()
    assert 1e6 * equity["drawdown"].max() == pytest.approx(both[0].performance.max_drawdown.fall)


def test_the_document_is_json_with_money_as_strings(both: tuple[Report, Independent]) -> None:
    import json

    document = json.loads(json.dumps(both[0].document()))
    expected: dict[str, Callable[[Any], bool]] = {
        "rows": _is_int,
        "events": _is_int,
        "orders": _is_int,
        "fills": _is_int,
        "trades": _is_int,
        "total_pnl": _is_dollars,
        "total_fees": _is_dollars,
        "max_drawdown": _is_dollars,
        "win_rate": _is_number,
        "sharpe_ratio": _is_number,
        "journal_hash": _is_text,
    }
    assert {name for name, fits in expected.items() if not fits(document[name])} == set()
    assert {"mean", "p50", "p95", "p99"} <= set(document["slippage_bps"])
    assert {"name", "lo", "hi", "net_pnl", "hit_rate", "break_even", "n_events"} <= set(
        document["buckets"][0]
    )
    assert document["fee_pct_of_pnl"] is None or _is_number(document["fee_pct_of_pnl"])


def _is_int(value: Any) -> bool:
    return isinstance(value, int)


def _is_number(value: Any) -> bool:
    return isinstance(value, float)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_dollars(value: Any) -> bool:
    return isinstance(value, str) and len(value.partition(".")[2]) == 6
