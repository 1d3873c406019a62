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
layouts = st.dictionaries(st.sampled_from(TICKERS), st.sampled_from(PLACES))
histories = st.lists(st.tuples(positions, orders, st.none() | layouts), min_size=1, max_size=8)


def by_market(of_orders: list[Order]) -> dict[str, dict[str, Order]]:
    working: dict[str, dict[str, Order]] = {}
    for each in of_orders:
        working.setdefault(each.intent.ticker, {})[each.intent.client_order_id] = each
    return working


@given(histories, layouts)
def test_after_any_changes_it_is_what_adding_up_anew_gives(
    history: list[tuple[dict[str, Position], list[Order], dict[str, Place] | None]], layout: dict[str, Place]
) -> None:
    running = RunningExposure()
    known: tuple[dict[str, Position], dict[str, dict[str, Order]]] | None = None
    for of_positions, of_orders, other_layout in history:
        working = by_market(of_orders)
        changed: set[str] | None = None
        if known is not None and other_layout is None:
            changed = {
                ticker
                for ticker in TICKERS
                if (of_positions.get(ticker), working.get(ticker))
                != (known[0].get(ticker), known[1].get(ticker))
            }
        layout = layout if other_layout is None else other_layout
        known = of_positions, working
        anew = Exposure.of(of_positions, of_orders, layout)
        assert running.of(of_positions, working, layout, (), changed) == anew


def test_what_was_given_out_does_not_change_afterwards() -> None:
    places = {"A": PLACES[0], "B": PLACES[0]}
    both = {
        "A": held(BookSide.BID, cents(90), contracts(10)),
        "B": held(BookSide.ASK, cents(9), contracts(5)),
    }
    running = RunningExposure()
    first, before = running.of(both, {}, places), Exposure.of(both, [], dict(places))
    running.of({"A": held(BookSide.BID, cents(90), contracts(20))}, {}, places, (), {"A", "B"})
    assert first == before
