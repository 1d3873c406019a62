"""What ``interface.py`` runs in its terminal: an empty app, the console alone, or with much to do."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.geometry import Region

    from console.engine.account_views import PositionView
    from console.engine.log_views import LogEntry
    from console.engine.snapshot import Snapshot
    from console.tui.cells import Line

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tui"))

HELD = 18
MARKS_MOVED, LIMITS_MOVED, FILLS = 14, 3, 0.15
"""At each drawing: these set the share of the values that change."""


def empty() -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("nothing else")

    Empty().run()


def console() -> None:
    """The screen on an engine that has spoken already: the engine's own start waits for the exchange."""
    from fake_engine import FakeEngine

    from console.config.catalogue import CATALOGUE
    from console.config.load import DEFAULT, Loaded
    from console.config.schema import Settings
    from console.tui.start import make_app

    loaded = Loaded(Settings(), dict.fromkeys(CATALOGUE, DEFAULT), {})
    engine = FakeEngine()
    make_app(engine, loaded, home=Path("/nonexistent"), wall_ns=engine.wall_ns).run()


def busy(folder: Path, events_per_s: int) -> None:
    """kconsole that notes in the folder its threads, what it has done, and when keys were handled."""
    from console.commands.console import add_arguments, run
    from console.engine.worker import EngineWorker
    from console.exchange.feed import KalshiFeed
    from console.tui import canvas
    from console.tui.app import ConsoleApp
    from console.tui.pane import Pane

    load = _Load(folder, events_per_s, KalshiFeed.events)
    snapshot, regions = EngineWorker.snapshot, canvas.changed_regions
    draw, move = ConsoleApp._tick, Pane.action_move

    def changed_regions(old: Sequence[Line], new: Sequence[Line]) -> list[Region]:
        changed = regions(old, new)
        load.note_drawing(old, new, sum(region.area for region in changed))
        return changed

    def tick(app: ConsoleApp) -> None:
        load.drawings += 1
        draw(app)

    def handled(pane: Pane, rows: int) -> None:
        load.note_key()
        move(pane, rows)

    EngineWorker.snapshot = lambda self: load.moved(snapshot(self))  # type: ignore[method-assign]
    KalshiFeed.events = lambda self: load.flood(self)  # type: ignore[assignment, method-assign, return-value]
    canvas.changed_regions = changed_regions
    ConsoleApp._tick = tick  # type: ignore[assignment, method-assign]
    Pane.action_move = handled  # type: ignore[assignment, method-assign]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args(["--home", str(folder / "home")]))


class _Load:
    """Repeats the exchange's own quotes until there are enough events, and puts in what is drawn."""

    def __init__(self, folder: Path, events_per_s: int, real: object) -> None:
        self._folder = folder
        self._rate = events_per_s
        self._real = real
        self._keys = (folder / "handled").open("a", buffering=1)
        self._random = random.Random(0)
        self._drawn: Snapshot | None = None
        self._of = -1
        self._marks = [9_500] * HELD
        self._used: dict[int, float] = {}
        self._log: tuple[LogEntry, ...] = ()
        self.events = self.drawings = self.values = self.changed = self.cells = 0
        for _ in range(30):
            self._fill()
        self._note()

    # --- what it did --------------------------------------------------------------------------------

    def note_drawing(self, old: Sequence[Line], new: Sequence[Line], cells: int) -> None:
        """Count the values, which are words, of one widget, those that changed, and their cells."""
        before, after = ([_words(line) for line in lines] for lines in (old, new))
        self.values += sum(map(len, after))
        self.cells += cells
        for was, now in zip(before, after, strict=False):
            self.changed += sum(a != b for a, b in zip(was, now, strict=False))

    def note_key(self) -> None:
        self._keys.write(f"{time.monotonic_ns()}\n")

    def _note(self) -> None:
        names = "".join(f"{each.native_id} {_name(each)}\n" for each in threading.enumerate())
        (self._folder / "threads").write_text(names)
        with (self._folder / "counts").open("a") as file:
            file.write(f"{self.events} {self.drawings} {self.values} {self.changed} {self.cells}\n")

    # --- events -------------------------------------------------------------------------------------

    async def flood(self, feed: object) -> AsyncIterator[object]:
        """The feed's own events, and its newest quotes again and again."""
        from console.domain.market_events import QuoteChanged

        said: asyncio.Queue[object] = asyncio.Queue()

        async def listen() -> None:
            async for event in self._real(feed):  # type: ignore[operator]
                said.put_nowait(event)

        listening = asyncio.create_task(listen())
        quotes: dict[str, QuoteChanged] = {}
        began = noted = time.monotonic()
        try:
            while not listening.done():
                now = time.monotonic()
                while not said.empty():
                    event = said.get_nowait()
                    if isinstance(event, QuoteChanged):
                        quotes[event.ticker] = event
                    self.events += 1
                    yield event
                known = list(quotes.values())
                for _ in range(max(0, int((now - began) * self._rate) - self.events) if known else 0):
                    quote = self._random.choice(known)
                    self.events += 1
                    yield QuoteChanged(at_ns=time.time_ns(), ticker=quote.ticker, quote=quote.quote)
                if now - noted > 0.5:
                    self._note()
                    noted = now
                await asyncio.sleep(0.01)
        finally:
            listening.cancel()

    # --- what is drawn ------------------------------------------------------------------------------

    def moved(self, snapshot: Snapshot | None) -> Snapshot | None:
        """The engine's snapshot with positions whose marks move and fills that come."""
        if snapshot is None or snapshot.sequence == self._of:
            return self._drawn
        import msgspec

        self._of = snapshot.sequence
        for number in self._random.sample(range(HELD), MARKS_MOVED):
            self._marks[number] = self._random.randrange(9_000, 9_900, 10)
        for number in self._random.sample(range(len(snapshot.gauges)), LIMITS_MOVED):
            self._used[number] = self._random.random()
        if self._random.random() < FILLS:
            self._fill()
        self._drawn = msgspec.structs.replace(
            snapshot,
            positions=tuple(self._position(number, snapshot.at_ns) for number in range(HELD)),
            log=self._log,
            gauges=tuple(
                msgspec.structs.replace(gauge, used=int(self._used.get(number, 0.5) * (gauge.limit or 0)))
                for number, gauge in enumerate(snapshot.gauges)
            ),
        )
        return self._drawn

    def _position(self, number: int, now_ns: int) -> PositionView:
        import msgspec
        from fake_engine import MINUTE, POSITIONS

        like, mark = POSITIONS[number % len(POSITIONS)], self._marks[number]
        position: PositionView = msgspec.structs.replace(
            like,
            ticker=f"{like.ticker[:-2]}{number:02d}",
            mark=mark,
            unrealised=(mark - like.average_price) * like.contracts,
            close_ns=now_ns + (number + 2) * MINUTE,
        )
        return position

    def _fill(self) -> None:
        import msgspec
        from fake_engine import LOG

        newest = self._log[-1].sequence + 1 if self._log else 1
        entry = msgspec.structs.replace(LOG[newest % 30], sequence=newest, at_ns=time.time_ns())
        self._log = (*self._log[-999:], entry)


def _words(line: Line) -> list[str]:
    """What is not a part of a frame or of a bar."""
    text = "".join(span.text for span in line)
    return [word for word in text.split() if any(map(str.isalnum, word))]


def _name(thread: threading.Thread) -> str:
    return "textual-output" if type(thread).__name__ == "WriterThread" else thread.name


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["empty"]:
            empty()
        case ["console"]:
            console()
        case ["busy", folder, rate]:
            busy(Path(folder), int(rate))
