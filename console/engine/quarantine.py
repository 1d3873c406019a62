"""Journals that cannot be trusted: put aside under another name, never removed."""

from __future__ import annotations

import time
from pathlib import Path

from console.engine.journal_chain import JournalCorruptError
from console.engine.journal_wal import shared_memory_of, wal_of

REMEDY = "`kconsole recover` with the same options builds a new one"


def quarantine(journal: Path) -> Path:
    """Rename a journal with what belongs to it; the name that it has then. Raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = journal.with_name(f"{journal.stem}.corrupt-{stamp}{journal.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = journal.with_name(f"{journal.stem}.corrupt-{stamp}-{number}{journal.suffix}")
    # The journal first: one without its log would be read as a shorter one.
    if journal.exists():
        journal.rename(aside)
    else:
        aside.touch(mode=0o600)
    move_logs(journal, aside)
    return aside


def move_logs(journal: Path, aside: Path) -> None:
    """Move what an interrupted quarantine left of a journal's log after it; raises OSError."""
    for part_of in (wal_of, shared_memory_of):
        if part_of(journal).exists():
            part_of(journal).rename(part_of(aside))


def quarantined(journal: Path) -> list[Path]:
    """The journals put aside from here, the newest last."""
    found = journal.parent.glob(f"{journal.stem}.corrupt-*{journal.suffix}")
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def refuse_in_place_of_quarantined(journal: Path) -> None:
    """Raise JournalCorruptError when a journal was put aside and none has taken its place."""
    waiting = quarantined(journal)
    if waiting and not journal.exists():
        raise JournalCorruptError(
            f"{journal}: the journal was corrupt and is now {waiting[-1].name}; {REMEDY}"
        )
