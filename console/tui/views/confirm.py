"""What the typed dialogs show: what a flatten would bring, and what arming lets loose."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.money import Cash
from console.engine.snapshot import PositionView, Snapshot
from console.engine.verbs import DISARMED
from console.tui import formatting as fmt
from console.tui.cells import Line, Span, Tone, join, left, middle, put, right

_TICKER_WIDTH = 17
_WIDTHS = (4, 9, 6, 7, 9, 8)
_HEADS = ("side", "contracts", "exit", "shown", "proceeds", "vs mid")


def flatten_lines(snapshot: Snapshot | None) -> list[Line]:
    """The sums, then each position with its exit price, proceeds and slippage against the middle."""
    lines = [put("Halts, cancels all, then sells what is held in slices at the bid.")]
    lines.append(put("It ends HALTED. A halt in between stops it at once.", Tone.MUTED))
    if snapshot is None:
        return [*lines, put("■ the engine has not said yet what it holds", Tone.LOSS)]
    positions = snapshot.positions
    if not positions:
        return [*lines, put("● no position is held", Tone.WARN)]
    lines.append(_sums(positions))
    if any(position.is_external for position in positions):
        lines.append(put("▲ external positions are sold too", Tone.WARN))
    if any(_is_thin(position) for position in positions):
        lines.append(put("▲ the bid shows less than is held: the rest sells lower, or stays", Tone.WARN))
    return [*lines, _row("ticker", _HEADS, Tone.MUTED), *(_position_row(each) for each in positions)]


def _row(ticker: str, cells: Sequence[str], tone: Tone = Tone.PLAIN) -> Line:
    shown = left(put(middle(ticker, _TICKER_WIDTH), tone), _TICKER_WIDTH)
    for cell, width in zip(cells, _WIDTHS, strict=True):
        shown = (*shown, Span(" ", Tone.PLAIN), *right(put(cell, tone), width))
    return shown


def _position_row(position: PositionView) -> Line:
    leaving = position.exit
    cells = (
        position.side.outcome,
        fmt.contracts(position.contracts),
        "no bid" if leaving.price is None else fmt.cents(leaving.price),
        fmt.contracts(leaving.displayed),
        fmt.dollars(leaving.proceeds),
        fmt.UNKNOWN if leaving.slippage is None else fmt.dollars(-leaving.slippage, signed=True),
    )
    return _row(position.ticker, cells, Tone.WARN if leaving.price is None else Tone.PLAIN)


def _is_thin(position: PositionView) -> bool:
    displayed = position.exit.displayed
    return displayed is not None and displayed < position.contracts


def _sums(positions: Sequence[PositionView]) -> Line:
    exits = [position.exit for position in positions]
    fees = [leaving.fee for leaving in exits]
    slips = [leaving.slippage for leaving in exits]
    return join(
        [
            _sum("proceeds", [leaving.proceeds for leaving in exits]),
            _sum("fees about", fees),
            _sum("below mid", slips),
        ]
    )


def _sum(label: str, figures: Sequence[Cash | None]) -> Line:
    """The sum of what is known, and of how many it is not."""
    known = [figure for figure in figures if figure is not None]
    unknown = len(figures) - len(known)
    text = f"{label} ${fmt.dollars(sum(known))}" if known else f"{label} {fmt.UNKNOWN}"
    if unknown and known:
        text += f" + {unknown} unknown"
    return put(text, Tone.WARN if unknown else Tone.STRONG)


def arm_lines(snapshot: Snapshot | None) -> list[Line]:
    """Where orders will go, with what, and what else holds them back."""
    if snapshot is None:
        return [put("■ the engine has not said yet where it trades", Tone.LOSS)]
    others = [latch.id for latch in snapshot.latches if latch.id != DISARMED]
    dry = ", orders stay here (dry run)" if snapshot.dry_run else ""
    lines = [
        put(f"New entries may be sent in {snapshot.environment.upper()}{dry}.", Tone.STRONG),
        put(f"capital ${fmt.dollars(snapshot.equity)}  worst case ${fmt.dollars(snapshot.worst_case)}"),
    ]
    if others:
        lines.append(put(f"▲ still held by: {', '.join(others)}", Tone.WARN))
    return lines
