"""The hardening guide's snippets of sizing, correlation groups and kill switches, and what is behind them."""

from __future__ import annotations

import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.risk.risk_manager import (
    RiskLimits,
    RiskManager,
    TradingState,
    calculate_market_returns,
    identify_correlated_markets,
)

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
START = 1_772_039_071 * SECOND
"""2026-02-25 17:04:31 UTC."""
NAN = float("nan")
logger = logging.getLogger(__name__)


class Clock:
    """Wall and monotonic time that the test moves."""

    def __init__(self) -> None:
        self.wall_ns = START
        self.passed_ns = 0

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.passed_ns += ns


def manager(
    limits: RiskLimits | None = None, clock: Clock | None = None, capital: float = 10_000
) -> RiskManager:
    clock = clock or Clock()
    return RiskManager(capital, limits, now_ns=lambda: clock.wall_ns, monotonic_ns=lambda: clock.passed_ns)


def lose(managed: RiskManager, dollars: int, ticker: str = "LOST") -> None:
    """A position bought at 50c that ended at nothing."""
    managed.record_fill(ticker, "yes", 50, 2 * dollars)
    managed.record_resolution(ticker, "no")


# --- the guide's snippets ---------------------------------------------------------------------------


def test_the_guide_s_sizing_snippet(capsys: pytest.CaptureFixture[str]) -> None:
    limits = RiskLimits(
        kelly_fraction=0.25,  # Quarter Kelly
        max_single_position_pct=0.05,  # 5% per position
        max_correlated_group_pct=0.15,  # 15% per correlated group
        max_total_exposure_pct=0.20,  # 20% total
    )
    assert limits == RiskLimits()
    risk_mgr = RiskManager(initial_capital=10000, limits=limits)
    contracts, reason = risk_mgr.calculate_position_size(
        edge=0.05,  # 5% expected edge
        win_probability=0.65,
        price_cents=90,
        market_group="weather_california",  # Correlation group
    )
    if contracts > 0:
        print(f"Trade approved: {contracts} contracts")  # noqa: T201
    else:
        print(f"Trade rejected: {reason}")  # noqa: T201
    # 65 % to win is a losing bet at 90c, whatever edge is claimed.
    assert capsys.readouterr().out == "Trade rejected: no edge after fees\n"


