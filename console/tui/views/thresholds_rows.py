"""How the Thresholds tab draws a setting: a row of the list, and all about the one under the cursor."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.config.catalogue import CATALOGUE, SettingSpec
from console.config.changes import changed, loosens, start_only
from console.config.errors import ConfigError
from console.config.load import Loaded
from console.config.values import text_of
from console.engine.snapshot import Snapshot
from console.tui.cells import EMPTY, Line, Tone, join, middle, put
from console.tui.pane import Query
from console.tui.table import Align, Cell, Column
from console.tui.views.thresholds_dialogs import facts_of

_COLUMNS = (
    Column("setting", 24, rank=0, most=34),
    Column("in force", 8, Align.RIGHT, rank=1, most=12),
    Column("edit", 8, rank=2, most=16),
    Column("set by", 9, rank=3),
    Column("default", 8, Align.RIGHT, rank=4, most=12),
    Column("unit", 8, rank=5, most=14),
    Column("may be", 16, rank=6, most=34),
    Column("what it is", 20, rank=7, most=110),
)
_NARROW_COLUMNS = (Column("setting", 16, most=34), *_COLUMNS[1:])
_NARROW = 42
ORDERS = ("section", "change")


def columns_for(width: int) -> Sequence[Column]:
    """Names give way where value and edit would not fit beside them."""
    return _NARROW_COLUMNS if width < _NARROW else _COLUMNS


@dataclass(frozen=True)
class Form:
    """Every setting as it was loaded and is in force, and the operator's edits by key.

    ``key`` is that of an action.
    """

    loaded: Loaded
    snapshot: Snapshot
    edits: Mapping[str, str]
    key: Callable[[str], str]

    def keys(self, query: Query) -> Iterator[str]:
        """The rows: a setting's key, or a section's name above its settings."""
        specs = [each for each in CATALOGUE.values() if query.admits(each.key, each.description)]
        if query.order:
            yield from (spec.key for spec in sorted(specs, key=self._distance))
            return
        section = ""
        for spec in specs:
            if spec.section != section:
                section = spec.section
                yield section
            yield spec.key

    def _distance(self, spec: SettingSpec) -> int:
        """From what the operator is at: edited, otherwise than by default, as by default."""
        if spec.key in self.edits:
            return 0
        return 1 if spec.value_in(self.snapshot.settings) != spec.default else 2

    def in_force(self, spec: SettingSpec) -> str:
        return text_of(spec, spec.value_in(self.snapshot.settings))

    def fixed(self, spec: SettingSpec) -> str | None:
        """Why a setting cannot be changed in this run, or None when it can."""
        return start_only(spec) or self.loaded.pin(spec.key)

    def effect(self, spec: SettingSpec, text: str) -> tuple[str, bool]:
        """What a text would do beside the other edits, and whether it permits more; raises ConfigError."""
        after = changed(self.snapshot.settings, {**self.edits, spec.key: text}.items())
        old, new = spec.value_in(self.snapshot.settings), spec.value_in(after)
        if old == new:
            return "as in force", False
        is_loosening = loosens(spec, old, new)
        loosening = "counts as loosening" if spec.loosens == "either" else "loosens"
        return (
            f"{text_of(spec, old)} → {text_of(spec, new)} {loosening if is_loosening else 'tightens'}",
            is_loosening,
        )

    # --- the row ------------------------------------------------------------------------------------

    def cells(self, key: str) -> Sequence[Cell]:
        spec = CATALOGUE.get(key)
        if spec is None:
            return (put(key, Tone.ACCENT), *[EMPTY] * (len(_COLUMNS) - 1))
        is_fixed = self.fixed(spec) is not None
        return (
            lambda width: put(f" {middle(spec.name, width - 1)}", Tone.MUTED if is_fixed else Tone.PLAIN),
            put(self.in_force(spec), Tone.MUTED if is_fixed else Tone.STRONG),
            self._edit(spec),
            put(self._layer(spec), Tone.MUTED),
            put(text_of(spec, spec.default), Tone.MUTED),
            put(spec.unit, Tone.MUTED),
            put(spec.expected, Tone.MUTED),
            put(spec.description, Tone.MUTED),
        )

    def _edit(self, spec: SettingSpec) -> Line:
        """The edit of a setting, or why there is none."""
        if spec.key in self.edits:
            return put(f"→ {self.edits[spec.key]}", Tone.WARN)
        if spec.loosens is None:
            return put("at start", Tone.MUTED)
        return put("pinned", Tone.MUTED) if self.loaded.pin(spec.key) else EMPTY

    def _layer(self, spec: SettingSpec) -> str:
        if spec.key in self.snapshot.unkept_settings:
            return "this run"
        return self.loaded.source_in(self.snapshot.settings, spec.key).layer.name.lower()

    # --- all about one ------------------------------------------------------------------------------

    def details(self, spec: SettingSpec | None, width: int) -> list[Line]:
        """What a setting is, what may be done with it, and what is about to be."""
        if spec is None:
            return [put(line, Tone.MUTED) for line in textwrap.wrap(self._hint(), width)]
        state, tone = self._state(spec)
        return [
            join([put(spec.key, Tone.STRONG), put(self.in_force(spec), Tone.ACCENT)]),
            *(put(line, tone) for line in textwrap.wrap(state, width)),
            *(put(line) for line in textwrap.wrap(spec.description, width)),
            *(put(line, Tone.MUTED) for line in textwrap.wrap(facts_of(spec), width)),
        ]

    def _hint(self) -> str:
        said = (
            ("detail", "edits"),
            ("review", "reviews and applies"),
            ("undo", "undoes"),
            ("redo", "redoes"),
            ("edits", "shows the edits made"),
        )
        return ", ".join(f"{self.key(action)} {what}" for action, what in said)

    def _state(self, spec: SettingSpec) -> tuple[str, Tone]:
        fixed = self.fixed(spec)
        if fixed is not None:
            return f"· {fixed}", Tone.MUTED
        if spec.key in self.edits:
            try:
                effect, is_loosening = self.effect(spec, self.edits[spec.key])
            except ConfigError as error:
                return f"■ {error}", Tone.LOSS
            return (
                f"edited: {effect}; {self.key('review')} reviews, {self.key('drop_edit')} drops it",
                Tone.WARN if is_loosening else Tone.GAIN,
            )
        if spec.key in self.snapshot.unkept_settings:
            return "▲ for this run only: the next start does not know it", Tone.WARN
        return f"set by {self.loaded.source_in(self.snapshot.settings, spec.key).name}", Tone.MUTED
