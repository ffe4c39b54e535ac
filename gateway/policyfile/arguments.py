"""What `checkpoint-gateway policy` can be asked."""

import argparse
from datetime import date
from pathlib import Path

from gateway.places import CONFIGURATION

_EXAMPLES = """\
examples:
  checkpoint-gateway policy check policy.toml
      find every mistake in a policy
  checkpoint-gateway policy check --json policy.toml > policy.json
      the same policy as the body of a document, for the centre to sign and send
  checkpoint-gateway policy try policy.toml --day 2026-03-18
      which passages of that day would have been decided otherwise

exit codes: 0 all is well, 1 failed, 78 mistakes in the policy or the configuration
"""


def add_policy(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `policy` and what belongs to it to the program's commands."""
    policy = commands.add_parser(
        "policy",
        help="check a policy, and try it on a day that has been",
        description="Who may pass, which way, and when: look at that before it applies.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    asked = policy.add_subparsers(dest="asked", metavar="COMMAND", required=True)

    check = asked.add_parser(
        "check",
        help="find every mistake in a policy",
        description="Find every mistake in a policy, each with its line.",
    )
    _add_file(check)
    check.add_argument(
        "--json", action="store_true", help="print the policy as the body of a document"
    )

    trial = asked.add_parser(
        "try",
        help="decide a recorded day anew, and show what would differ",
        description="Decide a recorded day anew by the policy in FILE, and show which passages"
        " would differ. Changes nothing, and may be used beside a running gateway. Whoever may pass"
        " is taken to go through.",
    )
    _add_file(trial)
    trial.add_argument(
        "--journal",
        dest="gate",
        type=Path,
        default=CONFIGURATION,
        metavar="GATE",
        help="the configuration of a gateway, or a journal file (default: %(default)s)",
    )
    trial.add_argument(
        "--day",
        type=_day,
        metavar="YYYY-MM-DD",
        help="which day, by the local time of the gate; the last one that is recorded without it",
    )
    trial.add_argument("--json", action="store_true", help="print the differences as JSON")


def _add_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="the policy, a TOML file")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no day like 2026-03-18') from error