def test_the_guide_s_correlation_snippet() -> None:
    times = pd.date_range("2026-02-25 17:00", periods=60, freq="1min", tz="UTC")
    steps = [(-1) ** (minute // 3) for minute in range(60)]
    prices = {
        "RAIN-LAX": [50 + step for step in steps],
        "RAIN-SFO": [30 + 2 * step for step in steps],
        "CUP": [20 + minute % 7 for minute in range(60)],
    }
    historical_df = pd.concat(
        pd.DataFrame({"ts": times, "ticker": ticker, "price": series}) for ticker, series in prices.items()
    )
    historical_returns_df = calculate_market_returns(historical_df)
    groups = identify_correlated_markets(historical_returns_df, correlation_threshold=0.5)
    lines = [f"Found {len(groups)} correlated market groups:"]
    for group_id, tickers in groups.items():
        lines.append(f"  {group_id}: {len(tickers)} markets")
        lines.append(f"    Example: {tickers[:3]}")
    assert lines == [
        "Found 1 correlated market groups:",
        "  group_1: 2 markets",
        "    Example: ['RAIN-LAX', 'RAIN-SFO']",
    ]


def test_the_guide_s_kill_switch_snippets() -> None:
    risk_mgr = RiskManager(initial_capital=10000, limits=RiskLimits())
    alerts: list[str] = []
    send_alert = alerts.append

    def check() -> bool:
        can_trade, reason = risk_mgr.can_trade()
        if not can_trade:
            logger.error(f"Trading halted: {reason}")
            # Alert operator
            send_alert(reason)
            return False
        return True

    assert check()
    assert alerts == []
    risk_mgr.manual_halt("looks wrong")
    assert not check()
    assert alerts == ["halted: looks wrong"]
    status = risk_mgr.get_status()
    assert status["trading_state"] == "HALTED"
    assert f"Kill switch triggered: {status['kill_switch_reason']}" == "Kill switch triggered: looks wrong"
    # After addressing the issue, manually resume
    risk_mgr.manual_resume()
    assert check()


def test_what_the_guide_s_engine_reads_of_it() -> None:
    risk_mgr = manager()
    risk_mgr.record_fill("A", "yes", 90, 10, "weather", fee=0.07)
    assert risk_mgr.trading_state.value == "RUNNING"
    assert len(risk_mgr.positions) == 1
    assert risk_mgr._get_total_exposure() == pytest.approx(9.0)
    assert risk_mgr.current_capital == pytest.approx(9_999.93)
    assert risk_mgr.daily_pnl == pytest.approx(-0.07)


# --- sizing -----------------------------------------------------------------------------------------


def test_a_new_one_may_trade_and_its_status_is_plain() -> None:
    managed = manager()
    assert managed.can_trade() == (True, "trading is allowed")
    assert managed.get_status() == {
        "trading_state": "RUNNING",
        "kill_switch_reason": None,
        "latches": [],
        "current_capital": 10_000.0,
        "daily_pnl": 0.0,
        "total_exposure": 0.0,
        "open_positions": 0,
        "consecutive_losses": 0,
    }


def test_a_position_is_a_quarter_of_kelly_with_the_fee_and_within_the_limits() -> None:
    # 5 % of 10,000 $ at 90.63c a contract, the fee of 0.63c included.
    assert manager().calculate_position_size(0.05, 0.95, 90, "g") == (
        551,
        "position limit: 5 % of equity would be 11.66 %",
    )
    # (0.93 - 0.9063) / (1 - 0.9063) of a tenth of 10,000 $ is 252.93 $.
    small = manager(RiskLimits(kelly_fraction=0.1)).calculate_position_size(0.03, 0.93, 90, "g")
    assert small == (279, "Kelly stake: 252.93 $ at 0.91 $ a contract")


@pytest.mark.parametrize(
    ("edge", "probability", "price", "reason"),
    [
        (0.0, 0.95, 90, "no edge"),
        (-0.05, 0.95, 90, "no edge"),
        (0.05, 0.9063, 90, "no edge after fees"),
        (0.0063, 0.95, 90, "no edge after fees"),
        (NAN, 0.95, 90, "edge is nan"),
        (0.05, NAN, 90, "win_probability is nan"),
        (0.05, 0.95, NAN, "price_cents is nan"),
        (0.05, float("inf"), 90, "win_probability is inf"),
        (0.05, 0.95, 0, "price is not between 0 and 1 $"),
        (0.05, 0.95, 100, "price is not between 0 and 1 $"),
        (0.05, 0.95, -5, "price is not between 0 and 1 $"),
        (0.05, 95, 97, "win probability is not between 0 and 1"),
    ],
)
def test_no_edge_and_what_makes_no_sense_is_no_position(
    edge: float, probability: float, price: float, reason: str
) -> None:
    if reason == "no edge after fees" and probability == 1.5:
        assert (
            manager().calculate_position_size(edge, probability, price)[0] > 0
        )  # the edge is the smaller claim
        return
    assert manager().calculate_position_size(edge, probability, price) == (0, reason)


def test_of_edge_and_probability_the_smaller_claim_counts() -> None:
    modest = manager().calculate_position_size(0.02, 0.92, 90)
    assert manager().calculate_position_size(0.09, 0.92, 90) == modest
    assert manager().calculate_position_size(0.02, 0.99, 90) == modest


def test_what_is_held_in_a_group_leaves_less_of_it() -> None:
    managed = manager()
    managed.record_fill("A", "yes", 90, 1_600, "weather")
    assert managed.calculate_position_size(0.05, 0.95, 90, "weather")[0] == 66  # 60 $ of 1,500 $ are left
    assert managed.calculate_position_size(0.05, 0.95, 90, "sports")[0] == 551
    managed.record_fill("B", "no", 90, 500, "sports")
    assert managed.calculate_position_size(0.05, 0.95, 90, "other")[0] == 121  # 110 $ of 2,000 $


def test_nothing_is_sized_while_trading_is_halted() -> None:
    managed = manager()
    managed.manual_halt("looks wrong")
    assert managed.calculate_position_size(0.05, 0.95, 90) == (0, "halted: looks wrong")


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (RiskLimits(kelly_fraction=NAN), "kelly_fraction is NaN"),
        (RiskLimits(max_single_position_pct=NAN), "max_single_position_pct is NaN"),
        (RiskLimits(max_total_exposure_pct=-1), "max_total_exposure_pct is -1"),
        (RiskLimits(max_correlated_group_pct=NAN), "correlation failed"),
        (RiskLimits(max_daily_loss_dollars=NAN), "daily loss failed"),
    ],
)
def test_a_limit_that_is_no_number_refuses(limits: RiskLimits, named: str) -> None:
    contracts, reason = manager(limits).calculate_position_size(0.05, 0.95, 90)
    assert contracts == 0
    assert named in reason


