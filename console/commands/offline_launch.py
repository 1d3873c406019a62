"""Which environment a command looks after while no engine runs in it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.commands.common import folder_of, load_settings
from console.commands.errors import ExitCode, UserError

if TYPE_CHECKING:
    from console.app.launch import Launch


def offline_launch(arguments: argparse.Namespace, *, nothing_live: str) -> Launch:
    """The environment chosen; raises ConfigError, and UserError where there is none to look after.

    ``nothing_live`` says what is not there where real money would be.
    """
    from console.app.launch import Launch

    if arguments.env == "live":
        raise UserError(f"this version does not trade real money: {nothing_live} there", ExitCode.REFUSED)
    if arguments.env != "practice" and arguments.attach:
        raise UserError("--attach is for the practice environment", ExitCode.USAGE)
    folder = folder_of(arguments)
    if not folder.path.is_dir():
        raise UserError(f"no console has run here yet: {folder.path} does not exist")
    settings = load_settings(arguments).settings
    return Launch(arguments.env, settings, folder, arguments.attach, dry_run=arguments.dry_run)
