"""Acknowledgements of any kind, honest and hostile, as the receiver takes them."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal import Journal
from gateway.messages import Message
from gateway.topics import CENTRE_STATE
from gateway.uplink.receiver import Ack, Receiver
from tests.journal.journals import filled, opened

TOPIC = "cg1/a/b/c/d/down/ack"
Range = tuple[int, int]


class Taken:
    """Stands where the sender stands."""

    def __init__(self) -> None:
        self.acks: list[tuple[list[Range], list[Range]]] = []

    def acknowledged(self, ack: Ack) -> None:
        self.acks.append((ack.safe, ack.missing))

    def accepted(self, encodings: Sequence[str]) -> None:
        self.encodings = encodings


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path / "journal.db") as made:
        await filled(made, 20)
        yield made


async def test_an_honest_acknowledgement_is_passed_on(journal: Journal) -> None:
    receiver, taken = Receiver(journal, TOPIC), Taken()
    ack = {"epoch": journal.epoch, "upto": 3, "have": [[5, 6]], "missing": [[4, 4]], "new": 1}
    receiver.receive(taken, Message(TOPIC, json.dumps(ack).encode()))
    assert taken.acks == [([(1, 3), (5, 6)], [(4, 4)])]
    assert receiver.refused == 0


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "another"},
        {"epoch": 7},
        {"upto": -1},
        {"upto": 21},
        {"upto": 1.5},
        {"upto": "3"},
        {"upto": True},
        {"upto": None},
        {"upto": 10**400},
        {"have": [[5, 4]]},
        {"have": [[0, 4]]},
        {"have": [[5, 21]]},
        {"have": [[1, 2, 3]]},
        {"have": [7]},
        {"have": {"1": 2}},
        {"have": [[1, 1]] * 1001},
        {"missing": [[1, 10**18]]},
        {"missing": [[float("nan"), 1]]},
        {"missing": [[float("inf"), 1]]},
    ],
    ids=lambda change: str(change)[:30],
)
async def test_a_wrong_acknowledgement_is_counted(journal: Journal, change: dict[str, Any]) -> None:
    receiver, taken = Receiver(journal, TOPIC), Taken()
    ack = {"epoch": journal.epoch, "upto": 3, "have": [], "missing": []} | change
    receiver.receive(taken, Message(TOPIC, json.dumps(ack).encode()))
    assert (taken.acks, receiver.refused) == ([], 1)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"7", b"[]", b"{", b"\xff\xfe", b"[" * 60_000, b'{"a":' * 10_000, b" " * 70_000],
    ids=lambda payload: str(payload[:8]),
)
async def test_what_is_no_acknowledgement_is_counted(journal: Journal, payload: bytes) -> None:
    receiver, taken = Receiver(journal, TOPIC), Taken()
    receiver.receive(taken, Message(TOPIC, payload))
    receiver.receive(taken, Message("cg1/other", b"{}"))
    assert (taken.acks, receiver.refused) == ([], 2)


async def test_the_centre_says_what_it_reads(journal: Journal) -> None:
    receiver, taken = Receiver(journal, TOPIC), Taken()
    receiver.receive(taken, Message(CENTRE_STATE, b'{"state":"online","accepts":["gzip","zstd"]}'))
    assert taken.encodings == ["gzip", "zstd"]
    receiver.receive(taken, Message(CENTRE_STATE, b'{"state":"offline"}'))
    assert taken.encodings == []
    receiver.receive(taken, Message(CENTRE_STATE, b'{"state":"online","accepts":"zstd"}'))
    assert receiver.refused == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
fields = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("epoch", "upto", "have", "missing"), json_values)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(fields | json_values, st.booleans())
async def test_nothing_raises(journal: Journal, document: Any, ours: bool) -> None:
    if ours and isinstance(document, dict):
        document = document | {"epoch": journal.epoch}
    receiver, taken = Receiver(journal, TOPIC), Taken()
    receiver.receive(taken, Message(TOPIC, json.dumps(document).encode()))
    assert len(taken.acks) + receiver.refused == 1


async def test_nonsense_is_said_once(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.uplink")
    receiver = Receiver(journal, TOPIC)
    for _ in range(100):
        receiver.receive(Taken(), Message(TOPIC, b"nonsense"))
    assert len(caplog.records) == 1
    assert receiver.refused == 100
