"""Export and import in the test's own process, and what can be seen of a stick."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.journal.exports import Exports, Mark
from gateway.ranges import runs
from gateway.stick.bring_in import BringIn
from gateway.stick.bring_in import Result as Imported
from gateway.stick.contents import events_of
from gateway.stick.folder import Folder, folder_for, folders_on
from gateway.stick.part import Part, assemble, decoded, encoded
from gateway.stick.source import Source
from gateway.stick.take_out import Result as Exported
from gateway.stick.take_out import Sender, TakeOut
from gateway.topics import Topics
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from tests.uplink.gate import PLACE

KEY = X25519PrivateKey.generate()
"""The centre's."""
TOPIC = Topics(PLACE).batch
EPOCH = "k3f4x2m7"


def body(seq: int, *, epoch: str = EPOCH, gateway: str = PLACE.id, **others: object) -> bytes:
    """An event as a gateway writes it."""
    event = {
        "specversion": "1.0",
        "id": f"{epoch}-{seq}",
        "source": f"/gateways/{gateway}",
        "type": "checkpoint.scan.v1",
        "sequence": f"{seq:012d}",
        "data": {"n": seq},
        **others,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def part_of(*seqs: int, sealed: bool = False) -> Part:
    """A part with these events."""
    ranges = list(runs(seqs))
    recipient = KEY.public_key() if sealed else None
    return assemble(PLACE.id, TOPIC, EPOCH, ranges, [body(seq) for seq in seqs], recipient)


def forged(lines: bytes, **others: object) -> Part:
    """A part with a right checksum, and otherwise what somebody would like to have in it."""
    head = {
        "format": "checkpoint-gateway export 1",
        "gateway": PLACE.id,
        "topic": TOPIC,
        "epoch": EPOCH,
        "ranges": [[1, 1]],
        "bytes": len(lines),
        **others,
    }
    first = json.dumps(head).encode() + b"\n"
    digest = hashlib.sha256(first + lines).hexdigest()
    return decoded(encoded(Part(part_of(1).header, first, lines, digest)))


def take_out(journal: Path, stick: Path, *, skip: bool = False, sealed: bool = False) -> Exported:
    """What `checkpoint-gateway export` does."""
    exports = Exports(journal)
    folder = folder_for(stick, PLACE.id)
    sender = Sender(PLACE.id, TOPIC, KEY.public_key() if sealed else None)

    def stamp(part: Part) -> Mark:
        return Mark("", "test", str(stick), part.digest, part.header.epoch, part.header.ranges)

    with exports.held():
        work = TakeOut(Source(journal, PLACE.id), sender, folder, exports, stamp)
        work.look_over(folder.parts(), lambda _: None)
        work.write(work.plan(skip_exported=skip), lambda _: None)
    return work.result


async def bring_in(port: int, stick: Path, *, again: bool = False) -> Imported:
    """What `checkpoint-gateway import` does with the first folder."""
    async with open_link(LinkOptions("127.0.0.1", port, "stick-import")) as link:
        work = BringIn(folders_on(stick)[0], KEY, lambda: "now")
        async with asyncio.timeout(30):
            await work.run(link, lambda _: None, again=again)
        await link.disconnect()
    return work.result


@dataclass(frozen=True)
class OnStick:
    """The whole parts of the only folder on a stick."""

    parts: dict[str, Part]

    @classmethod
    def of(cls, stick: Path) -> "OnStick":
        """By its folder; every file that bears a part's name must be one."""
        folder: Folder = folders_on(stick)[0]
        return cls({name: folder.part(name) for name in folder.parts()})

    @property
    def digests(self) -> set[str]:
        """Of all parts."""
        return {part.digest for part in self.parts.values()}

    @property
    def contents(self) -> list[dict[str, Any]]:
        """All events, in their order."""
        parts = self.parts.values()
        return [json.loads(line) for part in parts for line in events_of(part, KEY)]
