"""What a replay is asked for: the rows of its form, and the request that they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from console.backtest.replay import SHIPPED, FeeModelName, ReplayRequest
from console.config.schema import Settings
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, Cash, Count, MoneyError, parse_cash
from console.domain.time_units import NS_PER_S
from console.history.collected import Collected
from console.history.own_days import OwnDay
from console.history.times import ns_of, read_time

if TYPE_CHECKING:
    from console.backtest.sweep import Pair

OWN_FOLDER = "a folder of yours"
IN_FORCE = "in force"
EDITED = "edited"
_AS_THEY_ARE = "as they say"
_MODELLED = "modelled"
_STYLES: Sequence[Literal["maker", "taker"]] = ("maker", "taker")
_MOST_CONTRACTS = 1_000_000
_MOST_DOLLARS = 1_000_000_000


@dataclass(frozen=True)
class Field:
    """One row: a text to type, or with ``choices`` one of these."""

    key: str
    label: str
    hint: str
    is_choice: bool = False


FIELDS = (
    Field("recording", "recording", "", is_choice=True),
    Field("folder", "folder", "folder of recorded markets, with markets.parquet or .csv"),
    Field("since", "from", "first time (UTC), such as 2026-03-01T14:30; empty is its beginning"),
    Field("until", "to", "time before which to end (UTC); empty is its end"),
    Field("series", "series", "series tickers with commas between; empty is all of them"),
    Field("thresholds", "thresholds", "", is_choice=True),
    Field("style", "style", "", is_choice=True),
    Field("fees", "fees", "", is_choice=True),
    Field(
        "depth", "depth", f"contracts where no size was recorded, or {_MODELLED}; empty fills nothing there"
    ),
    Field("capital", "capital", "dollars at the start of both runs"),
)


def _nothing_collected() -> Sequence[Collected]:
    return ()


def _no_days() -> Sequence[OwnDay]:
    return ()


@dataclass
class Form:
    """What was chosen and typed so far, by the key of its field; the folders can be chosen too."""

    collected: Callable[[], Sequence[Collected]] = _nothing_collected
    own_days: Callable[[], Sequence[OwnDay]] = _no_days
    values: dict[str, str] = field(
        default_factory=lambda: {
            "recording": SHIPPED[0].name,
            "folder": "",
            "since": SHIPPED[0].since,
            "until": SHIPPED[0].until,
            "series": "",
            "thresholds": IN_FORCE,
            "style": _AS_THEY_ARE,
            "fees": "kalshi",
            "depth": "100",
            "capital": "10000",
        }
    )

    def fields(self) -> list[Field]:
        """Those that count now."""
        is_own = self.values["recording"] == OWN_FOLDER
        return [each for each in FIELDS if each.key != "folder" or is_own]

    def choices(self, key: str, thresholds: Mapping[str, Settings]) -> Sequence[str]:
        """What a field may be."""
        return {
            "recording": (*(each.name for each in SHIPPED), *self._folders(), OWN_FOLDER),
            "thresholds": tuple(thresholds),
            "style": (_AS_THEY_ARE, *_STYLES),
            "fees": get_args(FeeModelName),
        }[key]

    def turn(self, key: str, steps: int, thresholds: Mapping[str, Settings]) -> None:
        """Take the next choice; a recording brings its period, a folder all of its own."""
        choices = self.choices(key, thresholds)
        place = choices.index(self.values[key]) if self.values[key] in choices else 0
        self.values[key] = choices[(place + steps) % len(choices)]
        if key == "recording":
            shipped = next((each for each in SHIPPED if each.name == self.values[key]), None)
            self.values["since"] = "" if shipped is None else shipped.since
            self.values["until"] = "" if shipped is None else shipped.until
            self.values["series"] = ""
            self.values["depth"] = "" if self.values[key] == OWN_FOLDER else "100"

    def _folders(self) -> dict[str, str]:
        """Days of one's own and what was collected; of two that are called the same the older is left out."""
        days = {_day_name(each): str(each.folder) for each in self.own_days()}
        return days | {_collected_name(each): each.folder for each in reversed(self.collected())}

    def request(
        self, in_force: Settings, thresholds: Mapping[str, Settings], home: Path, tried: int
    ) -> ReplayRequest:
        """Raises ValueError with one sentence for what cannot be run."""
        since, until = _time(self.values["since"]), _time(self.values["until"])
        if since is not None and until is not None and since >= until:
            raise ValueError("from is not before to")
        name, folder = self._recording()
        if self.values["thresholds"] not in thresholds:
            raise ValueError(f"the thresholds called {self.values['thresholds']} are gone; choose others")
        return ReplayRequest(
            folder=folder,
            name=name,
            home=str(home),
            in_force=in_force,
            under_test=self._styled(thresholds[self.values["thresholds"]]),
            capital=_capital(self.values["capital"]),
            fees="profit" if self.values["fees"] == "profit" else "kalshi",
            since_ns=since,
            until_ns=until,
            series=_series(self.values["series"]),
            assumed_depth=_depth(self.values["depth"]),
            modelled_depth=self.values["depth"] == _MODELLED,
            tried=tried,
        )

    def _recording(self) -> tuple[str, str | None]:
        """What the recording is called and its folder, None for a shipped one; raises ValueError."""
        chosen, typed = self.values["recording"], self.values["folder"]
        if chosen == OWN_FOLDER:
            if not typed:
                raise ValueError("name the folder of the recording first")
            return _folder(typed), str(Path(typed).expanduser().absolute())
        if any(chosen == each.name for each in SHIPPED):
            return chosen, None
        folder = self._folders().get(chosen)
        if folder is None:
            raise ValueError(f"what was {chosen} is gone; choose another recording")
        return chosen, folder

    def _styled(self, settings: Settings) -> Settings:
        for style in _STYLES:
            if self.values["style"] == style:
                strategy = dataclasses.replace(settings.strategy_flb, style=style)
                return dataclasses.replace(settings, strategy_flb=strategy)
        return settings


