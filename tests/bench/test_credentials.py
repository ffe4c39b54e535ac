"""Public test credentials are scored by what is expected of each; what is found decides nothing."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import cv2

from tests.bench import credentials
from tests.bench.dgc import Tally, cases, findings
from tests.bench.figures import Settings
from tests.drivers import codes
from tests.passes.certifying import card_key, certificate, content, ec_key, eu, seal, smart

SIGNER = certificate(ec_key())
STEPS = (
    "UNPREFIX", "B45DECODE", "COMPRESSION", "DECODE", "VERIFY", "EXPIRATIONCHECK", "KEYUSAGE",
    "VALIDJSON", "VALIDOBJECT", "SCHEMAVALIDATION", "PICTUREDECODE",
)  # fmt: skip


def case(text: bytes, *failing: str, **other: Any) -> dict[str, Any]:
    """One as the set has it, in which all is well but what is `failing`."""
    _, picture = cv2.imencode(".png", codes.raw(text, scale=4))
    context = {
        "CERTIFICATE": b64encode(SIGNER).decode(),
        "VALIDATIONCLOCK": "2026-03-18T09:12:03+02:00",
    }
    return {
        "file": "XX/2DCode/raw/1.json",
        "PREFIX": text.decode(),
        "2DCODE": b64encode(picture.tobytes()).decode(),
        "JSON": content(),
        "TESTCTX": context,
        "EXPECTEDRESULTS": {f"EXPECTED{each}": each not in failing for each in STEPS},
    } | other


def test_what_is_found_is_compared_step_by_step() -> None:
    tally = Tally()
    tally.take(case(eu(der=SIGNER)))
    tally.take(case(eu(key=ec_key("other"), der=SIGNER), "VERIFY"))
    late = case(eu(der=SIGNER, end=0, issued=0), "EXPIRATIONCHECK", "SCHEMAVALIDATION")
    tally.take(late)
    assert tally.failed == []
    assert {*tally.counts.values()} == {(3, 3)}
    tally.take(case(eu(der=SIGNER, end=0)))
    assert tally.failed == ["XX/2DCode/raw/1.json EXPECTEDEXPIRATIONCHECK"]


def test_what_cannot_be_compared_is_counted_apart() -> None:
    tally = Tally()
    tally.take(case(eu(der=SIGNER), JSON=None, **{"2DCODE": None}))
    assert sorted(tally.unchecked) == [
        f"EXPECTED{each}" for each in ("PICTUREDECODE", "VALIDJSON", "VALIDOBJECT")
    ]


def test_after_a_step_that_fails_nothing_holds() -> None:
    found = findings(case(b"HC1:!"))
    assert [found[f"EXPECTED{each}"] for each in STEPS[:2]] == [True, False]
    assert not any(found[f"EXPECTED{each}"] for each in STEPS[1:-1] if "VALID" not in each)


def test_a_case_without_a_useful_certificate_is_signed_by_nobody() -> None:
    found = findings(
        case(eu(der=SIGNER), TESTCTX={"CERTIFICATE": None, "VALIDATIONCLOCK": "2026-03-18"})
    )
    assert found["EXPECTEDVERIFY"] is False


def test_both_forms_of_the_set_are_found(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text(json.dumps(case(eu(der=SIGNER))) + "\n")
    raw = tmp_path / "set" / "AT" / "2DCode" / "raw"
    raw.mkdir(parents=True)
    own = case(eu(der=SIGNER), JSON=json.dumps(content()))
    (raw / "1.json").write_text("\ufeff// a remark\n\n" + json.dumps(own))
    found = list(cases(tmp_path))
    assert found[0]["JSON"] == found[1]["JSON"]
    assert [each["file"] for each in found] == [
        "XX/2DCode/raw/1.json",
        "set/AT/2DCode/raw/1.json",
    ]


def test_every_kind_has_its_cost_and_every_set_its_counts(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text(json.dumps(case(eu(der=SIGNER))) + "\n")
    (tmp_path / "shc-1.txt").write_bytes(smart(nbf=0))
    (tmp_path / "issuer.jwk").write_text(json.dumps(card_key(ec_key())))
    signer = certificate(ec_key("sealer"), days=9)
    (tmp_path / "icao-1.txt").write_bytes(seal(ec_key("sealer"), signer))
    figures = list(credentials.run(Settings(tmp_path, quick=True, credentials=tmp_path)))
    told = {each.name: each for each in figures}
    assert told["judging a pass"].value > 0
    assert told["EU, EXPECTEDVERIFY"].ratio == 1
    assert told["SMART Health Cards, genuine"].ratio == 1
    assert told["ICAO's seals, altered and found out"].ratio == 1
