"""What a code is, in words; nothing of what it says, unless that is asked for."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.qr.text import as_text, clean
from gateway.clock import Stamp
from gateway.errors import GatewayError
from gateway.events import Class, Verdict
from gateway.passes import cose, dcc, icao, jws, own, shc
from gateway.passes.form import MOST_BYTES, FormError, parse_json
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement, Trust

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp"}
_WORDS = {
    Verdict.VALID: "good here and now",
    Verdict.EXPIRED: "genuine; it has ended",
    Verdict.NOT_YET_VALID: "genuine; it has yet to begin",
    Verdict.BAD_SIGNATURE: "not genuine: altered, or by nobody that the document knows",
    Verdict.REVOKED: "genuine; it was taken back",
    Verdict.NOT_HERE: "genuine; meant for another place",
    Verdict.OPAQUE: "judged by nobody",
    Verdict.UNREADABLE: "damaged, or none of what it begins like",
}
_FORMS = (
    (own.PREFIX, "a pass of ours: CWT in Base45, COSE_Sign1"),
    (dcc.PREFIX, "an EU health certificate: HC1"),
    (shc.PREFIX, "a SMART Health Card"),
    (icao.PREFIX, "a visible digital seal of ICAO's"),
)


def payload(file: str) -> bytes:
    """The content of a code: read from a picture, or as it stands in a file, `-` for stdin.

    Raises:
        GatewayError: it cannot be read, or there is no code on the picture.
    """
    path = Path(file)
    if file != "-" and path.suffix.lower() in _PICTURES:
        return _from_picture(path)
    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 2) if file == "-" else path.read_bytes()
    except OSError as error:
        raise GatewayError(f"{file} cannot be read: {error.strerror}") from error
    return content.rstrip(b"\r\n")


def told(code: bytes, stamp: Stamp, trust: Trust, *, claims: bool) -> Iterator[str]:
    """What it is, and what a gate that believes `trust` makes of it."""
    judged = judge(code, stamp, trust)
    yield f"form     {_form(code, judged)}, {len(code)} bytes"
    yield f"class    {judged.class_}"
    yield f"verdict  {judged.verdict}: {_WORDS[judged.verdict]}"
    if judged.until is not None:
        yield f"until    {datetime.fromtimestamp(judged.until, UTC):%Y-%m-%d %H:%M} UTC"
    if judged.part:
        number, of = judged.part
        yield f"part     {number} of {of}"
    if claims:
        yield from (f"  {clean(line)}" for line in _said(code))


def _form(code: bytes, judged: Judgement) -> str:
    for begin, form in _FORMS:
        if code.startswith(begin):
            return form
    if judged.class_ is Class.HEALTH_CODE:
        return "another health code"
    return "a JWS" if jws.FORM.fullmatch(code) else "no form that is known here"


def _said(code: bytes) -> Iterator[str]:
    """What is said, genuine or not."""
    try:
        said: Any = None
        if code.startswith(own.PREFIX):
            said = own.claims_of_cwt(own.read_cwt(code).payload)
            yield from (f"{name}: {getattr(said, name)}" for name in said.__struct_fields__)
        elif code.startswith(dcc.PREFIX):
            said = cose.decode(dcc.read(code).payload)
        elif code.startswith(shc.PREFIX):
            said = parse_json(shc.read(code).payload)
        elif jws.FORM.fullmatch(code):
            said = parse_json(jws.parse(code).payload)
        else:
            yield as_text(code)
        if isinstance(said, Mapping):
            yield from (f"{name}: {value}" for name, value in said.items())
    except FormError as error:
        yield f"unreadable: {error}"


def _from_picture(path: Path) -> bytes:
    from drivers import qr
    from drivers.opencv import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise GatewayError(f"{path} is no picture that can be read")
    texts = qr.read(picture)  # type: ignore[arg-type]
    if not texts:
        raise GatewayError(f"no code was found on {path}")
    return texts[0].encode()
