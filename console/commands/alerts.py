"""``kconsole alerts``: sends a test alert to everyone who is to be told, and says whether it arrived."""

from __future__ import annotations

import argparse

from console.commands.common import add_common_arguments, add_json_argument, load_settings, print_json
from console.commands.errors import ExitCode, UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("test",), help="test: exit code 0 when every receiver took it, else 1"
    )
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises UserError where nobody is to be told."""
    from console.app.alerting import try_receivers

    tried = try_receivers(load_settings(arguments).settings.monitoring, arguments.env)
    if not tried:
        keys = "monitoring.webhook_url, monitoring.ntfy_url and monitoring.heartbeat_url"
        raise UserError(f"nobody is told in {arguments.env}: {keys} are empty", ExitCode.USAGE)
    if arguments.json:
        receivers = [
            {"name": each.name, "arrived": each.trouble is None, "trouble": each.trouble, "ms": each.took_ms}
            for each in tried
        ]
        print_json({"environment": arguments.env, "receivers": receivers})
    else:
        for each in tried:
            arrived = f"arrived, after {each.took_ms} ms"
            print(f"{each.name:10} {arrived if each.trouble is None else f'did not arrive: {each.trouble}'}")
    return ExitCode.DONE if all(each.trouble is None for each in tried) else ExitCode.FAILED
