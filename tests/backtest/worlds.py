"""Recordings and setups drawn at random, for what must hold in all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st
from recorded import BookRow, QuoteRow, TradeRow, latency, market, setup, timeline
from recorded import settings as with_settings

from console.backtest.setup import Setup
from console.history.timeline import Timeline
from console.simulation.execution import QueueModel

MARKETS = 5

quote_rows = st.lists(
    st.builds(
        lambda tenths, place, mid, half, sizes: (
            tenths / 10,
            place,
            max(0, mid - half),
            min(100, mid + half),
            *sizes,
        ),
        st.integers(0, 3_000),
        st.integers(0, MARKETS - 1),
        st.sampled_from([0, 3, 6, 9, 11, 50, 89, 91, 93, 95, 97, 99, 100]),
        st.integers(1, 2),
        st.tuples(st.integers(0, 60), st.integers(0, 60)),
    ),
    min_size=1,
    max_size=120,
    unique_by=lambda row: (row[0], row[1]),
)
trade_rows = st.lists(
    st.tuples(
        st.integers(0, 3_000).map(lambda tenths: tenths / 10),
        st.integers(0, MARKETS - 1),
        st.sampled_from([4, 7, 8, 90, 92, 94, 96]),
        st.integers(1, 80),
        st.booleans(),
    ),
    max_size=60,
)
delays = st.sampled_from([0, 0.05, 0.4, 3.0])
worlds = st.fixed_dictionaries(
    {
        "style": st.sampled_from(["maker", "taker"]),
        "scan_s": st.sampled_from(["0.7", "10", "60"]),
        "expiry_s": st.sampled_from([5, 30, 600]),
        "latency": st.builds(latency, delays, delays, delays, st.sampled_from([0, 0.3])),
        "queue": st.sampled_from(list(QueueModel)),
        "seed": st.integers(0, 3),
        "losing": st.booleans(),
        "capital": st.sampled_from([10_000_000_000, 200_000_000]),
    }
)
cuts = st.lists(st.integers(0, 300), max_size=5, unique=True)


def world(
    drawn: dict[str, object],
    quotes: list[QuoteRow],
    trades: list[TradeRow],
    cut_at: list[int],
    books: Sequence[BookRow] = (),
) -> tuple[Setup, Timeline | None]:
    """A setup and its recording, in pieces; None where every row would lie after its market's close."""
    chosen = with_settings(
        str(drawn["style"]),
        scan_interval=Decimal(str(drawn["scan_s"])),
        order_expiry_seconds=drawn["expiry_s"],
        min_depth_contracts=1,
    )
    chosen = dataclasses.replace(
        chosen, quality=dataclasses.replace(chosen.quality, max_spread_bps=Decimal(10_000))
    )
    made = setup(
        chosen,
        latency=drawn["latency"],
        queue=drawn["queue"],
        seed=drawn["seed"],
        capital=drawn["capital"],
    )
    # Some close while they are quoted, and two share an event.
    closes = [500, 500, 200, 250, 120]
    markets = [market(n, close_s=close, event=f"KXE-{n // 2}") for n, close in enumerate(closes)]
    rows = [row for row in quotes if row[0] < closes[row[1]]]
    prints = [row for row in trades if row[0] < closes[row[1]]]
    paid = [0 if drawn["losing"] else 100, 100, 0, None, 50]
    whole = [row for row in books if row[0] < closes[row[1]]]
    if not rows and not whole:
        return made, None
    return made, timeline(markets, rows, prints, books=whole, paid_cents=paid, cuts=cut_at)
