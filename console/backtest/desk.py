"""Our side of a backtest: the engine as it trades live, with the answers of a simulated exchange."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from console.domain.account_events import (
    AccountOpened,
    ClockSkewRead,
    ExternalOrdersListed,
    OrderAcked,
    OrderFilled,
    OrderIntended,
    OrderReported,
    PositionsCompared,
)
from console.domain.actions import (
    Action,
    Append,
    BeginHalt,
    Cancel,
    EndHalt,
    Submit,
)
from console.domain.commands import Resume
from console.domain.engine_events import (
    ClockTicked,
    EquityMarked,
    GroupOpened,
    HaltProgressed,
    LatchCleared,
    LatchRaised,
    RiskDayBegan,
    TimerFired,
)
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market import Ticker
from console.domain.market_events import ExchangeStatusRead, FeedProved
from console.domain.money import Cash
from console.domain.order import OrderIntent
from console.domain.time_units import NS_PER_DAY, NS_PER_MS
from console.domain.trading_state import TradingState
from console.engine.client_ids import prefix_of
from console.engine.core import Engine
from console.engine.valuation import Worth
from console.monitoring.records import LatchRecord
from console.risk.latches import EVERYTHING, RISK_SOURCE, latch_id
from console.risk.manager import RiskManager

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from console.backtest.setup import ClockSkew, Setup
    from console.strategies.base import Strategy

    Ints = npt.NDArray[np.int64]

READ_EVERY_NS = 60_000_000_000
"""How often the account and the exchange's status are read: live it is more often, and nothing can differ."""

_LOOK_AT_LATCHES_NS = 5_000_000_000
_TICK_EVERY_NS = NS_PER_DAY
_PPM = 1_000_000


class OurClock:
    """What our clock shows at a true time."""

    def __init__(self, skew: ClockSkew, first_ns: int) -> None:
        self._offset_ns = skew.offset_ns
        self._drift_ppm = skew.drift_ppm
        self._first_ns = first_ns

    def __call__(self, true_ns: int) -> int:
        return true_ns + self._offset_ns + (true_ns - self._first_ns) * self._drift_ppm // _PPM

    def of_all(self, true_ns: Ints) -> Ints:
        """The same, time by time."""
        return true_ns + self._offset_ns + (true_ns - self._first_ns) * self._drift_ppm // _PPM

    @property
    def is_steady(self) -> bool:
        return not self._drift_ppm

    @property
    def is_right(self) -> bool:
        return not self._offset_ns and not self._drift_ppm


