"""The gateway with one promise broken: what every harness must find out, or it proves nothing.

`python -m tests.faults.mutants NAME run FILE` is `checkpoint-gateway run FILE` with the mutation
NAME. The product has no switch for any of this: the mutations are put on from outside.
"""

import asyncio
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any

from drivers import gy_mcu906
from drivers.camera import process
from drivers.wire import names
from gateway import cli, clock
from gateway.events import Draft, Observation
from gateway.holding import Holding
from gateway.journal import ballast, dating, purge, store
from gateway.journal.witness import Claim
from gateway.recorder import Recorder
from gateway.stick import folder
from gateway.timefloor import TimeFloor
from gateway.uplink import dial, link, recall
from gateway.uplink.link import Link
from gateway.uplink.session import Session


class Mutant(StrEnum):
    """A promise, broken."""

    NORMAL = "synchronous=NORMAL"
    ROLLBACK = "journal_mode=DELETE"
    ACK_FIRST = "acknowledge first"
    CONFIRM_FIRST = "confirm before PUBACK"
    DELETE_FIRST = "delete before confirmed"
    SILENT = "lose in silence"
    HOARD = "keep the ballast"
    FORGETFUL = "resend only what is unconfirmed"
    HOARDED_EVENTS = "keep every event in memory"
    HOARDED_SOCKETS = "keep the sockets of lost links"
    HOARDED_TASKS = "keep the tasks of lost links"
    PATIENT = "wait for the eye without end"
    TRUSTING = "take frames with a wrong sum"
    RESOLVING = "wait for the resolver at the end"
    UNSYNCED = "mark what is not on the stick yet"
    MARK_CONFIRMS = "take a mark for a delivery"
    UNSEALED = "correct what was sent"
    WALL_ORDER = "order by wall time"
    WALL_AGE = "delete by the wall clock"
    UNFLAGGED = "trust a clock that was set"
    FLOORLESS = "forget the time floor"
    NO_DEDUPLICATION = "no deduplication"
    """The centre's, not the gateway's: see `tests.faults.site`."""


_Mutation = tuple[object, str, object]
"""Whose attribute, its name, and what stands there instead."""


@contextmanager
def mutated(mutant: Mutant | None) -> Iterator[None]:
    """Within the block this process's gateway is the mutant."""
    mutation = _MUTATIONS.get(mutant) if mutant else None
    if mutation is None:
        yield
        return
    owner, name, broken = mutation()
    sound = getattr(owner, name)
    setattr(owner, name, broken)
    try:
        yield
    finally:
        setattr(owner, name, sound)


def _set_after_all(pragma: str) -> _Mutation:
    """Undo a setting when the product has asserted it."""
    prepare = store._prepare

    def prepare_badly(connection: sqlite3.Connection) -> None:
        prepare(connection)
        connection.execute(pragma)

    return store, prepare.__name__, prepare_badly


def _acknowledge_first() -> _Mutation:
    """Say that events are stored, then store them."""
    write = store.Store.write
    writing: set[asyncio.Task[None]] = set()

    async def acknowledge(
        self: store.Store, work: Callable[..., Any], claim: Claim | None = None
    ) -> Any:
        if claim is None:  # no events
            return await write(self, work)
        task = asyncio.create_task(write(self, work, claim))
        writing.add(task)
        task.add_done_callback(writing.discard)
        return None

    return store.Store, write.__name__, acknowledge


def _confirm_first() -> _Mutation:
    """Take for acknowledged what has only been sent."""
    publish = Link.publish

    def publish_and_forget(link: Link, *message: Any, **how: Any) -> asyncio.Future[int]:
        publish(link, *message, **how)
        acknowledged: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(0)
        return acknowledged

    return Link, publish.__name__, publish_and_forget


def _delete_first() -> _Mutation:
    """Delete delivered rows before it is durable that they have been delivered."""
    delete = purge.delete

    def delete_only(seqs: Sequence[int], _: object, connection: sqlite3.Connection) -> int:
        return delete(seqs, (), connection)

    return purge, delete.__name__, delete_only


def _silent() -> _Mutation:
    """Never declare what memory had no room for while the disk took nothing."""
    return Holding, "lost_since_told", property(lambda _: 0)


def _hoard() -> _Mutation:
    """Never give up the room that was kept for a full disk."""
    return ballast.Ballast, "relieve", lambda _: False


def _forgetful() -> _Mutation:
    """Take the centre's question for answered by what had been confirmed."""
    return recall.Recall, "ask", lambda *_: None


