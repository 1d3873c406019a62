"""The exchange of a backtest, at its own time: the recording as its book, and our orders in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from console.backtest.agenda import NEVER_NS, Agenda, Phase
from console.backtest.display import ByMarket, Display, Shown
from console.backtest.recorded_books import RecordedBooks
from console.domain.account_events import MarketSettled
from console.domain.book import NO_QUOTE, BookSide, Quote
from console.domain.events import EngineEvent
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.market_events import MarketStatusChanged, TradePrinted
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, Settlement
from console.history.columns import Trades
from console.practice.model import draw_result
from console.simulation.broker import Broker

if TYPE_CHECKING:
    from console.backtest.setup import Setup
    from console.history.markets import Outcome
    from console.simulation.execution import Execution

Tell = Callable[[list[EngineEvent], int], None]
"""Send us events at a time of the exchange's."""

NoteFill = Callable[[OrderIntent, Fill, "Execution", Cash, Quote, int], None]
"""A fill with its slippage, the quote that was displayed before it and that quote's age."""


class Settled(NamedTuple):
    """A payout, and what we held then."""

    settlement: Settlement
    held: Count


class ExchangeSide:
    """Matches our orders against what was displayed when they arrive.

    The broker is shown what a market displayed only while it matters to us there; at an order's arrival it is
    shown the newest. That is the whole book where it was recorded, else the best prices.
    """

    def __init__(
        self,
        setup: Setup,
        places: dict[Ticker, int],
        display: Display,
        books: RecordedBooks,
        agenda: Agenda,
        tell: Tell,
        note_fill: NoteFill,
    ) -> None:
        self.now_ns = 0
        self.drawn: set[Ticker] = set()
        self.settled: dict[Ticker, Settled] = {}
        self.broker = Broker(
            lambda: self.now_ns,
            precision=setup.precision,
            queue=setup.queue,
            slippage=setup.slippage,
            profit_fees=setup.profit_fees,
            id_prefix="backtest",
        )
        self.broker.publish = self._take_news
        self.broker.tell_fill = self._take_fill
        self.broker.open_account(setup.capital, setup.lived.positions if setup.lived is not None else ())
        self.broker.change_trading(True)
        self.group_id = self.broker.create_group()
        self._seed = setup.seed
        self._places = places
        self._display = display
        self._books = books
        self._agenda = agenda
        self._tell = tell
        self._note_fill = note_fill
        self._traded: set[Ticker] = set()
        self._news: list[EngineEvent] = []
        self._followed: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        self._cursors = 0
        self._expiry_awaited_ns = NEVER_NS
        self._tickers = tuple(places)
        self._trades: Trades | None = None
        self._trades_by_market: ByMarket

    def leave(self) -> None:
        """The stretch of the recording is over, and the display is about to leave it."""
        for place in list(self._taken):
            self._show_what_came_back(place, self._display.rows_until(NEVER_NS))

    def enter(self, trades: Trades) -> None:
        """Go on to the next stretch, which the display and the books have entered."""
        self._trades = trades
        self._trades_by_market = ByMarket(trades.market, len(self._places))
        row = self._display.rows_until(self.now_ns)
        for place in [*self._followed, *self._taken]:
            self._follow(place, row, 0, 0)

    # --- what we ask --------------------------------------------------------------------------------

    def submit(self, intent: OrderIntent, at_ns: int) -> None:
        """An order arrives."""
        place = self._places[intent.ticker]
        self._at(at_ns)
        if place not in self._followed:
            self._show_what_came_back(place, self._display.rows_until(at_ns))
            self._show_newest(place)
        answer = self.broker.submit(intent)
        # The answer first, as a program that waits for it reads it before its feed.
        self._news.insert(0, answer)
        self._end(place)

    def cancel(self, order_id: str, ticker: Ticker, at_ns: int) -> None:
        place = self._places[ticker]
        self._at(at_ns)
        self._show_what_came_back(place, self._display.rows_until(at_ns))
        self.broker.cancel(order_id)
        self._end(place)

    def reset_group(self) -> None:
        """Take orders again."""
        self.broker.reset_group(self.group_id)

    def trigger_group(self, at_ns: int) -> None:
        """Cancel all of ours and take no more."""
        self._at(at_ns)
        self.broker.trigger_group(self.group_id)
        self._send_news()

    # --- what happens there -------------------------------------------------------------------------

    def change_status(self, ticker: Ticker, status: MarketStatus, at_ns: int) -> None:
        self._at(at_ns)
        close_ns = at_ns if status is MarketStatus.CLOSED else None
        self.broker.change_status(ticker, status, close_ns)
        self._news.append(MarketStatusChanged(at_ns=at_ns, ticker=ticker, status=status, close_ns=close_ns))
        self._send_news()

    def settle(self, market: Market, outcome: Outcome, at_ns: int) -> None:
        """Pay what a market pays; where that was not recorded and we traded there, a seeded draw decides."""
        self._at(at_ns)
        value = outcome.yes_value
        held = self.broker.held(market.ticker)
        if value is None and market.ticker in self._traded:
            quote = self._shown(self._places[market.ticker]).quote
            bid, ask = quote.bid, quote.ask
            drawn = draw_result(
                self._seed,
                market.ticker,
                bid.price if bid else Price(0),
                ask.price if ask else Price(10_000),
            )
            value = Price(10_000 if drawn == "yes" else 0)
            self.drawn.add(market.ticker)
        if value is None:
            return
        settled = self.broker.settle(Settlement(market.ticker, value, at_ns))
        self.settled[market.ticker] = Settled(settled, held)
        self._news.append(MarketSettled(at_ns=at_ns, settlement=settled))
        self._send_news()

    # --- the recording where it matters to us -------------------------------------------------------

    def _end(self, place: int, next_row: int | None = None) -> None:
        """Follow the market from here, or a row, on if that matters now, and send what happened."""
        if not self.broker.books.is_touched(self._tickers[place]):
            self._followed.pop(place, None)
            self._taken.pop(place, None)
        elif place not in self._followed or not self._matters_wholly(place):
            quote_row, trade_row, book = self._rows_until(self.now_ns)
            self._follow(place, quote_row if next_row is None else next_row, trade_row, book)
        self._await_expiry()
        self._send_news()

    def _await_expiry(self) -> None:
        """Have orders end when their time is up, whether or not anything happens then."""
        end_ns = self.broker.next_end_ns
        if end_ns is not None and end_ns < self._expiry_awaited_ns:
            self._expiry_awaited_ns = end_ns
            self._agenda.add(max(end_ns, self.now_ns), Phase.DUE, self._expire)

    def _expire(self, at_ns: int) -> None:
        self._at(at_ns)
        self._expiry_awaited_ns = NEVER_NS
        self.broker.expire()
        self._await_expiry()
        self._send_news()

    def _show_newest(self, place: int) -> None:
        shown = self._shown(place)
        if self._books.was_whole(place, shown.at_ns, self.now_ns):
            self.broker.show_book(self._tickers[place], *self._books.depth(place, self.now_ns))
        else:
            self.broker.show(self._tickers[place], shown.quote)

    def _rows_until(self, at_ns: int) -> tuple[int, int, int]:
        """How many quotes, trades and books have been by a time."""
        trades = self._trades
        assert trades is not None
        return (
            self._display.rows_until(at_ns),
            int(trades.ts_ns.searchsorted(at_ns, side="right")),
            self._books.until(at_ns),
        )

    def _follow(self, place: int, quote_row: int, trade_row: int, book: int) -> None:
        """Show the broker all that a market displays and trades from these on.

        Where nothing of ours rests only what brings back something that we took matters, and that not before
        our next order.
        """
        if not self._matters_wholly(place):
            self._followed.pop(place, None)
            self._taken[place] = quote_row
            return
        self._taken.pop(place, None)
        self._cursors += 1
        self._followed[place] = self._cursors
        self._await_quote(place, quote_row, self._cursors)
        self._await_trade(place, trade_row, self._cursors)
        self._await_book(place, book, self._cursors)

    def _matters_wholly(self, place: int) -> bool:
        return self._books.has(place) or self.broker.books.rests_in(self._tickers[place])

    def _show_what_came_back(self, place: int, until: int) -> None:
        """Show the broker the rows before this one at which something that we took is there again."""
        row, ticker = self._taken.get(place, until), self._tickers[place]
        while row < until:
            bids, asks = self.broker.books.residue(ticker)
            found = self._display.first_other(place, (row, until), bids, asks)
            if found is None:
                return
            if len(bids) + len(asks) == 1:
                # Nearly always: all of it is back, and nobody asks what else was displayed before the newest.
                self.broker.forget_taken(ticker)
                del self._taken[place]
                return
            self.broker.show(ticker, self._display.at_row(found).quote)
            if not self.broker.books.is_touched(ticker):
                del self._taken[place]
                return
            row = found + 1

    def _await_quote(self, place: int, row: int, cursor: int) -> None:
        found = self._display.by_market.first_from(place, row)
        if found is None:
            return
        shown = self._display.at_row(found)

        def show(at_ns: int) -> None:
            if self._followed.get(place) == cursor:
                self._at(at_ns)
                # A quote made of the book tells nothing that the book did not.
                if not self._books.was_whole(place, at_ns, at_ns):
                    self.broker.show(self._tickers[place], shown.quote)
                self._await_quote(place, found + 1, cursor)
                self._end(place, found + 1)

        self._agenda.add(shown.at_ns, Phase.DISPLAY, show, found)

    def _await_book(self, place: int, number: int, cursor: int) -> None:
        found = self._books.first_from(place, number)
        if found is None:
            return
        following, whole_ns = found

        def show(at_ns: int) -> None:
            if self._followed.get(place) == cursor:
                self._at(at_ns)
                self.broker.show_book(self._tickers[place], *self._books.depth(place, at_ns))
                self._await_book(place, following + 1, cursor)
                self._end(place)

        self._agenda.add(whole_ns, Phase.BOOK, show, following)

    def _await_trade(self, place: int, row: int, cursor: int) -> None:
        found = self._trades_by_market.first_from(place, row)
        trades = self._trades
        if found is None or trades is None:
            return
        trade = TradePrinted(
            at_ns=int(trades.ts_ns[found]),
            ticker=self._tickers[place],
            price=Price(int(trades.price[found])),
            count=Count(int(trades.count[found])),
            taker_side=BookSide.BID if trades.buys_yes[found] else BookSide.ASK,
        )

        def print_trade(at_ns: int) -> None:
            if self._followed.get(place) == cursor:
                self._at(at_ns)
                self.broker.print_trade(trade)
                self._await_trade(place, found + 1, cursor)
                self._end(place)

        self._agenda.add(trade.at_ns, Phase.PRINT, print_trade, found)

    # --- news ---------------------------------------------------------------------------------------

    def _at(self, at_ns: int) -> None:
        self.now_ns = at_ns

    def _shown(self, place: int) -> Shown:
        return self._display.at(place, self.now_ns) or Shown(self.now_ns, NO_QUOTE)

    def _take_news(self, event: EngineEvent) -> None:
        self._news.append(event)

    def _take_fill(self, intent: OrderIntent, fill: Fill, execution: Execution, slippage: Cash) -> None:
        self._traded.add(intent.ticker)
        shown = self._shown(self._places[intent.ticker])
        self._note_fill(intent, fill, execution, slippage, shown.quote, self.now_ns - shown.at_ns)

    def _send_news(self) -> None:
        if self._news:
            news, self._news = self._news, []
            self._tell(news, self.now_ns)


class Delays:
    """How long messages of one way are on their way; none overtakes another."""

    def __init__(self, base_ns: int, jitter_ns: int, seed: str) -> None:
        self._base_ns = base_ns
        self._jitter_ns = jitter_ns
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self._last_ns = 0

    def arrival_ns(self, sent_ns: int) -> int:
        delay_ns = self._base_ns
        if self._jitter_ns:
            delay_ns += self._random.randrange(self._jitter_ns + 1)
        self._last_ns = max(self._last_ns, sent_ns + delay_ns)
        return self._last_ns
