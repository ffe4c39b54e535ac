"""The document `passes`: what it must be, and that its mistakes are told with their places."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.passes.document import DocumentError, load, understand
from tests.passes.issuing import KEY, KID, body, jwk

POINT = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""RFC 7517, appendix A: the first key's curve, the point of RFC 7515, A.3."""


def test_it_is_read_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    file = tmp_path / "passes.json"
    file.write_text(json.dumps(body()))
    assert load(file) == understand(file.read_bytes()) == understand(body())


def test_an_empty_one_trusts_nobody() -> None:
    trust = understand({}).trust("410102/011")
    assert (trust.place, trust.issuers, trust.health_codes) == ("410102/011", (), ())


def test_keys_on_p_256_are_taken_for_a_jws() -> None:
    [issuer] = understand(body(keys=[POINT])).trust("410102").issuers
    assert len(issuer.keys) == 1


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"name": ""}, "issuers[0].name: expected 1 to 64 printable characters"),
        ({"place": "410102 011"}, "issuers[0].place: expected a place, as 410102/011/003"),
        ({"colour": 1}, "issuers[0].colour: unknown"),
        ({"keys": 7}, "issuers[0].keys: expected a valid list"),
        ({"keys": []}, "issuers[0].keys: List should have at least 1 item"),
        ({"keys": [{"kty": "RSA"}]}, 'issuers[0].keys[0]: expected a key with "kty"'),
        ({"keys": [jwk(KEY) | {"x": "AA"}]}, "issuers[0].keys[0].x: expected 32 bytes"),
        ({"keys": [jwk(KEY) | {"crv": "X25519"}]}, "issuers[0].keys[0].crv: expected 'Ed25519'"),
        ({"keys": [jwk(KEY) | {"d": "secret"}]}, "issuers[0].keys[0].d: unknown"),
        ({"keys": [jwk(KEY) | {"kid": "zz"}]}, "issuers[0].keys[0].kid: expected 1 to 16 bytes"),
        ({"keys": [jwk(KEY, KID), jwk(KEY, KID)]}, "expected keys with a kid each"),
        ({"keys": [POINT | {"y": POINT["x"]}]}, "issuers[0].keys[0]: expected x and y of a point"),
        ({"revoked": {"passes": ["12"]}}, "issuers[0].revoked.passes[0]: expected 4 to 16 bytes"),
        ({"revoked": {"subjects": [{}]}}, "issuers[0].revoked.subjects[0].sub: missing"),
        (
            {"revoked": {"subjects": [{"sub": "x", "until": "now"}]}},
            "issuers[0].revoked.subjects[0].until: expected a valid integer",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(entry: dict[str, Any], told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        understand(body(**entry))
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once_and_nothing_of_the_content() -> None:
    wrong = body(place="!!", revoked={"subjects": [{"sub": "Zhang San", "until": -1}]})
    with pytest.raises(DocumentError) as caught:
        understand(wrong | {"extra": "410102199001011234"})
    told = str(caught.value)
    assert [each in told for each in ("issuers[0].place", "until", "extra: unknown")] == [True] * 3
    assert "Zhang" not in told
    assert "1990" not in told


def test_many_mistakes_are_not_all_told() -> None:
    with pytest.raises(DocumentError, match=r"and 980 more mistakes$"):
        understand(body(revoked={"passes": ["!"] * 1000}))


def test_two_issuers_have_two_names() -> None:
    [issuer] = body()["issuers"]
    with pytest.raises(DocumentError, match="issuers with a name each"):
        understand({"issuers": [issuer, issuer]})


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{", b'{"issuers": [], "issuers": []}', b'{"a": NaN}', b"[" * 100_000,
        b'{"a":' * 50 + b"1" + b"}" * 50, b'{"a": 1' + b"0" * 5000 + b"}", b"\xff",
        b" " * (5 << 20),
    ],
    ids=len,
)  # fmt: skip
def test_what_is_no_such_json_is_refused(text: bytes) -> None:
    with pytest.raises(DocumentError):
        understand(text)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="absent cannot be read: No such file"):
        load(tmp_path / "absent")


def test_a_health_code_is_told_by_enough_of_its_beginning() -> None:
    for pattern in ("h*", "", "*", "健康码通行证", "x" * 257):
        with pytest.raises(DocumentError, match=r"health_codes\[0\]: expected at least 4 ASCII"):
            understand({"health_codes": [pattern]})


def test_the_one_that_the_documentation_shows_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "passes.md").read_text()
    [shown] = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert understand(shown.encode()).trust("410102/011/003").issuers[0].name == "410102-003"
