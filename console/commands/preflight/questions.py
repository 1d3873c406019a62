"""What no machine can check, asked on the terminal."""

from __future__ import annotations

import sys

from console.monitoring.checklist import Item

_YES, _NO = ("y", "yes"), ("n", "no")


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(item: Item) -> tuple[bool, str] | None:
    """Yes or no with a note; None when it is to be answered later. Raises EOFError at the end of input."""
    print(f"\n{item.id}: {item.title}\n{item.question}", file=sys.stderr)
    while True:
        answer = _line("yes, no, or Enter to answer later: ").lower()
        if not answer:
            return None
        if answer in (*_YES, *_NO):
            note = _line("note (where it is written, what was seen; Enter for none): ")
            word = "yes" if answer in _YES else "no"
            return answer in _YES, f"answered {word}{f': {note}' if note else ''}"


def _line(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    # A terminal may pass bytes that are no text, and the record is text.
    return line.strip().encode(errors="backslashreplace").decode()
