"""The bar of long work: on a terminal alone, and never silent about an interrupt."""

from __future__ import annotations

import io
import sys

import pytest

from console.commands.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time now, in its last item."""
    seconds = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[-1])
    return seconds


def test_the_bar_tells_share_pace_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, seconds: list[float]
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Bar("rows") as bar:
        bar.begin("running")
        bar.count(0, 4_000)
        seconds.append(101.0)
        bar.count(1_000, 4_000)
        assert terminal.getvalue().endswith("running [#####...............]  25% 1,000 rows/s, 0:03 left")
        bar.count(1_001, 4_000)
        assert "1,001" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


def test_what_was_done_before_does_not_count_as_pace(
    monkeypatch: pytest.MonkeyPatch, seconds: list[float]
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Bar("trials") as bar:
        bar.count(6, 8, did_before=6)
        assert terminal.getvalue().endswith("]  75%")
        seconds.append(102.0)
        bar.count(7, 8, did_before=6)
        assert terminal.getvalue().endswith("0.5 trials/s, 0:02 left")


def interrupted(bar: Bar, name: str, *counts: tuple[int, int]) -> None:
    with bar:
        bar.begin(name)
        for done, total in counts:
            bar.count(done, total)
        raise KeyboardInterrupt


def test_an_interrupt_is_told_where_nothing_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(Bar("rows"), "running", (10, 40))
    assert capsys.readouterr().err == "kconsole: running interrupted after 10 of 40 rows\n"
    with pytest.raises(KeyboardInterrupt):
        interrupted(Bar("rows"), "reading x")
    assert capsys.readouterr().err == "kconsole: reading x interrupted at the start\n"


def test_a_long_name_is_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    with Bar("rows") as bar:
        bar.begin("reading /" + "a" * 90)
        assert len(terminal.getvalue().rpartition("\r\033[K")[2]) == 39
