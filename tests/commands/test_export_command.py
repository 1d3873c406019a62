"""``kconsole export`` as a shell and a spreadsheet see it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import stat
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import get_type_hints

import pytest

from console.cli import main
from console.commands.export_tables import TABLES
from console.config.home import find_home
from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    OrderAcked,
    OrderFilled,
    OrderIntended,
    OrderRejected,
)
from console.domain.book import BookSide, Level, Quote
from console.domain.engine_events import (
    EquityMarked,
    LatchCleared,
    LatchRaised,
    SettingChange,
    SettingsChanged,
)
from console.domain.events import JournaledEvent
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, Settlement, TimeInForce
from console.domain.trading_state import TradingState
from console.engine.journal import Journal, decode_event

SECOND = 1_000_000_000
START = 1_772_039_071 * SECOND
"""2026-02-25 17:04:31 UTC."""
EVIL = '=HYPERLINK("http://evil.example")'
EVIL_TICKERS = (EVIL, "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", 'a"b,c\nd\x1b[2J', "plain")


def intent(name: str, ticker: str = "KXBTC15M-A", side: BookSide = BookSide.BID) -> OrderIntent:
    return OrderIntent(
        client_order_id=name,
        ticker=ticker,
        side=side,
        price=Price(9_300 if side is BookSide.BID else 700),
        count=Count(1_050),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        quote=Quote(Level(Price(9_250), Count(5_000)), None),
        win_probability=Price(9_550),
        strategy="FLB_FAVORITE",
    )


def fill(name: str, ticker: str = "KXBTC15M-A", side: BookSide = BookSide.BID, at_s: int = 2) -> Fill:
    price = Price(9_300 if side is BookSide.BID else 700)
    return Fill(
        name, f"o-{name}", ticker, side, price, Count(1_050), Cash(12_345), False, START + at_s * SECOND
    )


def traded() -> list[JournaledEvent]:
    """Two accounts: a trade that won, one still open, a refused order, somebody else's fill, a latch."""
    first: list[JournaledEvent] = [
        AccountOpened(at_ns=START, account="first", cash=Cash(10_000_000_000)),
        OrderIntended(at_ns=START + SECOND, intent=intent("kc-1")),
        OrderAcked(at_ns=START + SECOND, client_order_id="kc-1", order_id="o-1"),
        OrderFilled(at_ns=START + 2 * SECOND, client_order_id="kc-1", fill=fill("1")),
        EquityMarked(at_ns=START + 3 * SECOND, equity=Cash(9_999_999_999), high_water=Cash(10_000_000_000)),
        MarketSettled(
            at_ns=START + 4 * SECOND, settlement=Settlement("KXBTC15M-A", Price(10_000), START + 4 * SECOND)
        ),
        LatchRaised(
            at_ns=START + 5 * SECOND,
            name="manual",
            level=TradingState.HALTED,
            reason=EVIL,
            source="operator",
        ),
        LatchCleared(at_ns=START + 6 * SECOND, name="manual", reason="-all well", source="operator"),
    ]
    second: list[JournaledEvent] = [
        AccountOpened(at_ns=START + 60 * SECOND, account="second", cash=Cash(1_000_000)),
        OrderIntended(at_ns=START + 61 * SECOND, intent=intent("kc-2", "KXETH15M-B", BookSide.ASK)),
        OrderFilled(
            at_ns=START + 62 * SECOND,
            client_order_id="kc-2",
            fill=fill("2", "KXETH15M-B", BookSide.ASK, 62),
        ),
        OrderIntended(at_ns=START + 63 * SECOND, intent=intent("kc-3")),
        OrderRejected(at_ns=START + 63 * SECOND, client_order_id="kc-3", code="bad", message="=no"),
        ExternalFilled(at_ns=START + 64 * SECOND, fill=fill("3", "KXSOL15M-C", at_s=64)),
        SettingsChanged(
            at_ns=START + 65 * SECOND,
            changes=(SettingChange("risk.kelly_fraction", "0.25", "0.2"),),
            reason="@calm",
            source="operator",
            program="0.1.0",
            settings="0123456789abcdef",
        ),
    ]
    return [*first, *second]


def journaled(home: Path, events: Sequence[JournaledEvent], name: str = "journal.sqlite") -> Path:
    folder = find_home(str(home)).environment("practice")
    folder.create()
    journal = Journal(folder.path / name)
    journal.append(events)
    journal.close()
    return home


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def exported(home: Path, what: str, *more: str) -> list[dict[str, str]]:
    assert main(["export", "--home", str(home), "--what", what, *more]) == 0
    return table((home / "practice" / "exports" / f"{what}.csv").read_text(encoding="utf-8"))


