"""What dialogs show before they act: what a flatten or a closing would bring, what arming lets loose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.config.schema import Settings
from console.domain.money import Cash, Price, cost
from console.domain.trading_state import TradingState
from console.engine.account_views import PositionView
from console.engine.snapshot import Snapshot
from console.risk.latches import DISARMED
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


class ClosePreview:
    """What closing one position would bring, drawn again and again; ``price`` is the one drawn last.

    ``key`` is that of an action.
    """

    def __init__(self, ticker: str, look: Callable[[], Snapshot | None], key: Callable[[str], str]) -> None:
        self.price: Price | None = None
        self._ticker = ticker
        self._look = look
        self._key = key

    @property
    def _position(self) -> PositionView | None:
        snapshot = self._look()
        held = snapshot.positions if snapshot is not None else ()
        return next((position for position in held if position.ticker == self._ticker), None)

    def lines(self) -> list[Line]:
        position = self._position
        if position is None:
            return [put(f"{self._ticker}: nothing is held there", Tone.WARN)]
        leaving, resume = position.exit, self._key("resume")
        self.price = leaving.price
        held = f"{fmt.contracts(position.contracts)} {position.side.outcome}"
        lines = [
            put(position.ticker, Tone.STRONG),
            put(f"Sells {held} at {fmt.cents(leaving.price)}c or better; {self._shown(position)}."),
            _sums([position]),
            put(f"{fmt.dollars(_profit(position), signed=True)} against the average entry, after that fee"),
            put(f"Entry orders are cancelled first; the market stays stopped until {resume}.", Tone.MUTED),
            put("What the bid does not take within 15 s stays.", Tone.MUTED),
        ]
        if position.is_external:
            lines.append(put("▲ not all of it was bought by us", Tone.WARN))
        if _is_thin(position):
            lines.append(put("▲ the bid shows less than is held", Tone.WARN))
        return lines

    @staticmethod
    def _shown(position: PositionView) -> str:
        return f"the bid shows {fmt.contracts(position.exit.displayed)}"

    def refusal(self) -> str | None:
        """Why it cannot be closed now."""
        snapshot, position = self._look(), self._position
        if snapshot is None or position is None:
            return "nothing is held there"
        if snapshot.state is TradingState.HALTED:
            return f"halted; {self._key('flatten')} sells while halted"
        return "no bid" if position.exit.price is None else None


def _profit(position: PositionView) -> Cash | None:
    leaving = position.exit
    if leaving.proceeds is None or leaving.fee is None:
        return None
    return Cash(leaving.proceeds - leaving.fee - cost(position.average_price, position.contracts))


def series_of(ticker: str, snapshot: Snapshot) -> str:
    """The series of a market in which something of ours is; empty where it is not known."""
    known = {position.ticker: position.series for position in snapshot.positions}
    known |= {order.ticker: order.series for order in snapshot.resting}
    return known.get(ticker, "")


def arm_lines(
    snapshot: Snapshot | None, preflight: Callable[[Settings], Sequence[Line]] | None = None
) -> list[Line]:
    """Where orders will go, with what, what else holds them back, and what was not made sure of before."""
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
    return [*lines, *(preflight(snapshot.settings) if preflight is not None else ())]
