"""The EU's test certificates: each case names a code, a signer, a time, and what must hold."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from drivers import qr
from drivers.opencv import cv2
from gateway.events import Verdict
from gateway.passes import base45, certificates, cose, dcc, dccform, form
from gateway.passes.form import FormError
from gateway.passes.keys import KeyFormError
from gateway.passes.trust import HealthSigner, Moment, Trust

Case = dict[str, Any]

_NOT_ABOUT_READING: Final = {"EXPECTEDENCODE", "EXPECTEDRESULTS", "EXPTECTEDEXPIRED"}
"""The first is for those who issue; the others are misspelt in the set."""


def cases(folder: Path) -> Iterator[Case]:
    """All in `folder`, with the name of their file."""
    for lines in sorted(folder.rglob("*.jsonl")):
        for line in lines.read_text().splitlines():
            yield json.loads(line)
    for path in sorted(folder.glob("**/2DCode/raw/*.json")):
        yield _loaded(path) | {"file": str(path.relative_to(folder))}


def _loaded(path: Path) -> Case:
    """One in a file of its own, some of which begin with remarks."""
    lines = path.read_text("utf-8-sig").splitlines()
    case: Case = json.loads("\n".join(each for each in lines if not each.startswith("//")))
    if isinstance(case.get("JSON"), str):
        case["JSON"] = json.loads(case["JSON"])
    return case


class Tally:
    """Counts, by expectation, in how many cases it held."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        self.unchecked: Counter[str] = Counter()
        self.failed: list[str] = []

    def take(self, case: Case) -> None:
        """Judge one case, and compare."""
        found = findings(case)
        for name, expected in case["EXPECTEDRESULTS"].items():
            finding = found.get(name)
            if expected is None or finding is None or name in _NOT_ABOUT_READING:
                self.unchecked[name] += 1
                continue
            held, of = self.counts.get(name, (0, 0))
            self.counts[name] = held + (finding is expected), of + 1
            if finding is not expected:
                self.failed.append(f"{case['file']} {name}")


def findings(case: Case) -> dict[str, bool | None]:
    """What is found, step by step; what comes after a step that fails is false, and None is what
    the case gives nothing to compare with."""
    steps = _Steps(case)
    found: dict[str, bool | None] = {}
    try:
        for names, step in steps.all():
            for name in names:
                found[name] = False
            found |= dict.fromkeys(names, step())
    except FormError:
        pass
    return _NOTHING | found | {"EXPECTEDPICTUREDECODE": _picture(case)}


_NOTHING: Final[dict[str, bool | None]] = dict.fromkeys(
    [
        "EXPECTEDUNPREFIX", "EXPECTEDB45DECODE", "EXPECTEDCOMPRESSION", "EXPECTEDDECODE",
        "EXPECTEDVERIFY", "EXPECTEDKEYUSAGE", "EXPECTEDEXPIRATIONCHECK",
        "EXPECTEDSCHEMAVALIDATION",
    ],
    False,
)  # fmt: skip


class _Steps:
    """From the text of a code to what it says; each step gives the next what it found."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._data = str(case.get("PREFIX") or "").encode()
        self._signers = _signers(case)

    def all(self) -> Iterator[tuple[list[str], Callable[[], bool | None]]]:
        yield ["EXPECTEDUNPREFIX"], lambda: self._to(dcc.unprefixed)
        yield ["EXPECTEDB45DECODE"], lambda: self._to(base45.decode)
        yield ["EXPECTEDCOMPRESSION"], lambda: self._to(form.inflate)
        yield ["EXPECTEDDECODE"], self._parse
        yield ["EXPECTEDVERIFY"], self._verify
        yield ["EXPECTEDDECODE"], self._understand
        yield ["EXPECTEDEXPIRATIONCHECK"], self._in_time
        yield ["EXPECTEDKEYUSAGE"], self._may_sign
        yield ["EXPECTEDVALIDJSON", "EXPECTEDVALIDOBJECT"], self._as_written
        yield ["EXPECTEDSCHEMAVALIDATION"], self._formed

    def _to(self, step: Callable[[bytes], bytes]) -> bool:
        self._data = step(self._data)
        return True

    def _parse(self) -> bool:
        self._signed = cose.parse(self._data)
        return True

    def _verify(self) -> bool:
        return bool(dcc.signers(self._signed, Trust("anywhere", dcc=self._signers)))

    def _understand(self) -> bool:
        self._said = dcc.certificate(self._signed)
        return True

    def _in_time(self) -> bool | None:
        try:
            clock = datetime.fromisoformat(self._case["TESTCTX"].get("VALIDATIONCLOCK") or "")
        except ValueError:
            return None
        second = (clock if clock.tzinfo else clock.replace(tzinfo=UTC)).timestamp()
        return dcc.verdict_at(Moment(second, second), self._said) is Verdict.VALID

    def _may_sign(self) -> bool:
        signers = [each for some in self._signers.values() for each in some]
        return any(dcc.may_sign(each, self._said.content) for each in signers)

    def _as_written(self) -> bool | None:
        written = self._case.get("JSON")
        return None if written is None else bool(self._said.content == written)

    def _formed(self) -> bool:
        dccform.check(self._said.content, self._said.issued)
        return True


def _signers(case: Case) -> dict[bytes, tuple[HealthSigner, ...]]:
    """The one that the case names; none if its certificate is of no use."""
    try:
        kid, signer = certificates.health_signer(
            b64decode(case["TESTCTX"].get("CERTIFICATE") or "")
        )
    except (KeyFormError, ValueError):
        return {}
    return {kid: (signer,)}


def _picture(case: Case) -> bool | None:
    """Whether the text is read from the picture."""
    if not case.get("2DCODE"):
        return None
    data = np.frombuffer(b64decode(case["2DCODE"]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return picture is not None and case.get("PREFIX") in qr.read(picture)  # type: ignore[arg-type]
