"""Groups of markets as text of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from console.backtest.market_groups import MarketGroups, Pair
from console.risk.correlation import MIN_OVERLAP

WIDTH = 80
_TICKER_WIDTH = 30


def groups_text(found: MarketGroups) -> Iterator[str]:
    """The lines; those of the groups are a fragment of a configuration file."""
    pairs, markets = found.pairs, found.markets
    yield f"GROUPS of {found.data}"
    yield from _wrapped(
        "returns: ",
        f"change of the mid every {found.every_s:,} s; a pair is measured by {MIN_OVERLAP} or more at "
        f"the same times, and joined by a correlation above {found.threshold:g}",
    )
    yield from _wrapped(
        "markets: ",
        f"{markets.quoted:,} quoted, of which {markets.short:,} with fewer than {MIN_OVERLAP} returns and "
        f"{markets.constant:,} that never moved; {markets.without_quote:,} without a quote",
    )
    yield from _wrapped(
        "pairs: ",
        f"{pairs.total:,}, of which measured {pairs.measured:,} ({pairs.above_threshold:,} above "
        f"{found.threshold:g}, {pairs.below_negative_threshold:,} below {0 - found.threshold:g}), too little "
        f"data {pairs.too_little_data:,}: assumed together {pairs.assumed_together:,} (same event, or same "
        f"category and close), assumed independent {pairs.assumed_independent:,}",
    )
    if found.dropped:
        yield from _wrapped(
            "rows left out: ", ", ".join(f"{reason} {count:,}" for reason, count in found.dropped.items())
        )
    yield ""
    if found.groups:
        yield from _wrapped(
            "", f"{len(found.groups):,} correlated groups, as a configuration file pins them:"
        )
        yield from ("", *found.pins(), "")
    else:
        yield "no two markets were measured to move together"
    if found.strongest:
        yield from ("", *_strongest(found.strongest))
    yield from _warnings(found)


def _strongest(pairs: Iterable[Pair]) -> Iterator[str]:
    yield f"{'strongest pairs':{2 * _TICKER_WIDTH + 1}} {'corr.':>7} {'returns':>8}"
    for pair in pairs:
        if max(len(pair.one), len(pair.other)) > _TICKER_WIDTH:
            yield pair.one
            tickers = f"  {pair.other}"
        else:
            tickers = f"{pair.one:{_TICKER_WIDTH}} {pair.other}"
        yield f"{tickers:{2 * _TICKER_WIDTH + 1}} {pair.correlation:>+7.2f} {pair.returns:>8,}"


def _warnings(found: MarketGroups) -> Iterator[str]:
    if found.groups:
        yield ""
        yield from _wrapped(
            "! ",
            "a market that is pinned leaves the group of its event or close time, and with it the markets "
            "that were assumed to move with it; a pattern such as KXHIGHNY-* also pins markets to come",
        )
    if found.groups and 2 * found.pairs.below_negative_threshold >= found.pairs.above_threshold:
        yield from _wrapped(
            "! ",
            "nearly as many pairs moved against each other as together: so chance groups independent "
            "markets, of which a few jumps, such as two results at one time, are all there is to compare",
        )
    if found.pairs.measured == 0:
        yield from _wrapped("! ", "nothing could be measured; shorter steps (--every) may have more returns")


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(head + text, WIDTH, subsequent_indent="    ")
