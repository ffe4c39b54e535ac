"""What `checkpoint-gateway centre` can be asked; apart from it, so that help loads nothing."""

import argparse
from pathlib import Path

_EXAMPLES = """\
examples:
  checkpoint-gateway centre run --host mqtt.example.org --database centre.db
      receive from every gateway and confirm what is committed; Ctrl-C ends it
  checkpoint-gateway centre show centre.db
      which gateways there are, what they have said, what has come, what is missing
  checkpoint-gateway centre export centre.db --format csv -o events.csv
      all events as a table
  checkpoint-gateway centre order reload --to 410102/011/003/410102011003007 \\
          --by ops:wang --key sign.key --host mqtt.example.org
      order something of a gate; others: sign, publish
  checkpoint-gateway centre keygen --private centre.key --public centre.pem
      a pair of keys, so that only you can read what leaves a gate by USB stick
"""


def add_centre(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `centre` and what belongs to it to the program's commands."""
    centre = commands.add_parser(
        "centre",
        help="the reference receiver: receive, confirm, show, export",
        description="The other end of the contract, for those who build a centre. No gate needs"
        " it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    asked = centre.add_subparsers(dest="asked", metavar="COMMAND", required=True)
    _add_run(asked)

    show = _add(asked, "show", "gateways, their last state, counts, and what is missing")
    _add_file(show)
    show.add_argument("--json", action="store_true", help="print it as JSON")

    export = _add(asked, "export", "write all events out, for other programs")
    _add_file(export)
    export.add_argument(
        "--format",
        choices=("ndjson", "csv"),
        default="ndjson",
        help="one JSON document per line (the default), or a table",
    )
    export.add_argument(
        "-o", dest="output", type=Path, metavar="OUT", help="write to this file, not to the screen"
    )

    _add_sending(asked)

    keygen = _add(asked, "keygen", "make the keys to seal exports to, or to sign with")
    keygen.add_argument(
        "--sign", action="store_true", help="keys to sign orders and documents with"
    )
    keygen.add_argument("--private", type=Path, required=True, metavar="FILE", help="new; 0600")
    keygen.add_argument("--public", type=Path, required=True, metavar="FILE", help="new; for gates")


def _add_sending(asked: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    place = "DISTRICT/STREET/COMMUNITY/GATEWAY"
    order = _add(asked, "order", "order something of a gateway, and show what it answers")
    order.add_argument("order", metavar="COMMAND", help="release, announce, reload, diagnose …")
    order.add_argument("target", nargs="?", metavar="TARGET", help="as door/gate-1")
    order.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE")
    order.add_argument("--to", required=True, metavar=place, help="the gateway")
    order.add_argument("--by", required=True, metavar="WHO", help="who orders it")
    order.add_argument("--reason", metavar="TEXT")
    order.add_argument("--since", metavar="MARK", help="as the gateway has answered")
    order.add_argument("--ttl", type=int, default=15, metavar="S", help="it counts so long (15)")
    _add_key(order)
    add_connection(order, client_id="centre-orders")

    sign = _add(asked, "sign", "make a signed document of a body, for publish or a USB stick")
    sign.add_argument("name", metavar="NAME", help="policy, passes, watch-list, rota …")
    sign.add_argument("body", type=Path, metavar="BODY", help="a JSON file")
    sign.add_argument(
        "--version", dest="version_is", required=True, metavar="V", help="as 7 or 2026-03-18.2"
    )
    sign.add_argument("--effective", metavar="TIME", help="RFC 3339; now, if nothing is said")
    sign.add_argument("--expires", metavar="TIME", help="RFC 3339")
    sign.add_argument("--for", dest="to", metavar=place, help="or a beginning of it; else for all")
    sign.add_argument("-o", dest="output", type=Path, metavar="OUT")
    _add_key(sign)

    publish = _add(asked, "publish", "give a gateway a signed document; the broker keeps it")
    publish.add_argument("document", type=Path, metavar="FILE")
    publish.add_argument("--to", required=True, metavar=place, help="the gateway")
    add_connection(publish, client_id="centre-documents")


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--key", type=Path, required=True, metavar="PEM", help="the private key to sign with"
    )


def _add_run(asked: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = _add(asked, "run", "receive, keep every event once, confirm what is committed")
    run.add_argument("--database", type=Path, required=True, metavar="FILE", help="made if absent")
    add_connection(run, client_id="centre")


def add_connection(command: argparse.ArgumentParser, *, client_id: str) -> None:
    """Add to `command` how to reach the broker."""
    command.add_argument("--host", required=True, help="the broker's name or address")
    command.add_argument("--port", type=_port, help="1883, with TLS 8883, if nothing is said")
    command.add_argument("--protocol", choices=("5", "3.1.1"), default="5", help="MQTT version")
    command.add_argument(
        "--client-id", default=client_id, metavar="ID", help=f"default: {client_id}"
    )
    command.add_argument("--username", metavar="NAME")
    command.add_argument(
        "--password-file", type=Path, metavar="FILE", help="has the password on its first line"
    )
    command.add_argument("--tls", action="store_true", help="TLS with the system's authorities")
    command.add_argument("--tls-ca", type=Path, metavar="PEM", help="TLS with these authorities")


def _add(
    asked: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    return asked.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False
    )


def _add_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="the centre's database")


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f'"{text}" is not a port, 1 to 65535')
    return number
