"""One recorded market as the entries of a tape, from its listing to its settlement."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from console.domain.book import BookSide, Level
from console.domain.market import Market, Outcome, Ticker
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.domain.time_units import NS_PER_S
from console.practice.model import Scales, SideRun, draw_result, generator
from console.practice.tape import Closed, Displayed, Listed, Printed, Settled, Swept, TapeEntry

_SETTLES_AFTER_NS = 15 * NS_PER_S
_CHURN_NS = NS_PER_S
_LEAST_WALL_CHURN_NS = NS_PER_S // 2


@dataclass(frozen=True)
class QuoteRow:
    """A recorded top of book; 0 and one dollar are empty sides, a size of None is not known."""

    ts_ns: int
    bid: Price
    ask: Price
    bid_size: Count | None
    ask_size: Count | None

    def price(self, side: BookSide) -> Price | None:
        price = self.bid if side is BookSide.BID else self.ask
        return price if 0 < price < PRICE_PER_DOLLAR else None

    def size(self, side: BookSide) -> Count | None:
        return self.bid_size if side is BookSide.BID else self.ask_size


@dataclass(frozen=True)
class TradeRow:
    """A recorded print."""

    ts_ns: int
    price: Price
    count: Count
    taker_side: BookSide


@dataclass(frozen=True)
class Shift:
    """From recorded to wall time: ``from_ns`` falls on ``to_ns`` and intervals are divided by ``speed``."""

    from_ns: int
    to_ns: int
    speed: Fraction

    def wall(self, ts_ns: int) -> int:
        return self.to_ns + (ts_ns - self.from_ns) * self.speed.denominator // self.speed.numerator

    @property
    def churn_ns(self) -> int:
        """Recorded time between redrawn sizes: a second, more when that is too often on the wall."""
        return max(_CHURN_NS, int(_LEAST_WALL_CHURN_NS * self.speed))


@dataclass(frozen=True)
class Part:
    """A market as it is played: times are recorded ones, ``market`` carries the wall's.

    ``key`` names its draws. ``trades`` is None when prints were not recorded.
    """

    market: Market
    key: str
    listed_ns: int
    close_ns: int
    quotes: Sequence[QuoteRow]
    trades: Sequence[TradeRow] | None
    strike: float | None
    result: Outcome | None
    scales: Scales


class _Side:
    """One side of the market through its recorded prices."""

    def __init__(self, part: Part, side: BookSide, seed: int) -> None:
        self._part = part
        self.side = side
        self._seed = seed
        self._holds = 0
        self._run: SideRun | None = None
        self._prints_end_ns = 0
        self._recorded_size: Count | None = None

    def move_to(self, index: int) -> tuple[Level, bool] | None:
        """Take the quote ``index``; returns the level that gave way and whether by a print, if one did."""
        row = self._part.quotes[index]
        price = row.price(self.side)
        own = None if price is None else self.side.price_paid(price)
        before, gave_way = self._run, None
        if (None if before is None else before.own) != own:
            if before is not None and (own is None or own < before.own):
                gave_way = (self.levels()[0], before.is_swept_by_print())
            self._run = None if price is None else self._start(index, price)
        self._recorded_size = row.size(self.side) or None
        return gave_way

    def _start(self, index: int, price: Price) -> SideRun:
        part, quotes = self._part, self._part.quotes
        rng = generator(self._seed, part.key, self.side, self._holds)
        self._holds += 1
        run = SideRun(rng, self.side, price, part.market.grid, part.scales)
        later = (quotes[i] for i in range(index + 1, len(quotes)))
        after = next((row for row in later if row.price(self.side) != price), None)
        end_ns = part.close_ns if after is None else after.ts_ns
        following = None if after is None else after.price(self.side)
        next_own = None if following is None else self.side.price_paid(following)
        self._prints_end_ns = run.prints_end_ns(quotes[index].ts_ns, end_ns, next_own)
        return run

    def churn(self, seconds: float) -> None:
        if self._run is not None:
            self._run.churn(seconds)

    def levels(self) -> tuple[Level, ...]:
        if self._run is None:
            return ()
        return self._run.levels(self._recorded_size or self._run.best_size)

    def prints(self, start_ns: int, end_ns: int) -> list[TradeRow]:
        if self._run is None:
            return []
        price = self.levels()[0].price
        drawn = self._run.prints(start_ns, min(end_ns, self._prints_end_ns))
        return [TradeRow(at_ns, price, count, self.side.opposite) for at_ns, count in drawn]


def play_market(part: Part, shift: Shift, seed: int) -> Iterator[TapeEntry]:
    """Everything that happens in a market, in order of time."""
    ticker = part.market.ticker
    yield Listed(at_ns=shift.wall(part.listed_ns), market=part.market, strike=part.strike)
    yield from _play_quotes(part, shift, seed)
    yield Closed(at_ns=shift.wall(part.close_ns), ticker=ticker)
    last = part.quotes[-1]
    yield Settled(
        at_ns=shift.wall(part.close_ns + _SETTLES_AFTER_NS),
        ticker=ticker,
        result=part.result or draw_result(seed, part.key, last.bid, last.ask),
        simulated=part.result is None,
    )


def _play_quotes(part: Part, shift: Shift, seed: int) -> Iterator[TapeEntry]:
    ticker = part.market.ticker
    sides = _Side(part, BookSide.BID, seed), _Side(part, BookSide.ASK, seed)
    shown: Displayed | None = None
    for index, row in enumerate(part.quotes):
        at_ns = shift.wall(row.ts_ns)
        for side in sides:
            if (gave_way := side.move_to(index)) is not None:
                yield _swept(ticker, side.side, *gave_way, at_ns)
        last = index + 1 == len(part.quotes)
        end_ns = part.close_ns if last else part.quotes[index + 1].ts_ns
        for start_ns in range(row.ts_ns, end_ns, shift.churn_ns):
            if start_ns > row.ts_ns:
                for side in sides:
                    side.churn(shift.churn_ns / NS_PER_S)
            bids, asks = sides[0].levels(), sides[1].levels()
            if shown is None or (shown.bids, shown.asks) != (bids, asks):
                shown = Displayed(at_ns=shift.wall(start_ns), ticker=ticker, bids=bids, asks=asks)
                yield shown
            step_end_ns = min(start_ns + shift.churn_ns, end_ns)
            yield from _printed(part, sides, shift, start_ns, step_end_ns)


def _printed(
    part: Part, sides: tuple[_Side, _Side], shift: Shift, start_ns: int, end_ns: int
) -> Iterator[Printed]:
    if part.trades is None:
        rows = [row for side in sides for row in side.prints(start_ns, end_ns)]
        rows.sort(key=lambda row: row.ts_ns)
    else:
        first = bisect_left(part.trades, start_ns, key=_time)
        rows = list(part.trades[first : bisect_left(part.trades, end_ns, key=_time)])
    for row in rows:
        yield Printed(
            at_ns=shift.wall(row.ts_ns),
            ticker=part.market.ticker,
            price=row.price,
            count=row.count,
            taker_side=row.taker_side,
            modelled=part.trades is None,
        )


def _time(row: TradeRow) -> int:
    return row.ts_ns


def _swept(ticker: Ticker, side: BookSide, level: Level, by_print: bool, at_ns: int) -> Swept:
    return Swept(
        at_ns=at_ns, ticker=ticker, side=side, price=level.price, count=level.size, by_print=by_print
    )
