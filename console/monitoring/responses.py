"""What the operator does about each kind of alert, in one place."""

from __future__ import annotations

import re
from collections.abc import Callable

from console.monitoring.alerts import CONDITIONS

CLEARED = "cleared"
NOT_CLEARED = "not cleared"
DIFFERENCES = "differences"
CASH = "cash"
CLOSING = "closing"
FLATTEN_ENDED = "flatten ended"
SETTINGS = "settings"
NOT_DONE = "not done"
ENGINE_ENDED = "engine ended"
TEST = "test"

_ERROR = "error"
_ANY_ERROR = "errors are counted: look at the log if it comes again; too many in an hour pause trading"

# Braces hold actions of the console by their ids: the screen puts the operator's key there.
LATCH_RESPONSES = {
    "manual": "find out why it was halted; 0 resting must be shown above; {resume}, with a reason",
    "daily_loss": "read in pane 5 what lost; {flatten} closes the rest; {resume} once it is under the limit",
    "drawdown": "review the trades since the highest equity; {resume} starts the count anew from here",
    "loss_streak": "look for what the lost trades share (series, price, time); it ends by itself",
    "slippage": "compare makers and takers in pane 4; ask for more depth, or trade as maker; then {resume}",
    "error_burst": "read in {alerts} and in the log which request fails; check the network; then {resume}",
    "stale_book": "check the network and the feed age above; nothing is entered; it ends after 5 s of data",
    "no_fills": "{why_not} says where orders stop; check prices and queue places; then {resume}",
    "correlation": "{close_position} closes positions of the group until it is under its cap; then {resume}",
    "reject_rate": "read the rejects in pane 5: price, size, balance or a closed market; then {resume}",
    "tripwire": "do not resume before the journal and the exchange's order list were compared by hand",
    "unknown_orders": "they are looked for by id; if they stay, see the exchange's page; do not send again",
    "foreign_instance": "another kconsole trades this account: end one of them, then {resume}",
    "position_mismatch": "compare pane 1 with the exchange's page, trade nothing by hand; then {resume}",
    "clock_skew": "set the machine's clock (chronyc makestep); it ends after 5 s of a good clock",
    "exchange_paused": "nothing to do: the header counts down; resting orders may not be cancellable",
    "journal": "free or repair the disk, then quit and start again: nothing is traded unwritten",
    "api_key": "check the key and its scopes at the exchange; then {resume}",
    "guard": "nobody cancels if this process dies: quit and start again, or {resume} once it is back",
    "overfill": "the exchange filled more than was ordered: compare pane 1 with its page before {resume}",
    "pause": "{resume}, with a reason",
    "reduce_only": "{resume}, with a reason",
    "disarmed": "{arm}, typed and with a reason",
    "flatten": "wait for it to end; what cannot be sold is told; then {resume}",
    "stopped": "nothing to do; {resume} lets it trade again",
    "recovered": "compare positions and cash with the exchange's page, then {resume}",
    "crash_loop": "read the log for why it ended three times; then {resume}",
}
"""By the names of latches, those of kill switches among them."""

RESPONSES = {
    **LATCH_RESPONSES,
    **{condition.kind: condition.response for condition in CONDITIONS.values()},
    # errors, by their sources
    "error feed": "it reconnects by itself; nothing is entered on a book that is not live",
    "error cancel": "it is asked again; {halt} cancels by a line of its own",
    "error orders": "it is read again; until then resting orders are not known",
    "error account": "it is read again every few seconds; until then pane 1 may be behind",
    "error status": "it is read again; if it is our file: check disk space and permissions of the home",
    "error markets": "it is read again; new markets wait",
    "error backup": "free space in the home; the journal itself is written",
    "error log": "free space in the home; trading goes on without a log",
    "error flatten": "it is tried again; {halt} holds everything",
    "error the last run": "look at positions and resting orders before arming",
    # what is told besides
    CLEARED: "nothing to do",
    NOT_CLEARED: "do what it names first, then {resume} again",
    DIFFERENCES: "the exchange's word was taken: read them below, and whether you know why",
    CASH: "a deposit, a withdrawal or a fee: find it on the exchange's page; it is not counted as profit",
    CLOSING: "{close_position} closes again at the price of the moment; it stays stopped until {resume}",
    FLATTEN_ENDED: "it stays halted; what is left is in pane 1; {resume} when it is looked at",
    SETTINGS: "{thresholds} shows them, and undoes",
    NOT_DONE: "nothing was sent",
    ENGINE_ENDED: "nothing is traded: the halt cancels what rests; read the log, then start again",
    TEST: "nothing to do: alerts arrive",
}


def error_kind(source: str) -> str:
    """The kind of an error of this source; one that has no words of its own is an error like others."""
    kind = f"{_ERROR} {source}"
    return kind if kind in RESPONSES else _ERROR


def in_words(action: str) -> str:
    """An action where no key can be pressed."""
    return action.replace("_", " ")


def response_to(kind: str, key_of: Callable[[str], str] = in_words) -> str:
    """What to do about an alert of this kind, in one sentence; ``key_of`` says how it names an action."""
    return re.sub(r"{(\w+)}", lambda found: key_of(found[1]), RESPONSES.get(kind, _ANY_ERROR))
