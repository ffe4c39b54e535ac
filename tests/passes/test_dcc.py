"""EU certificates: who has signed them, whether they may, and the form of what they say."""

import zlib
from hashlib import sha256
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import TimeQuality
from gateway.events import Class, Verdict
from gateway.passes import base45, dccform
from gateway.passes.document import understand
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement, Trust
from tests.passes import certifying
from tests.passes.certifying import (
    EU_USES,
    Key,
    certificate,
    coded,
    content,
    cose,
    ec_key,
    eu,
    listed,
    rsa_key,
)
from tests.passes.issuing import DAY, NOW, PLACE, at

SIGNER = certificate(ec_key())
ENTRY = certifying.ENTRIES["v"]
HEADER = {1: -7, 4: sha256(SIGNER).digest()[:8]}
CLAIMS = {1: "AT", 4: NOW + DAY, 6: NOW - DAY, -260: {1: content()}}


def trust(*ders: bytes) -> Trust:
    return understand({"health": {"dcc": listed(*(ders or (SIGNER,)))}}).trust(PLACE)


def verdict(payload: bytes, *ders: bytes, second: float = NOW) -> Verdict:
    judged = judge(payload, at(second), trust(*ders))
    assert judged.class_ is Class.HEALTH_CODE
    assert judged.subject is None
    return judged.verdict


@pytest.mark.parametrize("kind", ["t", "v", "r"])
def test_a_certificate_by_a_listed_signer_is_genuine(kind: str) -> None:
    judged = judge(eu(content(kind), der=SIGNER), at(), trust())
    assert judged == Judgement(Class.HEALTH_CODE, Verdict.VALID, until=NOW + DAY)


def test_where_no_signer_is_listed_it_is_judged_by_nobody() -> None:
    assert judge(eu(), at(), understand({}).trust(PLACE)) == Judgement(Class.HEALTH_CODE)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: rsa_key(2048), id="RSA 2048"),
        pytest.param(lambda: rsa_key(3072), id="RSA 3072"),
        pytest.param(lambda: ec_key("other"), id="P-256"),
        pytest.param(lambda: ec_key("third", ec.SECP384R1), id="P-384"),
        pytest.param(lambda: Ed25519PrivateKey.from_private_bytes(bytes(32)), id="Ed25519"),
    ],
)
def test_signers_have_keys_of_several_kinds(key: Any) -> None:
    der = certificate(key())
    text = eu(key=key(), der=der)
    assert verdict(text, der, SIGNER) is Verdict.VALID
    assert verdict(text, SIGNER) is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize("kind", ["t", "v", "r"])
@pytest.mark.parametrize("use", [*EU_USES, "t v", ""])
def test_a_signer_who_is_for_some_kinds_is_for_no_other(kind: str, use: str) -> None:
    der = certificate(ec_key(), [EU_USES[each] for each in use.split()])
    expected = Verdict.VALID if not use or kind in use else Verdict.BAD_SIGNATURE
    assert verdict(eu(content(kind), der=der), der) is expected


def test_uses_that_have_nothing_to_do_with_it_do_not_count() -> None:
    der = certificate(ec_key(), ["1.3.6.1.5.5.7.3.1"])
    assert verdict(eu(der=der), der) is Verdict.VALID


def test_it_is_good_from_its_first_to_its_last_second() -> None:
    text = eu(der=SIGNER, issued=NOW, end=NOW + 10.0)
    assert verdict(text, second=NOW + 10.5) is Verdict.VALID
    assert verdict(text, second=NOW + 11) is Verdict.EXPIRED
    assert verdict(text, second=NOW - 61) is Verdict.NOT_YET_VALID


def test_without_a_right_clock_only_what_is_certain_counts() -> None:
    text, unset = eu(der=SIGNER, issued=NOW + DAY, end=NOW + 2 * DAY), at(0, TimeQuality.UNSYNC)
    assert judge(text, unset, trust()).verdict is Verdict.VALID
    ended = judge(text, unset, trust(), floor_ms=(NOW + 3 * DAY) * 1000)
    assert ended.verdict is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("protected", "unprotected", "good"),
    [
        (HEADER, {}, True),
        ({1: -7}, {4: HEADER[4]}, True),
        ({4: HEADER[4]}, {1: -7}, True),
        ({}, HEADER, True),
        (HEADER, {4: b"foo"}, True),
        ({4: b"foo"}, HEADER, False),
        ({}, {1: -7, 4: b"foo"}, False),
        ({1: -7}, {}, False),
        ({4: HEADER[4]}, {}, False),
        (HEADER | {1: -37}, {}, False),
        (HEADER | {1: -8}, {1: -7}, False),
        (HEADER | {1: "ES256"}, {}, False),
        (HEADER | {4: "text"}, {}, False),
        (HEADER | {1: None}, {}, False),
        (HEADER | {1: [-7]}, {}, False),
    ],
)
def test_the_signed_header_counts_before_the_other(
    protected: dict[int, Any], unprotected: dict[int, Any], good: bool
) -> None:
    text = coded(cose(ec_key(), CLAIMS, protected, unprotected))
    assert verdict(text) is (Verdict.VALID if good else Verdict.BAD_SIGNATURE)


