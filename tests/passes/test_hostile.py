"""Whatever a stranger holds up: a judgement, soon, and nothing of it anywhere."""

import logging
import random
from time import process_time

import cbor2
import pytest
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import Verdict
from gateway.passes import base45, own
from gateway.passes.document import understand
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement
from tests.passes.certifying import certificate, ec_key, listed, seal
from tests.passes.issuing import PLACE, at, body, shown
from tests.passes.test_own import CLAIMS, jws

TRUST = understand(body() | {"health_codes": ["https://code.example.cn/*/h?"]}).trust(PLACE)
GENUINE = [shown(), jws(CLAIMS)]
"""What the mutations begin with."""
GOOD = (Verdict.VALID, Verdict.EXPIRED, Verdict.NOT_HERE, Verdict.REVOKED, Verdict.NOT_YET_VALID)


def coded(cbor: bytes) -> bytes:
    return own.PREFIX + base45.encode(cbor)


BOMBS = {
    "deep arrays": b"\x81" * 5000,
    "deep maps": b"\xa1\x01" * 2500,
    "deep tags": b"\xc1" * 5000,
    "endless arrays": b"\x9f" * 5000,
    "long array": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "long map": b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
    "long bytes": b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "long text in pieces": b"\x7f" + b"\x61a" * 2000,
    "large exponent": bytes.fromhex("c5821b00000000ffffffff01"),
    "large decimal": bytes.fromhex("c4821b00000000ffffffff01"),
    "large number": b"\xc2\x59\x10\x00" + b"\xff" * 4096,
    "regular expression": cbor2.dumps(cbor2.CBORTag(35, "(a+)+" * 500 + "$")),
    "mail": cbor2.dumps(cbor2.CBORTag(36, "Content-Type: text/plain\n\n")),
    "itself": bytes.fromhex("d81c81d81d00"),
    "set of lists": bytes.fromhex("d90102828080"),
    "a name twice": bytes.fromhex("d28443a1012744a1040144a10402"),
    "unhashable names": bytes.fromhex("a180a0"),
    "nothing": b"",
    "undefined": b"\xf7",
    "a message of nothing": cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"", b""])),
    "a header that is none": cbor2.dumps([b"\x01", {}, b"", b""]),
    "names of any type": cbor2.dumps([b"", {1: [7], 4: {"a": 1}}, b"", b""]),
    "something behind": base45.decode(GENUINE[0][4:]) + b"\0",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_no_pass_and_takes_no_time(bomb: bytes) -> None:
    started = process_time()
    judged = judge(coded(bomb), at(), TRUST)
    assert process_time() - started < 0.1
    assert judged.verdict in (Verdict.UNREADABLE, Verdict.BAD_SIGNATURE)


@pytest.mark.parametrize("length", [8192, 8193, 1 << 20])
@pytest.mark.parametrize("begin", [b"CG1:", b"eyJ", b"https://code.example.cn/", b""])
def test_length_alone_costs_nothing(begin: bytes, length: int) -> None:
    text = begin + b"A" * (length - len(begin))
    started = process_time()
    assert judge(text, at(), TRUST).verdict in (Verdict.UNREADABLE, Verdict.OPAQUE)
    assert process_time() - started < 0.1


@settings(max_examples=500)
@given(st.sampled_from([b"", b"CG1:", b"eyJ", b"person\0"]), st.binary(max_size=200))
def test_any_bytes_have_a_judgement(begin: bytes, rest: bytes) -> None:
    assert judge(begin + rest, at(), TRUST).verdict not in GOOD


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.binary(max_size=5)
)  # fmt: skip
NAMES = st.integers() | st.text(max_size=3)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=500)
@given(NESTED)
def test_any_cbor_has_a_judgement(value: object) -> None:
    assert judge(coded(cbor2.dumps(value)), at(), TRUST).verdict not in GOOD


@pytest.mark.parametrize("genuine", GENUINE, ids=["cwt", "jws"])
def test_no_mutation_of_a_genuine_pass_is_one(genuine: bytes) -> None:
    """Base64 has letters whose last bits count for nothing: the same bytes are the same pass."""
    chance, same = random.Random(7), judge(genuine, at(), TRUST)
    assert same.verdict is Verdict.VALID
    for _ in range(3000):
        text = bytearray(genuine)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(text))
            match chance.randrange(4):
                case 0:
                    text[place] = chance.randrange(256)
                case 1:
                    del text[place]
                case 2:
                    text.insert(place, chance.randrange(256))
                case 3:
                    text[place:] = genuine[: chance.randrange(len(genuine))]
        judged = judge(bytes(text), at(), TRUST)
        assert judged.verdict not in GOOD or judged == same


def test_no_damaged_certificate_of_a_signer_counts_or_is_warned_of() -> None:
    sealer = certificate(ec_key("sealer"), issuer=ec_key("authority"))
    health = {"icao": listed(certificate(ec_key("authority"), issuer=ec_key("authority")))}
    known, chance = understand({"health": health}).trust(PLACE), random.Random(7)
    assert judge(seal(ec_key("sealer"), sealer), at(), known).verdict is Verdict.VALID
    signed = len(sealer) - len(load_der_x509_certificate(sealer).signature)
    for place in [*range(len(sealer))] * 5:
        damaged = bytearray(sealer)
        damaged[place] ^= chance.randrange(1, 256)
        judged = judge(seal(ec_key("sealer"), bytes(damaged)), at(), known)
        # Just before its signature stands how many of that one's last bits, all 0, do not count.
        assert judged.verdict not in GOOD or place == signed - 1


def test_nothing_that_is_held_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for text in (*GENUINE, *map(coded, BOMBS.values())):
        assert isinstance(judge(text, at(), TRUST), Judgement)
    assert caplog.records == []
