"""An engine handle that tests set by hand, and a full picture to start from."""

from __future__ import annotations

import msgspec

from console.domain.actions import AlertLevel
from console.domain.book import BookSide
from console.domain.commands import OperatorCommand
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus
from console.domain.trading_state import TradingState
from console.engine.account_views import PositionView, RestingView
from console.engine.halt_view import NOT_HALTING, HaltPhase, HaltView
from console.engine.limit_views import Gauge, LatchView, SwitchState, SwitchView
from console.engine.log_views import AlertView, FunnelStep, LogEntry, LogKind
from console.engine.snapshot import ExchangeView, Snapshot
from console.monitoring.slippage import SlippageSample

SECOND = 1_000_000_000
NOW = 1_772_039_071 * SECOND
"""2026-02-25 17:04:31 UTC, 12:04:31 in New York."""

MINUTE = 60 * SECOND


def dollars(amount: float) -> Cash:
    return Cash(round(amount * 1_000_000))


def position(
    ticker: str, side: BookSide, count: int, average: int, mark: int | None, minutes: int = 4
) -> PositionView:
    unrealised = None if mark is None else Cash((mark - average) * count)
    return PositionView(
        ticker=ticker,
        side=side,
        contracts=Count(count),
        average_price=Price(average),
        mark=None if mark is None else Price(mark),
        unrealised=unrealised,
        realised=dollars(0.5),
        fees=dollars(0.27),
        worst_case=Cash(average * count),
        group="crypto 15m 12:15",
        close_ns=NOW + minutes * MINUTE,
        expected=Price(average + 150),
        category="Crypto",
        entered_ns=NOW - minutes * MINUTE,
        bought=Count(count),
        as_maker=Count(count if side is BookSide.ASK else 0),
    )


def resting(client_order_id: str, ticker: str, status: OrderStatus = OrderStatus.RESTING) -> RestingView:
    return RestingView(
        client_order_id=client_order_id,
        order_id="o-1",
        ticker=ticker,
        side=BookSide.BID,
        price=Price(9_200),
        leaves=Count(6_000),
        count=Count(10_000),
        status=status,
        sent_ns=NOW - 12 * SECOND,
        close_ns=NOW + 4 * MINUTE,
    )


POSITIONS = (
    position("KXBTC15M-26FEB251215-15", BookSide.BID, 21_000, 9_420, 9_510),
    position("KXSOL15M-26FEB251215-15", BookSide.ASK, 16_000, 9_300, 9_150),
    position("KXETH15M-26FEB251215-15", BookSide.BID, 12_000, 9_610, 9_640, 9),
    position("KXXRP15M-26FEB251230-30", BookSide.BID, 6_050, 9_200, None, 19),
)

