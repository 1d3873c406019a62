"""Holding back after the exchange said that we are too fast."""

from __future__ import annotations

import asyncio
import random

import pytest

from console.exchange.backoff import Backoff

NS_PER_S = 1_000_000_000


class Waited:
    """A clock that only sleeping moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = 0
        self.backoff = Backoff(lambda: self.now_ns)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)
        # The longest that may be drawn.
        monkeypatch.setattr(random, "uniform", lambda _, longest: longest)

    async def _sleep(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS_PER_S)

    async def seconds(self) -> float:
        """How long a request waits now."""
        began_ns = self.now_ns
        await self.backoff.wait()
        return (self.now_ns - began_ns) / NS_PER_S


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> Waited:
    return Waited(monkeypatch)


async def test_nothing_is_held_back_before_a_refusal(waited: Waited) -> None:
    assert await waited.seconds() == 0


async def test_it_waits_for_as_long_as_the_exchange_asks_and_no_longer_than_a_minute(waited: Waited) -> None:
    waited.backoff.refused("7")
    assert await waited.seconds() == 7
    waited.backoff.refused("999999999999999999999999")
    assert await waited.seconds() == 60


@pytest.mark.parametrize("words", [None, "", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "٣"])
async def test_without_a_number_of_seconds_it_waits_a_random_time(words: str | None, waited: Waited) -> None:
    waited.backoff.refused(words)
    assert await waited.seconds() == 0.25


async def test_the_random_time_doubles_with_each_refusal_up_to_ten_seconds(waited: Waited) -> None:
    longest = []
    for _ in range(8):
        waited.backoff.refused(None)
        longest.append(await waited.seconds())
    assert longest == [0.25, 0.5, 1, 2, 4, 8, 10, 10]


async def test_an_answer_in_between_starts_it_anew(waited: Waited) -> None:
    for _ in range(3):
        waited.backoff.refused(None)
        await waited.seconds()
    waited.backoff.served()
    waited.backoff.refused(None)
    assert await waited.seconds() == 0.25


async def test_a_shorter_wait_does_not_cut_a_longer_one_short(waited: Waited) -> None:
    waited.backoff.refused("5")
    waited.backoff.refused("1")
    assert await waited.seconds() == 5
