"""One backtest: a setup and a recording in, a result out."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from console.backtest.kernel import Kernel, first_ns_of
from console.backtest.result import Result
from console.domain.events import JournaledEvent
from console.domain.market import Market
from console.domain.money import Cash
from console.history.schema import HistoryError
from console.monitoring.records import MarketRecord
from console.monitoring.why_not import MAX_REASONS, FunnelStepName

if TYPE_CHECKING:
    from console.backtest.setup import Setup
    from console.history.timeline import Timeline

_MADE_BETWEEN_COLLECTIONS = 100_000
"""Objects; Python's own 700 would cost a tenth of a run."""


def run(setup: Setup, timeline: Timeline, progress: Callable[[int, int], None] | None = None) -> Result:
    """Trade a recording; ``progress`` hears how many of its rows are done, of how many.

    Raises HistoryError when there is no row, or a file was changed since the timeline was opened.
    """
    kernel = run_recorded(setup, timeline, progress)
    return _result(setup, timeline, kernel)


def run_recorded(
    setup: Setup,
    timeline: Timeline,
    progress: Callable[[int, int], None] | None = None,
    on_record: Callable[[JournaledEvent], None] | None = None,
) -> Kernel:
    """The same, and all that it leaves; ``on_record`` hears what is journaled."""
    slices = timeline.slices()
    first = next(slices, None)
    if first is None:
        raise HistoryError("the recording has no row in this period; there is nothing to trade")
    kernel = Kernel(setup, timeline, first_ns_of(first))
    kernel.desk.on_record = on_record
    total = timeline.rows
    tell = (lambda rows: progress(min(rows, total), total)) if progress else _tell_nobody
    with _rarely_collecting():
        kernel.run(itertools.chain([first], slices), tell)
    return kernel


@contextlib.contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Garbage is looked for less often: what a run makes it keeps, or it goes by itself."""
    often = gc.get_threshold()
    if often[0]:
        gc.set_threshold(max(often[0], _MADE_BETWEEN_COLLECTIONS), *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)


def _result(setup: Setup, timeline: Timeline, kernel: Kernel) -> Result:
    desk = kernel.desk
    account, funnel = desk.engine.account, desk.engine.entries.why_not.rows(top=MAX_REASONS + 1)
    denied = {name: dict(reasons) for name, _, reasons in funnel}[FunnelStepName.LIMITS.value]
    return Result(
        first_ns=kernel.first_ns,
        last_ns=kernel.now_ns,
        rows=kernel.rows,
        dispatched=kernel.dispatched,
        events=desk.events,
        markets=len(timeline.markets),
        capital=setup.capital,
        cash=account.cash,
        final_equity=desk.engine.equity,
        fees=account.fees,
        fills=tuple(kernel.fills.records),
        traded=tuple(_traded(kernel, timeline)),
        equity=tuple(desk.equity),
        orders=dict(
            Counter(
                order.status.value if order.status.is_terminal else "resting"
                for order in account.orders.values()
            )
        ),
        denied=denied,
        why_not=desk.engine.entries.why_not.rows(),
        latches=tuple(desk.latches),
        renewals=desk.renewals,
        prints=kernel.prints,
        dropped=timeline.dropped,
        noted=timeline.noted | +kernel.books.noted | kernel.listings.noted,
        journal_hash=desk.journal_hash,
        stopped_by=desk.stopped_by,
        decisions=tuple(kernel.fills.decisions),
    )


def _traded(kernel: Kernel, timeline: Timeline) -> list[MarketRecord]:
    markets = {market.ticker: market for market in timeline.markets}
    tickers = dict.fromkeys(record.fill.ticker for record in kernel.fills.records)
    return [_market_record(kernel, timeline, markets[ticker]) for ticker in tickers]


def _market_record(kernel: Kernel, timeline: Timeline, market: Market) -> MarketRecord:
    ticker = market.ticker
    settled = kernel.exchange.settled.get(ticker)
    engine = kernel.desk.engine
    held = engine.account.position(ticker)
    outcome, is_drawn = timeline.outcomes[ticker], ticker in kernel.exchange.drawn
    return MarketRecord(
        ticker=ticker,
        event_ticker=market.event_ticker,
        series_ticker=market.series_ticker,
        category=market.category,
        group=kernel.desk.groups[ticker],
        close_ns=outcome.close_ns,
        settled_ns=None if settled is None else settled.settlement.at_ns,
        yes_value=None if settled is None else settled.settlement.yes_value,
        is_drawn=is_drawn,
        position=held.contracts if settled is None else settled.held,
        mark=engine.markets.exit_price(ticker, held.side) if settled is None and held.contracts else None,
        profit_fee=Cash(0) if settled is None else settled.settlement.fee,
        is_read_off=settled is not None and not is_drawn and not outcome.is_announced,
    )


def _tell_nobody(rows: int) -> None:
    pass
