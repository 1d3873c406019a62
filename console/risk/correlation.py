"""Which markets moved together, from what they did: returns, and groups of markets whose returns correlate.

pandas is imported only when something is computed: it is slow to import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    Series = pd.Series[float] | Sequence[tuple[datetime, float | None]]
    """Returns of one market by time: a pandas series, or pairs of time and return."""

CORRELATED_ABOVE = 0.5
"""Two markets whose returns correlate by more are joined, unless another threshold is given."""

MIN_OVERLAP = 20
"""Fewest returns two markets must have at the same times. Among so many, independent markets pass 0.5 by
chance about once in a hundred pairs; among ten, about once in fourteen."""

_DECIMALS = 9
# Sums of floats are right to about 15 digits: a correlation of exactly the threshold must not pass it.

_TIMES = ("ts", "timestamp", "end_ts")
_PRICES = ("price", "yes_price_cents", "close")


def identify_correlated_markets(
    returns: pd.DataFrame | Mapping[str, Series], correlation_threshold: float = CORRELATED_ABOVE
) -> dict[str, list[str]]:
    """Groups of two or more markets, joined where returns correlate by more than the threshold.

    ``returns`` has a column a market and a row a time. Each pair is judged by the times at which both have a
    return; with fewer than ``MIN_OVERLAP`` of these, or a market that did not move, nothing is known and they
    are not joined. Two markets that each correlate with a third are in one group. Markets that mirror each
    other are not joined. Raises ValueError for what are not returns.
    """
    if not -1 <= correlation_threshold <= 1:
        raise ValueError(f"correlation_threshold is {correlation_threshold}, not a number from -1 to 1")
    return numbered(correlated_groups(correlations(returns), correlation_threshold))


def correlations(returns: pd.DataFrame | Mapping[str, Series]) -> pd.DataFrame:
    """The correlation of each two markets, NaN where too little is known; raises ValueError.

    Of what ``identify_correlated_markets`` takes.
    """
    return _as_frame(returns).corr(min_periods=MIN_OVERLAP).round(_DECIMALS)


def correlated_groups(correlations: pd.DataFrame, threshold: float) -> list[list[str]]:
    """Tickers of two or more markets that correlations above the threshold connect, sorted."""
    import numpy as np

    tickers = [str(ticker) for ticker in correlations.columns]
    joins = np.argwhere(np.tril(correlations.to_numpy() > threshold, -1)).tolist()
    clusters = _clusters(tickers, ((tickers[i], tickers[j]) for i, j in joins))
    return [group for group in clusters if len(group) > 1]


def numbered(groups: Iterable[list[str]]) -> dict[str, list[str]]:
    """The groups by a name made of their place in the order of tickers."""
    return {f"group_{number}": group for number, group in enumerate(sorted(groups), start=1)}


def calculate_market_returns(history: pd.DataFrame, bar: str = "1min") -> pd.DataFrame:
    """Change of each market's price from bar to bar: a column a ticker, a row a bar in which any was seen.

    ``history`` has a time (``ts``, ``timestamp`` or ``end_ts``), ``ticker`` and a price (``price``,
    ``yes_price_cents``, ``close``, or the middle of ``yes_bid`` and ``yes_ask``). A price stands until the
    next; before a market's first and after its last there is none. Changes and not percentages: a tick of a
    longshot is no event; nor is a book that is crossed or has an empty side, the price before it stands.
    Raises ValueError for what is no table, a column that is missing and times that are numbers.
    """
    import pandas as pd

    if not isinstance(history, pd.DataFrame):
        raise ValueError(f"history is {type(history).__name__}, not a table")
    time = _column(history, _TIMES, "time")
    if pd.api.types.is_numeric_dtype(history[time]):
        raise ValueError(f"history, column {time} holds numbers; make them times by pd.to_datetime")
    at = pd.to_datetime(history[time], utc=True)
    if "ticker" not in history.columns:
        raise ValueError("history has no column ticker")
    observed = pd.DataFrame(
        {"at": at, "bar": at.dt.ceil(bar), "ticker": history["ticker"], "price": _prices(history)}
    ).dropna()
    last = observed.sort_values("at", kind="stable").groupby(["bar", "ticker"])["price"].last()
    prices = last.unstack("ticker").sort_index()
    in_life = prices.ffill().where(prices.bfill().notna())
    return in_life.diff().iloc[1:]


def _as_frame(returns: pd.DataFrame | Mapping[str, Series]) -> pd.DataFrame:
    import pandas as pd

    if isinstance(returns, pd.DataFrame):
        frame = returns
    else:
        frame = pd.DataFrame({ticker: _as_series(series) for ticker, series in returns.items()})
    if not frame.columns.is_unique:
        raise ValueError("returns have two columns of one ticker")
    if len(frame) == len(frame.columns) > 1 and set(frame.index) == set(frame.columns):
        raise ValueError("returns have tickers for rows and columns: a matrix of correlations, not returns")
    try:
        numbers = frame.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"returns are not numbers: {error}") from None
    return numbers.where(numbers.abs() < float("inf"))


def _as_series(series: Series) -> pd.Series[float]:
    import pandas as pd

    if not isinstance(series, pd.Series):
        series = pd.Series(dict(series), dtype=float)
    return series[~series.index.duplicated(keep="last")]


def _column(history: pd.DataFrame, names: Iterable[str], what: str) -> str:
    for name in names:
        if name in history.columns:
            return name
    raise ValueError(f"history has no column of {what}: one of {', '.join(names)}")


def _prices(history: pd.DataFrame) -> pd.Series[float]:
    if {"yes_bid", "yes_ask"} <= set(history.columns) and not set(_PRICES) & set(history.columns):
        bid, ask = history["yes_bid"].astype(float), history["yes_ask"].astype(float)
        payout = 1 if ask.max() <= 1 else 100
        return ((bid + ask) / 2).where((bid > 0) & (bid <= ask) & (ask < payout))
    return history[_column(history, _PRICES, "price")].astype(float)


def _clusters(tickers: Sequence[str], joined: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Tickers that a chain of joins connects, sorted."""
    clusters = {ticker: {ticker} for ticker in tickers}
    for one, other in joined:
        if clusters[one] is not clusters[other]:
            merged = clusters[one] | clusters[other]
            clusters.update(dict.fromkeys(merged, merged))
    unique = {id(cluster): cluster for cluster in clusters.values()}
    return [sorted(cluster) for cluster in unique.values()]
