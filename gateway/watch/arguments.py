"""What `checkpoint-gateway status` can be asked."""

import argparse
from pathlib import Path

from gateway.places import CONFIGURATION

_EXAMPLES = """\
examples:
  checkpoint-gateway status
      the gateway that runs on this box as a service
  checkpoint-gateway status --json /home/me/gateway.toml
      the one that was started with this file, for a program

exit codes: 0 nobody needs to see to this gate, 1 somebody does, or it does not run (the first line
says which), 78 mistakes in the configuration
"""


def add_status(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `status` to the program's commands."""
    status = commands.add_parser(
        "status",
        help="how the running gateway is: devices, journal, centre, box",
        description="Show how the running gateway is, and what somebody must see to. The same"
        " stands on its page.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    status.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=CONFIGURATION,
        metavar="FILE",
        help="its configuration (default: %(default)s)",
    )
    status.add_argument("--json", action="store_true", help="print everything as JSON")
