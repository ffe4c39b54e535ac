"""At the centre: what is on a stick goes to the broker as its gateway would have sent it.

A stick is what somebody found in the post. A part counts as a whole or not at all: it is held in
memory, and only when nothing in it is wrong is any of it published.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.errors import GatewayError
from gateway.journal import Batch
from gateway.stick.contents import events_of
from gateway.stick.folder import IMPORTED, MANIFEST, Folder
from gateway.stick.part import PartError
from gateway.uplink.link import Link
from gateway.uplink.packing import GZIP, Order, pack
from gateway.uplink.streams import ACCEPTED, DENIED, NOBODY_SUBSCRIBED

_ROWS = 500
_WINDOW = 8
_CONTENT_TYPE = "application/cloudevents-batch+json"
_MOST_PARTS = 100_000
_MOST_LIST_BYTES = 16 << 20
_NOTE = re.compile(r"([0-9a-f]{64}) .*")

Advance = Callable[[int], object]
"""Told how many events more the broker has."""


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    format: Literal["checkpoint-gateway manifest 1"]
    complete: bool
    parts: Annotated[
        dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]],
        Field(max_length=_MOST_PARTS),
    ]


@dataclass(slots=True)
class Result:
    """What the import of one folder has come to."""

    events: int = 0
    parts: int = 0
    before: int = 0
    """Parts that had been imported before."""
    refused: dict[str, str] = field(default_factory=dict)
    """Names of files, and what is wrong with them."""
    notes: list[str] = field(default_factory=list)
    """What somebody should know, in sentences."""


class BringIn:
    """One run for one folder."""

    def __init__(
        self, folder: Folder, key: X25519PrivateKey | None, now: Callable[[], str]
    ) -> None:
        self._folder = folder
        self._key = key
        self._now = now
        self._noted: dict[str, str] = {}
        """When each part was imported, by its checksum."""
        self._seen: dict[str, str] = {}
        """Checksum of each part there is, by its name."""
        self.result = Result()

    async def run(self, link: Link, advance: Advance, *, again: bool) -> None:
        """Publish every part that is in order; if it has been before, only when `again` is asked.

        Raises:
            GatewayError: the broker does not take it, or the link has ended.
            OSError: the stick cannot be read.
        """
        self._noted = {} if again else self._read_notes()
        for name in self._folder.parts():
            try:
                part = self._folder.part(name)
                self._seen[name] = part.digest
                if part.digest in self._noted:
                    self.result.before += 1
                    continue
                bodies = events_of(part, self._key)
            except PartError as error:
                self.result.refused[name] = str(error)
                continue
            await publish(link, part.header.topic, bodies, advance)
            self.result.parts += 1
            self.result.events += len(bodies)
            self._note(part.digest)
        self._compare()

    def _read_notes(self) -> dict[str, str]:
        try:
            text = self._folder.read(IMPORTED, _MOST_LIST_BYTES).decode("ascii", "replace")
        except (FileNotFoundError, PartError):
            return {}
        found = [note for line in text.splitlines() if (note := _NOTE.fullmatch(line))]
        return {note[1]: note[0] for note in found}

    def _note(self, digest: str) -> None:
        """Where the stick cannot be written, the next run begins anew, and what comes twice is
        dropped by its id."""
        self._noted[digest] = f"{digest} {self._now()}"
        try:
            self._folder.put(IMPORTED, "".join(f"{n}\n" for n in self._noted.values()).encode())
        except OSError as error:
            said = (
                f"the stick cannot be written ({error.strerror}): another run would send all again"
            )
            if said not in self.result.notes:
                self.result.notes.append(said)

    def _compare(self) -> None:
        """Tell what the manifest says and is not so."""
        say = self.result.notes.append
        try:
            content = self._folder.read(MANIFEST, _MOST_LIST_BYTES)
            manifest = _Manifest.model_validate_json(content)
        except (FileNotFoundError, PartError, ValidationError):
            say("there is no manifest: the export was broken off, and what there is has no end")
            return
        if not manifest.complete:
            say("the stick was full: there is more at the gate")
        for name, digest in manifest.parts.items():
            if self._seen.get(name) != digest and name not in self.result.refused:
                found = "another file" if name in self._seen else "missing"
                self.result.refused[name] = (
                    f"by the manifest it is part of the export; it is {found}"
                )


async def publish(link: Link, topic: str, bodies: list[bytes], advance: Advance) -> None:
    """Send events in batches, and return when the broker has acknowledged all of them.

    Raises:
        GatewayError: it does not take one, or the link has ended.
    """
    window = min(_WINDOW, link.limits.window)
    order = Order(_ROWS, link.limits.payload, GZIP, link.limits.payload)
    flying: deque[tuple[int, asyncio.Future[int]]] = deque()
    at = 0
    while at < len(bodies) or flying:
        if at < len(bodies) and len(flying) < window:
            some = bodies[at : at + _ROWS]
            packed = pack(Batch(range(len(some)), some), order)
            answer = link.publish(
                topic, packed.payload, content_type=_CONTENT_TYPE, encoding=packed.encoding
            )
            flying.append((len(packed.numbers), answer))
            at += len(packed.numbers)
        else:
            count, answer = flying.popleft()
            _require_accepted(await answer, topic)
            advance(count)


def _require_accepted(code: int, topic: str) -> None:
    if code == ACCEPTED:
        return
    why = {
        DENIED: f"this user may not write {topic}; give it the right to write every up/batch",
        NOBODY_SUBSCRIBED: f"nobody has subscribed to {topic}; start the centre first",
    }.get(code, f"the broker refuses a message on {topic} with reason 0x{code:02x}")
    raise GatewayError(f"{why}. Then the same command goes on from here")