@pytest.mark.parametrize("capital", [0, -1, NAN, float("inf")])
def test_a_capital_that_is_none_is_refused(capital: float) -> None:
    with pytest.raises(ValueError, match="not an amount above 0"):
        manager(capital=capital)


# --- switches and latches ---------------------------------------------------------------------------


def test_a_day_s_loss_halts_at_its_limit_and_a_manual_resume_does_not_lift_that() -> None:
    managed = manager()
    lose(managed, 499)
    assert managed.can_trade()[0]
    lose(managed, 1)
    assert managed.can_trade() == (False, "halted: day's loss 500.00 $ reached the limit of 500.00 $")
    managed.manual_halt()
    managed.manual_resume()
    assert managed.trading_state is TradingState.HALTED
    assert managed.get_status()["latches"] == ["daily_loss"]


def test_a_profit_never_halts() -> None:
    managed = manager()
    managed.record_fill("A", "yes", 10, 5_000)
    managed.record_resolution("A", "yes")
    assert managed.daily_pnl == pytest.approx(4_500)
    assert managed.can_trade()[0]


def test_a_new_day_counts_its_own_loss_and_lifts_no_halt() -> None:
    clock = Clock()
    managed = manager(clock=clock)
    lose(managed, 300)
    clock.pass_time(7 * HOUR)
    assert managed.daily_pnl == 0
    lose(managed, 300)
    assert managed.can_trade()[0]
    lose(managed, 200)
    clock.pass_time(24 * HOUR)
    assert managed.trading_state is TradingState.HALTED


def test_five_losses_in_a_row_pause_for_four_hours_and_a_win_between_them_does_not() -> None:
    clock = Clock()
    managed = manager(clock=clock)
    for _ in range(4):
        lose(managed, 1)
    managed.record_fill("WON", "no", 50, 2)
    managed.record_resolution("WON", "no")
    for _ in range(4):
        lose(managed, 1)
    assert managed.can_trade()[0]
    lose(managed, 1)
    assert managed.trading_state is TradingState.PAUSED
    assert managed.get_status()["kill_switch_reason"] == "5 losses in a row"
    clock.pass_time(4 * HOUR - 1)
    assert not managed.can_trade()[0]
    clock.pass_time(1)
    assert managed.can_trade()[0]
    lose(managed, 1)
    assert not managed.can_trade()[0]


def test_a_clock_that_steps_forward_does_not_shorten_the_pause() -> None:
    clock = Clock()
    managed = manager(clock=clock)
    for _ in range(5):
        lose(managed, 1)
    clock.wall_ns += 5 * HOUR
    assert not managed.can_trade()[0]


def test_a_group_over_its_cap_takes_no_more_and_others_do() -> None:
    managed = manager()
    managed.record_fill("A", "yes", 75, 2_000, "weather")
    assert managed.calculate_position_size(0.05, 0.95, 90, "weather")[1].startswith("group limit")
    managed.record_fill("B", "yes", 1, 1, "weather")
    contracts, reason = managed.calculate_position_size(0.05, 0.95, 90, "weather")
    assert contracts == 0
    assert reason.startswith("reduce only: weather: ")
    assert managed.calculate_position_size(0.05, 0.95, 90, "sports")[0] > 0


def test_the_other_outcome_closes_what_is_held_and_brings_its_profit() -> None:
    managed = manager()
    managed.record_fill("A", "yes", 90, 10)
    managed.record_fill("A", "no", 5, 10, fee=0.10)
    assert managed.positions == {}
    assert managed.daily_pnl == pytest.approx(0.40)
    assert managed.get_status()["consecutive_losses"] == 0
    managed.record_resolution("A", "yes")
    assert managed.daily_pnl == pytest.approx(0.40)


@given(
    edge=st.floats(allow_nan=True),
    probability=st.floats(allow_nan=True),
    price=st.floats(allow_nan=True),
)
def test_whatever_is_asked_nothing_beyond_the_position_limit_is_allowed(
    edge: float, probability: float, price: float
) -> None:
    contracts, reason = manager().calculate_position_size(edge, probability, price, "g")
    assert reason
    assert contracts >= 0
    assert contracts == 0 or contracts * price <= 50_000


@given(edge=st.floats(0.001, 0.5), probability=st.floats(0.01, 0.999), price=st.integers(1, 99))
def test_a_position_needs_an_edge_after_the_fee(edge: float, probability: float, price: int) -> None:
    contracts, _ = manager().calculate_position_size(edge, probability, price)
    if contracts:
        assert min(probability, price / 100 + edge) > price / 100
        assert contracts * price <= 50_000
