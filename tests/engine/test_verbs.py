"""The operator's verbs, as events through the engine."""

from __future__ import annotations

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    START,
    A,
    B,
    C,
    Desk,
    cancels,
    cents,
    cleared,
    desk,
    engine,
    halts_begun,
    market,
    raised,
    records,
    replayed,
    settings,
    submits,
)

from console.domain.actions import BeginFlatten
from console.domain.commands import Arm, Disarm, Flatten, OperatorCommand, PauseEntries, ReduceOnly, Resume
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.order import OrderIntent
from console.domain.trading_state import TradingState
from console.engine.account_views import NO_EXIT
from console.engine.picture import Painter, Surroundings
from console.engine.snapshot import Snapshot
from console.risk.latches import group_scope, market_scope

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED


def picture_of(trading: Desk) -> Snapshot:
    around = Surroundings(
        environment="practice", dry_run=False, notes=(), connected=True, order_round_trip_ns=None
    )
    return Painter().take(trading.engine, trading.now_ns, around)


def resting_desk() -> tuple[Desk, OrderIntent]:
    """A desk with one entry order at rest."""
    trading = desk(settings("maker"), market(A), market(B, category="Weather"))
    intent = trading.enter(FAVOURITE, A)
    trading.ack(intent)
    return trading, intent


@pytest.mark.parametrize(
    ("command", "name", "level"),
    [
        (PauseEntries(at_ns=START), "pause", PAUSED),
        (ReduceOnly(at_ns=START), "reduce_only", REDUCE_ONLY),
        (Disarm(at_ns=START), "disarmed", REDUCE_ONLY),
        (Flatten(at_ns=START), "flatten", HALTED),
    ],
)
def test_a_verb_raises_its_latch_withdraws_entries_and_makes_none(
    command: OperatorCommand, name: str, level: TradingState
) -> None:
    trading, intent = resting_desk()
    actions = trading.take(command)
    assert raised(actions) == [(name, level)]
    assert cancels(actions) == [intent.client_order_id]
    assert submits(trading.show(FAVOURITE, B)) == []
    assert submits(trading.scan()) == []
    assert trading.state is level


@pytest.mark.parametrize("command", [ReduceOnly(at_ns=START), Disarm(at_ns=START)])
def test_a_restart_keeps_what_the_operator_asked_for(command: OperatorCommand) -> None:
    before, _ = resting_desk()
    before.take(command)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(settings("maker"), account=account, trade_log=trade_log))
    after.connect(market(B, category="Weather"))
    assert submits(after.show(FAVOURITE, B)) == []
    assert after.state is REDUCE_ONLY


def test_the_stronger_verb_holds_whatever_is_asked_after_it() -> None:
    trading = desk()
    trading.halt()
    trading.take(ReduceOnly(at_ns=START))
    trading.pause()
    assert trading.state is HALTED
    trading.resume("manual")
    assert trading.state is REDUCE_ONLY
    trading.resume("reduce_only")
    assert trading.state is PAUSED


def test_arming_needs_a_reason_and_clears_nothing_but_the_disarming() -> None:
    trading = desk()
    trading.take(Disarm(at_ns=START))
    trading.pause()
    assert cleared(trading.take(Arm(at_ns=START, reason=" "))) == []
    assert cleared(trading.take(Arm(at_ns=START, reason="looked at the limits"))) == ["disarmed"]
    assert trading.latches == {"pause"}


def test_arming_what_is_armed_says_so() -> None:
    trading = desk()
    assert cleared(trading.take(Arm(at_ns=START, reason="again"))) == []
    assert "disarmed was not cleared" in trading.engine.alerts[-1].text


def test_disarming_does_not_halt() -> None:
    trading = desk()
    assert halts_begun(trading.take(Disarm(at_ns=START))) == 0


# --- a halt must be confirmed before it may end ------------------------------------------------------------


def unconfirmed() -> Desk:
    trading = desk()
    trading.halts_are_confirmed = False
    trading.halt()
    return trading


def test_a_halt_that_is_not_confirmed_cannot_be_resumed() -> None:
    trading = unconfirmed()
    assert cleared(trading.resume("manual")) == []
    assert "how many of ours still rest is not known" in trading.engine.alerts[-1].text
    trading.tell_halt(2)
    assert trading.engine.resume_refusal("manual", START) == (
        "the halt is not confirmed yet: 2 of ours still rest"
    )
    trading.tell_halt(0)
    assert cleared(trading.resume("manual")) == ["manual"]


