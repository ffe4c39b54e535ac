"""A centre that only counts: notes when each event number first came; a process of its own.

    python -m tests.bench.counter PORT FILE

It must cost so little that the sender, not the receiver, is measured: 2 µs per message and 1 µs
per event.
"""

import asyncio
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic_ns

import numpy as np
import numpy.typing as npt

from gateway.topics import EVERY_GATEWAY
from tests.bench.mqtt import PUBACK, PUBLISH, Client, packet

_ID = re.compile(rb'"id":"[a-z2-7]{8}-([0-9]+)"')
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's number for "with a gzip header"
_READY, _EVENTS, _MESSAGES, _AGAIN = range(4)
_HEAD = 4


class Arrivals:
    """What has come, in a file that both processes have mapped; event numbers count from 1."""

    def __init__(self, path: Path, events: int | None = None) -> None:
        self.path = path
        shape = None if events is None else (_HEAD + events + 1,)
        self._cells: npt.NDArray[np.int64] = np.memmap(
            path, np.int64, "r+" if events is None else "w+", shape=shape
        )

    @property
    def ready(self) -> bool:
        """Whether the counter has subscribed."""
        return bool(self._cells[_READY])

    @property
    def events(self) -> int:
        """How many different ones have come."""
        return int(self._cells[_EVENTS])

    @property
    def messages(self) -> int:
        """In how many messages."""
        return int(self._cells[_MESSAGES])

    @property
    def again(self) -> int:
        """How many came that had come before."""
        return int(self._cells[_AGAIN])

    def at_ns(self, seq: int) -> int:
        """When `seq` first came, on the monotonic clock; 0 if it has not."""
        return int(self._cells[_HEAD + seq])

    @property
    def last_ns(self) -> int:
        """When the last new event came."""
        return int(self._cells[_HEAD:].max())

    async def until(self, events: int, *, within_s: float = 60.0) -> None:
        """Wait for so many different events.

        Raises:
            TimeoutError: they have not come.
        """
        async with asyncio.timeout(within_s):
            while self.events < events:
                await asyncio.sleep(0.02)

    def subscribed(self) -> None:
        """From now on everything counts."""
        self._cells[_READY] = 1

    def note(self, seqs: npt.NDArray[np.int64], messages: int, now_ns: int) -> None:
        """These numbers have come in so many messages; some perhaps twice."""
        fresh = np.unique(seqs)
        places = fresh[self._cells[_HEAD + fresh] == 0] + _HEAD
        self._cells[places] = now_ns
        self._cells[_EVENTS] += len(places)
        self._cells[_MESSAGES] += messages
        self._cells[_AGAIN] += len(seqs) - len(places)


def count(port: int, arrivals: Arrivals) -> None:
    """Count until killed."""
    with Client(port, "counter") as client:
        client.subscribe(EVERY_GATEWAY)
        arrivals.note(_numbers([]), 0, 0)  # numpy loads parts of itself when first used
        arrivals.subscribed()
        while True:
            data, found = client.receive()
            now_ns = monotonic_ns()
            messages = [_message(data, begin, end) for kind, begin, end in found if kind == PUBLISH]
            client.send(b"".join(packet(PUBACK, mid) for mid, _ in messages))
            ids = [each for _, payload in messages for each in _ID.findall(payload)]
            if ids:
                arrivals.note(_numbers(ids), len(messages), now_ns)


def _numbers(ids: list[bytes]) -> npt.NDArray[np.int64]:
    return np.array(ids, dtype="S19").astype(np.int64)


def _message(data: bytes, begin: int, end: int) -> tuple[bytes, bytes]:
    """Packet id and payload of a PUBLISH with QoS 1, unpacked."""
    (topic_bytes,) = struct.unpack_from(">H", data, begin)
    start = begin + 2 + topic_bytes
    payload = data[start + 2 : end]
    if payload.startswith(_GZIP_MAGIC):
        payload = zlib.decompress(payload, _GZIP_WINDOW)
    return data[start : start + 2], payload


@asynccontextmanager
async def counting(directory: Path, port: int, events: int) -> AsyncIterator[Arrivals]:
    """A counter on the broker at `port`, for event numbers up to `events`."""
    arrivals = Arrivals(directory / f"arrivals-{port}", events)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.counter", str(port), str(arrivals.path),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            while not arrivals.ready:
                await asyncio.sleep(0.01)
        yield arrivals
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    count(int(sys.argv[1]), Arrivals(Path(sys.argv[2])))
