"""Rows that are read to be sent together: nothing but their numbers and bodies, verified."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Generic, TypeVar

from gateway.journal.records import SELECT, sound
from gateway.ranges import Range

T = TypeVar("T")

_TOGETHER = 64
"""Rows taken from SQLite at a time: 1.3 µs a row with their check, one by one 1.5."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that go together."""

    numbers: Sequence[int]
    """In the order of the bodies."""
    bodies: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Gathered(Generic[T]):
    """What was made of the rows found, None if there were none; and which they were."""

    made: T | None
    numbers: Sequence[int]
    damaged: Sequence[int]


def gather(
    spans: Iterable[Range],
    max_bytes: int,
    make: Callable[[Batch], T],
    connection: sqlite3.Connection,
) -> Gathered[T]:
    """What `make` makes of the rows within `spans`, up to `max_bytes` of bodies with a byte
    between them; of the first one whatever its size."""
    numbers: list[int] = []
    bodies: list[bytes] = []
    damaged: list[int] = []
    room = max_bytes + 1
    for span in spans:
        query = connection.execute(f"{SELECT} WHERE seq BETWEEN ? AND ? ORDER BY seq", span)
        with closing(query):  # an open read would keep the WAL from being reused
            for columns in chain.from_iterable(iter(partial(query.fetchmany, _TOGETHER), [])):
                if not sound(columns):
                    damaged.append(columns[0])
                    continue
                body = columns[-1]
                room -= len(body) + 1
                if room < 0 and numbers:
                    return Gathered(make(Batch(numbers, bodies)), numbers, damaged)
                numbers.append(columns[0])
                bodies.append(body)
    return Gathered(make(Batch(numbers, bodies)) if numbers else None, numbers, damaged)
