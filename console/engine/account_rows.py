"""Draws what the account holds and what rests, one row each."""

from __future__ import annotations

from console.domain.market import Market
from console.domain.money import Count, Price
from console.domain.position import Position
from console.engine.account_views import ExternalView, PositionView, RestingView
from console.engine.core import Engine
from console.engine.flatten import exit_view
from console.risk.exposure import Exposure


def positions(engine: Engine, exposure: Exposure) -> tuple[PositionView, ...]:
    """What is held."""
    views = []
    for ticker, position in engine.account.held.items():
        market = engine.markets.get(ticker)
        exit_price = engine.markets.exit_price(ticker, position.side)
        quote, entry = engine.markets.quote(ticker), engine.trade_log.day.entry(ticker)
        views.append(
            PositionView(
                ticker=ticker,
                side=position.side,
                contracts=Count(abs(position.contracts)),
                average_price=_average(position),
                mark=None if exit_price is None else position.side.price_paid(exit_price),
                unrealised=None if exit_price is None else position.unrealised_at(exit_price),
                realised=position.realised,
                fees=position.fees,
                worst_case=exposure.market(ticker).worst.with_orders,
                group=engine.markets.group(ticker),
                close_ns=market.close_ns if market else None,
                exit=exit_view(position, market, quote if engine.markets.is_live(ticker) else None),
                is_external=ticker in engine.account.external,
                series=market.series_ticker if market else "",
                title=market.title if market else "",
                expected=entry.expected if entry else None,
                category=market.category if market else "",
                entered_ns=entry.first_ns if entry else None,
                bought=Count(entry.contracts) if entry else None,
                as_maker=Count(entry.as_maker) if entry else None,
            )
        )
    return tuple(views)


def _average(position: Position) -> Price:
    average = position.average_price
    if average is None:
        raise ValueError("a flat position has no average price")
    return average


def resting(engine: Engine) -> tuple[RestingView, ...]:
    """Our orders that may still fill."""
    views = []
    for order in engine.account.open_orders:
        intent, market = order.intent, engine.markets.get(order.intent.ticker)
        views.append(
            RestingView(
                client_order_id=intent.client_order_id,
                order_id=order.order_id,
                ticker=intent.ticker,
                side=intent.side,
                price=intent.side.price_paid(intent.price),
                leaves=order.leaves,
                count=intent.count,
                status=order.status,
                sent_ns=order.sent_ns,
                close_ns=market.close_ns if market else None,
                series=market.series_ticker if market else "",
                title=market.title if market else "",
            )
        )
    return tuple(views)


def at_stake(engine: Engine, exposure: Exposure) -> tuple[Market, ...]:
    """The markets in which something can be lost."""
    return tuple(m for ticker in exposure.markets if (m := engine.markets.get(ticker)) is not None)


def external(engine: Engine) -> tuple[ExternalView, ...]:
    """Orders of the account that are not ours."""
    return tuple(
        ExternalView(
            order.order_id, order.ticker, order.side, order.side.price_paid(order.price), order.remaining
        )
        for order in engine.external_orders
    )
