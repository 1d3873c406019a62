"""The trades of a run: what was bought in a market, until none of it was held any more."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import msgspec

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, Price, cost
from console.domain.position import Position
from console.monitoring.records import FillRecord, MarketRecord, Records

_NOTHING = Cash(0)


class Ending(enum.StrEnum):
    SETTLED = "settled"
    CLOSED = "closed"
    OPEN = "open"


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A position in one market from its first contract until none is held.

    It ends by a fill or by settlement, or is open when the run ends. A fill through zero ends one trade and
    begins the next, its charges shared by contracts; a fee on the profit of a market is its last trade's.
    ``contracts`` were bought in all, for ``paid``; ``buying_charges`` is the part of fees and slippage that
    buying them took. ``expected`` is what they were taken to pay out. ``realised`` is the profit before
    charges of what was closed or settled, ``unrealised`` that of the rest at its mark, None without one.
    ``maker_contracts`` were bought by resting orders.
    """

    market: MarketRecord
    side: BookSide
    opened_ns: int
    ended_ns: int | None
    ending: Ending
    contracts: Count
    maker_contracts: Count
    paid: Cash
    expected: Cash
    buying_charges: Cash
    fees: Cash
    slippage: Cash
    realised: Cash
    unrealised: Cash | None
    fills: tuple[FillRecord, ...]

    @property
    def gross(self) -> Cash | None:
        """Profit before fees and slippage."""
        return None if self.unrealised is None else Cash(self.realised + self.unrealised)

    @property
    def net(self) -> Cash | None:
        """Profit after fees and slippage."""
        return None if self.gross is None else Cash(self.gross - self.fees - self.slippage)

    @property
    def entry(self) -> Price:
        """The average price of the outcome bought, rounded half up."""
        return Price((2 * self.paid + self.contracts) // (2 * self.contracts))

    @property
    def is_drawn(self) -> bool:
        """Whether a draw decided what it paid out."""
        return self.ending is Ending.SETTLED and self.market.is_drawn

    @property
    def is_judged(self) -> bool:
        """Whether the recording, not a draw, told which outcome won."""
        return self.market.yes_value is not None and not self.market.is_drawn

    @property
    def payout(self) -> Cash | None:
        """What the contracts bought pay when held to the end; None while that is not known."""
        value = self.market.yes_value
        return None if value is None else cost(self.side.price_paid(value), self.contracts)

    @property
    def payout_if_won(self) -> Cash:
        return cost(PAYOUT, self.contracts)


def trades_of(records: Records) -> list[Trade]:
    """Every trade that ended in the period or is open at its end, in order of the first fills.

    Raises ValueError for fills of a market without a record.
    """
    trades = trades_from(records.fills, {market.ticker: market for market in records.traded})
    return [each for each in trades if each.ended_ns is None or each.ended_ns >= records.first_ns]


def trades_from(fills: Iterable[FillRecord], markets: Mapping[Ticker, MarketRecord]) -> list[Trade]:
    """The same, of fills in order of time, whenever the trades ended."""
    open_trades: dict[Ticker, _Running] = {}
    ended: list[Trade] = []
    for record in fills:
        ticker = record.fill.ticker
        if ticker not in markets:
            raise ValueError(f"the run has fills of {ticker} and no record of that market")
        for part in _parts(record, open_trades.get(ticker)):
            running = open_trades.setdefault(ticker, _Running(markets[ticker], part))
            running.add(part)
            if not running.position.contracts:
                ended.append(open_trades.pop(ticker).ended(Ending.CLOSED, part.at_ns))
    ended += (running.at_the_end() for running in open_trades.values())
    return _with_profit_fees(sorted(ended, key=lambda each: (each.opened_ns, each.market.ticker)))


class _Part(msgspec.Struct, frozen=True):
    """So many contracts of a fill, with their share of its charges."""

    record: FillRecord
    count: Count
    charges: Cash
    slippage: Cash

    @property
    def at_ns(self) -> int:
        return self.record.fill.at_ns


def _parts(record: FillRecord, running: _Running | None) -> Iterable[_Part]:
    """A fill, in two when it goes through zero."""
    fill = record.fill
    held = running.position.contracts if running is not None else 0
    closing = min(fill.count, max(0, -fill.side.sign * held))
    if closing in (0, fill.count):
        return (_Part(record, fill.count, fill.fee, record.slippage),)
    opening = Count(fill.count - closing)
    charges, slippage = fill.fee * closing // fill.count, record.slippage * closing // fill.count
    return (
        _Part(record, Count(closing), Cash(charges), Cash(slippage)),
        _Part(record, opening, Cash(fill.fee - charges), Cash(record.slippage - slippage)),
    )


class _Running:
    """A trade while it goes on."""

    def __init__(self, market: MarketRecord, first: _Part) -> None:
        self._market = market
        self._side = first.record.fill.side
        self._opened_ns = first.at_ns
        self._contracts = self._maker_contracts = self._paid = self._expected = 0
        self._buying_charges = self._slippage = 0
        self._fills: list[FillRecord] = []
        self.position = Position()

    def add(self, part: _Part) -> None:
        fill, intent = part.record.fill, part.record.intent
        self.position = self.position.filled(fill.side, fill.price, part.count, part.charges)
        self._slippage += part.slippage
        self._fills.append(part.record)
        if fill.side is self._side:
            self._contracts += part.count
            self._maker_contracts += 0 if fill.is_taker else part.count
            self._paid += cost(fill.side.price_paid(fill.price), part.count)
            self._expected += cost(intent.win_probability, part.count)
            self._buying_charges += part.charges

    def at_the_end(self) -> Trade:
        """The trade as the market's settlement or the end of the run leaves it."""
        value, mark = self._market.yes_value, self._market.mark
        if value is not None:
            self.position = self.position.settled(value)
            return self.ended(Ending.SETTLED, self._market.settled_ns)
        return self.ended(Ending.OPEN, None, None if mark is None else self.position.unrealised_at(mark))

    def ended(self, ending: Ending, at_ns: int | None, unrealised: Cash | None = _NOTHING) -> Trade:
        return Trade(
            market=self._market,
            side=self._side,
            opened_ns=self._opened_ns,
            ended_ns=at_ns,
            ending=ending,
            contracts=Count(self._contracts),
            maker_contracts=Count(self._maker_contracts),
            paid=Cash(self._paid),
            expected=Cash(self._expected),
            buying_charges=Cash(self._buying_charges),
            fees=Cash(self.position.fees - self._slippage),
            slippage=Cash(self._slippage),
            realised=self.position.realised,
            unrealised=unrealised,
            fills=tuple(self._fills),
        )


def _with_profit_fees(trades: list[Trade]) -> list[Trade]:
    last = {trade.market.ticker: place for place, trade in enumerate(trades)}
    for place in last.values():
        trade = trades[place]
        if trade.market.profit_fee:
            fees = Cash(trade.fees + trade.market.profit_fee)
            trades[place] = msgspec.structs.replace(trade, fees=fees)
    return trades
