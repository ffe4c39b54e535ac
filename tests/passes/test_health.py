"""Cards, seals and other health codes: told for what they are, genuine or not, and never judged."""

import json
from typing import Any

import pytest

from gateway.events import Class, Verdict
from gateway.passes import shc
from gateway.passes.document import DocumentError, understand
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement, Trust
from tests.passes.certifying import (
    SHC_ISSUER,
    card_key,
    certificate,
    digits,
    ec_key,
    jws,
    listed,
    seal,
    smart,
)
from tests.passes.issuing import DAY, NOW, PLACE, at

AUTHORITY = certificate(ec_key("authority"), issuer=ec_key("authority"))
SEALER = certificate(ec_key("sealer"), issuer=ec_key("authority"))
ISSUERS = [{"iss": SHC_ISSUER, "keys": [card_key(ec_key()), card_key(ec_key("next"), "second")]}]
GENUINE = Judgement(Class.HEALTH_CODE, Verdict.VALID)


def trust(**health: Any) -> Trust:
    known = {"shc": ISSUERS, "icao": listed(AUTHORITY)} | health
    return understand({"health": known}).trust(PLACE, ["HTTPS://H5.example.cn/*/code?"])


def verdict(payload: bytes, second: float = NOW, **health: Any) -> Verdict:
    judged = judge(payload, at(second), trust(**health))
    assert judged.class_ is Class.HEALTH_CODE
    return judged.verdict


def test_a_card_by_a_known_issuer_is_genuine() -> None:
    assert judge(smart(), at(), trust()) == GENUINE
    assert verdict(smart(ec_key("next"), {"kid": "second"})) is Verdict.VALID


def test_a_card_by_anybody_else_is_not() -> None:
    assert verdict(smart(ec_key("other"))) is Verdict.BAD_SIGNATURE
    assert verdict(smart(iss="https://another.example.org")) is Verdict.BAD_SIGNATURE
    assert verdict(smart(header={"kid": "second"})) is Verdict.BAD_SIGNATURE
    assert verdict(smart(header={"alg": "none"})) is Verdict.BAD_SIGNATURE
    assert verdict(smart(header={"alg": "HS256"})) is Verdict.BAD_SIGNATURE


def test_a_card_may_begin_and_end() -> None:
    assert verdict(smart(nbf=NOW + 61)) is Verdict.NOT_YET_VALID
    assert verdict(smart(exp=NOW)) is Verdict.EXPIRED
    assert judge(smart(exp=NOW + 1), at(), trust()).until == NOW + 1


def test_a_card_in_several_codes_is_put_together_in_any_order() -> None:
    whole = smart()
    rest = whole.removeprefix(shc.PREFIX)
    parts = [b"shc:/1/3/" + rest[:200], b"shc:/2/3/" + rest[200:400], b"shc:/3/3/" + rest[400:]]
    for number, each in enumerate(parts, 1):
        assert judge(each, at(), trust()) == Judgement(Class.HEALTH_CODE, part=(number, 3))
    assert shc.assembled([parts[2], parts[0], parts[1], parts[0]]) == whole
    assert shc.assembled(parts[:2]) is None
    assert shc.assembled([*parts[:2], b"shc:/3/4/00"]) is None
    assert shc.assembled([whole]) is None
    assert shc.assembled([]) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"shc:/",
        b"shc:/1",
        b"shc:/abcd",
        b"shc:/99" * 20,
        b"shc:/" + b"99" * 50,
        b"shc:/2/1/00",
        b"shc:/0/0/00",
        b"shc:/1/2/",
        "shc:/٣٤".encode(),
        digits(b"a.b.c"),
        smart()[:-2] + b"98",
        smart(vc=None),
        smart(nbf=None),
        smart(nbf="now"),
        smart(iss=7),
        smart(header={"zip": "GZ"}),
        smart(header={"crit": ["exp"]}),
        digits(jws(ec_key(), {"iss": "x" * 100_000})),
    ],
    ids=range(18),
)
def test_what_is_damaged_is_unreadable(payload: bytes) -> None:
    assert verdict(payload) is Verdict.UNREADABLE


