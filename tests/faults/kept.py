"""What a journal still holds after a fault, and whether that is what had been promised."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.events import event_id
from gateway.journal import Journal
from gateway.journal.aside import asides
from tests.journal.journals import query

SOURCE = "/gateways/410102011003007"


class ViolationError(AssertionError):
    """A promise has been broken; what a mutant must bring about and the product never may."""


@dataclass(frozen=True)
class Kept:
    """The journal's rows, by number."""

    epoch: str
    last_seq: int
    bodies: dict[int, bytes]

    def verify(self, epoch: str, recorded: int, received: Iterable[dict[str, Any]] = ()) -> None:
        """Hold it against what had been reported as recorded, and what had arrived.

        Raises:
            ViolationError: something is missing, or is not what it was.
        """
        if recorded and self.epoch != epoch:
            raise ViolationError(f"epoch {epoch} with {recorded} events has become {self.epoch}")
        if self.last_seq < recorded:
            raise ViolationError(
                f"{recorded - self.last_seq} of {recorded} recorded events are lost"
            )
        if sorted(self.bodies) != list(range(1, self.last_seq + 1)):
            raise ViolationError("the sequence has a hole")
        for seq, body in self.bodies.items():
            content = json.loads(body)
            if content["id"] != event_id(self.epoch, seq) or int(content["sequence"]) != seq:
                raise ViolationError(f"row {seq} is {content['id']}")
        for content in received:
            self._verify_arrived(content)

    def verify_delivered(self, received: Iterable[dict[str, Any]]) -> None:
        """Hold it against all that the centre took as new in the whole life of the journal.

        Raises:
            ViolationError: an event is missing, altered, made up, or counted twice.
        """
        seqs = [self._verify_arrived(content) for content in received]
        if missing := set(self.bodies) - set(seqs):
            raise ViolationError(f"{len(missing)} of {self.last_seq} events never arrived")
        if twice := len(seqs) - len(self.bodies):
            raise ViolationError(f"{twice} events are counted twice")

    def _verify_arrived(self, content: dict[str, Any]) -> int:
        seq = int(content["sequence"])
        if json.loads(self.bodies.get(seq, b"{}")) != content:
            raise ViolationError(f"{content['id']} arrived and is not in the journal like that")
        return seq


async def kept(path: Path) -> Kept:
    """What is in the journal at `path`, first by the program's own eyes, then by SQLite's.

    Raises:
        JournalError: it cannot be opened or read.
        ViolationError: the program and SQLite do not agree, or the file is damaged.
    """
    journal = await Journal.open(path, source=SOURCE, clock=Clock())
    try:
        waiting = await journal.read(0, max_rows=1 << 30, max_bytes=1 << 40)
        epoch, counts = journal.epoch, journal.counts()
    finally:
        await journal.close()
    bodies = dict(query(path, "SELECT seq, body FROM event ORDER BY seq"))
    if asides(path) or query(path, "PRAGMA integrity_check") != [("ok",)]:
        raise ViolationError(
            "the journal is damaged: the events in it are lost to its present life"
        )
    if len(waiting) != counts.waiting:
        raise ViolationError(f"{counts.waiting} rows should wait, but {len(waiting)} can be read")
    if any(bodies.get(row.seq) != row.body for row in waiting):
        raise ViolationError("what is waiting to be sent is not what is stored")
    return Kept(epoch, counts.last_seq, bodies)
