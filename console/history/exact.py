"""Recorded numbers as exact integers, and the market of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.history.read import Piece

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Column

# A price kept as a 32-bit float is off by up to 1e-4 of the 1e-4 dollar it stands for.
_PRICE_TOLERANCE = 1e-3
# Prices and sizes stand in 16 and 32 bits, so that a quote takes 24 bytes.
_MOST_CONTRACTS = (2**31 - 1) // COUNT_PER_CONTRACT

_Key = tuple[str | None, str | None]


def first(mask: Column) -> int | None:
    """The first row at which ``mask`` is true."""
    import pyarrow.compute as pc

    row: int = pc.index(mask, True).as_py()
    return None if row < 0 else row


def prices(piece: Piece, name: str) -> Column:
    """A column of YES cents as Price in 16 bits; raises HistoryError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cents = piece[name]
    outside = pc.or_(pc.less(cents, pa.scalar(0.0)), pc.greater(cents, pa.scalar(100.0)))
    if (row := first(outside)) is not None:
        raise piece.refuse(row, name, f"{cents[row]} is not a price of 0 to 100 cents")
    scaled = pc.multiply(cents, pa.scalar(float(PRICE_PER_CENT)))
    whole = pc.round(scaled)
    off = pc.greater(pc.abs(pc.subtract(scaled, whole)), pa.scalar(_PRICE_TOLERANCE))
    if (row := first(off)) is not None:
        raise piece.refuse(row, name, f"{cents[row]} cents is finer than a hundredth of a cent")
    exact = pc.cast(whole, pa.int16())
    highest: int | None = pc.max(exact).as_py()
    if highest is not None and highest <= PRICE_PER_CENT:
        # Nothing trades so low in steps below a tenth of a cent, but dollars would look like this.
        tenths = pc.multiply(pc.divide(exact, pa.scalar(10, pa.int16())), pa.scalar(10, pa.int16()))
        if (row := first(pc.not_equal(exact, tenths))) is not None:
            raise piece.refuse(row, name, f"{cents[row]} looks like dollars; prices are YES cents")
    return exact


def counts(piece: Piece, name: str, *, signed: bool = False) -> Column:
    """A column of contracts as Count in 32 bits, below zero only where ``signed``; raises HistoryError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    contracts = piece[name]
    below = None if signed else first(pc.less(contracts, pa.scalar(0.0)))
    if below is not None:
        raise piece.refuse(below, name, f"{contracts[below]} is not a number of contracts; it is below 0")
    if (row := first(pc.greater(pc.abs(contracts), pa.scalar(float(_MOST_CONTRACTS))))) is not None:
        raise piece.refuse(row, name, f"{contracts[row]} contracts are more than {_MOST_CONTRACTS:,}")
    return pc.cast(pc.round(pc.multiply(contracts, pa.scalar(float(COUNT_PER_CONTRACT)))), pa.int32())


class MarketRows:
    """Finds the market of each row, by dataset and ticker, or by ticker alone where a file has no dataset.

    A market that is not among ``chosen`` has row -1, any other its place there.
    """

    def __init__(self, markets: pa.Table, chosen: list[int] | None = None) -> None:
        datasets, tickers = (markets[name].to_pylist() for name in ("dataset", "ticker"))
        places = range(markets.num_rows) if chosen is None else chosen
        place_of = {row: place for place, row in enumerate(places)}
        self._rows: dict[_Key, int] = {}
        for row, (dataset, ticker) in enumerate(zip(datasets, tickers, strict=True)):
            place = place_of.get(row, -1)
            self._rows[dataset, ticker] = place
            self._rows[None, ticker] = max(place, self._rows.get((None, ticker), -1))

    def of(self, piece: Piece) -> Column:
        """The market of each row in 32 bits; raises HistoryError for one that is not known."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names, tickers = piece.names("ticker")
        code = pc.cast(tickers, pa.int64())
        datasets: list[str] = []
        if "dataset" in piece.columns:
            datasets, dataset = piece.names("dataset")
            code = pc.add(code, pc.multiply(pc.cast(dataset, pa.int64()), pa.scalar(len(names))))
        pairs = code.dictionary_encode()
        found = []
        distinct: list[Any] = pairs.dictionary.to_pylist()
        for index, pair in enumerate(distinct):
            dataset_name, ticker = (
                datasets[pair // len(names)] if datasets else None,
                names[pair % len(names)],
            )
            place = self._rows.get((dataset_name, ticker))
            if place is None:
                row = pc.index(pairs.indices, pa.scalar(index, pairs.indices.type)).as_py()
                of_dataset = f" of dataset {dataset_name}" if dataset_name is not None else ""
                raise piece.refuse(row, "ticker", f"{ticker}{of_dataset} is not in the markets file")
            found.append(place)
        return pc.take(pa.array(found, pa.int32()), pairs.indices)


class TimeOrder:
    """Checks that the rows of a file, read part by part, are in order of time within a dataset or a run."""

    def __init__(self, time: str, within: str | None) -> None:
        self._time, self._within = time, within
        self._last_ns: dict[str | None, int] = {}

    def check(self, piece: Piece) -> None:
        """Take the next part of the file; raises HistoryError."""
        import pyarrow as pa
        import pyarrow.compute as pc

        times = piece[self._time]
        if self._within is None:
            self._check(piece, None, times, None)
            return
        names, codes = piece.names(self._within)
        if len(names) == 1:
            self._check(piece, names[0], times, None)
            return
        for code, name in enumerate(names):
            where = pc.indices_nonzero(pc.equal(codes, pa.scalar(code, codes.type)))
            self._check(piece, name, pc.take(times, where), where)

    def _check(self, piece: Piece, name: str | None, times: Column, where: Column | None) -> None:
        import pyarrow.compute as pc

        if not len(times):
            return
        step = first(pc.less(times[1:], times[:-1]))
        bad = None if step is None else step + 1
        if times[0].as_py() < self._last_ns.get(name, 0):
            bad = 0
        if bad is not None:
            row = bad if where is None else where[bad].as_py()
            of = f" in {self._within} {name}" if self._within else ""
            raise piece.refuse(
                row, self._time, f"is earlier than the row before it{of}; sort by {self._time}"
            )
        self._last_ns[name] = times[-1].as_py()