class Desk:
    """Feeds the engine and carries out its actions; ``submit`` and ``cancel`` send them on their way.

    ``now_ns`` is the true time of what is being taken; ``worth`` is as the engine's.
    """

    def __init__(
        self,
        setup: Setup,
        strategy: Strategy,
        clock: OurClock,
        *,
        submit: Callable[[OrderIntent, int], None],
        cancel: Callable[[str, Ticker, int], None],
        halt: Callable[[int], None],
        end_halt: Callable[[], None],
        worth: Worth | None = None,
    ) -> None:
        settings = setup.settings
        lived = self._lived = setup.lived
        escalates = lived is None or lived.escalates
        self.engine = Engine(
            settings,
            strategy,
            RiskManager(settings.risk, settings.quality, escalates=escalates),
            client_id_prefix=prefix_of("backtest"),
            make_strategy=None if lived is None else lived.strategy_of,
            worth=worth,
        )
        self.now_ns = 0
        self.events = 0
        self.equity: list[tuple[int, Cash]] = []
        self.latches: list[LatchRecord] = []
        self.renewals = 0
        self.groups: dict[Ticker, str] = {}
        self.stopped_by: str | None = None
        self.on_record: Callable[[JournaledEvent], None] | None = None
        self._stops_on_halt = setup.stop_on_halt
        self._clock = clock
        self._submit = submit
        self._cancel = cancel
        self._halt = halt
        self._end_halt = end_halt
        self._digest = blake2b(digest_size=16)
        self._read_ns = -READ_EVERY_NS
        self._proved_ns = -1
        self._ticked_ns = -_TICK_EVERY_NS
        self._day_began = False

    @property
    def journal_hash(self) -> str:
        """Over every journaled event, in order."""
        return self._digest.hexdigest()

    def open(self, at_ns: int, capital: Cash, group_id: str) -> None:
        """Begin with a new account, or as the run did that is run again."""
        self.now_ns = at_ns
        local_ns = self._clock(at_ns)
        positions = () if self._lived is None else self._lived.positions
        self.take(AccountOpened(at_ns=local_ns, account="backtest", cash=capital, positions=positions))
        for event in () if self._lived is None else self._lived.state:
            self.take(event)
        self.take(ExternalOrdersListed(at_ns=local_ns, orders=()))
        self.take(GroupOpened(at_ns=local_ns, exchange_index=0, group_id=group_id))
        self.keep_house(at_ns)

    def take(self, event: EngineEvent) -> None:
        self.events += 1
        actions = self.engine.handle(event)
        if actions:
            self.perform(actions)

    def hear(self, news: list[EngineEvent], at_ns: int) -> None:
        """What the exchange sent arrives."""
        self.now_ns = at_ns
        local_ns = self._clock(at_ns)
        self.keep_house(at_ns)
        for event in news:
            is_timely = event.at_ns == local_ns
            self.take(event if is_timely else msgspec.structs.replace(event, at_ns=local_ns))

    @property
    def is_clock_steady(self) -> bool:
        """Whether our clock is ahead or behind by the same at all times."""
        return self._clock.is_steady

    def our_ns(self, true_ns: int) -> int:
        """What our clock shows then."""
        return self._clock(true_ns)

    def keep_house(self, at_ns: int) -> None:
        """Before anything that may lead to a decision: what live is learned in between, all of it good.

        The feed proves itself all the time; a clock that is wrong is found out. While a latch is in force
        time is told too, so that it ends in time.
        """
        if at_ns == self._proved_ns:
            return
        self.now_ns = self._proved_ns = at_ns
        self.take(FeedProved(at_ns=self._clock(at_ns)))
        is_latched = bool(self.engine.account.latches.active)
        if at_ns - self._read_ns >= (_LOOK_AT_LATCHES_NS if is_latched else READ_EVERY_NS):
            self._read(at_ns)
            if is_latched:
                self._tick(at_ns)

    def _read(self, at_ns: int) -> None:
        self._read_ns, local_ns = at_ns, self._clock(at_ns)
        self.take(ExchangeStatusRead(at_ns=local_ns, exchange_active=True, trading_active=True))
        self.take(ClockSkewRead(at_ns=local_ns, skew_ms=(local_ns - at_ns) // NS_PER_MS))
        self.take(PositionsCompared(at_ns=local_ns))

    def _is_tick_due(self, at_ns: int) -> bool:
        """A scan looks at every switch by itself; what a tick adds is the time, by which latches end."""
        if at_ns == self._ticked_ns:
            return False
        due = at_ns - self._ticked_ns >= _TICK_EVERY_NS
        return due or bool(self.engine.account.latches.active) or not self._clock.is_right

    def _tick(self, at_ns: int) -> None:
        self._ticked_ns = at_ns
        self.take(ClockTicked(at_ns=self._clock(at_ns), monotonic_ns=at_ns))

    def scan(self, at_ns: int, only: tuple[Ticker, ...] | None) -> None:
        """The timer fires; ``only`` as the event's."""
        self.keep_house(at_ns)
        if self._is_tick_due(at_ns):
            self._tick(at_ns)
        self.take(TimerFired(at_ns=self._clock(at_ns), only=only))
        if self._day_began:
            self._day_began = False
            if self.stopped_by is None and self._lived is None:
                self._resume_all(at_ns)

    def tell(self, event: JournaledEvent, at_ns: int) -> None:
        """What came from outside in a run that is run again; a halt that it ends is over."""
        self.keep_house(at_ns)
        was_halted = self._is_halted
        self.take(msgspec.structs.replace(event, at_ns=self._clock(at_ns)))
        if was_halted and not self._is_halted:
            self._end_halt()

    @property
    def _is_halted(self) -> bool:
        return self.engine.account.latches.state is TradingState.HALTED

    def confirm_halt(self, at_ns: int) -> None:
        """Nothing of ours rests at the exchange any more."""
        self.now_ns = at_ns
        self.take(HaltProgressed(at_ns=self._clock(at_ns), resting=0, is_confirmed=True))

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Append(record=record):
                    self._journal(record)
                case Submit(intent=intent):
                    self._submit(intent, self.now_ns)
                case Cancel(order_id=order_id, ticker=ticker):
                    self._cancel(order_id, ticker, self.now_ns)
                case BeginHalt():
                    self._halt(self.now_ns)
                case EndHalt():
                    self._end_halt()
                case _:
                    pass

    def _journal(self, record: JournaledEvent) -> None:
        self._digest.update(msgspec.msgpack.encode(record))
        if self.on_record is not None:
            self.on_record(record)
        match record:
            case OrderIntended(intent=intent):
                self.groups.setdefault(intent.ticker, self.engine.markets.group(intent.ticker))
            case OrderReported():
                self.renewals += record.reason == "ExpiryCancel"
            case OrderFilled() | OrderAcked():
                pass
            case EquityMarked(equity=equity):
                self.equity.append((self.now_ns, equity))
            case RiskDayBegan():
                self._day_began = True
            case LatchRaised():
                self._note_latch(record)
            case LatchCleared():
                self._note_cleared(record)
            case _:
                pass

    def _note_latch(self, latch: LatchRaised) -> None:
        name = latch_id(latch.name, latch.scope)
        self.latches.append(LatchRecord(self.now_ns, name, latch.level.name, latch.reason, None, False))
        halts = latch.level is TradingState.HALTED and latch.scope == EVERYTHING
        if halts and self._stops_on_halt:
            self.stopped_by = f"{name}: {latch.reason}"

    def _note_cleared(self, latch: LatchCleared) -> None:
        name, by_operator = latch_id(latch.name, latch.scope), latch.source != RISK_SOURCE
        for index, record in enumerate(self.latches):
            if record.name == name and record.cleared_ns is None:
                self.latches[index] = msgspec.structs.replace(
                    record, cleared_ns=self.now_ns, by_operator=by_operator
                )

    def _resume_all(self, at_ns: int) -> None:
        """A new risk day: what waits for the operator is cleared, as one who comes in the morning might."""
        local_ns = self._clock(at_ns)
        for latch in self.engine.account.latches.active:
            if latch.until_ns is None and self.engine.resume_refusal(latch.id, local_ns) is None:
                self.take(Resume(at_ns=local_ns, latch=latch.id, reason="the next risk day of a backtest"))
