"""What the switches may read, gathered from the account, what happened around it and the markets."""

from __future__ import annotations

from itertools import islice

from console.domain.money import Cash
from console.domain.order import OrderReport
from console.engine.account import Account
from console.engine.activity import Activity
from console.engine.markets import Markets
from console.risk.exposure import Exposure
from console.risk.running_exposure import RunningExposure
from console.risk.switches.base import RiskView


class RiskViews:
    """Makes the view of a moment; of exposure only what changed since it was asked last is added up anew."""

    def __init__(self, account: Account, activity: Activity, markets: Markets) -> None:
        self._account = account
        self._activity = activity
        self._markets = markets
        self._running = RunningExposure()
        self._among: tuple[int, tuple[OrderReport, ...]] = (-1, ())

    def exposure(self, external_orders: tuple[OrderReport, ...]) -> Exposure:
        """Worst cases of what is held and of every order that may still fill, ours or not."""
        account, markets = self._account, self._markets
        among = markets.listings, external_orders
        changed, is_among_the_same = account.take_changed(), among == self._among
        self._among = among
        return self._running.of(
            account.positions,
            account.working,
            markets.places,
            external_orders,
            changed if is_among_the_same else None,
        )

    def at(
        self,
        now_ns: int,
        *,
        monotonic_ns: int | None,
        equity: Cash | None,
        feed_proved_ns: int | None,
        exposure: Exposure,
        slippage_window_fills: int,
    ) -> RiskView:
        """All that is known at a moment."""
        account, activity = self._account, self._activity
        slipped = tuple(islice(reversed(account.taker_slippage), slippage_window_fills))[::-1]
        followed, dark = self._markets.books(now_ns)
        return RiskView(
            now_ns=now_ns,
            monotonic_ns=monotonic_ns,
            equity=equity,
            day_open_equity=account.day_open_equity,
            high_water=account.high_water,
            feed_proved_ns=feed_proved_ns,
            followed_books=followed,
            dark_books=dark,
            losses_in_a_row=account.streak.losses,
            losses_answered=account.streak.answered,
            taker_slippage=slipped,
            errors_in_hour=activity.errors_in_hour(now_ns),
            scans_without_fill=activity.scans_without_fill,
            exposure=exposure,
            rejects_in_minute=activity.rejects_in_minute(now_ns),
            orders_in_minute=activity.orders_in_minute(now_ns),
            notional_in_minute=activity.notional_in_minute(now_ns),
            contradiction=activity.contradiction,
            foreign_order=activity.foreign_order,
            unknown_since_ns=tuple(order.unknown_ns or order.sent_ns for order in account.unknown_orders),
            positions=activity.positions,
            clock=activity.clock,
            clock_step_ns=activity.clock_step_ns,
            exchange=activity.exchange,
            journaled_ns=activity.journaled_ns,
            journal_failure=activity.journal_failure,
            key_refusal=activity.key_refusal,
            guard=activity.guard,
        )
