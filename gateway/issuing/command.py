"""Carries out `checkpoint-gateway pass …`."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.issuing import inspection, keyfile, trustfile, wanted
from gateway.issuing.wanted import Wanted
from gateway.passes import own
from gateway.passes.document import load
from gateway.passes.trust import Trust

_ENDINGS: Final = (".svg", ".png", ".pdf", ".txt")


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    match chosen.asked:
        case "keygen":
            _make_key(chosen)
        case "issue":
            _issue(chosen)
        case "inspect":
            _inspect(chosen)
        case "revoke":
            _revoke(chosen)
    return 0


def _make_key(chosen: argparse.Namespace) -> None:
    key = Ed25519PrivateKey.generate()
    tables, kid = trustfile.with_key(chosen.trust, chosen.issuer, chosen.place, key.public_key())
    keyfile.keep(chosen.private, key)
    trustfile.write(chosen.trust, tables)
    print(f"key {kid} of {chosen.issuer}")
    print(f"  {chosen.private}  keep it, and a copy, where passes are issued; nowhere else")
    print(f"  {chosen.trust}  goes to every gate, before the first pass by this key is shown there")


def _issue(chosen: argparse.Namespace) -> None:
    if chosen.output.suffix not in _ENDINGS:
        raise GatewayError(f"-o {chosen.output}: expected a name in {', '.join(_ENDINGS)}")
    key = keyfile.read(chosen.key)
    issuer, kid = trustfile.issuer_of(load(chosen.trust), key.public_key())
    now = int(time.time())
    if chosen.list:
        passes = list(wanted.table(chosen.list, issuer.name, issuer.place, now))
    else:
        asked = {name: getattr(chosen, name) for name in ("kind", "sub", "until", "place", "role")}
        asked |= {"name": chosen.name, "from": chosen.begin}
        asked["registered"] = "yes" if chosen.registered else None
        passes = [wanted.row(asked, issuer.name, issuer.place, now)]
    if len(passes) != 1 and chosen.output.suffix in (".svg", ".png"):
        raise GatewayError(f"{len(passes)} passes; they go into a .pdf or a .txt")
    _put_out(passes, [own.write(each.said, kid, key.sign) for each in passes], chosen)


def _put_out(passes: Sequence[Wanted], codes: Sequence[bytes], chosen: argparse.Namespace) -> None:
    try:
        if chosen.output.suffix == ".txt":
            chosen.output.write_bytes(b"".join(code + b"\n" for code in codes))
            sizes = [f"{len(code)} characters" for code in codes]
        else:
            sizes = _draw(passes, codes, chosen.output, chosen.font)
    except OSError as error:
        raise GatewayError(f"{chosen.output} cannot be written: {error.strerror}") from error
    for each, size in zip(passes, sizes, strict=True):
        print(f"{each.said.kind} {each.said.subject}: number {each.said.number.hex()}, {size}")
    print(f"written: {chosen.output}")


def _draw(
    passes: Sequence[Wanted], codes: Sequence[bytes], output: Path, font: Path | None
) -> list[str]:
    try:
        from gateway.issuing import cards, code
    except ModuleNotFoundError as error:
        install = "pip install 'checkpoint-gateway[cards]'"
        raise GatewayError(f"cards need {error.name}; install it with: {install}") from error
    drawn = [cards.Card(each, code.drawn(text)) for each, text in zip(passes, codes, strict=True)]
    cards.save(drawn, output, font)
    return [
        f"{len(text)} characters, QR version {each.code.designator}"
        for each, text in zip(drawn, codes, strict=True)
    ]


def _inspect(chosen: argparse.Namespace) -> None:
    trust = load(chosen.trust).trust(chosen.place) if chosen.trust else Trust(chosen.place)
    code = inspection.payload(chosen.file)
    for line in inspection.told(code, Clock().now(), trust, claims=chosen.show_claims):
        print(line)


def _revoke(chosen: argparse.Namespace) -> None:
    trustfile.revoke(
        chosen.trust, chosen.issuer, number=chosen.number, subject=chosen.sub, now=int(time.time())
    )
    print(f"{chosen.trust}: taken back; it counts where this document has come")
