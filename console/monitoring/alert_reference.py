"""Writes ``docs/alerts.md`` from the definitions: ``python -m console.monitoring.alert_reference``."""

from __future__ import annotations

import sys

from console.config.program_settings import MonitoringSettings
from console.domain.time_units import NS_PER_S
from console.monitoring.alerts import CONDITIONS, Condition, Repeats, Watch
from console.monitoring.responses import RESPONSES, response_to

_HEAD = f"""\
# Alerts

An alert has a kind, which says what to do about it. It stands in the console (`a`), in the log and, where
somebody is to be told, leaves the engine at once for threads of its own.

- CRITICAL: trading was halted, a flatten did not end flat, or the engine ended. It rings and stays in sight.
- WARNING: any other latch, an error, or one of the conditions below.
- INFO: what the operator did, and what ended by itself.

What is by design is not told: sizing fills a group, and all markets together, up to their caps, and an
alert that says *nothing to do* wakes somebody for nothing. So `near group` waits for a group that outgrew its
cap, which takes equity that fell or markets found to belong together, and is silent where
`risk.group_breach_margin_pct` is 0: there the switch itself tells at the cap. `near exposure` waits for the
cap on everything, unless `monitoring.alert_at_exposure_share` asks for less.

A condition tells once when it begins to hold, and again only after it was below its lower level and
{Watch.QUIET_NS // NS_PER_S // 60} minutes passed. What came in between is counted, and told after these
minutes if it holds then, else with the next. Beyond the limit of a kill switch that alone is told. Of errors
and conditions of one kind {Repeats.MOST} within {Repeats.WHILE_NS // NS_PER_S} s are told one by one, the
rest as a number.

## Who is told

`monitoring.webhook_url` gets each alert as JSON by POST, `monitoring.ntfy_url` as ntfy's text with title,
priority and tags. `monitoring.alert_level` says from which level on; `alert_on_kill_switch` and
`alert_on_high_slippage` can keep theirs back. The addresses may hold secrets: no log, screen, snapshot or
`config show` has them. A command line is seen by everybody on the machine: write them in the configuration
file or in variables such as `KCONSOLE_MONITORING__WEBHOOK_URL`, not in `--set`. They must be https, or of
this machine; redirects and proxies are not followed. A user and password in one go as its proof.

| field | what it is |
|---|---|
| `id` | the same however often it is tried, no other's; also `Idempotency-Key` and ntfy's `X-Sequence-ID` |
| `at` | when it was told, UTC |
| `environment`, `dry_run` | of the run |
| `level`, `kind`, `title` | as above; our own words alone |
| `text` | what happened, on one line; it may quote the exchange, so take it for text and nothing else |
| `response` | what to do about it |

A try has 5 s. What may pass (no answer, 408, 425, 429, 5xx) is tried four times within a minute, anything
else once; 100 alerts may wait for each receiver. What is lost is counted in Health (`i`) and, when
the run ends, in its log. Trading waits for none of it.

`monitoring.heartbeat_url` is asked by GET every `heartbeat_interval_seconds` while the engine makes progress:
have the other side tell you when that stops. `kconsole alerts test` sends one of each and says whether they
arrived.
"""

_OTHERS = """\
## Everything else

Those that are latches are kill switches (`docs/kill-switches.md`) or the operator's verbs.

| kind | what to do |
|---|---|
"""


def markdown() -> str:
    """The whole document."""
    settings = MonitoringSettings()
    conditions = "".join(_row(each, settings) for each in CONDITIONS.values())
    others = "".join(f"| `{kind}` | {response_to(kind)} |\n" for kind in RESPONSES if kind not in CONDITIONS)
    return (
        f"{_HEAD}\n## Conditions\n\nLevels are shares of the limit, by the defaults.\n\n"
        f"| kind | told when | from | again below | what to do |\n|---|---|---|---|---|\n{conditions}\n"
        f"{_OTHERS}{others}"
    )


def _row(condition: Condition, settings: MonitoringSettings) -> str:
    levels = [""] * 2
    if condition.is_judged:
        levels = [f"{int(100 * share)} %" for share in condition.shares(settings)]
    name = f", `{condition.share_setting}`" if condition.share_setting else ""
    return (
        f"| `{condition.kind}` | {condition.when} | {levels[0]}{name} | {levels[1]} | "
        f"{response_to(condition.kind)} |\n"
    )


if __name__ == "__main__":
    sys.stdout.write(markdown())
