"""What an account held and was worth, by its fills, its settlements and the marks of its equity."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from console.domain.account_events import AccountOpened
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Fill, Settlement
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement

_FLAT = Position()


class AccountValue:
    """Cash and positions since an account was opened, whoever traded; it was marked ``marks_ever`` times."""

    def __init__(self, opened_ns: int, cash: Cash) -> None:
        self.capital = cash
        # Every scan may mark it, so a mark takes 16 bytes: half a megabyte in a week of one each 20 seconds.
        self._marked_ns, self._marked = array("q"), array("q")
        self._opened_ns = opened_ns
        self._cash = cash
        self._had_positions = False
        self._is_mark_old = False
        self._positions: dict[Ticker, Position] = {}

    @classmethod
    def opened(cls, event: AccountOpened) -> AccountValue:
        """An account as it was when it was opened."""
        value = cls(event.at_ns, event.cash)
        value._had_positions = bool(event.positions)
        for each in event.positions:
            value._hold(each.ticker, Position(contracts=each.position, paid=each.paid))
        return value

    @property
    def final_equity(self) -> Cash | None:
        """Cash when nothing is held; else the newest mark, unless something was traded since."""
        if not self._positions:
            return self._cash
        return None if self._is_mark_old or not self._marked else Cash(self._marked[-1])

    @property
    def marks_ever(self) -> int:
        return len(self._marked)

    def marks(self, first: int = 0) -> Iterator[tuple[int, Cash]]:
        """Its equity as it was told, with the times, from the mark of this number on."""
        return zip(self._marked_ns[first:], map(Cash, self._marked[first:]), strict=True)

    def position(self, ticker: Ticker) -> Position:
        return self._positions.get(ticker, _FLAT)

    def trade(self, fill: Fill) -> None:
        """A fill, ours or somebody else's."""
        held = self.position(fill.ticker)
        change = cash_change_of_fill(held.contracts, fill.side, fill.price, fill.count, fill.fee)
        self._cash = Cash(self._cash + change)
        self._hold(fill.ticker, held.filled(fill.side, fill.price, fill.count, fill.fee))

    def settle(self, settlement: Settlement) -> None:
        """A market pays out."""
        held = self.position(settlement.ticker)
        paid_out = cash_change_of_settlement(held.contracts, settlement.yes_value)
        self._cash = Cash(self._cash + paid_out - settlement.fee)
        self._hold(settlement.ticker, held.settled(settlement.yes_value, settlement.fee))

    def mark(self, at_ns: int, equity: Cash) -> None:
        """What the account was worth."""
        if at_ns <= self._opened_ns or (self._had_positions and not self._marked):
            # What was held when the account was opened is first known to be worth something here.
            self.capital = equity
        self._marked_ns.append(at_ns)
        self._marked.append(equity)
        self._is_mark_old = False

    def equity_at(self, at_ns: int) -> Cash:
        """The newest mark until then, or what the account began with."""
        begun = [equity for marked_ns, equity in self.marks() if marked_ns <= at_ns]
        return begun[-1] if begun else self.capital

    def _hold(self, ticker: Ticker, position: Position) -> None:
        if position.contracts:
            self._positions[ticker] = position
        else:
            self._positions.pop(ticker, None)
        self._is_mark_old = True
