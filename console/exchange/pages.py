"""Reads whole lists: every page, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from console.domain.ports import VenueError
from console.exchange.messages import Page
from console.exchange.rest import Reply, Request

PageType = TypeVar("PageType", bound=Page)
Item = TypeVar("Item")
Record = TypeVar("Record")


class Sender(Protocol):
    """What sends requests."""

    async def send(self, request: Request[Reply]) -> Reply:
        """The reply; raises VenueError."""


async def read_all(
    transport: Sender, first: Request[PageType], items: Callable[[PageType], Sequence[Item]]
) -> list[Item]:
    """Every item of a paginated list; raises VenueError when a page is missing or the pages go round."""
    found: list[Item] = []
    seen: set[str] = set()
    request = first
    while True:
        page = await transport.send(request)
        found.extend(items(page))
        if not page.cursor:
            return found
        if page.cursor in seen:
            raise VenueError(f"{first.method} {first.path}: the list came round to cursor {page.cursor!r}")
        seen.add(page.cursor)
        request = replace(first, query={**first.query, "cursor": page.cursor})


def converted(
    request: Request[Reply], items: Iterable[Item], convert: Callable[[Item], Record]
) -> list[Record]:
    """Every item as our record; raises VenueError when one of them says what it may not."""
    try:
        return [convert(item) for item in items]
    except ValueError as error:
        raise VenueError(f"{request.method} {request.path}: an answer that makes no sense: {error}") from None
