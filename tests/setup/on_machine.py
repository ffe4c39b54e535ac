"""`checkpoint-gateway setup` on a machine made of files: the first argument is its directory."""

import argparse
import sys
from pathlib import Path

from gateway.devices.sysfs import Roots
from gateway.setup import command
from gateway.setup.arguments import add_setup


def main(root: Path, arguments: list[str]) -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser()
    add_setup(parser.add_subparsers())
    chosen = parser.parse_args(["setup", *arguments])
    return command.run(chosen, Roots(root / "sys", root / "dev", root / "proc"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
