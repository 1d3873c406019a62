"""The account, the practice exchange, what is told and written, and the screen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from console.config.secret_url import SecretUrl
from console.config.setting import MOST_DOLLARS, setting


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings:
    """What is written and who is told."""

    metrics_output_dir: str = setting(
        "metrics", "folder of the metrics' files, relative to the environment's folder in the home"
    )
    export_interval_seconds: int = setting(
        300, "time between exports of all metrics", unit="s", low=1, high=86_400
    )
    prometheus_port: int = setting(
        0, "port on this machine at which Prometheus may ask for metrics; 0 is none", low=0, high=65_535
    )
    alert_on_kill_switch: bool = setting(
        True,
        "send it on when a kill switch trips or trading is stopped otherwise; screen and log tell it always",
        loosens="down",
    )
    alert_on_high_slippage: bool = setting(
        True,
        "send it on when slippage nears what pauses; screen and log tell it always",
        loosens="down",
    )
    alert_level: Literal["info", "warning", "critical"] = setting(
        "warning", "least grave alert that is sent on", loosens="either"
    )
    alert_at_loss_share: Decimal = setting(
        "0.70",
        "tells when so much of the daily loss or of the drawdown that halts is lost; where switches warn",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    alert_at_exposure_share: Decimal = setting(
        "1",
        "tells when so much of the cap on everything is at stake; below 1 also while entries fill it up",
        unit="fraction",
        low=0,
        high=1,
        loosens="up",
    )
    webhook_url: SecretUrl = setting(SecretUrl(), "gets each alert as JSON, by POST")
    ntfy_url: SecretUrl = setting(SecretUrl(), "topic of an ntfy server that gets each alert")
    heartbeat_url: SecretUrl = setting(
        SecretUrl(), "asked by GET while the engine makes progress, so that silence tells"
    )
    heartbeat_interval_seconds: int = setting(60, "time between heartbeats", unit="s", low=5, high=3_600)
    log_file_megabytes: int = setting(
        10, "size at which the log's file is put aside", unit="MB", low=1, high=1_000
    )
    log_files_kept: int = setting(5, "full log files that are kept", unit="files", low=1, high=100)


@dataclass(frozen=True, kw_only=True)
class ExchangeSettings:
    """Who we are at the exchange."""

    key_id: str = setting("", "API key id")
    private_key_path: str = setting(
        "", "file of the private key (PEM, RSA or Ed25519), relative to the environment's keys folder"
    )
    request_timeout_seconds: Decimal = setting("5", "total time of one request", unit="s", low=1, high=60)


@dataclass(frozen=True, kw_only=True)
class PracticeSettings:
    """The practice exchange."""

    speed: Decimal = setting("10", "how much faster than recorded", unit="x", low=Decimal("0.1"), high=100)
    starting_cash_dollars: Decimal = setting(
        "10000", "cash of a new practice account", unit="$", low=1, high=MOST_DOLLARS
    )


@dataclass(frozen=True, kw_only=True)
class HistorySettings:
    """What is recorded of markets while a run trades."""

    record_days: int = setting(
        3,
        "days (UTC) of what the feed told that are kept for replay, today among them; 0 records none",
        unit="days",
        low=0,
        high=366,
    )


@dataclass(frozen=True, kw_only=True)
class InterfaceSettings:
    """The screen."""

    refresh_hz: int = setting(4, "how often the screen is drawn", unit="Hz", low=1, high=10)
    theme: str = setting("kconsole", "colour theme")
    keymap: dict[str, str] = setting({}, "keys by binding id")
