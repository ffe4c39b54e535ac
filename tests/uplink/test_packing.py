"""Batches on the wire: smaller, never larger than allowed, and readable at the other end."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.centre import Centre
from gateway.config import Compress
from gateway.journal import Batch
from gateway.topics import CENTRE_STATE
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from gateway.uplink.packing import GZIP, ZSTD, Order, Ratio, choose, pack
from gateway.uplink.streams import Pacing
from tests.brokers import mosquitto, until
from tests.fakebroker import fake_broker
from tests.journal.journals import filled, note, opened
from tests.uplink.gate import BASE, configured, listening, uplink_of

OLD = Pacing(live_age_s=-1)
LARGE = 1 << 20
BOMB = b"[" + b" " * (64 << 20) + b"]"


def bodies(count: int, size: int = 300) -> list[bytes]:
    return [json.dumps({"seq": seq, "x": "y" * size}).encode() for seq in range(1, count + 1)]


@pytest.mark.parametrize(
    ("wish", "accepts", "chosen"),
    [
        (Compress.OFF, ["gzip", "zstd"], None),
        (Compress.GZIP, ["gzip", "zstd"], GZIP),
        (Compress.ZSTD, [], GZIP),
        (Compress.ZSTD, ["gzip", "zstd"], ZSTD),
        (Compress.AUTO, ["gzip"], GZIP),
        (Compress.AUTO, ["zstd"], ZSTD),
    ],
)
def test_the_encoding(wish: Compress, accepts: list[str], chosen: str | None) -> None:
    assert choose(wish, accepts) == chosen


@given(st.integers(1, 40), st.sampled_from([None, GZIP, ZSTD]))
def test_whatever_is_packed_can_be_read(count: int, encoding: str | None) -> None:
    batch = Batch(range(1, count + 1), bodies(count))
    packed = pack(batch, Order(count, LARGE, encoding, LARGE))
    payload, label = packed.payload, packed.encoding
    plain = b"[" + b",".join(batch.bodies) + b"]"
    assert (packed.numbers, packed.plain_bytes) == (batch.numbers, len(plain))
    assert label == (encoding if len(plain) >= 1024 else None)
    if label == GZIP:
        assert gzip.decompress(payload) == plain
    else:
        assert (zstandard.decompress(payload) if label else payload) == plain
    assert len(payload) <= len(plain)


@given(st.integers(1, 40), st.integers(10, 20_000), st.sampled_from([None, GZIP]))
def test_what_does_not_fit_is_left_for_later(
    count: int, largest: int, encoding: str | None
) -> None:
    batch = Batch(range(1, count + 1), bodies(count))
    packed = pack(batch, Order(count, LARGE, encoding, largest))
    kept = len(packed.numbers)
    assert packed.numbers == batch.numbers[:kept]
    assert packed.first == batch.bodies[0]
    assert len(packed.payload) <= largest or kept == 1
    whole = pack(batch, Order(count, LARGE, encoding, LARGE))
    assert kept == count or len(whole.payload) > largest


@given(st.lists(st.tuples(st.integers(1000, 200_000), st.floats(0.02, 1.0)), max_size=30))
def test_the_ratio_is_learned_and_never_shrinks_a_batch(batches: list[tuple[int, float]]) -> None:
    ratio = Ratio()
    assert ratio.plain_bytes(1000) == 1000
    for plain, share in batches:
        ratio.note(plain, round(plain * share))
        assert ratio.plain_bytes(10_000) >= 10_000


@pytest.mark.parametrize("packed", [gzip.compress(BOMB), zstandard.compress(BOMB)], ids=["gz", "z"])
def test_a_bomb_is_no_message(packed: bytes) -> None:
    centre = Centre()
    assert len(packed) < 100_000
    assert centre.accept(f"{BASE}/up/batch", packed) == []
    assert centre.rejected == 1


@pytest.mark.parametrize(
    "payload", [b"\x28\xb5\x2f\xfd", zstandard.compress(b"[1]" * 100)[:-3], zstandard.compress(b"")]
)
def test_broken_zstd_is_no_message(payload: bytes) -> None:
    centre = Centre()
    assert centre.accept(f"{BASE}/up/batch", payload) == []
    assert centre.rejected == 1


@pytest.mark.parametrize(("wish", "magic"), [("gzip", b"\x1f\x8b"), ("auto", b"\x28\xb5\x2f\xfd")])
async def test_the_centre_reads_what_it_said_it_reads(
    tmp_path: Path, wish: str, magic: bytes
) -> None:
    seen: list[bytes] = []
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        open_link(LinkOptions("127.0.0.1", broker.port, "by-hand")) as link,
    ):
        assert await link.subscribe(
            f"{BASE}/up/batch", lambda message: seen.append(message.payload)
        )
        await filled(journal, 2000)
        config = configured(broker.port, compress=wish)
        async with uplink_of(journal, config, pacing=OLD):
            await until(lambda: journal.counts().waiting == 0)
        assert await there.received(2000) == dict.fromkeys(range(1, 2001), 1)
    assert seen[-1].startswith(magic)


async def test_a_centre_that_says_nothing_gets_gzip(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        open_link(LinkOptions("127.0.0.1", broker.port, "old-centre")) as link,
    ):
        seen: list[bytes] = []
        await link.publish(CENTRE_STATE, b'{"state":"online"}', retain=True)
        assert await link.subscribe(
            f"{BASE}/up/batch", lambda message: seen.append(message.payload)
        )
        await filled(journal, 300)
        async with uplink_of(journal, configured(broker.port), pacing=OLD):
            await until(lambda: journal.counts().waiting == 0)
    assert all(payload.startswith(b"\x1f\x8b") for payload in seen)


async def test_what_hardly_shrinks_still_keeps_to_the_limit(tmp_path: Path) -> None:
    """After a thousand events of one word come some that no compression makes smaller."""
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        await filled(journal, 1000)
        await journal.append([note(n, noise=1500) for n in range(1001, 1200)])
        config = configured(broker.port, message_bytes=8192)
        async with uplink_of(journal, config, pacing=OLD) as uplink:
            await until(lambda: journal.counts().waiting == 0)
            assert uplink.set_aside == 0
        assert max(len(each.payload) for each in broker.published) <= 8192
