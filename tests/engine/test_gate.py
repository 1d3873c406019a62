from __future__ import annotations

from console.engine.gate import Gate


def passes(gate: Gate) -> tuple[bool, bool]:
    """Whether an entry and an exit may leave."""
    return gate.permits(reduce_only=False), gate.permits(reduce_only=True)


def test_an_open_gate_lets_every_order_pass_and_a_closed_one_none() -> None:
    gate = Gate()
    assert passes(gate) == (True, True)
    gate.close()
    assert passes(gate) == (False, False)
    gate.open()
    assert passes(gate) == (True, True)


def test_while_flattening_only_orders_that_reduce_may_leave() -> None:
    gate = Gate()
    gate.close()
    gate.open_to_reduce()
    assert passes(gate) == (False, True)
    assert not gate.is_open
    gate.close()
    assert passes(gate) == (False, False)
