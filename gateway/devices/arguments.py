"""What `checkpoint-gateway devices` can be asked."""

import argparse

_EXAMPLES = """\
No port is opened without --probe. With it, free serial ports are asked what they are in the ways of
known devices: do that only where nothing else is connected. Ports in use are left alone.

examples:
  checkpoint-gateway devices
      what is there, by the names to be used in a configuration
  sudo checkpoint-gateway devices --probe
      recognise devices, and print stanzas to be pasted
"""


def add_devices(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `devices` to the program's commands."""
    devices = commands.add_parser(
        "devices",
        help="list what is plugged in, who uses it, and stanzas to paste",
        description="List serial ports, cameras and GPIO chips by names that stay the same, say who"
        " holds them, and warn of adapters that cannot be told apart.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    devices.add_argument("--probe", action="store_true", help="ask free serial ports what they are")
    devices.add_argument("--json", action="store_true", help="print everything as JSON")
