"""What `checkpoint-gateway journal` can be asked."""

import argparse
from pathlib import Path

from gateway.places import CONFIGURATION

_EXAMPLES = """\
FILE is the configuration of a gateway or a journal file. A running gateway is not disturbed, and
no file is changed.

examples:
  checkpoint-gateway journal stats /etc/checkpoint-gateway/gateway.toml
      how much there is, and how much of it the centre has
  checkpoint-gateway journal tail -f /etc/checkpoint-gateway/gateway.toml
      watch events being recorded; Ctrl-C ends it
  checkpoint-gateway journal export --format csv -o events.csv gateway.toml
      all events as a table
  checkpoint-gateway journal salvage -o saved.ndjson journal.db.damaged-1
      whatever can still be read of a damaged journal

exit codes: 0 all is well, 1 failed, or events are damaged or missing, 78 mistakes in the
configuration
"""


def add_journal(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `journal` and what belongs to it to the program's commands."""
    journal = commands.add_parser(
        "journal",
        help="look into the journal: figures, latest events, export, check, salvage",
        description="Look into a journal, beside a running gateway or without one.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    asked = journal.add_subparsers(dest="asked", metavar="COMMAND", required=True)

    stats = _add(asked, "stats", "figures: how much there is, and how much has been delivered")
    stats.add_argument("--json", action="store_true", help="print the figures as JSON")

    tail = _add(asked, "tail", "the latest events, one in a line")
    tail.add_argument("-n", dest="count", type=_count, default=10, metavar="N", help="how many")
    tail.add_argument("-f", dest="follow", action="store_true", help="go on as more are recorded")

    export = _add(asked, "export", "write events out, for other programs")
    export.add_argument(
        "--format",
        choices=("ndjson", "csv"),
        default="ndjson",
        help="one JSON document per line (the default), or a table",
    )
    _add_output(export)
    export.add_argument("--from", dest="first", type=_count, default=1, metavar="SEQ")
    export.add_argument("--to", dest="last", type=_count, metavar="SEQ", help="both included")

    _add(asked, "verify", "read every event and check it; takes a minute per GB")

    salvage = _add(asked, "salvage", "get whatever can be read out of a damaged journal, as NDJSON")
    _add_output(salvage)


def add_tail(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `tail`, which is `journal tail -f` for whoever stands at the gate."""
    tail = commands.add_parser(
        "tail",
        help="watch events as they are recorded",
        description="Print each event as it becomes durable, one in a line, until Ctrl-C. Codes are"
        " shown by their pseudonyms: their content is not in the journal.",
        allow_abbrev=False,
    )
    tail.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=CONFIGURATION,
        metavar="FILE",
        help="a configuration or a journal (default: %(default)s)",
    )
    tail.add_argument(
        "-n", dest="count", type=_count, default=10, metavar="N", help="first the latest N"
    )
    tail.set_defaults(asked="tail", follow=True)


def _add(
    asked: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    command = asked.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
    command.add_argument("file", type=Path, metavar="FILE", help="a configuration or a journal")
    return command


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o", dest="output", type=Path, metavar="OUT", help="write to this file, not to the screen"
    )


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number above 0')
    return number
