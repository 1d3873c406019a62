"""What a replay of a recorded day says beside what really happened: figures, differences and text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from console.backtest.against_live import RunAgain
from console.backtest.live_differences import (
    Compared,
    Difference,
    MarketSides,
    Traded,
    markets_traded,
    traded,
)
from console.backtest.words import WIDTH, dollars, figure, some, wrapped
from console.domain.market import Ticker
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_DOLLAR, Price
from console.domain.time_units import NS_PER_MS
from console.monitoring.documents import Document, document_of, iso

_MOST_SHOWN = 20
_COLUMNS = (24, 16, 16, 16)


class ComparedRun(msgspec.Struct, frozen=True):
    """One run of the day; ``round_trip_ms`` is the median of its orders, and ``rows`` were recorded of it."""

    began_ns: int
    ended_ns: int
    rows: int
    round_trip_ms: float | None
    same: int
    different: int


class AgainstLive(msgspec.Struct, frozen=True, kw_only=True):
    """A day; ``notes`` say what the comparison had to do without."""

    day: str
    environment: str
    runs: tuple[ComparedRun, ...]
    live: Traded
    replay: Traded
    markets: tuple[MarketSides, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> int:
        return sum(run.same for run in self.runs)

    @property
    def different(self) -> int:
        return sum(run.different for run in self.runs)

    def document(self) -> Document:
        """For programs."""
        decisions = {"same": self.same, "different": self.different}
        return {"decisions": decisions, **document_of(self)}


def against_live(
    day: str,
    environment: str,
    runs: Sequence[tuple[RunAgain, Compared]],
    paid: Mapping[Ticker, Price],
    notes: Sequence[str],
) -> AgainstLive:
    """The report of a day's runs; ``paid`` is what markets paid as the journal has it."""
    values: dict[Ticker, tuple[Price, bool]] = {}
    for _, compared in runs:
        values |= {ticker: (value, False) for ticker, value in compared.quoted.items()}
    for settled in (*(compared.paid for _, compared in runs), paid):
        values |= {ticker: (value, True) for ticker, value in settled.items()}
    agains = [again for again, _ in runs]
    return AgainstLive(
        day=day,
        environment=environment,
        runs=tuple(_run(again, compared) for again, compared in runs),
        live=traded((order for again in agains for order in again.live), values),
        replay=traded((order for again in agains for order in again.again), values),
        markets=markets_traded(agains, values),
        differences=tuple(each for _, compared in runs for each in compared.differences),
        notes=tuple(notes),
    )


def _run(again: RunAgain, compared: Compared) -> ComparedRun:
    trip_ns = again.round_trip_ns
    return ComparedRun(
        began_ns=again.run.began_ns,
        ended_ns=again.last_ns,
        rows=again.rows,
        round_trip_ms=None if trip_ns is None else trip_ns / NS_PER_MS,
        same=compared.same,
        different=compared.different,
    )


# --- text -----------------------------------------------------------------------------------------------


def against_live_text(report: AgainstLive) -> Iterator[str]:
    """The lines, of at most 80 columns."""
    yield f"REPLAY of {report.day} ({report.environment}) beside what happened"
    for run in report.runs:
        trip = "none answered" if run.round_trip_ms is None else f"answered in {run.round_trip_ms:,.0f} ms"
        yield from wrapped(
            "run: ",
            f"{_clock(run.began_ns)} to {_clock(run.ended_ns)} UTC; {run.rows:,} rows; orders {trip}",
        )
    yield from wrapped(
        "decisions: ", f"{report.same:,} the same, {report.different:,} different of either side"
    )
    yield from ("", *_sums(report.live, report.replay))
    if report.markets:
        yield from ("", *_markets(report.markets))
    if report.differences:
        yield from ("", *_differences(report.differences))
    if report.notes:
        yield ""
    for note in report.notes:
        yield from wrapped("! ", note)


def _sums(live: Traded, replay: Traded) -> Iterator[str]:
    yield _line("", "live", "replay", "replay - live")
    for name in ("orders", "filled_orders", "denied", "rejected", "unknown"):
        a, b = getattr(live, name), getattr(replay, name)
        yield _line(name.replace("_", " "), f"{a:,}", f"{b:,}", f"{b - a:+,}")
    yield _line("contracts", *_three(live.contracts, replay.contracts, COUNT_PER_CONTRACT, ",.0f"))
    yield _line("paid on average, $", *_three(live.price, replay.price, PRICE_PER_DOLLAR, ".4f"))
    yield _line("slippage to touch, bps", *_three(live.slippage_bps, replay.slippage_bps, 1, ".1f"))
    for name, a, b in (("fees", live.fees, replay.fees), ("P&L of the fills", live.pnl, replay.pnl)):
        yield _line(name, dollars(a), dollars(b), dollars(None if a is None or b is None else b - a))


def _three(live: float | None, replay: float | None, unit: int, form: str) -> tuple[str, str, str]:
    a, b = (None if each is None else each / unit for each in (live, replay))
    return figure(a, form), figure(b, form), figure(None if a is None or b is None else b - a, f"+{form}")


def _line(*cells: str) -> str:
    return (
        "  "
        + cells[0].ljust(_COLUMNS[0])
        + "".join(cell.rjust(width) for cell, width in zip(cells[1:], _COLUMNS[1:], strict=True))
    )


def _markets(markets: Sequence[MarketSides]) -> Iterator[str]:
    """Those of which the sides differ most."""
    other = [each for each in markets if each.live != each.replay]
    yield f"MARKETS: {len(markets) - len(other):,} of {some(len(markets), 'market')} the same"
    if not other:
        return
    ordered = sorted(other, key=_gap, reverse=True)
    yield f"  {'':32}{'contracts':>14}{'fees':>15}{'P&L':>17}"
    yield (
        f"  {'':32}" + f"{'live':>7}{'replay':>7}" + f"{'live':>7}{'replay':>8}" + f"{'live':>8}{'replay':>9}"
    )
    for each in ordered[:_MOST_SHOWN]:
        sides = (each.live, each.replay)
        contracts, fees, pnl = (
            [f"{side.contracts / COUNT_PER_CONTRACT:,.0f}" for side in sides],
            [dollars(side.fees) for side in sides],
            [dollars(side.pnl) for side in sides],
        )
        yield (
            f"  {each.ticker[:31]:32}{contracts[0]:>7}{contracts[1]:>7}{fees[0]:>7}{fees[1]:>8}"
            f"{pnl[0]:>8}{pnl[1]:>9}"
        )
    if len(ordered) > _MOST_SHOWN:
        yield f"  and {len(ordered) - _MOST_SHOWN:,} more (--json has all)"


def _gap(market: MarketSides) -> tuple[int, int]:
    live, replay = market.live, market.replay
    return abs((live.pnl or 0) - (replay.pnl or 0)), abs(live.contracts - replay.contracts)


def _differences(differences: Sequence[Difference]) -> Iterator[str]:
    kinds = Counter(each.kind for each in differences)
    said = ", ".join(some(count, kind) for kind, count in kinds.items())
    yield f"DIFFERENCES: {said}"
    for each in differences[:_MOST_SHOWN]:
        yield f"  {_clock(each.at_ns)} {each.ticker} {each.kind}"[:WIDTH]
        yield f"      live    {each.live or 'nothing'}"
        yield f"      replay  {each.replay or 'nothing'}"
        yield from (f"  {line}" for line in wrapped("    ", each.reason))
    if len(differences) > _MOST_SHOWN:
        yield f"  and {len(differences) - _MOST_SHOWN:,} more (--json has all)"


def _clock(at_ns: int) -> str:
    return iso(at_ns)[11:19]