def test_a_seal_by_a_signer_of_a_known_authority_is_genuine() -> None:
    text = seal(ec_key("sealer"), SEALER)
    assert judge(text, at(), trust()) == GENUINE
    assert judge(text, at(), trust(icao=listed(SEALER))) == GENUINE


def test_a_seal_is_of_what_is_said_however_it_is_written() -> None:
    text = seal(ec_key("sealer"), SEALER, {"z": "é", "a": {"2": 1, "1": "体温"}})
    assert judge(text, at(), trust()) == GENUINE
    assert verdict(text.replace(b'"UTO"', b'"UTX"')) is Verdict.BAD_SIGNATURE


def test_a_seal_by_anybody_else_is_not() -> None:
    own = certificate(ec_key("sealer"))
    assert verdict(seal(ec_key("sealer"), own)) is Verdict.BAD_SIGNATURE
    assert verdict(seal(ec_key("other"), SEALER)) is Verdict.BAD_SIGNATURE
    assert verdict(seal(ec_key("sealer"), SEALER, alg="none")) is Verdict.BAD_SIGNATURE
    imitated = certificate(ec_key("authority-2"), issuer=ec_key("authority-2"))
    assert verdict(seal(ec_key("authority-2"), imitated)) is Verdict.BAD_SIGNATURE


def test_a_seal_is_good_as_long_as_its_signer_s_certificate() -> None:
    text = seal(ec_key("sealer"), SEALER)
    assert verdict(text, NOW + 400 * DAY) is Verdict.EXPIRED
    assert verdict(text, NOW - 2 * DAY) is Verdict.NOT_YET_VALID


@pytest.mark.parametrize(
    "payload",
    [
        b'{"data"',
        b'{"data":1}',
        b'{"data":{},"sig":{}}',
        b'{"data":' + b"[" * 4000,
        seal(ec_key("sealer"), b"no certificate"),
        seal(ec_key("sealer"), SEALER, sigvl="!"),
        seal(ec_key("sealer"), SEALER, {"a": 1.5}),
        seal(ec_key("sealer"), SEALER).replace(b'"hdr"', b'"msg"'),
        seal(ec_key("sealer"), SEALER).replace(b"U32870", rb"\ud800"),
        seal(ec_key("sealer"), SEALER).replace(b'"v":1', b'"v":1' + b"0" * 400),
        seal(ec_key("sealer"), SEALER).replace(b'"v":1', b'"v":NaN'),
    ],
    ids=range(11),
)
def test_what_is_no_seal_is_unreadable(payload: bytes) -> None:
    assert verdict(payload) is Verdict.UNREADABLE


def test_where_nobody_is_listed_they_are_judged_by_nobody() -> None:
    for payload in (smart(), seal(ec_key("sealer"), SEALER)):
        assert judge(payload, at(), understand({}).trust(PLACE)) == Judgement(Class.HEALTH_CODE)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://h5.example.cn/440300/code?x=1", True),
        ("HTTPS://H5.EXAMPLE.CN//CODE?", True),
        ("https://h5.example.cn/code?", False),
        ("https://h5.example.cn/440300/cod", False),
        (" https://h5.example.cn/440300/code?x=1", False),
    ],
)
def test_other_health_codes_are_told_by_how_they_begin(text: str, is_one: bool) -> None:
    expected = Judgement(Class.HEALTH_CODE) if is_one else Judgement()
    assert judge(text.encode(), at(), trust()) == expected


@pytest.mark.parametrize(
    ("health", "told"),
    [
        ({"dcc": [{"certificate": "AAAA"}]}, "health.dcc[0].certificate: expected a certificate"),
        ({"icao": [{"certificate": "!"}]}, "health.icao[0].certificate: expected a certificate"),
        ({"shc": [{"iss": "http://x", "keys": []}]}, "health.shc[0].iss"),
        ({"shc": [ISSUERS[0], ISSUERS[0]]}, "issuers of cards with an iss each"),
        ({"shc": [{"iss": SHC_ISSUER, "keys": [{}]}]}, "health.shc[0].keys[0].kty: missing"),
    ],
)
def test_mistakes_are_told_with_their_places(health: dict[str, Any], told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        understand(json.loads(json.dumps({"health": health})))
    assert told in str(caught.value)
