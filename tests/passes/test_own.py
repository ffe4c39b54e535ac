"""Passes of our own are judged with no network: whose, whether genuine, whether good here, now."""

import json
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import TimeQuality
from gateway.events import Class, Verdict
from gateway.passes import base45, cose, own
from gateway.passes.claims import to_cwt
from gateway.passes.document import understand
from gateway.passes.judging import judge
from gateway.passes.trust import Algorithm, Judgement, subject_of
from tests.passes.issuing import (
    DAY,
    KEY,
    KID,
    NEXT_KEY,
    NEXT_KID,
    NOW,
    PLACE,
    RESIDENT,
    at,
    base64url,
    body,
    jwk,
    shown,
    trust,
)

RFC8032_KEY = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
MADE_BY_ANOTHER_LIBRARY = bytes.fromhex(
    "d28443a10127a104449f3c01aa5853a9016a3431303130322d3030330269722d32303431382d32036e343130313032"
    "2f3031312f303033041a6a30f743051a69ba502c061a69ba5043074604d1a2b3c4d53a00010000043a000100016567"
    "7561726458400b66333e9b6d93d350716d3dcfa5c996cb761f1869a3ba323fd3d6436db22c6d0facbc97687fa1e88f"
    "1484a836670f41c621b65e2779e5e60b07e1b78d183b0a"
)
"""By `cwt` 3.3 with that key, which is the first of RFC 8032, 7.1."""


def verdict(payload: bytes, second: float = NOW, **issuer: Any) -> Verdict:
    return judge(payload, at(second), trust(**issuer)).verdict


def signed(claims: object, protected: bytes | None = None) -> bytes:
    """A pass that says anything, with a good signature."""
    header = cose.protected_header(Algorithm.EDDSA, KID) if protected is None else protected
    payload = cbor2.dumps(claims)
    signature = KEY.sign(cose.to_be_signed(header, payload))
    return own.PREFIX + base45.encode(cose.assembled(header, payload, signature))


def jws(claims: dict[str, Any], **header: Any) -> bytes:
    head = {"alg": "EdDSA", "kid": KID.hex()} | header
    parts = [base64url(json.dumps(each).encode()) for each in (head, claims)]
    message = ".".join(parts).encode()
    return message + b"." + base64url(KEY.sign(message)).encode()


CLAIMS = {
    "iss": "410102-003",
    "sub": "r-20418-2",
    "aud": "410102/011/003",
    "iat": NOW - DAY,
    "exp": NOW + DAY,
    "jti": "04d1a2b3c4d5",
    "kind": "resident",
}


def test_a_resident_s_pass_is_valid_without_any_network() -> None:
    judged = judge(shown(), at(), trust())
    assert judged == Judgement(
        Class.RESIDENT,
        Verdict.VALID,
        subject=subject_of("410102-003", "r-20418-2"),
        cti=RESIDENT.number,
        until=RESIDENT.end,
    )


@pytest.mark.parametrize(
    "kind",
    [Class.RESIDENT, Class.VISITOR, Class.ADMISSION, Class.STAFF, Class.VEHICLE, Class.DELIVERY],
)
def test_every_kind_of_pass_has_its_class(kind: Class) -> None:
    assert judge(shown(kind=kind), at(), trust()).class_ is kind


def test_a_badge_tells_the_role_and_a_visitor_s_pass_whether_they_are_registered() -> None:
    assert judge(shown(kind=Class.STAFF, role="guard"), at(), trust()).role == "guard"
    assert judge(shown(kind=Class.VISITOR, registered=True), at(), trust()).registered is True
    assert judge(shown(kind=Class.VISITOR), at(), trust()).registered is None


def test_what_another_library_has_signed_is_read() -> None:
    text = own.PREFIX + base45.encode(MADE_BY_ANOTHER_LIBRARY)
    known = trust(keys=[jwk(RFC8032_KEY, KID)])
    judged = judge(text, at(), known)
    assert (judged.class_, judged.verdict, judged.role) == (Class.STAFF, Verdict.VALID, "guard")
    assert judged.subject == subject_of("410102-003", "r-20418-2")


def test_a_pass_ends_with_its_last_second() -> None:
    assert verdict(shown(), RESIDENT.end - 0.001) is Verdict.VALID
    assert verdict(shown(), RESIDENT.end) is Verdict.EXPIRED


def test_a_pass_that_has_yet_to_begin_is_not_good_but_clocks_may_differ_by_a_minute() -> None:
    later = shown(begin=NOW + 61)
    assert verdict(later) is Verdict.NOT_YET_VALID
    assert verdict(later, NOW + 1) is Verdict.VALID
    assert verdict(shown(issued=NOW + 600, begin=NOW + 600)) is Verdict.NOT_YET_VALID


