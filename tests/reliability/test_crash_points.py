"""SIGKILL at every named place between two effects, and in the middle of an answer on the wire."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from arena import Arena, arena, trading_run
from conftest import Count, Tell
from faults import ORDERS, Fault, Turn, status
from kill_harness import MAKER, ForkedRun
from run_tasks import DieAt, halt, resume, stop

pytestmark = pytest.mark.timeout(0)

REPOSITORY = Path(__file__).parents[2]
KILLED = -signal.SIGKILL
_WHERE = ("before commit", "committed")

COMMITTED = (
    "AccountOpened",
    "MarketTraded",
    "OrderIntended",
    "OrderAcked",
    "OrderFilled",
    "OrderReported",
    "OrderBecameUnknown",
    "MarketSettled",
)
"""Events whose commits are come to while trading; those of the latches come with a halt and its end."""
TRADING = (
    "start: locked",
    "start: earlier run cancelled",
    "group: created",
    "group: in the run file",
    "reconcile: read",
    "reconcile: one taken",
    "order: before request",
    "order: answered",
    "cancel: before request",
    "cancel: answered",
    "journal append: before commit",
    "journal append: committed",
)
HALTING = (
    "halt: gate closed",
    "halt: file written",
    "halt: group triggered",
    "halt: listed",
    "halt: confirmed",
    "LatchRaised: before commit",
    "LatchRaised: committed",
)
RESUMING = (
    "resume: groups reset",
    "resume: file removed",
    "LatchCleared: before commit",
    "LatchCleared: committed",
)
ENDING = (
    "shutdown: gate closed",
    "shutdown: cancelled",
    "shutdown: before checkpoint",
    "shutdown: journal closed",
    "shutdown: run file removed",
)


def killed_trading(place: Arena, name: str) -> None:
    with place.run(MAKER, crash_at=name, nth=12 if name.startswith("journal") else 1) as run:
        assert run.wait_ended() == KILLED, name


def killed_halting(place: Arena, name: str) -> None:
    with trading_run(place) as run:
        run.ask(DieAt(name))
        assert run.ask(halt) is None, name
        assert run.wait_ended() == KILLED


def killed_resuming(place: Arena, name: str) -> None:
    with trading_run(place) as run:
        assert run.ask(halt)
        run.ask(DieAt(name))
        assert run.ask(resume) is None, name
        assert run.wait_ended() == KILLED


def killed_ending(place: Arena, name: str) -> None:
    with trading_run(place) as run:
        run.ask(DieAt(name))
        assert run.ask(stop) is None, name
        assert run.wait_ended() == KILLED


def on_the_wire(run: ForkedRun, *, accepted: bool, answered: bool) -> Fault:
    """Kill the run when its order is at the exchange's door, or half of the answer is on its way."""

    async def fault(turn: Turn) -> None:
        if not accepted:
            run.process.kill()
        answer = await turn.forward()
        if answered:
            await turn.send(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(answer.body))
            await turn.send(answer.body[:-40])
        if accepted:
            run.process.kill()

    return fault


def make_way_for(place: Arena, name: str) -> None:
    """See that a run comes to a place soon: the socket tells of an order before its answer does."""
    tells = (b'"user_order', b'"fill"')
    answers_first = name.startswith(("OrderAcked", "OrderBecameUnknown"))
    place.proxy.on_message = lambda m: [] if answers_first and any(tell in m for tell in tells) else [m]
    if name.startswith("OrderBecameUnknown"):
        place.proxy.on("POST", ORDERS, status(503, forwards=True), times=3)


def killed_on_the_wire(place: Arena, *, accepted: bool = False, answered: bool = False) -> None:
    with place.run() as run:
        place.proxy.on("POST", ORDERS, on_the_wire(run, accepted=accepted, answered=answered), times=1)
        assert run.wait_ended() == KILLED


def kills(place: Arena) -> list[tuple[str, Callable[[], None]]]:
    """Every place with what brings a run there, in an order in which a new account can come to each."""
    # A new account is opened once.
    commits = [f"{kind}: {where}" for kind in COMMITTED for where in _WHERE]
    of_a_life = [(name, killed_trading) for name in (*commits, *TRADING)]
    of_a_life += [(name, killed_halting) for name in HALTING]
    of_a_life += [(name, killed_resuming) for name in RESUMING]
    of_a_life += [(name, killed_ending) for name in ENDING]
    return [
        *((name, partial(kill, place, name)) for name, kill in of_a_life),
        ("wire: before the exchange has it", partial(killed_on_the_wire, place)),
        ("wire: the exchange has it", partial(killed_on_the_wire, place, accepted=True)),
        ("wire: half of the answer came", partial(killed_on_the_wire, place, accepted=True, answered=True)),
    ]


def test_killed_at_each_named_place_nothing_is_forgotten_and_nothing_doubled(
    tmp_path: Path, count: Count, tell: Tell
) -> None:
    seed, began = random.SystemRandom().randrange(2**32), time.monotonic()
    audited_every = count(1_000, 1)
    tell(f"seed {seed}")
    with arena(tmp_path / "home", seed) as place:
        for number, (name, kill) in enumerate(kills(place), 1):
            make_way_for(place, name)
            try:
                kill()
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
            # An audit would open the account before it can be killed in opening it again.
            if number % audited_every == 0 and name != "AccountOpened: before commit":
                result = place.close_the_books()
                assert not result.differences, (name, result.differences)
        result = place.close_the_books()
        tell(
            f"{len(kills(place))} places, {place.orders_sent} POSTs: {result}; "
            f"{time.monotonic() - began:.0f} s"
        )
        assert not result.differences, result.differences


def test_every_crash_point_of_the_code_is_come_to_by_a_test() -> None:
    sources = "\n".join(path.read_text() for path in (REPOSITORY / "console").rglob("*.py"))
    named = set(re.findall(r'crash_point\("([^"]+)"\)', sources))
    assert named, "no crash point found"
    here = {*TRADING, *HALTING, *RESUMING, *ENDING}
    elsewhere = "\n".join(
        (REPOSITORY / "tests" / file).read_text()
        for file in (
            "engine/test_journal.py",
            "engine/test_journal_backup.py",
            "commands/test_recover_command.py",
        )
    )
    assert {name for name in named - here if f'"{name}"' not in elsewhere} == set()
    committed = {f"{kind}: {where}" for kind in ("LatchRaised", "LatchCleared") for where in _WHERE}
    assert here - named - committed == set(), "named here and not in the code"
