"""What fees and slippage take of gross profit, as a routine reviews it."""

from __future__ import annotations

import msgspec

from console.backtest.routine import (
    Reviewed,
    Step,
    Table,
    Verdict,
    nothing,
)
from console.backtest.words import dollars, percent
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.monitoring.documents import document_of
from console.monitoring.execution import slippage as slippage_of_fills
from console.monitoring.figures import PeriodFigures
from console.monitoring.performance import MOST_FEES_SHARE

EXPECTED_DROP = (0.10, 0.20)
"""By how much the guide expects fees and slippage to lower what is made."""


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """From gross to net: ``gross`` is before fees and before what takers paid over the touch.

    Shares are of 1; None without gross profit.
    """

    gross: Cash | None
    fees: Cash
    slippage: Cash
    net: Cash | None
    fee_share: float | None
    drop: float | None


def drop_of(it: PeriodFigures) -> Drop:
    """Of the trades, whenever they were filled; what makers saved of the spread is no part of slippage."""
    fills = {record.fill.fill_id: record for trade in it.trades for record in trade.fills}
    touch = slippage_of_fills(fills.values(), it.slippage.limit_bps).taker.touch_cents
    slippage = Cash(round((touch.mean or 0) * touch.n_contracts * CASH_PER_DOLLAR / 100))
    nets = [trade.net for trade in it.trades if trade.net is not None]
    # Of our trades alone: equity has what others traded on the account as well.
    net = Cash(sum(nets)) if len(nets) == len(it.trades) else None
    fees = Cash(sum(trade.fees for trade in it.trades))
    gross = None if net is None else Cash(net + fees + slippage)
    return Drop(
        gross=gross,
        fees=fees,
        slippage=slippage,
        net=net,
        fee_share=it.performance.fee_share,
        drop=1 - net / gross if gross is not None and net is not None and gross > 0 else None,
    )


def fees(of: Reviewed) -> Step:
    name, task = "fees", f"Review fee impact: fees below {percent(MOST_FEES_SHARE, 0)} of gross profit"
    it = of.figures
    if it is None or not it.trades:
        return nothing(name, task)
    drop = drop_of(it)
    verdict, found = _fees_verdict(drop)
    before_fees = None if drop.net is None else Cash(drop.net + drop.fees)
    rows = (
        ("gross, had takers paid the touch", drop.gross),
        (
            "slippage of takers" if drop.slippage >= 0 else "takers' better prices",
            Cash(-drop.slippage),
        ),
        ("gross profit", before_fees),
        ("fees", Cash(-drop.fees)),
        ("net at marks", drop.net),
    )
    return Step(
        id=name,
        task=task,
        verdict=verdict if drop.drop is None or drop.drop <= EXPECTED_DROP[1] else Verdict.LOOK,
        found=found,
        tables=(
            Table(
                headings=("", "figure", "of gross profit"),
                rows=tuple((each, dollars(amount), _of(amount, before_fees)) for each, amount in rows),
            ),
        ),
        notes=(_drop_said(drop),),
        figures={
            **document_of(drop),
            "most_fee_share": MOST_FEES_SHARE,
            "expected_drop": list(EXPECTED_DROP),
        },
    )


def _fees_verdict(drop: Drop) -> tuple[Verdict, str]:
    fees = dollars(drop.fees)
    if drop.net is None:
        return Verdict.UNSURE, f"fees of {fees}; what was made is not known, so neither is their share of it"
    if not drop.fees:
        return Verdict.FINE, "no fees were charged"
    if drop.fee_share is None:
        return Verdict.LOOK, f"fees of {fees} and no gross profit to pay them from"
    said = f"fees of {fees} are {percent(drop.fee_share)} of gross profit"
    if drop.fee_share > MOST_FEES_SHARE:
        return Verdict.LOOK, f"{said}: above {percent(MOST_FEES_SHARE, 0)}"
    return Verdict.FINE, said


def _drop_said(drop: Drop) -> str:
    expected = f"{percent(EXPECTED_DROP[0], 0)} to {percent(EXPECTED_DROP[1], 0)} is expected"
    if drop.drop is not None:
        return f"from the touch to net {percent(drop.drop)} is lost to fees and slippage; {expected}"
    if drop.gross is None:
        return f"by how much fees and slippage lower what is made ({expected}) is not known"
    return f"nothing was made at the touch that fees and slippage could lower ({expected})"


def _of(amount: Cash | None, gross: Cash | None) -> str:
    return percent(amount / gross) if amount is not None and gross is not None and gross > 0 else "-"
