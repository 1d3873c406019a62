"""The parts that an engine is put together from, each from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from console.app.launch import Launch
from console.config.errors import ConfigError
from console.config.schema import Settings
from console.config.trading_settings import FeeSettings, UniverseSettings
from console.domain.fees import FeeModel, KalshiFees, ProfitFees
from console.domain.ports import Universe
from console.exchange.clock import ServerClock
from console.exchange.hosts import (
    DEMO,
    Connection,
    ConnectionDataError,
    connection_to,
    parse_connection,
    read_connection,
)
from console.exchange.signing import ExposedKeyError, KeyFileError, Signer, load_signer
from console.exchange.venue import KalshiVenue
from console.practice.child import Outage, practice_exchange
from console.risk.manager import RiskManager
from console.strategies.edge import ConstantEdge, EdgeModel
from console.strategies.favourite_longshot import FavouriteLongshot


def venue_of(
    launch: Launch,
    connection: Connection,
    signer: Signer,
    clock: ServerClock,
    may_send: Callable[[bool], bool],
) -> KalshiVenue:
    return KalshiVenue(
        connection,
        signer,
        clock,
        wall_ns=time.time_ns,
        deadline_s=float(launch.settings.exchange.request_timeout_seconds),
        group_contracts_limit=launch.settings.risk.max_burst_contracts,
        may_send=may_send,
    )


def universe_of(settings: UniverseSettings) -> Universe:
    return Universe(
        series=settings.series,
        categories=settings.categories,
        min_seconds_to_close=settings.min_seconds_to_close,
        max_seconds_to_close=settings.max_seconds_to_close,
    )


def notes_of(launch: Launch) -> tuple[str, ...]:
    notes = []
    if launch.settings.edge.model == "constant":
        where = "practice edge" if launch.environment == "practice" else "constant edge"
        notes.append(f"{where}, not measured")
    if launch.environment == "practice":
        notes.append("modelled depth")
    return tuple(notes)


def strategy_of(settings: Settings, edge: EdgeModel) -> FavouriteLongshot:
    return FavouriteLongshot(settings.strategy_flb, settings.quality, edge, fees_of(settings.fees))


def edge_in(settings: Settings, at_start: EdgeModel) -> EdgeModel:
    """The edge model of changed settings: a table is read at the start alone, a constant is theirs."""
    if settings.edge.model == "constant":
        return ConstantEdge(settings.edge.constant_points)
    return at_start


def risk_of(launch: Launch) -> RiskManager:
    settings = launch.settings
    return RiskManager(settings.risk, settings.quality, escalates=launch.environment != "practice")


def fees_of(settings: FeeSettings) -> FeeModel:
    return ProfitFees(int(settings.profit_fee_rate * 10_000)) if settings.model == "profit" else KalshiFees()


def connection_of(launch: Launch, stack: ExitStack) -> tuple[Connection, Outage]:
    """Where to trade and as whom; starts the practice exchange when there is none to attach to."""
    try:
        if launch.attach is not None:
            return read_connection(launch.attach), _no_outage
        if launch.environment == "practice":
            line, outage = stack.enter_context(
                practice_exchange(launch.settings.practice, launch.folder.path.parent, launch.folder.logs)
            )
            return parse_connection(line, "the practice exchange's first line"), outage
        key_path = launch.settings.exchange.private_key_path
        key_file = launch.folder.key_file(key_path) if key_path else None
        return connection_to(DEMO, launch.settings.exchange.key_id, str(key_file or "")), _no_outage
    except ConnectionDataError as error:
        raise ConfigError(str(error)) from None


def signer_of(connection: Connection) -> Signer:
    try:
        return load_signer(connection.key_id, Path(connection.private_key_path))
    except ExposedKeyError:
        raise
    except KeyFileError as error:
        raise ConfigError(str(error)) from None


def _no_outage() -> str | None:
    return None
