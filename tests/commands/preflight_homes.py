"""Homes and recordings for tests of ``kconsole preflight``, and an address that answers them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.config.home import find_home
from console.domain.account_events import AccountOpened, OrderIntended, RunStarted
from console.domain.book import NO_QUOTE, BookSide
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderIntent, TimeInForce
from console.engine.journal import Journal

NS_PER_DAY = 86_400_000_000_000


def preflight(
    capsys: pytest.CaptureFixture[str], home: Path, *words: str, only: tuple[str, ...] = ()
) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the items by id."""
    chosen = [word for name in only for word in ("--only", name)]
    capsys.readouterr()
    code = main(["preflight", "--json", "--home", str(home), *words, *chosen])
    return code, {item["id"]: item for item in json.loads(capsys.readouterr().out)["items"]}


def failing(items: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: item["detail"] for name, item in items.items() if item["status"] != "passed"}


def prepare(folder: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """A home, its settings and the options that name what was recorded."""
    config, fees = folder / "demo.toml", folder / "fees.csv"
    fees.write_text(
        "scope,ticker,from,until,fee_type,multiplier,certainty,source\n"
        "series,KXBTC15M,2026-01-01,,quadratic,1,known,the series list\n"
    )
    config.write_text(
        '[strategy_flb]\nstyle = "taker"\nscan_interval = 3600\n'
        '[edge]\nmodel = "constant"\nconstant_points = 6\n'
        '[risk.groups]\nbitcoin = ["KXBTC15M-*"]\n'
    )
    words = ("--config", str(config), "--data", str(record(folder / "data")), "--workers", "1")
    return folder / "home", config, (*words, "--fee-schedule", str(fees))


def record(folder: Path) -> Path:
    """Five months of favourites that win more often than they cost, two at a time."""
    folder.mkdir()
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    markets = ["dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result,result_source"]
    quotes = []
    for number in range(250):
        opens = begin + number * timedelta(hours=12)
        closes = opens + timedelta(hours=20)
        result = "no" if number % 50 == 49 else "yes"
        ticker = f"KXBTC15M-{number}"
        markets.append(
            f"d,{ticker},E{number},KXBTC15M,Crypto,{stamp(opens)},{stamp(closes)},{result},exchange"
        )
        for step in range(1, 80):
            at = opens + step * timedelta(minutes=15)
            ask = (92, 91, 93)[int(at.timestamp()) // 900 % 3]
            quotes.append(f"d,{stamp(at)},{ticker},{ask - 1},{ask},500,400")
    (folder / "markets.csv").write_text("\n".join(markets) + "\n")
    head = "dataset,ts,ticker,yes_bid,yes_ask,yes_bid_size,yes_ask_size"
    (folder / "quotes.csv").write_text("\n".join([head, *sorted(quotes)]) + "\n")
    return folder


def stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def trade_on_demo(home: Path, *, days: int) -> None:
    """A journal of so many days up to yesterday, and the figures that its runs left."""
    folder = find_home(str(home)).environment("demo")
    folder.create()
    journal = Journal(folder.journal)
    first_ns = time.time_ns() - days * NS_PER_DAY
    intent = OrderIntent(
        client_order_id="kc-1-1",
        ticker="KXBTC15M-1",
        side=BookSide.BID,
        price=Price(9_200),
        count=Count(100),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        quote=NO_QUOTE,
        win_probability=Price(9_600),
        strategy="test",
    )
    journal.append([AccountOpened(at_ns=first_ns, account="demo", cash=Cash(10_000_000_000))])
    journal.append([OrderIntended(at_ns=first_ns, intent=intent)])
    for day in range(days):
        journal.append([RunStarted(at_ns=first_ns + day * NS_PER_DAY, program="0", settings="")])
    journal.close()
    metrics = folder.path / "metrics"
    metrics.mkdir()
    (metrics / "trades_log.csv").write_text("timestamp\n2026-03-01\n")
    (metrics / "metrics.json").write_text("{}")


class _Taker(BaseHTTPRequestHandler):
    ahead = timedelta()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response_only(404)
        self.send_header("date", format_datetime(datetime.now(UTC) + self.ahead, usegmt=True))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@contextmanager
def receiver(ahead: timedelta = timedelta()) -> Iterator[str]:
    """An address of this machine that takes alerts, and tells a time so far ahead of ours."""
    handler = type("Taker", (_Taker,), {"ahead": ahead})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
