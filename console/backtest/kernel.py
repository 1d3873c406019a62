"""Runs the engine over a recording: rows in, orders out and back, all in order of true time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from console.backtest.agenda import NEVER_NS, Agenda, Phase
from console.backtest.desk import Desk, OurClock
from console.backtest.display import Display, quote_of, quotes_of
from console.backtest.exchange_side import Delays, ExchangeSide
from console.backtest.feed import Arrivals, QuoteFeed
from console.backtest.fill_log import FillLog
from console.backtest.listings import Listings
from console.backtest.marks import Marks
from console.backtest.recorded_books import RecordedBooks
from console.backtest.scan_times import LookedAt, ScanTimes
from console.backtest.skip_ahead import Points
from console.domain.book import Quote
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market import Ticker
from console.domain.market_events import QuoteChanged
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderIntent
from console.domain.position import Position
from console.domain.time_units import NS_PER_S
from console.history.columns import Slice

if TYPE_CHECKING:
    from console.backtest.setup import Setup
    from console.history.timeline import Timeline

_BLOCK_ROWS = 2_048
"""So few that their numbers stay in the processor's cache."""

_SCANS_BETWEEN_TELLS = 256

Progress = Callable[[int], None]


class Kernel:
    """One run; ``rows`` counts those of the recording, ``dispatched`` those that the engine saw."""

    def __init__(self, setup: Setup, timeline: Timeline, first_ns: int) -> None:
        self.rows = self.dispatched = 0
        self.first_ns = self.now_ns = first_ns
        self._skips = setup.skip_ahead
        self._capital = setup.capital
        self._lived = setup.lived
        self._tickers = [market.ticker for market in timeline.markets]
        self._places = {ticker: place for place, ticker in enumerate(self._tickers)}
        self.agenda = Agenda()
        self.display = Display(len(self._tickers))
        self.fills = FillLog(self.display, self._places, timeline.outcomes)
        self.books = RecordedBooks(len(self._tickers))
        self.exchange = ExchangeSide(
            setup, self._places, self.display, self.books, self.agenda, self._answer, self.fills.note
        )
        strategy = setup.make_strategy(timeline.markets)
        self.clock = OurClock(setup.skew, first_ns)
        self._points = Points(strategy, len(self._tickers))
        self._leaves_out = self._skips and self._points.tells
        self._marks = Marks(len(self._tickers))
        self.desk = Desk(
            setup,
            strategy,
            self.clock,
            submit=self._send,
            cancel=self._send_cancel,
            halt=self._send_halt,
            end_halt=self.exchange.reset_group,
            worth=self._worth if self._leaves_out else None,
        )
        latency = setup.latency
        self._entry = Delays(latency.entry_ns, latency.jitter_ns, f"{setup.seed} entry")
        self._response = Delays(latency.response_ns, latency.jitter_ns, f"{setup.seed} response")
        self._feed = QuoteFeed(setup, self._points, timeline.markets)
        step_ns = int(setup.settings.strategy_flb.scan_interval * NS_PER_S)
        scans_ns = () if setup.lived is None else setup.lived.scans_ns
        self._scan_times = ScanTimes(self.agenda, self.desk, step_ns, self._scan, scans_ns)
        if scans_ns:
            # It scanned before the first row too, and was marked then.
            self.now_ns -= (self.now_ns - scans_ns[0]) % step_ns
        self.listings = Listings(setup, timeline, self.agenda, self.desk, self.exchange, self._deliver_newest)
        self._working: set[int] = set()
        self._cursors: dict[int, int] = {}
        self._passed: int | None = None
        self._arrivals: Arrivals
        self._delivered = [-1] * len(self._tickers)
        self._could_act = np.zeros(len(self._tickers), dtype=np.bool_)
        self._caught_up = 0
        self._scans = self.prints = 0
        self._progress: Progress

    # --- the run ------------------------------------------------------------------------------------

    def run(self, slices: Iterator[Slice], progress: Progress) -> None:
        """Take every slice; then settle what is held."""
        self.desk.open(self.now_ns, self._capital, self.exchange.group_id)
        self._scan_times.begin(self.now_ns)
        for event in () if self._lived is None else self._lived.told:
            at_ns = max(event.at_ns, self.now_ns)
            self.agenda.add(at_ns, Phase.DUE, partial(self._tell, event))
        self._progress = progress
        left: Arrivals | None = None
        current = next(slices, None)
        while current is not None and self.desk.stopped_by is None:
            following = next(slices, None)
            until_ns = NEVER_NS if following is None else first_ns_of(following)
            arrivals = self._feed.take(self.books.enter(current))
            arrivals = arrivals if left is None else left.followed_by(arrivals)
            self._enter(current, arrivals, left=0 if left is None else len(left.at_ns))
            left = self._deliver_until(until_ns, progress)
            self.now_ns = max(self.now_ns, last_ns_of(current), *self._arrivals.at_ns[-1:].tolist())
            end_ns = self.now_ns + 1 if following is None else until_ns
            self.agenda.run_before(end_ns, Phase.PRINT)
            self.fills.mark_out_before(end_ns)
            self.rows += current.rows
            if self._points.tells and self.desk.stopped_by is None:
                self._catch_up(len(arrivals.at_ns) - len(left.at_ns))
            current = following
        if self.desk.stopped_by is None:
            self._settle_what_is_left()
            self.fills.mark_out_before(NEVER_NS)
        self._show_marks()

    def _tell(self, event: JournaledEvent, at_ns: int) -> None:
        self._scan_times.wake(at_ns)
        self.desk.tell(event, at_ns)

    def _enter(self, rows: Slice, arrivals: Arrivals, left: int) -> None:
        self._arrivals = arrivals
        self._delivered = [-1] * len(self._tickers)
        self._caught_up = 0
        self.exchange.leave()
        self.display.enter(arrivals.quotes, arrivals.by_market, left)
        if self._leaves_out:
            self._marks.enter(arrivals.quotes)
        self.exchange.enter(rows.trades)
        self.prints += len(rows.trades.ts_ns)
        self.listings.see(arrivals.quotes, arrivals.at_ns)
        if self._skips:
            for place in self._working:
                self._follow(place, 0)

    def _deliver_until(self, until_ns: int, progress: Progress) -> Arrivals:
        """Pass on what arrives before a time; what arrives later is left."""
        arrivals = self._arrivals
        end = int(np.searchsorted(arrivals.at_ns, until_ns))
        followed = arrivals.at_ns[:end] >= self.listings.follow_ns[arrivals.quotes.market[:end]]
        rows = np.flatnonzero(arrivals.needed[:end] & followed)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = rows[start : start + _BLOCK_ROWS]
            self._deliver(block)
            if self.desk.stopped_by is not None:
                break
            progress(self.rows + int(block[-1]))
        return arrivals.from_row(end)

    def _deliver(self, rows: np.typing.NDArray[np.int64]) -> None:
        """The hot loop: one recorded quote after the other through the engine."""
        arrivals, quotes = self._arrivals, self._arrivals.quotes
        agenda, desk, delivered, working = self.agenda, self.desk, self._delivered, self._working
        handle, perform, tickers, skips = desk.engine.handle, desk.perform, self._tickers, self._skips
        scan_times = self._scan_times
        at_ns_of = arrivals.at_ns[rows]
        times = at_ns_of.tolist()
        our_times = times if self.clock.is_right else self.clock.of_all(at_ns_of).tolist()
        dispatched = 0
        for row, at_ns, our_ns, may_act, place, quote in zip(
            rows.tolist(),
            times,
            our_times,
            arrivals.may_act[rows].tolist(),
            quotes.market[rows].tolist(),
            quotes_of(quotes, rows),
            strict=True,
        ):
            if at_ns >= agenda.due_ns:
                agenda.run_before(at_ns, Phase.DELIVER, row)
                if desk.stopped_by is not None:
                    break
            if skips:
                if row <= delivered[place]:
                    continue
                delivered[place] = row
            if may_act or place in working:
                desk.keep_house(at_ns)
                if scan_times.is_idle:
                    scan_times.wake(at_ns)
            dispatched += 1
            actions = handle(QuoteChanged(tickers[place], quote, at_ns=our_ns))
            if actions:
                desk.now_ns, self._passed = at_ns, row + 1
                perform(actions)
                self._passed = None
        self.dispatched += dispatched

    def _follow(self, place: int, row: int) -> None:
        """Pass on every row of a market from this one on, while an order of ours is at work there."""
        cursor = self._cursors[place] = self._cursors.get(place, 0) + 1
        self._await_row(place, row, cursor)

    def _await_row(self, place: int, row: int, cursor: int) -> None:
        found = self.display.by_market.first_from(place, row)
        if found is not None:
            call = partial(self._deliver_row, place, found, cursor)
            self.agenda.add(int(self._arrivals.at_ns[found]), Phase.DELIVER, call, found)

    def _deliver_row(self, place: int, row: int, cursor: int, at_ns: int) -> None:
        if cursor != self._cursors[place] or place not in self._working:
            return
        if row > self._delivered[place]:
            self._delivered[place], self._passed = row, row + 1
            self._show(place, self.display.at_row(row).quote, at_ns)
            self._passed = None
        self._await_row(place, row + 1, cursor)

    def _deliver_newest(self, place: int, at_ns: int) -> None:
        """What a market was last quoted at before a time, when we begin to follow it."""
        self._scan_times.wake(at_ns)
        self._passed = self._arrived(at_ns, "left")
        shown = self.display.before_row(place, self._passed)
        if shown is not None:
            self._show(place, shown.quote, at_ns)
        self._passed = None

    def _show(self, place: int, quote: Quote, at_ns: int) -> None:
        self.desk.keep_house(at_ns)
        self.dispatched += 1
        self.desk.take(QuoteChanged(at_ns=self.clock(at_ns), ticker=self._tickers[place], quote=quote))

    def _arrived(self, at_ns: int, side: str) -> int:
        """How many rows of the stretch have reached us: ``left`` before a time, ``right`` by then."""
        return int(self._arrivals.at_ns.searchsorted(at_ns, side=side))  # type: ignore[call-overload]

    def _scan(self, at_ns: int) -> LookedAt:
        if self.desk.stopped_by is not None:
            return ()
        self._scans += 1
        if self._scans % _SCANS_BETWEEN_TELLS == 0:
            self._progress(self.rows + self._arrived(at_ns, "right"))
        return self._mark_now(at_ns)

    def _mark_now(self, at_ns: int) -> LookedAt:
        if self._points.tells:
            self._catch_up(self._arrived(at_ns, "right"))
        only = self._worth_a_look(at_ns)
        self.desk.scan(at_ns, only)
        return only

    def _worth_a_look(self, at_ns: int) -> LookedAt:
        """The markets that may have something to decide by what they are quoted at, in order of listing.

        None, for every market, if the strategy cannot tell.
        """
        if not self._points.tells:
            return None
        places, markets, now_ns = set(self._working), self.desk.engine.markets, self.clock(at_ns)
        for place in np.flatnonzero(self._could_act).tolist():
            ticker = self._tickers[place]
            if markets.get(ticker) is not None and not markets.has_closed(ticker, now_ns):
                places.add(place)
            elif self.listings.was_listed(place):
                self._could_act[place] = False
        return tuple(self._tickers[place] for place in sorted(places, key=self.listings.turns.__getitem__))

    def _catch_up(self, end: int) -> None:
        """Take note of the rows before this one, of which none that was not passed on leads to a decision."""
        if end <= self._caught_up:
            return
        begin, self._caught_up = self._caught_up, end
        # No other row changes whether a market could act.
        rows = begin + np.flatnonzero(self._arrivals.turns[begin : self._caught_up])
        self._could_act[self._arrivals.quotes.market[rows]] = self._arrivals.may_act[rows]
        if self._leaves_out:
            self._marks.take(self._caught_up)

    def _worth(self, held: Mapping[Ticker, Position]) -> Cash | None:
        """What positions could last be sold for, by the rows that the engine was not shown, too."""
        if not held:
            return Cash(0)
        contracts = np.array([position.contracts for position in held.values()], dtype=np.int64)
        worth = self._marks.worth(self._places_of(held), contracts)
        return None if worth is None else Cash(worth)

    def _places_of(self, tickers: Collection[Ticker]) -> np.typing.NDArray[np.int64]:
        return np.fromiter(map(self._places.__getitem__, tickers), dtype=np.int64, count=len(tickers))

    def _show_marks(self) -> None:
        """Let the engine know at what it was marked, once that is all that is left to know."""
        for ticker in self.desk.engine.account.held if self._leaves_out else ():
            prices = self._marks.prices(self._places_of([ticker]))
            if prices is not None:
                bid, ask = (Price(int(price[0])) for price in prices)
                self.desk.engine.markets.take_quote(ticker, quote_of(bid, ask, Count(0), Count(0)))

    def _settle_what_is_left(self) -> None:
        """After the last row only what is held or rests goes on, to its end."""
        self.agenda.drop(Phase.SCAN)
        self.agenda.drop(Phase.LIST)
        self._mark_now(self.now_ns)
        account = self.desk.engine.account
        while (next_ns := self.agenda.next_ns) is not None:
            held = dict(account.held)
            self.agenda.run_before(next_ns + 1, Phase.PRINT)
            if account.held != held:
                self._mark_now(next_ns)

    # --- the way to the exchange and back -------------------------------------------------------------

    def _send(self, intent: OrderIntent, at_ns: int) -> None:
        place = self._places[intent.ticker]
        passed = self._arrived(at_ns, "right") if self._passed is None else self._passed
        shown = self.display.before_row(place, passed)
        self.fills.decide(intent, at_ns, 0 if shown is None else at_ns - shown.at_ns)
        if place not in self._working:
            self._working.add(place)
            if self._skips:
                self._follow(place, passed)
        known_ns = None if self._lived is None else self._lived.arrival_ns(intent, at_ns)
        arrival_ns = self._entry.arrival_ns(at_ns) if known_ns is None else max(at_ns, known_ns)
        self.agenda.add(arrival_ns, Phase.ARRIVE, partial(self.exchange.submit, intent))

    def _send_cancel(self, order_id: str, ticker: Ticker, at_ns: int) -> None:
        call = partial(self.exchange.cancel, order_id, ticker)
        self.agenda.add(self._entry.arrival_ns(at_ns), Phase.ARRIVE, call)

    def _send_halt(self, at_ns: int) -> None:
        self.agenda.add(self._entry.arrival_ns(at_ns), Phase.ARRIVE, self._halt)

    def _halt(self, at_ns: int) -> None:
        self.exchange.trigger_group(at_ns)
        self.agenda.add(self._response.arrival_ns(at_ns), Phase.ANSWER, self.desk.confirm_halt)

    def _answer(self, news: list[EngineEvent], at_ns: int) -> None:
        self.agenda.add(self._response.arrival_ns(at_ns), Phase.ANSWER, partial(self._hear, news))

    def _hear(self, news: list[EngineEvent], at_ns: int) -> None:
        self.desk.hear(news, at_ns)
        at_work = {self._places[order.intent.ticker] for order in self.desk.engine.account.open_orders}
        self._working &= at_work


def first_ns_of(rows: Slice) -> int:
    """When the first row of a slice was recorded."""
    return min(int(each.ts_ns[0]) for each in (rows.trades, rows.books, rows.quotes) if len(each.ts_ns))


def last_ns_of(rows: Slice) -> int:
    """When the last row of a slice was recorded."""
    return max(int(each.ts_ns[-1]) for each in (rows.trades, rows.books, rows.quotes) if len(each.ts_ns))