def test_without_a_right_clock_only_what_is_certain_counts() -> None:
    pass_, known = shown(begin=NOW - 10), trust()
    long_ago, far_ahead = at(0, TimeQuality.UNSYNC), at(NOW * 2, TimeQuality.UNSYNC)
    for wrong in (long_ago, far_ahead):
        assert judge(pass_, wrong, known).verdict is Verdict.VALID
        assert judge(pass_, wrong, known, floor_ms=NOW * 1000).verdict is Verdict.VALID
        ended = judge(pass_, wrong, known, floor_ms=RESIDENT.end * 1000)
        assert ended.verdict is Verdict.EXPIRED


@pytest.mark.parametrize("quality", [TimeQuality.HOLDOVER, TimeQuality.CORRECTED])
def test_a_clock_that_was_right_is_believed(quality: TimeQuality) -> None:
    assert judge(shown(), at(RESIDENT.end, quality), trust()).verdict is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("places", "good"),
    [
        (("410102",), True),
        (("410102/011",), True),
        (("410102/011/003/410102011003007",), True),
        (("410102/011/004", "410102/011/003"), True),
        (("410102/011/004",), False),
        (("410102/011/00",), False),
        (("410102/011/003/410102011003008",), False),
    ],
)
def test_a_pass_is_good_at_its_place_and_below(places: tuple[str, ...], good: bool) -> None:
    expected = Verdict.VALID if good else Verdict.NOT_HERE
    district = understand(body(place="410102")).trust(PLACE)
    assert judge(shown(places=places), at(), district).verdict is expected


def test_nobody_issues_passes_for_another_s_place() -> None:
    assert verdict(shown(places=("410102",))) is Verdict.BAD_SIGNATURE
    assert verdict(shown(places=("410102/011/003", "410102"))) is Verdict.BAD_SIGNATURE


def test_nobody_issues_passes_in_another_s_name() -> None:
    assert verdict(shown(issuer="410102-004")) is Verdict.BAD_SIGNATURE


def test_of_a_pass_that_is_not_genuine_nothing_is_told() -> None:
    forged = shown(key=NEXT_KEY)
    assert judge(forged, at(), trust()) == Judgement(verdict=Verdict.BAD_SIGNATURE)


def test_a_pass_by_a_key_that_nobody_knows_is_not_genuine() -> None:
    assert verdict(shown(kid=b"\0\0\0\0")) is Verdict.BAD_SIGNATURE


def test_while_one_key_follows_another_both_count_and_then_the_new_one() -> None:
    old, new = shown(), shown(key=NEXT_KEY, kid=NEXT_KID)
    assert {verdict(old), verdict(new)} == {Verdict.VALID}
    after = [jwk(NEXT_KEY, NEXT_KID)]
    assert verdict(old, keys=after) is Verdict.BAD_SIGNATURE
    assert verdict(new, keys=after) is Verdict.VALID


def test_a_key_without_a_name_is_called_by_its_fingerprint() -> None:
    known = understand(body(keys=[jwk(KEY)])).issuers[0]
    [kid] = known.by_kid()
    assert len(kid) == 4
    assert verdict(shown(kid=kid), keys=[jwk(KEY)]) is Verdict.VALID


def test_a_pass_that_was_taken_back_is_revoked_and_the_person_s_next_one_is_not() -> None:
    revoked = {"passes": [RESIDENT.number.hex()]}
    assert verdict(shown(), revoked=revoked) is Verdict.REVOKED
    assert verdict(shown(number=b"next"), revoked=revoked) is Verdict.VALID


def test_a_person_s_passes_are_revoked_as_far_as_they_were_issued_until_then() -> None:
    for_ever = {"subjects": [{"sub": RESIDENT.subject}]}
    until_now = {"subjects": [{"sub": RESIDENT.subject, "until": NOW}]}
    reissued = shown(issued=NOW + 1, begin=NOW + 1)
    assert verdict(shown(), revoked=for_ever) is Verdict.REVOKED
    assert verdict(reissued, revoked=for_ever) is Verdict.REVOKED
    assert verdict(shown(), revoked=until_now) is Verdict.REVOKED
    assert verdict(reissued, revoked=until_now) is Verdict.VALID


def test_a_reissued_pass_is_the_same_person_s_and_another_issuer_s_is_not() -> None:
    first, second = judge(shown(), at(), trust()), judge(shown(number=b"next"), at(), trust())
    assert first.subject == second.subject
    assert first.cti != second.cti
    assert subject_of("a", "bc") != subject_of("ab", "c")


def test_a_stranger_s_code_that_reads_like_a_person_is_nobody_s() -> None:
    forged = subject_of("410102-003", "r-20418-2")
    judged = judge(forged, at(), trust())
    assert judged.class_ is Class.UNKNOWN
    assert judged.subject not in (None, forged)