def test_a_second_press_must_be_confirmed_anew() -> None:
    trading = unconfirmed()
    trading.tell_halt(0)
    trading.halt()
    trading.tell_halt(1)
    assert cleared(trading.resume("manual")) == []


def test_a_later_halt_is_not_covered_by_the_confirmation_of_the_last() -> None:
    trading = unconfirmed()
    trading.tell_halt(0)
    trading.resume("manual")
    trading.halt()
    assert cleared(trading.resume("manual")) == []


def test_a_pause_can_be_resumed_while_a_halt_is_not_confirmed() -> None:
    trading = unconfirmed()
    trading.pause()
    assert cleared(trading.resume("pause")) == ["pause"]
    assert trading.state is HALTED


# --- a latch on a part -------------------------------------------------------------------------------------


def scoped(scope: str) -> LatchRaised:
    return LatchRaised(
        at_ns=START, name="correlation", level=REDUCE_ONLY, reason="over its cap", source="risk", scope=scope
    )


@pytest.mark.parametrize("scope", ["group", "market"])
def test_a_latch_on_a_part_stops_that_part_alone(scope: str) -> None:
    trading = desk(settings("maker"), market(A), market(B), market(C, category="Weather"))
    resting = {ticker: trading.enter(FAVOURITE, ticker) for ticker in (A, B, C)}
    for intent in resting.values():
        trading.ack(intent)
    of_group = group_scope(trading.engine.markets.group(A))
    actions = trading.take(scoped(of_group if scope == "group" else market_scope(A)))
    stopped = [A, B] if scope == "group" else [A]
    assert cancels(actions) == [resting[ticker].client_order_id for ticker in stopped]
    assert halts_begun(actions) == 0
    assert trading.state is TradingState.RUNNING


def test_a_latch_on_a_group_denies_entries_there_and_nowhere_else() -> None:
    trading = desk(settings(), market(A), market(C, category="Weather"))
    trading.take(scoped(group_scope(trading.engine.markets.group(A))))
    assert submits(trading.show(FAVOURITE, A)) == []
    assert [intent.ticker for intent in submits(trading.show(LONGSHOT, C))] == [C]


def test_a_latch_on_a_part_is_resumed_by_its_name_and_scope() -> None:
    trading = desk()
    for group in ("coins", "rain"):
        trading.take(scoped(group_scope(group)))
    trading.resume("correlation group:coins")
    assert [latch.id for latch in trading.engine.account.latches.active] == ["correlation group:rain"]
    account, _ = replayed(records(trading.actions))
    assert account.latches.active == trading.engine.account.latches.active


def test_the_journal_says_which_part_was_cleared() -> None:
    trading = desk()
    trading.take(scoped("group:coins"))
    actions = trading.resume("correlation group:coins")
    assert LatchCleared(
        at_ns=START, name="correlation", reason="looked at it", source="operator", scope="group:coins"
    ) in records(actions)


# --- flattening is asked for once --------------------------------------------------------------------------


def test_a_flatten_halts_before_anything_is_sold() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    actions = trading.take(Flatten(at_ns=START))
    assert raised(actions) == [("flatten", HALTED)]
    assert [type(a) for a in actions if isinstance(a, BeginFlatten)] == [BeginFlatten]
    assert submits(trading.scan()) == []


def test_a_second_flatten_while_one_is_on_is_refused() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    trading.take(Flatten(at_ns=START))
    actions = trading.take(Flatten(at_ns=START))
    assert not any(isinstance(a, BeginFlatten) for a in actions)
    assert "already" in trading.engine.alerts[-1].text


def test_every_verb_is_journaled() -> None:
    trading = desk()
    asked: list[OperatorCommand] = [
        ReduceOnly(at_ns=START),
        Disarm(at_ns=START),
        Arm(at_ns=START, reason="again"),
        Flatten(at_ns=START),
        Resume(at_ns=START, latch="nothing", reason="why not"),
    ]
    for command in asked:
        assert command in records(trading.take(command))


# --- what the screen is told -------------------------------------------------------------------------------


def test_the_picture_says_of_each_latch_why_it_may_not_be_cleared() -> None:
    trading = unconfirmed()
    trading.tell_halt(2)
    trading.pause()
    shown = {view.id: view.refusal for view in picture_of(trading).latches}
    assert shown == {"manual": "the halt is not confirmed yet: 2 of ours still rest", "pause": None}


def test_the_picture_prices_the_exit_of_a_position_only_from_a_live_book() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    [position] = picture_of(trading).positions
    assert position.exit.price == cents(92)
    trading.lose_feed()
    [position] = picture_of(trading).positions
    assert position.exit == NO_EXIT