def test_every_table_is_written_for_the_user_alone_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = journaled(tmp_path, traded())
    assert main(["export", "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["table"]: each["rows"] for each in told["written"]} == {
        "trades": 2,
        "fills": 3,
        "orders": 3,
        "equity": 1,
        "latches": 1,
        "settings": 1,
    }
    folder = home / "practice" / "exports"
    assert {Path(each["file"]) for each in told["written"]} == set(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_amounts_are_exact_and_what_is_not_known_is_empty(tmp_path: Path) -> None:
    won, held = exported(journaled(tmp_path, traded()), "trades")
    assert (won["account"], held["account"]) == ("first", "second")
    assert won["opened"] == "2026-02-25T17:04:33+00:00"
    assert (won["ending"], won["contracts"], won["paid"]) == ("settled", "10.50", "9.765000")
    assert Decimal(won["net"]) == Decimal("10.50") - Decimal("9.765") - Decimal("0.012345")
    assert (held["side"], held["average_price"], held["ending"]) == ("NO", "0.9300", "open")
    assert held["gross"] == held["net"] == held["ended"] == held["yes_value"] == ""


def test_orders_tell_how_far_they_got_and_on_what_they_were_decided(tmp_path: Path) -> None:
    orders = exported(journaled(tmp_path, traded()), "orders")
    assert [order["status"] for order in orders] == ["executed", "executed", "rejected"]
    assert [order["filled"] for order in orders] == ["10.50", "10.50", "0.00"]
    assert [order["account"] for order in orders] == ["first", "second", "second"]
    assert (orders[0]["yes_bid"], orders[0]["yes_bid_contracts"]) == ("0.9250", "50.00")
    assert orders[0]["yes_ask"] == ""
    assert orders[2]["reason"] == "bad: =no"


def test_fills_of_others_are_told_apart(tmp_path: Path) -> None:
    fills = exported(journaled(tmp_path, traded()), "fills")
    assert [(row["origin"], row["strategy"], row["client_order_id"]) for row in fills] == [
        ("ours", "FLB_FAVORITE", "kc-1"),
        ("ours", "FLB_FAVORITE", "kc-2"),
        ("external", "", ""),
    ]


def test_a_period_takes_what_was_so_in_it(tmp_path: Path) -> None:
    home = journaled(tmp_path, traded())
    period = ("--from", "2026-02-25T17:04:36", "--to", "2026-02-25T17:05:00")
    counts = {what: len(exported(home, what, *period)) for what in TABLES}
    assert counts == {"trades": 0, "fills": 0, "orders": 0, "equity": 0, "latches": 1, "settings": 0}
    assert [row["account"] for row in exported(home, "trades", "--to", "2026-02-25T17:05:00")] == ["first"]
    assert [row["account"] for row in exported(home, "trades", "--from", "2027-01-01")] == ["second"]


def test_no_text_of_others_is_a_formula_and_every_row_is_one_line(tmp_path: Path) -> None:
    events: list[JournaledEvent] = [AccountOpened(at_ns=START, account=EVIL, cash=Cash(0))]
    for number, ticker in enumerate(EVIL_TICKERS):
        events.append(OrderIntended(at_ns=START, intent=intent(f"-{number}", ticker)))
        events.append(OrderFilled(at_ns=START, client_order_id=f"-{number}", fill=fill(f"={number}", ticker)))
    home = journaled(tmp_path, events)
    for what in ("fills", "orders", "trades"):
        rows = exported(home, what)
        assert len(rows) == len(EVIL_TICKERS)
        text = (home / "practice" / "exports" / f"{what}.csv").read_text(encoding="utf-8")
        assert len(text.splitlines()) == len(rows) + 1
        assert text.replace("\n", "").isprintable()
        for row in rows:
            for cell in row.values():
                assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")), cell
    assert {f"'{EVIL}", "plain"} <= {row["ticker"] for row in rows}


def test_a_loss_stays_a_number(tmp_path: Path) -> None:
    events = traded()[:4]
    settlement = Settlement("KXBTC15M-A", Price(0), START + 4 * SECOND)
    events.append(MarketSettled(at_ns=START + 4 * SECOND, settlement=settlement))
    (lost,) = exported(journaled(tmp_path, events), "trades")
    assert lost["net"] == "-9.777345"


def test_one_table_on_standard_output_is_the_same_in_both_formats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = journaled(tmp_path, traded())
    for what in TABLES:
        assert main(["export", "--home", str(home), "--what", what, "--out", "-"]) == 0
        rows = table(capsys.readouterr().out)
        assert main(["export", "--home", str(home), "--what", what, "--out", "-", "--format", "json"]) == 0
        objects = json.loads(capsys.readouterr().out)
        assert [list(row) for row in rows] == [list(each) for each in objects]
        assert [_in_csv(each) for each in objects] == [
            {name: cell.removeprefix("'") for name, cell in row.items()} for row in rows
        ]
    assert not (home / "practice" / "exports").exists()


def _in_csv(row: dict[str, object]) -> dict[str, str]:
    words = {None: "", True: "true", False: "false"}
    return {
        name: words[value] if value is None or isinstance(value, bool) else str(value)
        for name, value in row.items()
    }


def test_an_empty_journal_gives_headings_and_an_empty_array(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = journaled(tmp_path, [])
    for what, made in TABLES.items():
        assert exported(home, what) == []
        text = (home / "practice" / "exports" / f"{what}.csv").read_text()
        assert text.strip().split(",") == [name.removesuffix("_ns") for name in get_type_hints(made.row)]
    capsys.readouterr()
    assert main(["export", "--home", str(home), "--what", "fills", "--format", "json", "--out", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_dry_runs_have_a_journal_of_their_own(tmp_path: Path) -> None:
    home = journaled(tmp_path, traded()[:4], "dry-run.sqlite")
    assert len(exported(home, "fills", "--dry-run")) == 1
    assert main(["export", "--home", str(home)]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "-"], "name one table with --what"),
        (["--what", "fills", "--out", "-", "--json"], "--json prints what was written"),
        (["--from", "2026-03-01", "--to", "2026-02-01"], "--from is not before --to"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: Iterable[str], said: str
) -> None:
    journaled(tmp_path, traded())
    assert main(["export", "--home", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


def test_where_nothing_ran_or_nothing_can_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--home", str(tmp_path)]) == 1
    assert f"{tmp_path}/practice/journal.sqlite does not exist" in capsys.readouterr().err
    journaled(tmp_path, traded())
    (tmp_path / "file").touch()
    assert main(["export", "--home", str(tmp_path), "--out", str(tmp_path / "file")]) == 1
    assert re.search(r"file cannot be written: File exists", capsys.readouterr().err)


def test_a_folder_in_the_place_of_a_table_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journaled(tmp_path, traded())
    (tmp_path / "out" / "fills.csv").mkdir(parents=True)
    assert main(["export", "--home", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"{tmp_path}/out/fills.csv cannot be written: Is a directory" in capsys.readouterr().err


def test_a_failure_leaves_the_file_of_before_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = journaled(tmp_path, traded())
    before = exported(home, "fills")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["export", "--home", str(home), "--what", "fills"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    folder = home / "practice" / "exports"
    assert [file.name for file in folder.iterdir()] == ["fills.csv"]
    assert table((folder / "fills.csv").read_text()) == before


@pytest.mark.usefixtures("heeds_signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_export_that_is_told_to_end_leaves_neither_its_copy_nor_a_part_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    home, room = journaled(tmp_path / "home", traded()), tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    before = exported(home, "equity")

    def told_to_end(*_: object) -> list[object]:
        os.kill(os.getpid(), number)
        return []

    monkeypatch.setattr(TABLES["equity"].collector, "take", told_to_end)
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)]
    assert main(["export", "--home", str(home)]) == code
    assert handlers == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)]
    folder = home / "practice" / "exports"
    assert [file.name for file in folder.iterdir()] == ["equity.csv"]
    assert table((folder / "equity.csv").read_text()) == before
    assert list(room.iterdir()) == []


def test_all_tables_are_made_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[str] = []

    def decoded(body: str) -> JournaledEvent:
        bodies.append(body)
        event: JournaledEvent = decode_event(body)
        return event

    monkeypatch.setattr("console.engine.journal_copy.decode_event", decoded)
    assert main(["export", "--home", str(journaled(tmp_path, traded()))]) == 0
    assert len(bodies) == len(traded())


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    for what, made in TABLES.items():
        section = text.partition(f"## {what}")[2].partition("\n## ")[0]
        documented = re.findall(r"^\| ([a-z_, ]+) \|", section, re.MULTILINE)
        names = [name for cell in documented if cell != "column" for name in cell.split(", ")]
        assert names == [name.removesuffix("_ns") for name in get_type_hints(made.row)], what


def test_a_damaged_journal_is_refused_as_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = journaled(tmp_path, traded()) / "practice" / "journal.sqlite"
    journal.write_bytes(journal.read_bytes()[:4_000])
    assert main(["export", "--home", str(tmp_path)]) == 3
    assert f"{journal}: the journal cannot be read" in capsys.readouterr().err
