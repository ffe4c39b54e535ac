"""What the gateway that runs on this box can be asked for."""

import argparse
from pathlib import Path

from gateway.places import CONFIGURATION

LEVELS = ("debug", "info", "warning", "error")
MOST_MINUTES = 7 * 24 * 60
USUAL_MINUTES = 60


def add_asking(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `reload`, `log-level` and `documents` to the program's commands."""
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
    _add_documents(commands)


def _add_documents(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    documents = commands.add_parser(
        "documents",
        help="what the centre has given the gate to work by: policy, passes, lists, rota",
        description="See which versions the gate works by, bring new ones where there is no"
        " network, or go back to the former one.",
        allow_abbrev=False,
    )
    asked = documents.add_subparsers(dest="asked", metavar="COMMAND", required=True)
    told = {
        "list": "which versions are in force, and which wait for their time",
        "apply": "take signed documents from files, on a USB stick for example",
        "roll-back": "put the former version in force; then only a higher one is taken",
    }
    for name, does in told.items():
        command = asked.add_parser(
            name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False
        )
        if name == "apply":
            command.add_argument("documents", type=Path, nargs="+", metavar="FILE")
        if name == "roll-back":
            command.add_argument("name", metavar="NAME", help="policy, passes, rota …")
        command.add_argument(
            "--config",
            dest="file",
            type=Path,
            default=CONFIGURATION,
            metavar="FILE",
            help="the configuration of the gateway that is meant (default: %(default)s)",
        )


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
