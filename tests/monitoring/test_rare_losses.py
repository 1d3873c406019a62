"""How sure a profit is when losses are so rare that few or none were seen."""

from __future__ import annotations

import numpy as np
import pytest

from console.monitoring.clusters import sureness_of
from console.monitoring.statistics import where_few_differ

WIN, LOSS, PAID = 6.0, -94.0, 94.0


def of(won: int, lost: int) -> tuple[list[float], list[float]]:
    return [*[WIN] * won, *[LOSS] * lost], [PAID] * (won + lost)


@pytest.mark.parametrize("varied", [0.0, 0.3])
def test_favourites_that_all_won_prove_no_profit(varied: float) -> None:
    net = [WIN * (1 + varied * (n % 3 - 1)) for n in range(15)]
    sure = sureness_of((net, [PAID] * 15), (net[:1], [PAID * 15]))
    assert sure.p_value is not None
    assert sure.p_value > 0.2
    assert sure.pnl is not None
    assert sure.bps is not None
    # At the lower end of 15 of 15, 79.6 %, they lose 14.4 dollars each.
    assert sure.pnl.low == pytest.approx(15 * (0.796 * WIN + 0.204 * LOSS), rel=0.01)
    assert sure.bps.low < 0 < sure.bps.high
    assert (sure.pnl.by, sure.pnl.clusters) == ("event", 15)


def test_enough_wins_without_a_loss_do_prove_one() -> None:
    sure = sureness_of(of(400, 0), of(400, 0))
    assert sure.p_value is not None
    assert sure.p_value < 0.001
    assert sure.pnl is not None
    assert sure.pnl.low > 0


def test_losses_that_were_seen_often_enough_leave_the_bootstrap_alone() -> None:
    net, paid = of(95, 5)
    sure = sureness_of((net, paid), (net, paid))
    assert sure.pnl is not None
    # Of 100 draws about 10 lost at most: 70 dollars below nothing, not the 18 of Wilson's upper end.
    assert sure.pnl.low > -700


def test_losers_alone_are_no_reason_to_widen_what_a_win_would_have_made_is_not_known() -> None:
    net, paid = of(0, 6)
    sure = sureness_of((net, paid), (net, paid))
    assert sure.pnl is not None
    assert sure.pnl.high < 0


@pytest.mark.parametrize("n", [20, 40, 80])
def test_intervals_hold_what_is_true_where_losses_are_rare(n: int) -> None:
    drawn = np.random.default_rng(7)
    truth = n * (0.95 * WIN + 0.05 * LOSS)
    held = 0
    for _ in range(100):
        lost = int((drawn.random(n) >= 0.95).sum())
        interval = sureness_of(of(n - lost, lost), of(n - lost, lost)).pnl
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert held >= 90


def test_a_contract_that_never_lost_may_lose_what_is_left_of_its_dollar() -> None:
    found = where_few_differ([6.0] * 15, [1.0] * 15, lambda gain: 100 - gain)
    assert found is not None
    (low, high), p_value = found
    assert low == pytest.approx(0.796 * 6 - 0.204 * 94, rel=0.01)
    assert high == pytest.approx(6)
    assert 0.3 < p_value < 0.35
