"""At the gate: undelivered records onto a stick, part by part, beside a gateway that records.

A part is marked when it is on the stick, and only then. What has broken off is gone on with: parts
that are whole stay, what is not whole is made again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from pydantic_core import to_json

from gateway.errors import GatewayError
from gateway.journal.exports import Exports, Mark
from gateway.ranges import Range, Ranges, runs, total
from gateway.stick.folder import MANIFEST, Folder, name_after
from gateway.stick.part import Header, Part, PartError, assemble, encoded
from gateway.stick.source import Lives, Source

SPARE_BYTES = 1 << 20
"""Of the stick: for the manifest, and for what the centre notes there."""

Advance = Callable[[int], object]
"""Told how many more are done."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Where the records are to go, and to whose key they are sealed."""

    gateway: str
    topic: str
    recipient: X25519PublicKey | None


@dataclass(slots=True)
class Result:
    """What a run has come to."""

    parts: int = 0
    events: int = 0
    bytes: int = 0
    left: int = 0
    """Events for which there was no room on the stick."""
    found: int = 0
    """Parts that were on the stick already."""
    broken: list[str] = field(default_factory=list)
    """Files that were no whole parts, and are deleted."""
    unmarked: GatewayError | None = None
    """Why what is on the stick could not be marked."""


class TakeOut:
    """One run for one gate and one stick; for the stick's sake any method may raise OSError."""

    def __init__(
        self,
        source: Source,
        sender: Sender,
        folder: Folder,
        exports: Exports,
        stamp: Callable[[Part], Mark],
    ) -> None:
        self._source = source
        self._sender = sender
        self._folder = folder
        self._exports = exports
        self._stamp = stamp
        self._there: dict[str, Part] = {}
        self.result = Result()

    def look_over(self, names: list[str], advance: Advance) -> None:
        """Find out which of the files are parts; what is none goes."""
        self._folder.sweep()
        for name in names:
            try:
                part = self._folder.part(name)
            except PartError:
                self._folder.drop(name)
                self.result.broken.append(name)
            else:
                # Its events are not needed any more, and there may be many parts.
                self._there[name] = Part(part.header, part.head, b"", part.digest)
            advance(1)
        self.result.found = len(self._there)

    def plan(self, *, skip_exported: bool) -> Lives:
        """What is to be taken out: what waits and is not on this stick or, if that is to be
        skipped, on any.

        Raises:
            GatewayError: the journal cannot be read.
        """
        waiting = self._source.waiting()
        self._settle_marks(waiting)
        out: list[Header | Mark] = [each.header for each in self._there.values()]
        out += self._exports.marks() if skip_exported else []
        for found in out:
            for each in found.ranges if found.epoch in waiting else ():
                waiting[found.epoch].remove(*each)
        return {epoch: numbers for epoch, numbers in waiting.items() if numbers}

    def write(self, planned: Lives, advance: Advance) -> None:
        """Take out what was `planned`, as far as the stick has room, and list what is there.

        Raises:
            GatewayError: the journal cannot be read.
        """
        for epoch, numbers in planned.items():
            while batch := self._source.next(epoch, numbers):
                sender, ranges = self._sender, list(runs(batch.numbers))
                part = assemble(
                    sender.gateway, sender.topic, epoch, ranges, batch.bodies, sender.recipient
                )
                if not self._keep(part):
                    break
                for each in ranges:
                    numbers.remove(*each)
                advance(len(batch.numbers))
            self.result.left += total(numbers)
        self._list()

    def _keep(self, part: Part) -> bool:
        """Put `part` on the stick and mark it; false if there is no room."""
        content = encoded(part)
        if self._folder.free_bytes() < len(content) + SPARE_BYTES:
            return False
        name = name_after(self._there)
        self._folder.put(name, content)
        self._there[name] = Part(part.header, part.head, b"", part.digest)
        try:
            self._exports.add(self._stamp(part))
        except GatewayError as error:  # a full disk is a reason to take records out
            self.result.unmarked = error
        self.result.parts += 1
        self.result.events += part.header.count
        self.result.bytes += len(content)
        return True

    def _settle_marks(self, waiting: Lives) -> None:
        """Drop marks of what waits no more, and mark what a crash has kept from being marked.

        Of a life that nobody here knows any more the sticks may have the only copy.
        """
        marks = [
            mark
            for mark in self._exports.marks()
            if mark.epoch not in waiting or _waits(mark.epoch, mark.ranges, waiting)
        ]
        known = {mark.sha256 for mark in marks}
        for part in self._there.values():
            head = part.header
            if part.digest not in known and _waits(head.epoch, head.ranges, waiting):
                marks.append(self._stamp(part))
        try:
            self._exports.keep(marks)
        except GatewayError as error:
            self.result.unmarked = error

    def _list(self) -> None:
        document = {
            "format": "checkpoint-gateway manifest 1",
            "gateway": self._sender.gateway,
            "complete": not self.result.left,
            "parts": {name: part.digest for name, part in self._there.items()},
        }
        self._folder.put(MANIFEST, to_json(document, indent=1) + b"\n")


def _waits(epoch: str, ranges: list[Range], waiting: Lives) -> bool:
    """Whether any of these numbers does."""
    numbers = waiting.get(epoch, Ranges())
    return any(total(numbers.gaps(first - 1, last)) < last - first + 1 for first, last in ranges)