def _day_name(own: OwnDay) -> str:
    return f"your day {own.day:%d %b} ({own.environment})"


def _collected_name(collected: Collected) -> str:
    first, last = (
        datetime.fromtimestamp(at_ns / NS_PER_S, UTC) for at_ns in (collected.since_ns, collected.until_ns)
    )
    return f"collected {','.join(collected.series)}, {first:%d %b} to {last:%d %b %Y}"


def named_thresholds(in_force: Settings, proposed: Settings | None) -> dict[str, Settings]:
    """Everything that can be put to the test, by name."""
    # It brings half of the backtester, which the first picture need not wait for.
    from console.backtest.sweep import GUIDES_GRID

    named = {IN_FORCE: in_force}
    if proposed is not None and proposed != in_force:
        named[EDITED] = proposed
    return named | {_pair_name(pair): _with_pair(in_force, pair) for pair in GUIDES_GRID}


def _pair_name(pair: Pair) -> str:
    return f"{pair.favourite}c and {pair.longshot}c"


def _with_pair(settings: Settings, pair: Pair) -> Settings:
    strategy = dataclasses.replace(
        settings.strategy_flb, favorite_threshold=pair.favourite, longshot_threshold=pair.longshot
    )
    return dataclasses.replace(settings, strategy_flb=strategy)


def _folder(text: str) -> str:
    """Raises ValueError also for what cannot even be looked for, such as ``~nobody``."""
    try:
        is_folder = not text or Path(text).expanduser().is_dir()
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"this is not a folder ({why}): {text}") from None
    if not is_folder:
        raise ValueError(f"{text} is not a folder")
    return text


def _time(text: str) -> int | None:
    return ns_of(read_time(text)) if text else None


def _series(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _depth(text: str) -> Count | None:
    if text in ("", _MODELLED):
        return None
    if not (text.isdecimal() and 1 <= int(text) <= _MOST_CONTRACTS):
        raise ValueError(
            f"{text} is neither {_MODELLED} nor a whole number of contracts from 1 to {_MOST_CONTRACTS:,}"
        )
    return Count(int(text) * COUNT_PER_CONTRACT)


def _capital(text: str) -> Cash:
    try:
        cash = parse_cash(text)
    except MoneyError:
        cash = Cash(0)
    if not 0 < cash <= _MOST_DOLLARS * CASH_PER_DOLLAR:
        raise ValueError(f"{text or 'nothing'} is not an amount of dollars such as 10000")
    return cash


CHECKS: Mapping[str, Callable[[str], object]] = {
    "folder": _folder,
    "since": _time,
    "until": _time,
    "series": _series,
    "depth": _depth,
    "capital": _capital,
}
"""What reads a text that was typed; each raises ValueError with one sentence."""
