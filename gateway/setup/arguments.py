"""What `checkpoint-gateway setup` can be asked."""

import argparse
from pathlib import Path

_FILE = Path("/etc/checkpoint-gateway/gateway.toml")

_EXAMPLES = """\
No password and no passphrase is taken from the command line: they are asked for, or read from a
file. A configuration is a file of answers: what one gate has serves for the next.

examples:
  sudo checkpoint-gateway setup
      questions, one after the other; tries the devices and the broker, writes the configuration
  sudo checkpoint-gateway setup --answers gate-1.toml --gate 410102011003008
      the next gate like the first one; asks nothing
  sudo checkpoint-gateway setup backup --to /media/usb
      all that makes this box this gate, encrypted, on a stick; again after every change
  sudo checkpoint-gateway setup restore --from /media/usb
      a new box in place of a broken one: to the centre it is the same gateway
  sudo checkpoint-gateway setup code --picture gate.png
      the same as a code to be printed
  sudo checkpoint-gateway setup --code /dev/video0
      hold a provisioning code before the camera; --code - has it typed or pasted

exit codes: 0 all is well, 1 failed, or a test failed, 78 mistakes in the answers
"""


def add_setup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `setup` and what belongs to it to the program's commands."""
    setup = commands.add_parser(
        "setup",
        help="make the configuration of a new box, or of one in place of a broken one",
        description="Ask for everything that a gate needs, try it, and write the configuration.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_file(setup, _FILE)
    source = setup.add_mutually_exclusive_group()
    source.add_argument(
        "--answers", type=Path, metavar="TOML", help="take all answers from here; ask nothing"
    )
    source.add_argument(
        "--code",
        metavar="CODE|PICTURE|CAMERA|-",
        help="take what a provisioning code says; - has it typed",
    )
    setup.add_argument(
        "--gate", metavar="DIGITS", help="the answers, but for the gate of this code"
    )
    setup.add_argument(
        "--no-test", dest="test", action="store_false", help="do not try devices and broker"
    )
    _add_opening(setup)
    asked = setup.add_subparsers(dest="asked", metavar="COMMAND")

    backup = _add(asked, "backup", "write configuration, secrets and identity to a stick")
    backup.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the stick is")
    _add_sealing(backup)

    restore = _add(asked, "restore", "make this box the gate of a backup")
    restore.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="DIR", help="or the file itself"
    )
    _add_opening(restore)

    code = _add(asked, "code", "print the same as a provisioning code")
    code.add_argument("--picture", type=Path, metavar="PNG", help="draw it as a QR code")
    code.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("devices", "certificates", "key"),
        help="leave this out: a shorter code; may be repeated",
    )
    _add_sealing(code)


def _add(
    asked: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    command = asked.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False
    )
    _add_file(command, argparse.SUPPRESS)
    return command


def _add_file(command: argparse.ArgumentParser, default: object) -> None:
    command.add_argument(
        "--file",
        type=Path,
        default=default,
        metavar="TOML",
        help=f"the configuration (default: {_FILE})",
    )


def _add_sealing(command: argparse.ArgumentParser) -> None:
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="has it on its first line"
    )
    how.add_argument(
        "--no-passphrase", action="store_true", help="do not encrypt: whoever has it is this gate"
    )


def _add_opening(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="has it on its first line"
    )
    command.add_argument(
        "--replace", action="store_true", help="write over a configuration, keeping a copy"
    )
    command.add_argument(
        "--set-aside", action="store_true", help="set a journal of another gateway aside"
    )
