from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.trading_state import TradingState
from console.monitoring.why_not import MAX_REASONS, STEPS, FunnelStepName, WhyNot
from console.risk.switches.every import every_switch


def passed(funnel: WhyNot) -> list[int]:
    return [count for _, count, _ in funnel.rows()]


def reasons(funnel: WhyNot, step: FunnelStepName, top: int = 3) -> tuple[tuple[str, int], ...]:
    return funnel.rows(top)[STEPS.index(step)][2]


def test_the_steps_read_from_scanned_to_filled() -> None:
    labels = [label for label, _, _ in WhyNot().rows()]
    assert labels == [
        "scanned", "price", "liquidity", "spread", "edge after fees", "limits", "sent", "filled",
    ]  # fmt: skip
    assert passed(WhyNot()) == [0] * 8


def test_a_refusal_counts_every_step_before_it_as_passed() -> None:
    funnel = WhyNot()
    funnel.refused(FunnelStepName.SPREAD, "over 200 bps")
    assert passed(funnel) == [1, 1, 1, 0, 0, 0, 0, 0]
    assert reasons(funnel, FunnelStepName.SPREAD) == (("over 200 bps", 1),)


def test_an_order_that_is_sent_passed_everything_and_may_fill_later() -> None:
    funnel = WhyNot()
    funnel.sent()
    assert passed(funnel) == [1] * 7 + [0]
    funnel.filled()
    assert passed(funnel) == [1] * 8
    funnel.unfilled("expired")
    assert passed(funnel) == [1] * 8
    assert reasons(funnel, FunnelStepName.FILLED) == (("expired", 1),)


def test_the_commonest_reasons_come_first_and_ties_by_name() -> None:
    funnel = WhyNot()
    for reason in ("b", "c", "a", "c", "d"):
        funnel.refused(FunnelStepName.LIMITS, reason)
    assert reasons(funnel, FunnelStepName.LIMITS) == (("c", 2), ("a", 1), ("b", 1))


def test_reasons_without_end_are_counted_together() -> None:
    funnel = WhyNot()
    for number in range(MAX_REASONS + 5):
        funnel.refused(FunnelStepName.LIMITS, f"{number} % of the limit")
    funnel.refused(FunnelStepName.LIMITS, "0 % of the limit")
    counted = reasons(funnel, FunnelStepName.LIMITS, top=1_000)
    assert counted[:2] == (("other", 5), ("0 % of the limit", 2))
    assert len(counted) == MAX_REASONS + 1


def test_each_switch_is_told_apart_at_each_level_whatever_stopped_before() -> None:
    funnel = WhyNot()
    switches = every_switch(RiskSettings(), QualitySettings())
    said = [f"{level.name.lower()} by {switch.key}" for switch in switches for level in TradingState]
    for reason in said:
        funnel.refused(FunnelStepName.LIMITS, reason)
    assert {reason for reason, _ in reasons(funnel, FunnelStepName.LIMITS, top=1_000)} == set(said)


@given(st.lists(st.sampled_from([None, *STEPS[:-1]])))
def test_whoever_comes_to_a_step_either_passes_it_or_is_stopped_there(
    ends: list[FunnelStepName | None],
) -> None:
    funnel = WhyNot()
    for step in ends:
        if step is None:
            funnel.sent()
        else:
            funnel.refused(step, "reason")
    came = len(ends)
    for _, count, stopped in funnel.rows()[:-1]:
        assert count + sum(number for _, number in stopped) == came
        came = count
