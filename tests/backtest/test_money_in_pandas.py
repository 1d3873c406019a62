"""The cash of a run on a shipped recording, to the unit, from fills, files and published rules alone."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from console.backtest.fee_schedules import FeeSchedules
from console.backtest.result import Result
from console.backtest.run import run
from console.backtest.shipped_setup import shipped_setup
from console.config.load import load
from console.domain.fees import AccountPrecision
from console.domain.money import Cash, Count
from console.history.folder import open_folder
from console.history.usable import Period
from console.strategies.edge import ConstantEdge

ROOT = Path(__file__).parents[2]
DATA = ROOT / "console" / "practice" / "data"
CAPITAL = Cash(10_000_000_000)
ONE_DAY_NS = pd.Timestamp("2026-02-26", tz="UTC").value
"""What was recorded before is a morning."""
COEFFICIENTS = {  # taker and maker
    "quadratic": (Decimal("0.07"), Decimal(0)),
    "quadratic_with_maker_fees": (Decimal("0.07"), Decimal("0.0175")),
}
SCHEDULE = """scope,ticker,from,until,fee_type,multiplier,certainty,source
series,KXBTC15M,,2026-02-25T05:00,quadratic,0.5,known,made up
series,KXBTC15M,2026-02-25T05:00,,quadratic_with_maker_fees,1,known,made up
series,KXETH15M,,,quadratic,0,known,made up
default,,,,quadratic,1,assumed,made up
"""


def traded(schedule: Path, precision: AccountPrecision) -> Result:
    options = [("--set", "strategy_flb.scan_interval=60")]
    settings = load("practice", config=ROOT / "config" / "practice.toml", options=options).settings
    made = shipped_setup(
        settings,
        ConstantEdge(Decimal(3)),
        FeeSchedules.load(schedule),
        CAPITAL,
        precision=precision,
    )
    return run(
        dataclasses.replace(made, assumed_depth=Count(10_000)), open_folder(DATA, Period(until_ns=ONE_DAY_NS))
    )


def fills_of(result: Result, schedule: Path) -> pd.DataFrame:
    """Every fill in dollars, with its terms and the payout of a YES by the files."""
    fills = pd.DataFrame(
        {
            "ticker": record.fill.ticker,
            "order": record.fill.order_id,
            "at": pd.Timestamp(record.fill.at_ns, tz="UTC"),
            "signed": Decimal(record.fill.count) / 100 * (1 if record.fill.side.value == "bid" else -1),
            "price": Decimal(record.fill.price) / 10_000,
            "is_taker": record.fill.is_taker,
        }
        for record in result.fills
    )
    markets = pd.read_parquet(DATA / "markets.parquet").set_index("ticker")
    fills = fills.join(markets[["series_ticker", "result"]], on="ticker")
    terms = pd.read_csv(schedule, dtype=str, keep_default_na=False)
    terms["from"] = pd.to_datetime(terms["from"].replace("", "1970"), utc=True, format="ISO8601")
    terms["until"] = pd.to_datetime(terms["until"].replace("", "2200"), utc=True, format="ISO8601")

    def in_force(fill: Any) -> Any:
        rows = terms[(terms["from"] <= fill["at"]) & (fill["at"] < terms["until"])]
        own = rows[rows["ticker"] == fill["series_ticker"]]
        return (own if len(own) else rows[rows["scope"] == "default"]).iloc[0]

    return fills.join(fills.apply(in_force, axis=1)[["fee_type", "multiplier"]])


def fee_of(fill: Any, owed: dict[str, Decimal], step: Decimal) -> Decimal:
    """Raised to a millionth, the balance to the account's step; what that takes is given back an order."""
    taker, maker = COEFFICIENTS[fill["fee_type"]]
    price, contracts = fill["price"], abs(fill["signed"])
    model = (
        Decimal(fill["multiplier"]) * (taker if fill["is_taker"] else maker) * contracts * price * (1 - price)
    )
    charged = model.quantize(Decimal("0.000001"), ROUND_CEILING)
    # A NO costs what is left to a dollar.
    revenue = -contracts * (price if fill["signed"] > 0 else 1 - price)
    aligned = ((revenue - charged) / step).to_integral_value(ROUND_FLOOR) * step
    rounding = revenue - charged - aligned
    owed[fill["order"]] += rounding
    back = min(owed[fill["order"]], charged + rounding) // step * step
    owed[fill["order"]] -= back
    net: Decimal = charged + rounding - back
    return net


@pytest.mark.parametrize("precision", list(AccountPrecision))
def test_the_cash_of_a_run_is_what_its_fills_and_the_published_rules_make_it(
    tmp_path: Path, precision: AccountPrecision
) -> None:
    schedule = tmp_path / "fees.csv"
    schedule.write_text(SCHEDULE)
    result = traded(schedule, precision)
    fills = fills_of(result, schedule)
    assert len(fills) > 10
    assert len(fills[["fee_type", "multiplier"]].drop_duplicates()) > 2
    owed: dict[str, Decimal] = defaultdict(Decimal)
    step = Decimal(int(precision)) / 1_000_000
    fees = [fee_of(fill, owed, step) for _, fill in fills.iterrows()]
    assert [Decimal(record.fill.fee) / 1_000_000 for record in result.fills] == fees
    # A draw of the run settles what no file has a result of.
    drawn = {market.ticker: market.yes_value for market in result.traded if market.is_drawn}
    pays = fills["result"].map({"yes": Decimal(1), "no": Decimal(0)})
    pays = pays.where(
        pays.notna(), fills["ticker"].map({k: Decimal(v or 0) / 10_000 for k, v in drawn.items()})
    )
    made = sum(fills["signed"] * (pays - fills["price"]), Decimal(0))
    assert fills["result"].notna().any()
    assert Decimal(result.cash) / 1_000_000 == Decimal(CAPITAL) / 1_000_000 + made - sum(fees)
    assert Decimal(result.fees) / 1_000_000 == sum(fees)
