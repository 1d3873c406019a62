"""Checks of what a run stands on: folders, the log, who is told, the clock."""

from __future__ import annotations

import logging
import time
import urllib.error
import urllib.request
from pathlib import Path

from console.app.launch import Launch
from console.app.running import start_log
from console.commands.preflight.outcome import Outcome, failed, passed
from console.config.errors import ConfigError
from console.config.log_reader import parse_line
from console.config.logs import RUN_LOG
from console.config.schema import Settings
from console.domain.time_units import MS_PER_S
from console.engine.durable_file import replace_durably
from console.exchange.clock import ServerClock, date_ms

_CONTENT = b"a file\n"
_TIMEOUT_S = 5.0
_NEWEST_LINES = 1_000

log = logging.getLogger(__name__)


def export_folder(folder: Path) -> Outcome:
    """Write a file there and remove it again."""
    probe = folder / ".preflight"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_durably(probe, _CONTENT)
        held = probe.read_bytes()
        probe.unlink()
    except OSError as error:
        return failed(
            f"{folder} takes no file: {error.strerror}; free it, or name another in "
            "monitoring.metrics_output_dir"
        )
    if held != _CONTENT:
        return failed(f"{folder} does not hold what was written there: look at its disk")
    return passed(f"{folder} takes files")


def logging_works(launch: Launch) -> Outcome:
    """Log a line to the log of the runs and read it back; one may be logging at the same time."""
    path = launch.folder.logs / RUN_LOG
    try:
        launch.folder.create()
        handler = start_log(launch)
    except ConfigError as error:
        return failed(str(error))
    said = f"pre-flight check {time.time_ns()}"
    try:
        log.info(said)
    finally:
        handler.close()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        return failed(f"{path} cannot be read: {error.strerror}")
    if handler.lost or said not in (parse_line(line).event for line in lines[-_NEWEST_LINES:]):
        return failed(f"{path} does not hold what was logged")
    return passed(f"{path} holds what was logged; `kconsole logs` and the console's log viewer show it")


def alerts(settings: Settings, environment: str) -> Outcome:
    """Send a test alert to each receiver that the settings name."""
    from console.app.alerting import try_receivers

    tried = try_receivers(settings.monitoring, environment)
    if not tried:
        return failed("nobody is told: set monitoring.webhook_url or monitoring.ntfy_url")
    said = "; ".join(f"{each.name} {each.trouble or f'took it after {each.took_ms} ms'}" for each in tried)
    if any(each.trouble for each in tried):
        return failed(f"{said}; see that it runs and its address is right, then try `kconsole alerts test`")
    return passed(said)


def clock(rest: str, settings: Settings) -> Outcome:
    """Compare our clock with the date of an answer of the exchange at ``rest``."""
    known = ServerClock(time.time_ns)
    address = f"{rest}/exchange/status"
    began_ns = time.monotonic_ns()
    try:
        # The address is one of ours: Kalshi's, or the practice exchange's on loopback.
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            headers = answer.headers
    except urllib.error.HTTPError as error:
        # A refusal has a date as well.
        headers = error.headers
        error.close()
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        return failed(f"{address} does not answer: {why}; see whether the network reaches it")
    took_ms = (time.monotonic_ns() - began_ns) // 1_000_000
    known.learn(date_ms({name.title(): text for name, text in headers.items()}), took_ms)
    skew_ms = known.skew_ms
    if skew_ms is None:
        return failed(f"{address} does not say what time it is")
    limit_s = settings.quality.max_clock_skew_seconds
    said = f"ours is {skew_ms / MS_PER_S:+.1f} s off the exchange's, to about a second; {limit_s} s pause"
    # An answer tells whole seconds, so less than that cannot be told from none.
    if abs(skew_ms) <= MS_PER_S:
        return passed(said)
    return failed(f"{said}: let the system set its clock by NTP")
