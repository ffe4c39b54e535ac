"""What `checkpoint-gateway export` and `import` can be asked."""

import argparse
from pathlib import Path

from gateway.centre_arguments import add_connection

_EXPORT = """\
The records stay in the gate until the centre has them, whichever way they get there; a stick that
is lost loses nothing. If it was pulled out, put it in again and give the same command.

examples:
  sudo checkpoint-gateway export gateway.toml --to /media/usb
      everything that is undelivered and is not on this stick yet
  sudo checkpoint-gateway export gateway.toml --to /media/usb2 --skip-exported
      the rest, when the first stick was full

exit codes: 0 all of it is on the stick, 1 not all, 78 mistakes in the configuration
"""
_IMPORT = """\
Every event goes to the topic on which its gateway would have sent it, with the id that it has: what
has come by the network already is dropped by the centre. What is on the stick is trusted in
nothing; a file with anything wrong in it is refused as a whole.

The user needs one right at the broker: to write cg1/+/+/+/+/up/batch.

examples:
  checkpoint-gateway import /media/usb --host mqtt.example.org --key centre.key
      everything on the stick, of all gates
  checkpoint-gateway centre show centre.db
      what has come, and what is missing

exit codes: 0 all of it has been published, 1 not all
"""


def add_stick(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export` and `import` to the program's commands."""
    export = _add(commands, "export", "take undelivered records out by USB stick", _EXPORT)
    export.add_argument("file", type=Path, metavar="FILE", help="the configuration, a TOML file")
    export.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="where the stick is mounted"
    )
    export.add_argument(
        "--skip-exported",
        action="store_true",
        help="leave out what is on another stick already",
    )
    export.add_argument(
        "--same-disk",
        action="store_true",
        help="DIR may be on the disk of the journal, which is refused otherwise",
    )

    bring_in = _add(commands, "import", "at the centre: publish what is on a USB stick", _IMPORT)
    bring_in.add_argument(
        "directory", type=Path, metavar="DIR", help="where the stick is mounted, or a folder of it"
    )
    bring_in.add_argument(
        "--key", type=Path, metavar="FILE", help="the private key, where the stick is sealed"
    )
    bring_in.add_argument(
        "--again", action="store_true", help="also what has been imported from it before"
    )
    add_connection(bring_in, client_id="stick-import")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    does: str,
    epilog: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
