"""What several panes share."""

from __future__ import annotations

from console.domain.book import BookSide
from console.engine.limit_views import LatchView
from console.risk.latches import DISARMED
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, put
from console.tui.picture import LATE_NS, Picture

WAITING = "waiting for a first picture"


def signed(cash: int | None) -> Line:
    """A gain or a loss, with its sign and its colour."""
    text = fmt.dollars(cash, signed=True)
    if cash is None:
        return put(text, Tone.MUTED)
    tone = Tone.GAIN if text.startswith("+") else Tone.LOSS if text.startswith("-") else Tone.PLAIN
    return put(text, tone)


def data_age(age_ns: int | None) -> Line:
    """How old what is shown is; in words once it is too old to trust."""
    if age_ns is None:
        return put("no data", Tone.WARN)
    if age_ns > LATE_NS:
        return put(f"STALE {fmt.age(age_ns)}", Tone.LOSS)
    return put(fmt.age(age_ns), Tone.MUTED)


def price_age(picture: Picture) -> Line:
    """How old the prices are: as old as the feed, or as the picture if that is older."""
    age_ns, feed_ns = picture.age_ns, picture.feed_age_ns
    if feed_ns is not None and feed_ns > picture.feed_limit_ns:
        return put(f"STALE {fmt.age(feed_ns)}", Tone.LOSS)
    if age_ns is None or age_ns > LATE_NS or feed_ns is None:
        return data_age(age_ns)
    return put(fmt.age(feed_ns), Tone.MUTED)


def clearing(latch: LatchView, picture: Picture) -> str:
    """How a latch clears: in its switch's own words, else by the operator's key."""
    if latch.id == DISARMED:
        return f"{picture.key('arm')} arms"
    switches = picture.snapshot.switches if picture.snapshot else ()
    words = (f"clears: {switch.clears}" for switch in switches if switch.key == latch.name)
    return next(words, f"{picture.key('resume')} resumes")


def outcome(side: BookSide | None) -> Line:
    return put(side.outcome if side is not None else "", Tone.PLAIN)


def until(close_ns: int | None, picture: Picture) -> Line:
    """Time to a market's close."""
    if close_ns is None:
        return put(fmt.UNKNOWN, Tone.MUTED)
    remaining = close_ns - picture.now_ns
    return put("closed", Tone.WARN) if remaining <= 0 else put(fmt.age(remaining))