@pytest.mark.parametrize("tags", [(), (18,), (18, 61)])
def test_it_may_say_what_it_is_or_not(tags: tuple[int, ...]) -> None:
    assert verdict(coded(cose(ec_key(), CLAIMS, HEADER, tags=tags))) is Verdict.VALID


def test_a_moment_may_have_a_tag() -> None:
    tagged = content("t", sc=cbor2.CBORTag(0, "2026-03-17T12:34:56Z"))
    assert verdict(eu(tagged, der=SIGNER)) is Verdict.VALID


@pytest.mark.parametrize("wrong", [b"HC2:", b"HC1", b"hc1:", b""])
def test_only_its_own_prefix_makes_it_one(wrong: bytes) -> None:
    text = wrong + eu(der=SIGNER)[4:]
    assert judge(text, at(), trust()) == Judgement()


@pytest.mark.parametrize(
    "payload",
    [
        b"HC1:",
        b"HC1:lower case",
        b"HC1:" + base45.encode(b"not compressed"),
        b"HC1:" + base45.encode(cose(ec_key(), CLAIMS, HEADER)),
        b"HC1:" + base45.encode(zlib.compress(cose(ec_key(), CLAIMS, HEADER))[:-5]),
        b"HC1:" + base45.encode(zlib.compress(cose(ec_key(), CLAIMS, HEADER)) + b"more"),
        b"HC1:" + base45.encode(zlib.compress(bytes(5_000_000), 9)),
        coded(b""),
        coded(b"\x01"),
        coded(cose(ec_key(), CLAIMS, HEADER) + b"\0"),
        coded(cose(ec_key(), CLAIMS, HEADER | {2: [7]})),
        coded(cose(ec_key(), 7, HEADER)),
        coded(cose(ec_key(), {}, HEADER)),
        coded(cose(ec_key(), CLAIMS | {-260: {1: b"bytes"}}, HEADER)),
        coded(cose(ec_key(), CLAIMS | {-260: {2: content()}}, HEADER)),
        coded(cose(ec_key(), CLAIMS | {-260: [content()]}, HEADER)),
        coded(cose(ec_key(), CLAIMS | {4: "soon"}, HEADER)),
        coded(cose(ec_key(), CLAIMS | {6: None}, HEADER)),
    ],
    ids=range(18),
)
def test_what_is_damaged_is_unreadable(payload: bytes) -> None:
    assert verdict(payload) is Verdict.UNREADABLE


def test_every_byte_counts() -> None:
    whole = cose(ec_key(), CLAIMS, HEADER)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x11
        assert verdict(coded(bytes(changed))) in (Verdict.BAD_SIGNATURE, Verdict.UNREADABLE)


@pytest.mark.parametrize(
    "said",
    [
        {},
        content() | {"nam": {}},
        content() | {"nam": {"fn": "X"}},
        content() | {"nam": {"fnt": 7}},
        content() | {"nam": {"fnt": "X", "gn": "Gabriele", "gnt": ""}},
        content() | {"nam": ["X"]},
        content() | {"dob": None},
        content() | {"dob": "1815-08-24"},
        content() | {"dob": "2027"},
        content() | {"dob": "today"},
        content() | {"ver": 1},
        content("v") | content("t"),
        content() | {"v": []},
        content() | {"v": ENTRY},
        content() | {"v": [ENTRY, ENTRY | {"dn": 10}]},
        content() | {"v": [7]},
        content(tg=None),
        content(tg=840539006),
        content(co="XY"),
        content(co="at"),
        content(ma="ORG-99999999"),
        content(dn=10),
        content(dn="1"),
        content(dn=True),
        content(sd=-1),
        content(dt="18.02.2026"),
        content("t", sc="noon"),
        content("t", ma="9999"),
        content("t", dr="later"),
        content("r", du="2026"),
    ],
    ids=range(30),
)
def test_what_has_another_form_is_no_certificate(said: Any) -> None:
    assert verdict(eu(said, der=SIGNER)) is Verdict.UNREADABLE


@pytest.mark.parametrize(
    "said",
    [
        content() | {"dob": ""},
        content() | {"dob": "1963-00"},
        content() | {"nam": {"fnt": "T<ACHTERNAAM"}},
        content() | {"nam": {"fn": "Ionb", "fnt": "IONb"}},
        content() | {"t": [], "r": None},
        content() | {"v": [ENTRY, ENTRY | {"dn": 2}]},
        content(co="", vp="", mp="", ma=""),
        content(co="XK", dn=0, sd=9, dt="2026-02-18T10:00:00+01:00"),
        content("t", sc="2026-03-17T12:34+0100", ma="1232", nm="PCR", tc=None),
    ],
    ids=range(9),
)
def test_what_may_differ_may_differ(said: Any) -> None:
    assert verdict(eu(said, der=SIGNER)) is Verdict.VALID


def test_what_it_is_about_is_told_by_its_entry() -> None:
    assert [dccform.kinds(content(kind)) for kind in "tvr"] == [["t"], ["v"], ["r"]]


def test_nothing_personal_is_in_what_is_shown() -> None:
    key: Key = ec_key()
    judged = judge(eu(key=key, der=SIGNER), at(), trust())
    assert "GOESSINGER" not in repr(judged).upper()
    assert "1998" not in repr(judged)
