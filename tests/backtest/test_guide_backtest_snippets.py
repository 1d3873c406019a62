"""The hardening guide's snippets of backtesting run as they are printed, with ``console.`` for ``src.``."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from console.backtest.event_backtester import (
    EventBacktester,
    FeeSchedule,
    OrderAction,
    OrderSide,
    OrderState,
    SlippageModel,
)
from console.risk.risk_manager import calculate_market_returns, identify_correlated_markets

GUIDE = Path(__file__).parents[2] / ".." / "shared" / "hardening-guide.txt"
NAMES: dict[str, Any] = {
    "datetime": datetime,
    "pd": pd,
    "FeeSchedule": FeeSchedule,
    "SlippageModel": SlippageModel,
    "EventBacktester": EventBacktester,
    "OrderSide": OrderSide,
    "OrderAction": OrderAction,
    "calculate_market_returns": calculate_market_returns,
    "identify_correlated_markets": identify_correlated_markets,
}

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="../shared/hardening-guide.txt is not there")


def snippet(after: str) -> str:
    """The first block of Python after a heading."""
    text = GUIDE.read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text[text.index(after) :], re.DOTALL)
    assert found is not None
    return found[1].replace("from src.", "from console.")


def run(code: str, **names: Any) -> dict[str, Any]:
    space = {**NAMES, **names}
    exec(code, space)
    return space


def shown(yes_bid: int, yes_ask: int, size: int) -> dict[str, int]:
    return {"yes_bid": yes_bid, "yes_ask": yes_ask, "yes_bid_size": size, "yes_ask_size": size}


def test_the_backtester_s_usage(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(snippet("### 1. **Fee-Accurate Backtesting**"), snapshot=shown(88, 90, 500))
    assert ran["order"].state is OrderState.FILLED
    # 1 $ less 7 %, less 5.2 bps of 9 $, rounded up to a millionth.
    assert ran["trade"].net_pnl == pytest.approx(1 - 0.07 - 0.00468)
    assert capsys.readouterr().out == "Total P&L after fees: $0.93\nFee drag: 7.0%\n"


HISTORY = pd.DataFrame(
    [
        {
            "ts": datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day),
            "ticker": f"KXRAIN-{day}-T{price}",
            **shown(price - 1, price, 50),
            "result": "yes" if (day * 37 + price) % 100 < price else "no",
        }
        for day in range(60)
        for price in (7, 14, 86, 91, 93, 96)
    ]
)
STRATEGY = """
    for row in historical_df.to_dict("records"):
        if row["yes_ask"] >= fav_thresh:
            side = OrderSide.YES
        elif row["yes_bid"] <= long_thresh:
            side = OrderSide.NO
        else:
            continue
        backtester.submit_order(row["ts"], row["ticker"], side, OrderAction.BUY, 20, row)
        backtester.resolve_market(row["ticker"], row["result"], row["ts"])
"""


def analysis_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str = "") -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    HISTORY.to_csv(tmp_path / "data" / "kalshi_historical.csv", index=False)
    code = snippet("### Analysis 1: Fee Impact")
    mark = "    # ... (filter markets, execute strategy)\n"
    assert mark in code
    parse = "historical_df['ts'] = pd.to_datetime(historical_df['ts'])\n" if strategy else ""
    code = code.replace("# Test different thresholds\n", f"{parse}# Test different thresholds\n")
    return run(code.replace(mark, mark + strategy))


def test_analysis_1_as_it_is_printed_trades_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = analysis_1(tmp_path, monkeypatch)
    assert list(ran["results_df"]["total_trades"]) == [0, 0, 0, 0]
    assert "Expected net P&L: $0.00\nFee drag: nan%\n" in capsys.readouterr().out


def test_analysis_1_with_its_strategy_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = analysis_1(tmp_path, monkeypatch, STRATEGY)["results_df"]
    trades = [int(((HISTORY.yes_ask >= high) | (HISTORY.yes_bid <= low)).sum()) for high, low in
              ((85, 15), (90, 10), (92, 8), (95, 5))]  # fmt: skip
    assert list(results["total_trades"]) == trades
    assert (results["total_fees"] > 0).all()
    assert results["sharpe"].notna().all()
    assert "Optimal thresholds: " in capsys.readouterr().out


def test_analysis_2(capsys: pytest.CaptureFixture[str]) -> None:
    times = pd.date_range("2026-02-25 17:00", periods=60, freq="1min", tz="UTC")
    steps = [(-1) ** (minute // 3) for minute in range(60)]
    prices = {
        "RAIN-LAX": [50 + step for step in steps],
        "RAIN-SFO": [30 + 2 * step for step in steps],
        "CUP": [20 + minute % 7 for minute in range(60)],
    }
    history = pd.concat(
        pd.DataFrame({"ts": times, "ticker": ticker, "price": series}) for ticker, series in prices.items()
    )
    run(snippet("### Analysis 2: Correlation Identification"), historical_df=history)
    assert "Found 1 correlated market groups:\n  group_1: 2 markets" in capsys.readouterr().out


class Plot(ModuleType):
    """Stands for a screen to draw on."""

    drawn: list[float]

    def hist(self, values: pd.Series[float], bins: int) -> None:
        assert bins == 50
        self.drawn = list(values)

    def title(self, text: str) -> None:
        assert text == "Slippage Distribution"

    def xlabel(self, text: str) -> None:
        assert text == "Slippage (bps)"

    def show(self) -> None: ...


@pytest.mark.parametrize("trades", [0, 40])
def test_analysis_3(trades: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plot, package = Plot("matplotlib.pyplot"), ModuleType("matplotlib")
    monkeypatch.setattr(package, "pyplot", plot, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plot)
    mark = "# Run full backtest\n# ...\n"
    code = snippet("### Analysis 3: Slippage Distribution")
    assert mark in code
    strategy = f"""
for row in history[:{trades}]:
    backtester.submit_order(row["ts"], row["ticker"], OrderSide.YES, OrderAction.BUY, 20, row)
    backtester.resolve_market(row["ticker"], row["result"], row["ts"])
"""
    ran = run(code.replace(mark, mark + strategy), history=HISTORY.to_dict("records"))
    assert len(ran["trades_df"]) == len(plot.drawn) == trades
    # Twenty of fifty displayed: 5 bps and two fifths of 10.
    said = (
        "Average slippage: 9.0 bps\n95th percentile: 9.0 bps\n" if trades else "Average slippage: nan bps\n"
    )
    assert capsys.readouterr().out.startswith(said)


def test_the_walk_forward_is_imported_as_the_guide_does() -> None:
    ran = run(snippet("### Analysis 1: Fee Impact").splitlines()[0])
    assert callable(ran["run_walk_forward_backtest"])
