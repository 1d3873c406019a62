"""What is added up step by step is what is added up anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, held, order

from console.domain.book import BookSide
from console.domain.order import Order
from console.domain.position import Position
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.running_exposure import RunningExposure

TICKERS = "ABCDEF"
PLACES = [
    Place(group, event, is_exclusive)
    for event in ("E1", "E2")
    for group in ("G1", "G2")
    for is_exclusive in (False, True)
]

positions = st.dictionaries(
    st.sampled_from(TICKERS),
    st.builds(
        lambda side, price, count: held(side, cents(price), contracts(count)) if count else Position(),
        st.sampled_from(BookSide),
        st.integers(1, 99),
        st.integers(0, 20),
    ),
)
orders = st.lists(
    st.builds(
        lambda ticker, side, price, count: order(ticker, side, cents(price), contracts(count)),
        st.sampled_from(TICKERS),
        st.sampled_from(BookSide),
        st.integers(1, 99),
        st.integers(1, 20),
    ),
    max_size=6,
)
states = st.tuples(positions, orders, st.dictionaries(st.sampled_from(TICKERS), st.sampled_from(PLACES)))


@given(st.lists(states, min_size=1, max_size=6))
def test_after_any_changes_it_is_what_adding_up_anew_gives(
    history: list[tuple[dict[str, Position], list[Order], dict[str, Place]]],
) -> None:
    running = RunningExposure()
    for of_positions, of_orders, of_places in history:
        state = of_positions, of_orders, of_places
        assert running.of(*state) == Exposure.of(*state)


def test_what_was_given_out_does_not_change_afterwards() -> None:
    running, places = RunningExposure(), {"A": PLACES[0]}
    first = running.of({"A": held(BookSide.BID, cents(90), contracts(10))}, [], places)
    at_stake = first.total
    running.of({"A": held(BookSide.BID, cents(90), contracts(20))}, [], places)
    assert first.total == at_stake
    assert first.market("A").worst == at_stake
