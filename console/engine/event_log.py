"""What was journaled, in the run's log too: a line an event, with its particulars in plain units."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from console.config.logs import with_fields
from console.domain.account_events import AccountRead, MarketTraded
from console.domain.engine_events import EquityMarked, LatchRaised
from console.domain.events import JournaledEvent
from console.monitoring.documents import Document, document_of

log = logging.getLogger("console.journal")

_NOT_LOGGED = (AccountRead, EquityMarked, MarketTraded)
"""They come so often, or are so long, that they would hide the rest."""
_HEART = ("intent", "fill", "settlement")
"""The part of an event that says what it is about."""
_FIRST = ("ticker", "side", "price", "count", "fee", "yes_value")
"""What an operator looks for, before the ids."""


def log_events(records: Iterable[JournaledEvent]) -> None:
    """Log what is on disk; the log's own thread makes the lines."""
    for record in records:
        if not isinstance(record, _NOT_LOGGED):
            log.info(type(record).__name__, extra=with_fields(partial(_particulars, record)))


def _particulars(record: JournaledEvent) -> Document:
    """In the order of reading; the line has a time of its own."""
    document = document_of(record)
    for name in _HEART:
        document = document.pop(name, {}) | document
    del document["at"]
    if isinstance(record, LatchRaised):
        document["level"] = record.level.name
    return {name: document[name] for name in _FIRST if name in document} | document
