"""What is added up step by step is what is added up anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, external_order, held, order

from console.domain.book import BookSide
from console.domain.order import Order, OrderReport
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
externals = st.lists(
    st.builds(
        lambda ticker, side, price, count: external_order(ticker, side, cents(price), contracts(count)),
        st.sampled_from(TICKERS),
        st.sampled_from(BookSide),
        st.integers(1, 99),
        st.integers(1, 20),
    ),
    max_size=4,
)
layouts = st.dictionaries(st.sampled_from(TICKERS), st.sampled_from(PLACES))
histories = st.lists(
    st.tuples(positions, orders, st.none() | st.tuples(layouts, externals)), min_size=1, max_size=8
)


def by_market(of_orders: list[Order]) -> dict[str, dict[str, Order]]:
    working: dict[str, dict[str, Order]] = {}
    for each in of_orders:
        working.setdefault(each.intent.ticker, {})[each.intent.client_order_id] = each
    return working


@given(histories, layouts)
def test_after_any_changes_it_is_what_adding_up_anew_gives(
    history: list[tuple[dict[str, Position], list[Order], tuple[dict[str, Place], list[OrderReport]] | None]],
    layout: dict[str, Place],
) -> None:
    running = RunningExposure()
    external: list[OrderReport] = []
    known: tuple[dict[str, Position], dict[str, dict[str, Order]]] | None = None
    for of_positions, of_orders, others in history:
        working = by_market(of_orders)
        changed: set[str] | None = None
        if known is not None and others is None:
            changed = {
                ticker
                for ticker in TICKERS
                if (of_positions.get(ticker), working.get(ticker))
                != (known[0].get(ticker), known[1].get(ticker))
            }
        layout, external = others or (layout, external)
        known = of_positions, working
        anew = Exposure.of(of_positions, of_orders, layout, external)
        assert running.of(of_positions, working, layout, external, changed) == anew


def test_both_sides_of_a_market_are_reserved_until_they_are_gone() -> None:
    running, place = RunningExposure(), {"A": PLACES[0]}
    both = by_market(
        [
            order("A", BookSide.BID, cents(40), contracts(10)),
            order("A", BookSide.ASK, cents(60), contracts(20)),
        ]
    )
    external = [external_order("A", BookSide.BID, cents(30), contracts(10))]
    assert running.of({}, both, place, external).reserved == 4_000_000 + 8_000_000 + 3_000_000
    assert running.of({}, {}, place, external, {"A"}).reserved == 3_000_000
    assert running.of({}, {}, place).reserved == 0


def test_places_that_changed_are_told_though_nothing_is_held() -> None:
    running = RunningExposure()
    running.of({}, {}, {"A": PLACES[0]})
    assert running.of({}, {}, {"A": PLACES[1]}).place("A") == PLACES[1]


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
