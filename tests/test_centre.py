"""The rule book of the receiving side: the same table however the messages come."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.centre import Centre

GATEWAY = "410102011003007"
SOURCE = f"/gateways/{GATEWAY}"
BASE = f"cg1/410102/011/003/{GATEWAY}"
EPOCH = "k3f9x2m7"


def event(seq: int, *, epoch: str = EPOCH) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{epoch}-{seq}",
        "source": SOURCE,
        "type": "checkpoint.scan.v1",
        "sequence": f"{seq:012d}",
        "data": {"n": seq},
    }


def single(seq: int) -> tuple[str, bytes]:
    return f"{BASE}/up/event/scan", json.dumps(event(seq)).encode()


def batch(*seqs: int, packed: bool = False) -> tuple[str, bytes]:
    payload = json.dumps([event(seq) for seq in seqs]).encode()
    return f"{BASE}/up/batch", gzip.compress(payload) if packed else payload


def gap(seq: int, first: int, last: int, *, epoch: str = EPOCH) -> tuple[str, bytes]:
    """Event number `seq` declares numbers of `epoch` lost."""
    data = {"epoch": epoch, "from": first, "to": last, "count": last - first + 1, "why": "corrupt"}
    declared = event(seq) | {"type": "checkpoint.gap.v1", "data": data}
    return f"{BASE}/up/event/gap", json.dumps(declared).encode()


def table(centre: Centre) -> list[tuple[int, int]]:
    return centre.table().get((SOURCE, EPOCH), [])


FORMER = "former27"
sequences = st.integers(1, 40)
gaps = st.one_of(
    sequences.map(lambda first: gap(40 + first, first, first + 5)),
    sequences.map(lambda first: gap(80 + first, first, first + 9, epoch=FORMER)),
)
messages = st.one_of(
    sequences.map(single),
    gaps,
    st.builds(lambda seqs, packed: batch(*seqs, packed=packed), st.lists(sequences), st.booleans()),
)


@given(st.data(), st.lists(messages, max_size=20))
def test_any_order_of_live_batch_resend_and_duplicates_gives_the_same_table(
    data: st.DataObject, sent: list[tuple[str, bytes]]
) -> None:
    again = data.draw(st.lists(st.sampled_from(sent), max_size=10)) if sent else []
    one, other = Centre(), Centre()
    fresh: list[int] = []
    for topic, payload in sent:
        one.accept(topic, payload)
    for topic, payload in data.draw(st.permutations([*sent, *again])):
        fresh += [each.seq for each in other.accept(topic, payload) if not each.duplicate]
    assert one.table() == other.table()
    assert one.given_up() == other.given_up()
    assert one.holes(SOURCE, EPOCH) == other.holes(SOURCE, EPOCH)
    assert asked_in_the_end(one) == asked_in_the_end(other)
    held = {n for first, last in table(one) for n in range(first, last + 1)}
    assert sorted(fresh) == sorted(held)
    assert one.rejected == other.rejected == 0


def test_a_hole_is_found_and_filled() -> None:
    centre = Centre()
    for message in (single(1), batch(4, 5, 9)):
        centre.accept(*message)
    assert centre.holes(SOURCE, EPOCH) == [(2, 3), (6, 8)]
    centre.accept(*batch(2, 3, 4))
    assert centre.holes(SOURCE, EPOCH) == [(6, 8)]
    assert centre.duplicates == 1


def test_each_journal_has_its_own_sequence() -> None:
    centre = Centre()
    centre.accept(*single(5))
    payload = json.dumps(event(1, epoch="other")).encode()
    centre.accept(f"{BASE}/up/event/scan", payload)
    assert centre.table() == {(SOURCE, EPOCH): [(5, 5)], (SOURCE, "other"): [(1, 1)]}


def test_what_has_come_is_acknowledged_once() -> None:
    centre = Centre()
    for message in (batch(1, 2, 3), single(7)):
        centre.accept(*message)
    [(topic, document)] = centre.acks(now=0)
    assert topic == f"{BASE}/down/ack"
    assert json.loads(document) == {"epoch": EPOCH, "upto": 3, "have": [[7, 7]], "missing": []}
    assert list(centre.acks(now=1)) == []


def test_a_duplicate_is_acknowledged_again() -> None:
    """It came again because the first answer got lost."""
    centre = Centre()
    centre.accept(*single(1))
    assert len(list(centre.acks(now=0))) == 1
    centre.accept(*single(1))
    assert len(list(centre.acks(now=1))) == 1


def asked(centre: Centre, now: float) -> list[list[int]]:
    return [each for _, ack in centre.acks(now) for each in json.loads(ack)["missing"]]


def test_a_standing_hole_is_asked_for_after_a_while_and_again() -> None:
    centre = Centre(patience_s=30)
    centre.accept(*batch(1, 5))
    assert asked(centre, 0) == []
    assert asked(centre, 29) == []
    assert asked(centre, 30) == [[2, 4]]
    assert asked(centre, 31) == []
    assert asked(centre, 61) == [[2, 4]]


def asked_in_the_end(centre: Centre) -> set[tuple[str, int]]:
    """Epochs and numbers."""
    list(centre.acks(0))
    documents = [json.loads(document) for _, document in centre.acks(60)]
    return {(each["epoch"], a) for each in documents for a, b in each["missing"]}


def test_a_gap_settles_what_it_names() -> None:
    centre = Centre(patience_s=30)
    for message in (single(1), gap(9, 2, 5), single(4)):
        centre.accept(*message)
    assert centre.holes(SOURCE, EPOCH) == [(6, 8)]
    assert centre.given_up() == {(SOURCE, EPOCH): [(2, 3), (5, 5)]}  # 4 was an alarm that came
    assert asked(centre, 0) == []
    assert asked(centre, 30) == [[6, 8]]
    centre.accept(*batch(6, 7, 8))
    assert asked(centre, 90) == []


def test_a_gap_is_not_taken_for_what_it_names() -> None:
    """An alarm of the range may still be at the gate, which drops what counts as arrived."""
    centre = Centre()
    for message in (single(1), gap(9, 2, 8)):
        centre.accept(*message)
    [(_, document)] = centre.acks(now=0)
    assert json.loads(document)["upto"] == 1
    assert json.loads(document)["have"] == [[9, 9]]


def test_a_gap_may_be_about_a_former_life() -> None:
    centre = Centre(patience_s=30)
    payload = json.dumps([event(1, epoch=FORMER), event(5, epoch=FORMER)]).encode()
    centre.accept(f"{BASE}/up/batch", payload)
    centre.accept(*gap(1, 2, 3, epoch=FORMER))
    assert centre.holes(SOURCE, FORMER) == [(4, 4)]
    assert asked(centre, 0) == []
    assert asked(centre, 30) == [[4, 4]]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"epoch": EPOCH, "why": "corrupt"},
        {"from": 2, "to": 3},
        {"epoch": EPOCH, "from": 3, "to": 2},
        {"epoch": EPOCH, "from": 0, "to": 2},
        {"epoch": EPOCH, "from": 2, "to": 10**400},
        {"epoch": EPOCH, "from": "2", "to": 3},
        {"epoch": "", "from": 2, "to": 3},
        [2, 3],
        None,
    ],
    ids=str,
)
def test_a_gap_that_names_nothing_settles_nothing(data: Any) -> None:
    centre = Centre()
    centre.accept(*single(1))
    nameless = event(5) | {"type": "checkpoint.gap.v1", "data": data}
    [taken] = centre.accept(f"{BASE}/up/event/gap", json.dumps(nameless).encode())
    assert taken.seq == 5
    assert centre.holes(SOURCE, EPOCH) == [(2, 4)]
    assert centre.given_up() == {}


def test_of_many_ranges_every_one_is_acknowledged() -> None:
    """Holes that gaps have declared stay for good; what comes after them must not go unanswered."""
    centre = Centre()
    named: set[int] = set()
    for start in (1, 1001, 2001):
        centre.accept(*batch(*range(start, start + 1000, 2)))
        for _, document in centre.acks(now=0):
            assert len(json.loads(document)["have"]) <= 200
            named |= {first for first, _ in json.loads(document)["have"]}
    assert named == set(range(3, 3001, 2))
    named.clear()
    state = {"data": {"state": "birth", "epoch": EPOCH, "last_seq": 3000}}
    centre.accept(f"{BASE}/up/state", json.dumps(state).encode())
    for _, document in centre.acks(now=1):
        named |= {first for first, _ in json.loads(document)["have"]}
    assert named == set(range(3, 3001, 2))
    centre.accept(*single(3003))
    [(_, document)] = centre.acks(now=2)
    assert json.loads(document)["have"] == [[3003, 3003]]


def test_a_hole_that_is_being_filled_is_left_alone() -> None:
    centre = Centre(patience_s=30)
    centre.accept(*single(1000))
    for second in range(0, 200, 20):
        centre.accept(*single(second // 20 + 1))
        assert asked(centre, second) == []


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/gateways/another"},
        {"source": None},
        {"id": f"{EPOCH}-2"},
        {"id": "1"},
        {"id": "-1"},
        {"sequence": "1"},
        {"sequence": 1},
        {"sequence": "00000000000x"},
        {"sequence": "9" * 17},
    ],
    ids=str,
)
def test_an_event_that_breaks_the_contract_is_counted(change: dict[str, Any]) -> None:
    centre = Centre()
    assert centre.accept(f"{BASE}/up/event/scan", json.dumps(event(1) | change).encode()) == []
    assert (centre.rejected, centre.table()) == (1, {})


def test_a_bad_event_spoils_no_other_of_its_batch() -> None:
    centre = Centre()
    payload = json.dumps([event(1), 7, event(2) | {"id": "?"}, event(3)]).encode()
    assert [each.seq for each in centre.accept(f"{BASE}/up/batch", payload)] == [1, 3]
    assert centre.rejected == 2


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"NaN",
        b"\x1f\x8b",
        b"\x1f\x8bnot gzip",
        gzip.compress(b"[]", mtime=0)[:-3],
        gzip.compress(b" " * (20 << 20), mtime=0),
    ],
    ids=lambda payload: repr(payload[:12]),
)
def test_what_cannot_be_read_is_counted(payload: bytes) -> None:
    centre = Centre()
    assert centre.accept(f"{BASE}/up/batch", payload) == []
    assert centre.rejected == 1


@given(st.binary(max_size=50), st.text(max_size=60))
def test_nothing_raises(payload: bytes, topic: str) -> None:
    centre = Centre()
    centre.accept(f"{BASE}/up/batch", payload)
    centre.accept(f"{BASE}/up/state", payload)
    centre.accept(topic, payload)
    assert centre.table() == {}


def test_states_are_kept_by_gateway_and_are_no_records() -> None:
    centre = Centre()
    state = {"source": SOURCE, "data": {"state": "lost", "session": 4}}
    assert centre.accept(f"{BASE}/up/state", json.dumps(state).encode()) == []
    assert centre.states == {SOURCE: {"state": "lost", "session": 4}}
    assert centre.rejected == 0
