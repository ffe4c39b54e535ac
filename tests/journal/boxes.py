"""Boxes whose wall clock is wrong, and their journals."""

import time

from msgspec.structs import replace

from gateway.clock import Clock
from gateway.events import Draft
from gateway.journal import Journal
from tests.brokers import until
from tests.journal.journals import note

YEARS_MS = 56 * 365 * 86_400_000


class Box:
    """A box whose wall clock is wrong until its time source comes."""

    def __init__(self, *, floor_ms: int = 0) -> None:
        self.floor_ms = floor_ms
        self.wrong_ms = -YEARS_MS
        self.right = False
        self.clock = self.booted("boot-1")

    def booted(self, boot: str) -> Clock:
        return Clock(
            wall_ns=lambda: time.time_ns() + self.wrong_ms * 1_000_000,
            synchronised=lambda: self.right,
            boot=boot,
            floor_ms=self.floor_ms,
        )

    def comes_right(self) -> None:
        self.wrong_ms, self.right = 0, True

    def notes(self, *numbers: int) -> list[Draft]:
        return [replace(note(number), stamp=self.clock.now()) for number in numbers]


async def corrected(journal: Journal) -> None:
    """Wait until nothing is left to be put right."""
    await until(lambda: not any(journal.dating.open(1, journal.last_seq)))
