from __future__ import annotations

from collections.abc import Callable

import msgspec
from engine_builders import START, TOSS_UP, A, B, market
from hypothesis import given
from hypothesis import strategies as st

from console.domain.market import Market, MarketStatus
from console.engine.markets import Markets
from console.risk.groups import Grouping

Step = Callable[[Markets], object]

tickers = st.sampled_from([A, B])
times = st.sampled_from([START, START, START + 1, START + 2])
statuses = st.sampled_from([MarketStatus.ACTIVE, MarketStatus.ACTIVE, MarketStatus.INACTIVE])


@st.composite
def listed(draw: st.DrawFn) -> Market:
    changes = {"open_ns": draw(times), "close_ns": START + draw(st.integers(0, 3)), "status": draw(statuses)}
    return msgspec.structs.replace(market(draw(tickers)), **changes)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    defined, ticker, status, close_ns = draw(listed()), draw(tickers), draw(statuses), draw(times)
    choices: list[Step] = [
        lambda known: known.list(defined),
        lambda known: known.take_quote(ticker, TOSS_UP),
        lambda known: known.change_status(ticker, status, close_ns),
        lambda known: known.forget(ticker),
        Markets.lose_quotes,
    ]
    return choices[draw(st.sampled_from([0, 0, 1, 1, 1, 1, 2, 3, 4]))]


@given(st.lists(st.tuples(steps(), st.none() | times), min_size=10, max_size=30))
def test_the_count_of_books_that_is_kept_is_the_one_made_anew(taken: list[tuple[Step, int | None]]) -> None:
    known = Markets(Grouping({}))
    for step, asked_ns in taken:
        step(known)
        if asked_ns is None:
            continue
        followed = [each.market for each in known.listed if each.market is not None]
        are_open = [each.ticker for each in followed if each.is_open(asked_ns)]
        assert known.books(asked_ns) == (len(are_open), sum(not known.is_live(each) for each in are_open))
        bounds = [ns for each in followed for ns in (each.open_ns, each.close_ns)]
        assert known.are_to_change(asked_ns) == any(ns > asked_ns for ns in bounds)
