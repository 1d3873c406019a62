"""What the account is worth at the prices at which its positions could be sold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from console.domain.engine_events import EquityMarked, RiskDayBegan
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.position import Position
from console.engine.account import Account

Worth = Callable[[Mapping[Ticker, Position]], Cash | None]
"""Says what positions could be sold for; None while a mark is missing."""


def equity_at_marks(account: Account, worth_of: Worth) -> Cash | None:
    """Cash and what the positions could be sold for; None while a mark is missing or no account is open."""
    if account.name is None:
        return None
    worth = worth_of(account.held)
    return None if worth is None else Cash(account.cash + worth)


def marking_events(
    account: Account, equity: Cash, at_ns: int, day: str | None
) -> Iterator[RiskDayBegan | EquityMarked]:
    """What a scan journals of equity: a risk day that begins with it, and a mark that changed.

    ``day`` is the risk day by the clock, None while it cannot be trusted; one that steps back begins none.
    """
    if day is not None and (account.risk_day is None or day > account.risk_day):
        yield RiskDayBegan(at_ns=at_ns, day=day, equity=equity)
    high_water = equity if account.high_water is None else Cash(max(equity, account.high_water))
    if (equity, high_water) != (account.marked_equity, account.high_water):
        yield EquityMarked(at_ns=at_ns, equity=equity, high_water=high_water)