GAUGES = (
    Gauge("total", "total exposure", dollars(1360), dollars(1620), dollars(2000), SECOND // 5),
    Gauge("group", "largest group", dollars(615), dollars(615), dollars(1500), SECOND // 5, "crypto 12:15"),
    Gauge("single", "largest market", dollars(475), dollars(475), dollars(500), SECOND // 5, "KXBTC15M"),
    Gauge("daily_loss", "daily loss", dollars(0), None, dollars(500), SECOND // 5),
    Gauge("drawdown", "drawdown", None, None, dollars(300), None),
    Gauge("rate", "order size", dollars(190), None, dollars(250), SECOND // 5),
)

SWITCHES = (
    SwitchView("manual", "halt", SwitchState.ARMED, "ready", "operator", None, "operator", NOW),
    SwitchView("daily_loss", "daily loss", SwitchState.ARMED, "+12.41 $", "-500 $", None, "next day", NOW),
    SwitchView("streak", "loss streak", SwitchState.ARMED, "1", "5 -> 4 h", None, "after 4 h", NOW),
    SwitchView(
        "slippage", "slippage", SwitchState.WARNING, "41 bps n=18", "50 bps", NOW - MINUTE, "operator", NOW
    ),
    SwitchView("errors", "errors", SwitchState.ARMED, "2 /h", "10 /h", None, "operator", NOW),
    SwitchView("stale", "stale book", SwitchState.ARMED, "0.2 s", "30 s", None, "5 s of data", NOW),
    SwitchView("no_fills", "no fills", SwitchState.ARMED, "3 scans", "20", None, "operator", NOW),
    SwitchView("correlation", "correlation", SwitchState.ARMED, "ok", "0.50", None, "operator", NOW),
)

LOG = (
    *(
        LogEntry(
            sequence=n,
            at_ns=NOW - (40 - n) * 17 * SECOND,
            kind=LogKind.FILL,
            ticker=POSITIONS[n % 3].ticker,
            text="bought",
            side=BookSide.BID,
            price=Price(9_300 + 10 * (n % 7)),
            contracts=Count(6_000),
            fee=dollars(0.27),
            is_taker=n % 3 == 0,
            slippage=SlippageSample(100 * (n % 4), 100 * (n % 5), Count(6_000), is_taker=n % 3 == 0),
        )
        for n in range(1, 31)
    ),
    LogEntry(
        sequence=31,
        at_ns=NOW - 40 * SECOND,
        kind=LogKind.FILL,
        ticker=POSITIONS[0].ticker,
        text="sold",
        side=BookSide.ASK,
        price=Price(700),
        contracts=Count(6_000),
        fee=dollars(0.27),
        is_taker=True,
        profit=dollars(-2.4),
    ),
    LogEntry(
        sequence=32,
        at_ns=NOW - 30 * SECOND,
        kind=LogKind.SETTLED,
        ticker=POSITIONS[2].ticker,
        text="YES wins",
        side=BookSide.BID,
        price=Price(10_000),
        contracts=Count(12_000),
        profit=dollars(4.12),
    ),
    LogEntry(33, NOW - 20 * SECOND, LogKind.DENIED, POSITIONS[3].ticker, "group limit: 14.2 % of 15 % used"),
    LogEntry(34, NOW - 12 * SECOND, LogKind.STATE, None, "PAUSED slippage: 51 bps > 50 bps"),
    LogEntry(35, NOW - 2 * SECOND, LogKind.REJECTED, POSITIONS[0].ticker, "rejected: post only would cross"),
)

FUNNEL = (
    FunnelStep("scanned", 12_480, ()),
    FunnelStep("price", 1_904, (("not 90-99c", 9_576), ("no quote", 1_000))),
    FunnelStep("liquidity", 1_850, (("size below 10", 54),)),
    FunnelStep("spread", 1_101, (("over 200 bps", 749),)),
    FunnelStep("edge after fees", 312, (("below 0.020 $", 789),)),
    FunnelStep("limits", 41, (("group full", 211), ("total full", 60))),
    FunnelStep("sent", 41, ()),
    FunnelStep("filled", 33, (("expired", 8),)),
)

_TAKEN_BPS = (0, 0, 0, 3, 5, 5, 8, 9, 11, 12, 14, 18, 22, 31, 55)
_MADE_BPS = (-1, -2, -5, -5, -6, -8, -12, -15)
SLIPPAGE = (
    *(SlippageSample(100 * bps, None, Count(6_000), is_taker=True) for bps in _TAKEN_BPS),
    *(SlippageSample(100 * bps, None, Count(3_000), is_taker=False) for bps in _MADE_BPS),
)

SNAPSHOT = Snapshot(
    sequence=1,
    at_ns=NOW,
    environment="practice",
    dry_run=False,
    notes=("practice edge, not measured", "modelled depth"),
    state=TradingState.RUNNING,
    latches=(),
    connected=True,
    cash=dollars(8_600),
    equity=dollars(10_012.41),
    day_pnl=dollars(12.41),
    day_open_equity=dollars(10_000),
    feed_age_ns=SECOND // 5,
    order_round_trip_ns=3_000_000,
    exchange=ExchangeView(True, True, None, NOW + 10 * 3600 * SECOND),
    positions=POSITIONS,
    resting=(resting("c-1", POSITIONS[1].ticker), resting("c-2", "KXDOGE15M-26FEB251215-15")),
    gauges=GAUGES,
    switches=SWITCHES,
    slippage=SLIPPAGE,
    slippage_limit_centibps=5_000,
    log=LOG,
    funnel=FUNNEL,
    alerts=(AlertView(1, NOW - MINUTE, AlertLevel.INFO, "started"),),
    orders=41,
    fills=33,
    fees=dollars(8.91),
    worst_case=dollars(1_360),
    order_ids=("o-1", "o-2"),
)

LATCHES = (
    LatchView("manual", TradingState.HALTED, "operator", "operator", NOW - 30 * SECOND),
    LatchView("slippage", TradingState.PAUSED, "51 bps > 50 bps, n=20", "slippage", NOW - MINUTE),
)


class FakeEngine:
    """Answers what a test put in and notes what it is told."""

    def __init__(self, snapshot: Snapshot | None = SNAPSHOT) -> None:
        self.picture = snapshot
        self.now_ns = NOW
        self.heartbeat_ns = SECOND // 10
        self.failed: str | None = None
        self.ended_outside: str | None = None
        self.halting = NOT_HALTING
        self.halts: list[str] = []
        self.screen_beats = 0
        self.sent: list[OperatorCommand] = []
        self.refusals: dict[str, str] = {}

    def change(self, **fields: object) -> None:
        """Replace fields of the snapshot."""
        assert self.picture is not None
        self.picture = msgspec.structs.replace(self.picture, **fields)

    def wall_ns(self) -> int:
        return self.now_ns

    def snapshot(self) -> Snapshot | None:
        return self.picture

    def heartbeat_age_ns(self) -> int:
        return self.heartbeat_ns

    def failure(self) -> str | None:
        return self.failed

    def outage(self) -> str | None:
        return self.ended_outside

    def note_screen(self) -> None:
        self.screen_beats += 1

    def send(self, command: OperatorCommand) -> None:
        self.sent.append(command)

    def halt(self, reason: str) -> None:
        self.halts.append(reason)
        self.halting = HaltView(HaltPhase.CANCELLING, reason, requested_ns=self.now_ns)

    def halt_view(self) -> HaltView:
        return self.halting

    def resume_refusal(self, latch: str) -> str | None:
        return self.refusals.get(latch)
