"""The file on the stick: whole or refused, whatever has become of it on the way."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stick.contents import events_of
from gateway.stick.part import MOST_BYTES, Part, PartError, decoded, encoded
from tests.stick.sticks import KEY, TOPIC, body, forged, part_of

PLAIN, SEALED = part_of(1, 2, 3, 7), part_of(1, 2, 3, 7, sealed=True)
BODIES = [body(seq) for seq in (1, 2, 3, 7)]


@pytest.mark.parametrize("part", [PLAIN, SEALED], ids=["plain", "sealed"])
def test_what_went_in_comes_out(part: Part) -> None:
    found = decoded(encoded(part))
    assert found == part
    assert events_of(found, KEY) == BODIES


def test_an_open_one_can_be_read_by_any_program() -> None:
    head, *lines, last = encoded(PLAIN).splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [f"{n:012}" for n in (1, 2, 3, 7)]
    assert json.loads(head)["ranges"] == [[1, 3], [7, 7]]
    assert json.loads(last) == {"sha256": PLAIN.digest}


def test_a_sealed_one_says_nothing_of_its_events() -> None:
    assert b"checkpoint.scan" not in encoded(SEALED)
    assert part_of(1, sealed=True).body != part_of(1, sealed=True).body


@given(st.sampled_from([PLAIN, SEALED]), st.data())
@settings(max_examples=300)
def test_no_bit_of_it_can_flip_unseen(part: Part, data: st.DataObject) -> None:
    content = bytearray(encoded(part))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PartError):
        decoded(bytes(content))


@given(st.sampled_from([PLAIN, SEALED]), st.data())
def test_cut_short_or_lengthened_it_is_none(part: Part, data: st.DataObject) -> None:
    content = encoded(part)
    cut = data.draw(st.integers(0, len(content) - 1))
    for wrong in (content[:cut], content + b"\n", content[:cut] + bytes(len(content) - cut)):
        with pytest.raises(PartError):
            decoded(wrong)


@given(st.binary(max_size=300))
def test_no_file_whatever_raises_anything_else(content: bytes) -> None:
    with pytest.raises(PartError):
        decoded(content)


def test_the_wrong_key_opens_nothing() -> None:
    with pytest.raises(PartError, match="sealed to the key"):
        events_of(SEALED, X25519PrivateKey.generate())
    with pytest.raises(PartError, match="--key"):
        events_of(SEALED, None)


def test_what_stands_open_beside_a_seal_cannot_be_changed() -> None:
    head = SEALED.head.replace(b'"ranges":[[1,3]', b'"ranges":[[2,4]')
    with pytest.raises(PartError, match="altered"):
        events_of(Part(SEALED.header, head, SEALED.body, SEALED.digest), KEY)


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
HOSTILE = {
    "another gateway's": (body(1, gateway="410102011003008"), "source"),
    "another number": (body(2), "id"),
    "another epoch": (body(1, epoch="aaaaaaaa"), "id"),
    "another sequence": (body(1, sequence="1"), "sequence"),
    "no number at all": (body(1, sequence=1), "sequence"),
    "not a number": (body(1, data=float("nan")), "no JSON"),
    "nested": (DEEP, "nested too deep"),
    "a key twice": (body(1)[:-1] + b',"id":"x"}', "as a gateway writes"),
    "with spaces": (body(1).replace(b":", b": ", 1), "as a gateway writes"),
    "a list": (b"[]", "as a gateway writes"),
    "no JSON": (b"{", "no JSON"),
    "no UTF-8": (body(1).replace(b"scan", b"\xff\xfe"), "no JSON"),
    "nothing": (b"", "no JSON"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_one_bad_event_and_all_of_it_is_refused(case: str) -> None:
    line, words = HOSTILE[case]
    with pytest.raises(PartError, match=words):
        events_of(forged(line + b"\n"), KEY)


HEADS: dict[str, tuple[dict[str, object], str]] = {
    "another's topic": ({"topic": TOPIC.replace("003007", "003008")}, "not where"),
    "a wildcard": ({"topic": "cg1/+/#/x/410102011003007/up/batch"}, "not where"),
    "a command": ({"topic": TOPIC.replace("up/batch", "down/command")}, "not where"),
    "a long topic": ({"topic": TOPIC + "x" * 64}, "topic"),
    "a path": ({"gateway": "../../etc"}, "gateway"),
    "descending": ({"ranges": [[5, 5], [1, 1]]}, "ascend"),
    "overlapping": ({"ranges": [[1, 5], [5, 6]]}, "ascend"),
    "backwards": ({"ranges": [[5, 1]]}, "ascend"),
    "endless": ({"ranges": [[1, 2**60]]}, "ranges"),
    "none": ({"ranges": []}, "ranges"),
    "huge": ({"bytes": MOST_BYTES * 2}, "bytes"),
    "other bytes": ({"bytes": 7}, "bytes"),
    "a later format": ({"format": "checkpoint-gateway export 2"}, "format"),
    "text for a number": ({"ranges": [["1", "1"]]}, "ranges"),
}


@pytest.mark.parametrize("case", HEADS)
def test_a_first_line_that_lies_is_refused(case: str) -> None:
    others, words = HEADS[case]
    with pytest.raises(PartError, match=words):
        forged(body(1) + b"\n", **others)


def test_as_many_events_as_it_says_and_no_more() -> None:
    for ranges in ([[1, 2]], [[1, 2**53]]):
        with pytest.raises(PartError, match="has 1"):
            events_of(forged(body(1) + b"\n", ranges=ranges), KEY)
    with pytest.raises(PartError, match="has"):
        events_of(forged(body(1)), KEY)
