"""What a market charged at a date, who says so, and files of fees that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.backtest.fee_schedules import FeeFileError, FeeSchedules
from console.backtest.setup import FeeSource
from console.domain.fees import UnknownFeeTypeError, model_fee
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Count, Price

HEADER = "scope,ticker,from,until,fee_type,multiplier,certainty,source\n"
ORDINARY = FeeTerms("quadratic", 10_000)
MAKERS_PAY = FeeTerms("quadratic_with_maker_fees", 10_000)


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def market(series: str, event: str = "EVENT", ticker: str = "TICKER") -> Market:
    return Market(
        ticker=ticker,
        event_ticker=event,
        series_ticker=series,
        category="",
        title="",
        open_ns=0,
        close_ns=1,
        status=MarketStatus.ACTIVE,
        fees=None,
    )


def loaded(tmp_path: Path, *rows: str, header: str = HEADER) -> FeeSchedules:
    file = tmp_path / "fees.csv"
    file.write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    return FeeSchedules.load(file)


@pytest.mark.parametrize(
    ("series", "date", "terms", "is_assumed"),
    [
        ("KXINXU", "2026-01-15", FeeTerms("quadratic", 5_000), False),
        ("KXINXU", "2026-07-02", FeeTerms("quadratic", 5_000), False),
        ("KXINXU", "2026-07-03", ORDINARY, False),
        ("KXHIGHNY", "2025-12-10", ORDINARY, True),
        ("KXHIGHNY", "2021-07-31", FeeTerms("quadratic", 20_000), True),
        ("KXNBAGAME", "2025-12-10", MAKERS_PAY, True),
        ("KXNBAGAME", "2025-07-07", ORDINARY, True),
        ("KXMLBGAME", "2025-04-16", ORDINARY, True),
        ("KXMLBGAME", "2026-10-06", FeeTerms("quadratic_with_maker_fees", 5_000), False),
        ("KXBTCY", "2026-10-06", FeeTerms("quadratic", 0), False),
    ],
)
def test_the_shipped_terms_of_a_series_at_a_date(
    series: str, date: str, terms: FeeTerms, is_assumed: bool
) -> None:
    fees = FeeSchedules.load()
    assert fees.terms(market(series), day(date)) == terms
    assert fees.is_assumed(market(series), day(date)) is is_assumed
    assert (", assumed: " in fees.provenance(market(series), day(date))) is is_assumed


def test_a_change_of_terms_falls_on_its_nanosecond() -> None:
    fees: FeeSource = FeeSchedules.load()
    index = market("KXINX")
    change = day("2026-07-03")
    assert change in fees.changes_ns(index)
    assert fees.terms(index, change - 1) != fees.terms(index, change)
    # From assumed to known at the same terms is no change.
    assert day("2026-10-05") not in fees.changes_ns(market("KXFED"))
    assert fees.changes_ns(market("KXHIGHNY")) == (day("2021-08-01"),)


def test_provenance_names_terms_certainty_and_source() -> None:
    assert FeeSchedules.load().provenance(market("KXINX"), day("2026-01-15")) == (
        "quadratic x 0.5, known: index rate of 3.5 % from 2022-09-26 until the change of 2026-07-03"
    )


def test_a_market_comes_before_its_event_that_before_its_series_that_before_the_default(
    tmp_path: Path,
) -> None:
    fees = loaded(
        tmp_path,
        "market,TICKER,,2026-01-02,quadratic,0,known,a waiver",
        "event,EVENT,,2026-01-03,quadratic,0.25,known,an override",
        "series,KXINX,,2026-01-04,quadratic,0.75,known,the operator",
    )
    index = market("KXINX")
    multipliers = []
    for date in ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"):
        terms = fees.terms(index, day(date))
        assert terms is not None
        multipliers.append(terms.multiplier)
    assert multipliers == [0, 2_500, 7_500, 5_000]  # the last is shipped
    assert fees.changes_ns(index)[:3] == (day("2026-01-02"), day("2026-01-03"), day("2026-01-04"))


def test_a_file_can_say_that_what_it_does_not_list_is_not_known(tmp_path: Path) -> None:
    fees = loaded(tmp_path, "default,,,,,,known,only what is listed")
    assert fees.terms(market("KXHIGHNY"), day("2026-01-01")) is None
    assert not fees.is_assumed(market("KXHIGHNY"), day("2026-01-01"))
    assert fees.provenance(market("KXHIGHNY"), day("2026-01-01")) == "not known: only what is listed"
    assert fees.terms(market("KXINXU"), day("2026-01-01")) is not None


def test_a_flat_fee_is_one_that_nothing_can_be_traded_under(tmp_path: Path) -> None:
    terms = loaded(tmp_path, "series,KXA,,,flat,1,known,exchange").terms(market("KXA"), 0)
    assert terms is not None
    with pytest.raises(UnknownFeeTypeError):
        model_fee(terms, Price(5_000), Count(100), is_taker=True)


def test_a_time_of_day_and_zone_are_understood(tmp_path: Path) -> None:
    fees = loaded(tmp_path, "series,KXA,2026-07-03T12:00:00+02:00,,quadratic,0,known,exchange")
    assert fees.changes_ns(market("KXA"))[-1] == day("2026-07-03T10:00:00")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("serie,KXA,,,quadratic,1,known,x", "row 2, column scope: 'serie' should be one of market, event"),
        ("series,,,,quadratic,1,known,x", "row 2, column ticker: '' should be the ticker of the series"),
        ("default,KXA,,,quadratic,1,known,x", "row 2, column ticker: 'KXA' should be nothing"),
        ("series,KXA,3 July,,quadratic,1,known,x", "row 2, column from: '3 July' should be a time such as"),
        ("series,KXA,2026-07-03,2026-07-03,quadratic,1,known,x", "column until: '2026-07-03' should be a"),
        ("series,KXA,,,quadratc,1,known,x", "row 2, column fee_type: 'quadratc' should be one of quadratic"),
        ("series,KXA,,,quadratic,half,known,x", "row 2, column multiplier: 'half' should be a number"),
        ("series,KXA,,,quadratic,-1,known,x", "row 2, column multiplier: '-1' should be a number"),
        ("series,KXA,,,quadratic,0.00001,known,x", "row 2, column multiplier: '0.00001' should be a"),
        ("series,KXA,,,quadratic,nan,known,x", "row 2, column multiplier: 'nan' should be a number"),
        ("series,KXA,,,quadratic,,known,x", "row 2, column multiplier: '' should be a number"),
        (
            "series,KXA,,,quadratic,1,sure,x",
            "row 2, column certainty: 'sure' should be one of known, assumed",
        ),
        ("series,KXA,,,quadratic,1,known,", "row 2, column source: '' should be who says so"),
        ("series,KXA,,,quadratic,1,known,x,y", "row 2 has more cells than columns"),
        ('series,KXA,,,quadratic,1,known,"x', "is not CSV after row 1"),
        (
            "series,KXA,,,quadratic,1,known,x\nseries,KXA,2026-01-01,,quadratic,2,known,y",
            "row 3, column from: KXA has terms for that time in row 2 already",
        ),
    ],
)
def test_a_bad_row_is_refused_by_file_row_and_column(tmp_path: Path, row: str, named: str) -> None:
    with pytest.raises(FeeFileError) as refused:
        loaded(tmp_path, row)
    assert named in str(refused.value)
    assert str(tmp_path / "fees.csv") in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FeeFileError, match=r"gone\.csv cannot be read: No such file"):
        FeeSchedules.load(tmp_path / "gone.csv")
    with pytest.raises(FeeFileError, match="has no column 'certainty'"):
        loaded(tmp_path, header="scope,ticker,from,until,fee_type,multiplier,source\n")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(FeeFileError, match="is not UTF-8 text"):
        FeeSchedules.load(binary)
