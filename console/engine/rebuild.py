"""From a journal to the engine it describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console import __version__
from console.config.changes import settings_hash
from console.config.schema import Settings
from console.domain.account_events import RunStarted
from console.engine.account import Account
from console.engine.client_ids import prefix_of
from console.engine.core import Engine
from console.engine.journal import Journal
from console.engine.outside import Watched, watched_by_nobody
from console.engine.trade_log import TradeLog
from console.risk.manager import RiskManager
from console.strategies.base import Strategy


def client_id_prefix(journal: Journal) -> str:
    """What every client order id made from a journal begins with."""
    return prefix_of(journal.instance)


def rebuild(
    journal: Journal,
    settings: Settings,
    make_strategy: Callable[[Settings], Strategy],
    risk: RiskManager,
    watch: Callable[[Sequence[Watched]], None] = watched_by_nobody,
) -> Engine:
    """The engine with the account as the journal has it, whose events are shown to ``watch``.

    Raises JournalError.
    """
    account, trade_log = Account(), TradeLog()
    for event in journal.replay():
        trade_log.observe(event, account)
        account.apply(event)
        watch([event])
    return Engine(
        settings,
        make_strategy(settings),
        risk,
        client_id_prefix=client_id_prefix(journal),
        account=account,
        trade_log=trade_log,
        make_strategy=make_strategy,
    )


def note_start(journal: Journal, settings: Settings, at_ns: int) -> None:
    """Write down which program trades with which settings; raises JournalError."""
    journal.append([RunStarted(at_ns=at_ns, program=__version__, settings=settings_hash(settings))])
