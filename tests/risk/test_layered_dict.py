"""A layered dict is a dict, and its copies stay as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.risk.layered_dict import LayeredDict

keys = st.integers(0, 50)
steps = st.lists(st.tuples(st.sampled_from(["set", "pop", "copy"]), keys, st.integers()), max_size=200)


@given(steps)
def test_it_is_a_dict_and_its_copies_stay_as_they_were(history: list[tuple[str, int, int]]) -> None:
    layered, plain = LayeredDict[int, int](), dict[int, int]()
    copies: list[tuple[LayeredDict[int, int], dict[int, int]]] = []
    for step, key, value in history:
        match step:
            case "set":
                layered[key] = plain[key] = value
            case "pop":
                assert layered.pop(key, None) == plain.pop(key, None)
            case _:
                copies.append((layered.copy(), dict(plain)))
    copies.append((layered, plain))
    for copied, expected in copies:
        assert dict(copied) == expected
        assert len(copied) == len(expected)
        assert all(copied.get(key) == expected.get(key) for key in range(51))


def test_copies_that_are_made_after_every_change_stay_as_they_were() -> None:
    layered, copies = LayeredDict[int, int](), list[LayeredDict[int, int]]()
    for number in range(100):
        layered[number] = number
        if number >= 60:
            del layered[number - 60]
        copies.append(layered.copy())
    for number, copied in enumerate(copies):
        assert sorted(copied) == list(range(max(0, number - 59), number + 1))
