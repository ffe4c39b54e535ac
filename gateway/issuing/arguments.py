"""What `checkpoint-gateway pass` can be asked; apart from it, so that help loads nothing."""

import argparse
from pathlib import Path

KINDS = ("resident", "visitor", "admission", "staff", "vehicle", "delivery")

_EXAMPLES = """\
TRUST is the document that gates know issuers by; it is made where there is none. Whoever has the
private key can issue passes: keep it where passes are issued, and nowhere else.

examples:
  checkpoint-gateway pass keygen --private issuer.key --trust passes.json --issuer 410102-003 \\
      --place 410102/011/003
      a pair of keys, and the issuer in the document; again, with another file, for a new key
  checkpoint-gateway pass issue --key issuer.key --trust passes.json --kind resident \\
      --sub r-20418-2 --until 2026-06-30 --name 张三 -o card.pdf
      one card
  checkpoint-gateway pass issue --key issuer.key --trust passes.json --list people.csv -o cards.pdf
      sheets to cut; the table has the columns kind, sub, until and, if need be, name, from, place,
      role and registered
  checkpoint-gateway pass inspect --trust passes.json photo.png
      what a code is, and what a gate makes of it
  checkpoint-gateway pass revoke --trust passes.json --issuer 410102-003 --sub r-20418-2
      what was issued to somebody up to now counts no more, where the document has come
"""


def add_pass(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `pass` and what belongs to it to the program's commands."""
    passes = commands.add_parser(
        "pass",
        help="issue, print, inspect and revoke passes",
        description="Passes that gates verify with no network.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    asked = passes.add_subparsers(dest="asked", metavar="COMMAND", required=True)
    keygen = _add(asked, "keygen", "make a pair of keys, and put the public one into the document")
    keygen.add_argument("--private", type=Path, required=True, metavar="FILE", help="new; 0600")
    _add_trust(keygen)
    keygen.add_argument("--issuer", required=True, metavar="NAME", help="who will sign with it")
    keygen.add_argument("--place", metavar="PLACE", help="of a new issuer, as 410102/011/003")
    _add_issue(asked)
    _add_inspect(asked)
    _add_revoke(asked)


def _add_issue(asked: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    issue = _add(asked, "issue", "sign passes, and draw them as cards")
    issue.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key")
    _add_trust(issue)
    issue.add_argument("--list", type=Path, metavar="CSV", help="many: a table, one pass a row")
    issue.add_argument("--kind", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}")
    issue.add_argument("--sub", metavar="NAME", help="a name for whom it is for that is nobody's")
    issue.add_argument("--until", metavar="DAY", help="its last day, as 2026-06-30, or a moment")
    issue.add_argument("--from", dest="begin", metavar="DAY", help="its first day, or a moment")
    issue.add_argument("--place", metavar="PLACE", help="where it is good (default: the issuer's)")
    issue.add_argument("--role", metavar="ROLE", help="of staff, for example guard")
    issue.add_argument("--registered", action="store_true", help="this visitor is registered")
    issue.add_argument("--name", metavar="TEXT", help="printed on the card, not in the code")
    issue.add_argument("--font", type=Path, metavar="FILE", help="what names are printed in")
    issue.add_argument(
        "-o",
        dest="output",
        type=Path,
        required=True,
        metavar="OUT",
        help="a card (.svg, .png), sheets of cards (.pdf) or the codes alone, one a line (.txt)",
    )


def _add_inspect(asked: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inspect = _add(asked, "inspect", "say what a code is, and what a gate makes of it")
    inspect.add_argument(
        "file", metavar="FILE", help="a picture (.png, .jpg), the text of a code, or - for stdin"
    )
    inspect.add_argument("--trust", type=Path, metavar="TRUST", help="the document to judge it by")
    inspect.add_argument("--place", default="", metavar="PLACE", help="of the gate that is asked")
    inspect.add_argument(
        "--show-claims",
        action="store_true",
        help="show what a pass says, too: it is about somebody",
    )


def _add_revoke(asked: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    revoke = _add(asked, "revoke", "take passes back")
    _add_trust(revoke)
    revoke.add_argument("--issuer", required=True, metavar="NAME", help="who issued them")
    which = revoke.add_mutually_exclusive_group(required=True)
    which.add_argument("--number", metavar="HEX", help="one pass, by the number that issue told")
    which.add_argument("--sub", metavar="NAME", help="all that somebody has; later ones are good")


def _add(
    asked: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    return asked.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False
    )


def _add_trust(command: argparse.ArgumentParser) -> None:
    command.add_argument("--trust", type=Path, required=True, metavar="TRUST", help="the document")
