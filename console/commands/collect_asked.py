"""What ``kconsole collect`` is asked for: which rows, from where, and what a folder holds of them already."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from console.commands.common import folder_of
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import period_of
from console.domain.time_units import NS_PER_S
from console.exchange.hosts import DEMO, LIVE, Connection, Hosts, connection_to, read_connection

if TYPE_CHECKING:
    from console.config.schema import Settings
    from console.history.collect_rows import Asked

OPEN_END_NS = 4_102_444_800 * NS_PER_S
"""The end of a recording that goes on until it is interrupted."""


def asked_for(arguments: argparse.Namespace, had: Asked | None) -> Asked:
    """What the folder is to hold; raises UserError where that is not more of what it was begun with."""
    from console.history.collect_rows import Asked

    now_ns, period = time.time_ns(), period_of(arguments)
    over_ns = had.until_ns if had is not None and had.until_ns <= now_ns else None
    since_ns, until_ns = period.since_ns, period.until_ns
    if since_ns is None and had is not None:
        since_ns = had.since_ns
    if arguments.record:
        if until_ns is not None and until_ns <= now_ns:
            raise UserError("--record needs a --to that is still to come, or none", ExitCode.USAGE)
        since_ns = now_ns if since_ns is None else since_ns
        until_ns = OPEN_END_NS if until_ns is None else until_ns
    else:
        until_ns = min(now_ns, until_ns or over_ns or now_ns)
    if since_ns is None:
        raise UserError("--from is missing: the first time to collect", ExitCode.USAGE)
    if since_ns >= until_ns:
        raise UserError(f"--from {utc_text(since_ns)} is still to come", ExitCode.USAGE)
    series = tuple(sorted(set(arguments.series)))
    asked = Asked(arguments.env, series, since_ns, until_ns, arguments.candles)
    if had is not None and (_begun(asked) != _begun(had) or until_ns < (over_ns or 0)):
        to = "" if over_ns is None else f" to {utc_text(over_ns)}"
        raise UserError(
            f"{arguments.out} collects {','.join(had.series)} of {had.environment} from "
            f"{utc_text(had.since_ns)}{to} with candles of {had.minutes} min; only --to may be later: "
            "give another folder with --out",
            ExitCode.USAGE,
        )
    return asked


def _begun(asked: Asked) -> tuple[object, ...]:
    return asked.environment, asked.series, asked.since_ns, asked.minutes


def where_to_read(arguments: argparse.Namespace, settings: Settings) -> tuple[Hosts, Connection | None]:
    """Where to read, and with which key to listen if that was asked for.

    Raises UserError and ConnectionDataError.
    """
    if arguments.env == "practice":
        connection = _practice(arguments)
        return Hosts(connection.rest, connection.ws), connection if arguments.record else None
    hosts = DEMO if arguments.env == "demo" else LIVE
    if not arguments.record:
        return hosts, None
    path = settings.exchange.private_key_path
    key_file = str(folder_of(arguments).key_file(path)) if path else ""
    return hosts, connection_to(hosts, settings.exchange.key_id, key_file)


def _practice(arguments: argparse.Namespace) -> Connection:
    """The practice exchange named, else that of the console which runs in this home."""
    from console.engine.run_file import RunFileError, read_run_file

    if arguments.attach is not None:
        return read_connection(arguments.attach)
    try:
        found = read_run_file(folder_of(arguments).run_file)
    except RunFileError as error:
        raise UserError(str(error)) from None
    if found is None:
        raise UserError(
            "no practice exchange runs in this home: start the console, or give --attach FILE; "
            "Kalshi's own history is --env live, which needs no key",
            ExitCode.USAGE,
        )
    return connection_to(Hosts(found.rest, found.ws), found.key_id, found.private_key_path)


def ended(asked: Asked) -> Asked:
    """What was asked for, up to now."""
    return msgspec.structs.replace(asked, until_ns=min(asked.until_ns, time.time_ns()))


def utc_text(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
