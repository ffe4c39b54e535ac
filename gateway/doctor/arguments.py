"""What `checkpoint-gateway doctor` can be asked."""

import argparse
from pathlib import Path

from gateway.places import CONFIGURATION

_EXAMPLES = """\
Beside a running gateway its devices are not touched: it is asked how they are. Without one each
driver is run for some seconds.

examples:
  sudo checkpoint-gateway doctor
      look at everything, and say what to do
  sudo checkpoint-gateway doctor --bundle /media/usb/gate-3.tar.gz
      the same, written to a file for support; no personal data is in it

exit codes: 0 nothing has to be put right, 1 something has, 78 mistakes in the configuration
"""


def add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `doctor` to the program's commands."""
    doctor = commands.add_parser(
        "doctor",
        help="look at everything that this gate needs, and say what to do",
        description="Look at the configuration, permissions, every device, the camera's picture,"
        " the clock, the way to the centre, disk, power, udev and the service.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    doctor.add_argument(
        "file", type=Path, nargs="?", default=CONFIGURATION, metavar="FILE",
        help="the configuration (default: %(default)s)",
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.add_argument(
        "--bundle", type=Path, metavar="OUT", help="write a support archive, a .tar.gz"
    )