def _hoard_events() -> _Mutation:
    """Forget no observation."""
    take = Recorder.take
    kept: list[Observation] = []

    async def take_and_keep(self: Recorder, observation: Observation) -> None:
        kept.append(observation)
        await take(self, observation)

    return Recorder, take.__name__, take_and_keep


def _hoard_sockets() -> _Mutation:
    """Hold on to every connection."""
    connect = dial.dial
    kept: list[socket.socket] = []

    async def dial_and_keep(*where: Any) -> socket.socket:
        sock = await connect(*where)
        kept.append(sock.dup())
        return sock

    return link, connect.__name__, dial_and_keep


def _hoard_tasks() -> _Mutation:
    """Let something of every link go on."""
    opening = Link.open
    kept: list[asyncio.Task[None]] = []

    async def open_and_stay(self: Link) -> None:
        await opening(self)
        kept.append(asyncio.create_task(asyncio.sleep(3600)))

    return Link, opening.__name__, open_and_stay


def _patient() -> _Mutation:
    """Never take the camera's process to hang."""
    return process, "GRACE_S", 1e6


def _trusting() -> _Mutation:
    """Do not look at the sum of a frame."""
    return gy_mcu906, "_LAYOUT", replace(gy_mcu906._LAYOUT, intact=lambda *_: True)


def resolving() -> tuple[Any, str, Callable[..., Any]]:
    """Ask for names in a thread that the loop waits for when it ends."""

    async def resolve(host: str, port: int, family: int = 0) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

    return names, resolve.__name__, resolve


def _unsynced() -> _Mutation:
    """Do not wait for the stick."""
    return folder, folder.settle.__name__, lambda _: None


def _mark_confirms() -> _Mutation:
    """Count as delivered what went out by stick."""
    name = "_doubt_exported"
    assert hasattr(Session, name)

    async def confirm(session: Session) -> None:
        journal = session._journal
        for first, last in journal.exports.of(journal.epoch):
            journal.confirm_range(first, last)

    return Session, name, confirm


def _unsealed() -> _Mutation:
    """Correct times of events that may have been sent."""

    async def seal(*_: object) -> None:
        pass

    return dating.Dating, seal.__name__, seal


def _wall_order() -> _Mutation:
    """Number what comes within a tenth of a second by its wall time."""
    take_next = Recorder._next

    async def next_by_wall(self: Recorder) -> list[Draft]:
        drafts = await take_next(self)
        await asyncio.sleep(0.1)
        drafts += await take_next(self)
        return sorted(drafts, key=lambda each: each.stamp.wall_ms)

    return Recorder, take_next.__name__, next_by_wall


def _wall_age() -> _Mutation:
    """Take a clock that has just been set for the truth."""
    return clock.Clock, "steady", lambda *_: True


def _unflagged() -> _Mutation:
    """Not notice that somebody has set the clock."""
    return clock, "_STEP_NS", 1 << 62


def _floorless() -> _Mutation:
    """Forget over a power cut what time it was."""
    return TimeFloor, "load", lambda _: 0


_MUTATIONS: dict[Mutant, Callable[[], _Mutation]] = {
    Mutant.NORMAL: partial(_set_after_all, "PRAGMA synchronous = NORMAL"),
    Mutant.ROLLBACK: partial(_set_after_all, "PRAGMA journal_mode = DELETE"),
    Mutant.ACK_FIRST: _acknowledge_first,
    Mutant.CONFIRM_FIRST: _confirm_first,
    Mutant.DELETE_FIRST: _delete_first,
    Mutant.SILENT: _silent,
    Mutant.HOARD: _hoard,
    Mutant.FORGETFUL: _forgetful,
    Mutant.HOARDED_EVENTS: _hoard_events,
    Mutant.HOARDED_SOCKETS: _hoard_sockets,
    Mutant.HOARDED_TASKS: _hoard_tasks,
    Mutant.PATIENT: _patient,
    Mutant.TRUSTING: _trusting,
    Mutant.RESOLVING: resolving,
    Mutant.UNSYNCED: _unsynced,
    Mutant.MARK_CONFIRMS: _mark_confirms,
    Mutant.UNSEALED: _unsealed,
    Mutant.WALL_ORDER: _wall_order,
    Mutant.WALL_AGE: _wall_age,
    Mutant.UNFLAGGED: _unflagged,
    Mutant.FLOORLESS: _floorless,
}


if __name__ == "__main__":
    with mutated(Mutant(sys.argv[1])):
        sys.exit(cli.main(sys.argv[2:]))
