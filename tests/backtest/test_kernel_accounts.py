"""What the engine believes of its account is what the exchange has booked, in any run, on any machine."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import QuoteRow, TradeRow, market, setup, timeline
from watching import played
from worlds import quote_rows, trade_rows, world, worlds

from console.backtest.run import run
from console.domain.fees import ProfitFees
from console.history.schema import HistoryError
from console.simulation.slippage import SlippageModel

BUILDERS = Path(__file__).parent
A_RUN = """
from recorded import latency, market, setup, timeline
from console.backtest.run import run

markets = [market(n, event=f"E{n}", close_s=400) for n in range(4)]
rows = [(1 + n / 10 + s, n, 92, 93, 500, 20 + n) for n in range(4) for s in range(0, 300, 7)]
made = setup(latency=latency(0.05, 0.1, 0.05, 0.4), seed=3)
result = run(made, timeline(markets, rows, paid_cents=[100, 0, None, 50]))
print(result.journal_hash, len(result.fills), result.cash)
"""


@settings(max_examples=60)
@given(
    drawn=worlds,
    quotes=quote_rows,
    trades=trade_rows,
    slips=st.booleans(),
    charges_profits=st.booleans(),
    skips=st.booleans(),
)
def test_the_engines_account_is_the_exchanges(
    drawn: dict[str, object],
    quotes: list[QuoteRow],
    trades: list[TradeRow],
    slips: bool,
    charges_profits: bool,
    skips: bool,
) -> None:
    made, recording = world(drawn, quotes, trades, [])
    if recording is None:
        return
    made = dataclasses.replace(
        made,
        slippage=SlippageModel() if slips else None,
        profit_fees=ProfitFees() if charges_profits else None,
        skip_ahead=skips,
    )
    kernel = played(made, recording).kernel
    account, broker = kernel.desk.engine.account, kernel.exchange.broker
    assert account.cash == broker.cash()
    assert account.fees == sum(fill.fee for fill in broker.fills()) + sum(
        settlement.fee for settlement in broker.settlements()
    )
    booked = {report.ticker: report.position for report in broker.positions() if report.position}
    assert {ticker: position.contracts for ticker, position in account.held.items()} == booked
    ours = {order.intent.client_order_id: (order.status, order.filled) for order in account.orders.values()}
    theirs = {report.client_order_id: (report.status, report.filled) for report in broker.orders()}
    assert {key: ours[key] for key in theirs} == theirs
    assert not account.unknown_orders


def test_equal_setups_give_equal_journals_in_any_process() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", A_RUN],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(BUILDERS)},
            cwd=BUILDERS.parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert int(told[0].split()[1]) > 0


def test_progress_is_told_in_quiet_stretches_too() -> None:
    """Of what is held one scan after the other is made, though there be no row to pass on."""
    bought: list[QuoteRow] = [(second, 0, 92, 93, 500, 500) for second in range(1, 100, 10)]
    quiet: list[QuoteRow] = [(3_600 * hour, 0, 50, 51, 20, 20) for hour in range(1, 20)]
    told: list[tuple[int, int]] = []
    run(setup(), timeline([market(0)], [*bought, *quiet]), lambda done, total: told.append((done, total)))
    done = [rows for rows, _ in told]
    assert len(set(done)) > 3
    assert done == sorted(done)
    assert {total for _, total in told} == {len(bought) + len(quiet)}


def test_a_recording_without_rows_is_refused_in_a_sentence() -> None:
    with pytest.raises(HistoryError, match="no row"):
        run(setup(), timeline([market(0)], []))
