"""The records of a period from a journal, over every account that it traded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest

import msgspec

from console.domain.account_events import AccountOpened
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import Cash, Price
from console.monitoring.ledger import Ledger, MarkOuts
from console.monitoring.records import MarketRecord, Records


class PeriodRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What a period left, and how many accounts it is of: in practice every start opens one.

    ``marked_ns`` is when what is open had the prices at which it counts, None where none is known.
    """

    records: Records
    accounts: int
    marked_ns: int | None = None


def records_between(
    events: Iterable[JournaledEvent],
    first_ns: int = 0,
    *,
    marks: Mapping[Ticker, Price] | None = None,
    mark_outs: MarkOuts | None = None,
) -> PeriodRecords | None:
    """From ``first_ns`` on, of all events until the period's end; None where no account was open by then.

    ``marks`` are those of what the newest account holds.
    """
    ledger, found = Ledger(), list[Records]()
    for event in events:
        if isinstance(event, AccountOpened) and ledger.last_ns >= first_ns:
            found += _some(ledger.records(first_ns, mark_outs=mark_outs))
        ledger.observe(event)
    found += _some(ledger.records(first_ns, marks=marks, mark_outs=mark_outs))
    return PeriodRecords(records=joined(found), accounts=len(found)) if found else None


def joined(parts: Sequence[Records]) -> Records:
    """One after the other, as if each account had gone on with what the one before it ended with.

    An account's opening cash is no profit. A market that two of them traded is left out, because whose a
    position in it was cannot be told. ``parts`` has at least one; a latch is as the
    last of them has it.
    """
    if len(parts) == 1:
        return parts[0]
    traded = Counter(market.ticker for part in parts for market in part.traded)
    twice = {ticker for ticker, times in traded.items() if times > 1}
    equity: list[tuple[int, Cash]] = []
    now, final = parts[0].capital, True
    for part in parts:
        gained = now - part.capital
        equity += ((at_ns, Cash(each + gained)) for at_ns, each in part.equity)
        newest = part.equity[-1][1] if part.equity else part.capital
        now = Cash((newest if part.final_equity is None else part.final_equity) + gained)
        final = final and part.final_equity is not None
    return Records(
        first_ns=parts[0].first_ns,
        last_ns=parts[-1].last_ns,
        capital=parts[0].capital,
        final_equity=now if final else None,
        fills=tuple(each for part in parts for each in part.fills if each.fill.ticker not in twice),
        traded=tuple(each for each in _traded(parts) if each.ticker not in twice),
        equity=tuple(equity),
        orders=dict(sum((Counter(part.orders) for part in parts), Counter())),
        latches=tuple({(each.at_ns, each.name): each for part in parts for each in part.latches}.values()),
        decisions=tuple(chain.from_iterable(part.decisions for part in parts)),
        left_out=tuple(sorted(twice.union(*(part.left_out for part in parts)))),
    )


def _traded(parts: Sequence[Records]) -> Iterator[MarketRecord]:
    """What each account traded, and left when the next one was opened."""
    for part, following in zip_longest(parts, parts[1:]):
        for market in part.traded:
            yield msgspec.structs.replace(market, left_ns=following.first_ns) if following else market


def _some(records: Records | None) -> list[Records]:
    return [] if records is None else [records]
