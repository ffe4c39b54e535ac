"""What the gateway that runs on this box can be asked for."""

import argparse
from pathlib import Path

from gateway.places import CONFIGURATION

LEVELS = ("debug", "info", "warning", "error")
MOST_MINUTES = 7 * 24 * 60
USUAL_MINUTES = 60


def add_asking(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `reload` and `log-level` to the program's commands."""
    reload = commands.add_parser(
        "reload",
        help="take the changed configuration into force while the gate works",
        description="Have the running gateway read its configuration again. Only the devices that"
        " have changed are started anew; of a file with mistakes nothing counts, and they are"
        " listed as by check (exit code 78).",
        allow_abbrev=False,
    )
    _add_file(reload)
    level = commands.add_parser(
        "log-level",
        help="change for a while how much the running gateway logs",
        description="Change how much the running gateway logs: debug shows the bytes on the"
        " wires, too, but never a code or a key. Afterwards, and after a restart, it is as before.",
        allow_abbrev=False,
    )
    level.add_argument("level", choices=LEVELS, metavar="LEVEL", help=f"one of {', '.join(LEVELS)}")
    level.add_argument(
        "--minutes",
        type=_minutes,
        default=USUAL_MINUTES,
        metavar="N",
        help=f"for so long (default {USUAL_MINUTES}, at most {MOST_MINUTES})",
    )
    _add_file(level)


def _add_file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=CONFIGURATION,
        metavar="FILE",
        help="the configuration of the gateway that is meant (default: %(default)s)",
    )


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_MINUTES):
        expected = f"a whole number of minutes from 1 to {MOST_MINUTES}"
        raise argparse.ArgumentTypeError(f'found "{text}"; expected {expected}')
    return int(text)