def test_where_no_issuer_is_known_a_pass_is_judged_by_nobody() -> None:
    assert judge(shown(), at(), understand({}).trust("410102")) == Judgement()


@pytest.mark.parametrize(
    "left_out", [1, 2, 3, 4, 6, 7, -65537], ids=["iss", "sub", "aud", "exp", "iat", "cti", "kind"]
)
def test_what_says_too_little_is_no_pass(left_out: int) -> None:
    claims = to_cwt(RESIDENT)
    del claims[left_out]
    assert verdict(signed(claims)) is Verdict.UNREADABLE


@pytest.mark.parametrize(
    ("label", "wrong"),
    [
        (1, 7), (1, ""), (1, "x" * 65), (2, b"r"), (2, "line\nfeed"), (2, "nul\0"),
        (3, "410102/"), (3, "a b"), (3, []), (3, ["a"] * 9), (3, [1]), (3, {"a": 1}),
        (4, "soon"), (4, -1), (4, 1 << 60), (4, float("nan")), (4, float("inf")), (4, True),
        (5, "now"), (6, []), (7, "04d1"), (7, b"123"), (7, bytes(17)),
        (-65537, 0), (-65537, 7), (-65537, "resident"), (-65537, True), (-65537, [1]),
        (-65538, "Guard of Honour"), (-65538, 7), (-65539, 1), (-65539, "yes"),
    ],
)  # fmt: skip
def test_what_says_something_impossible_is_no_pass(label: int, wrong: object) -> None:
    assert verdict(signed(to_cwt(RESIDENT) | {label: wrong})) is Verdict.UNREADABLE


def test_what_is_said_besides_counts_for_nothing() -> None:
    more = to_cwt(RESIDENT) | {99: "x", "note": {"a": [1, 2]}}
    assert verdict(signed(more)) is Verdict.VALID


@pytest.mark.parametrize("number", [-7, -37, -47, 5, 0, None])
def test_a_message_does_not_choose_how_it_is_verified(number: int | None) -> None:
    header = cbor2.dumps({1: number, 4: KID})
    assert verdict(signed(to_cwt(RESIDENT), header)) is Verdict.BAD_SIGNATURE


def test_a_header_that_must_be_understood_and_is_not_makes_it_unreadable() -> None:
    header = cbor2.dumps({1: -8, 4: KID, 2: [-70001], -70001: 1})
    assert verdict(signed(to_cwt(RESIDENT), header)) is Verdict.UNREADABLE


def test_every_bit_counts() -> None:
    text = shown()
    whole = base45.decode(text.removeprefix(own.PREFIX))
    known = trust()
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        judged = judge(own.PREFIX + base45.encode(bytes(changed)), at(), known)
        assert judged.verdict in (Verdict.BAD_SIGNATURE, Verdict.UNREADABLE)


def test_nothing_of_a_pass_is_in_what_is_shown_of_a_judgement() -> None:
    shows = repr(judge(shown(), at(), trust()))
    assert "20418" not in shows
    assert RESIDENT.number.hex() not in shows
    assert str(RESIDENT.number) not in shows


def test_the_same_is_read_from_a_jws() -> None:
    judged = judge(jws(CLAIMS | {"role": "guard", "kind": "staff"}), at(), trust())
    assert judged == Judgement(
        Class.STAFF,
        Verdict.VALID,
        subject=subject_of("410102-003", "r-20418-2"),
        cti=RESIDENT.number,
        role="guard",
        until=NOW + DAY,
    )


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW}, Verdict.EXPIRED),
        ({"aud": ["410102/011/003/1"]}, Verdict.NOT_HERE),
        ({"nbf": NOW + 120}, Verdict.NOT_YET_VALID),
        ({"iss": "another"}, Verdict.BAD_SIGNATURE),
        ({"kind": "king"}, Verdict.UNREADABLE),
        ({"jti": "not hexadecimal"}, Verdict.UNREADABLE),
        ({"exp": 1 << 70}, Verdict.UNREADABLE),
    ],
)
def test_a_jws_is_judged_by_the_same_rules(claims: dict[str, Any], expected: Verdict) -> None:
    assert verdict(jws(CLAIMS | claims)) is expected


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", "RS256", "", 7, None])
def test_a_jws_does_not_choose_how_it_is_verified(algorithm: object) -> None:
    assert verdict(jws(CLAIMS, alg=algorithm)) is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize("kid", ["ffffffff", "no digits", "", None, 7])
def test_anybody_else_s_jws_is_judged_by_nobody(kid: object) -> None:
    assert judge(jws(CLAIMS, kid=kid), at(), trust()) == Judgement()
