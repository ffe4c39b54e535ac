"""The gateway with a part that hangs when it is told to: what a watchdog is for.

`python -m tests.faults.hangs HANG run FILE` is `checkpoint-gateway run FILE` until SIGUSR1. The
product has no switch for any of this: the hangs are put on from outside.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from gateway import cli
from gateway.notify import Watchdog
from gateway.recorder import Recorder
from gateway.turns import Turns
from gateway.uplink.sender import Sender
from tests.faults.mutants import resolving

HUNG = "it hangs since"
"""Said with the time by the monotonic clock."""


class Hang(StrEnum):
    """What hangs."""

    RECORDER = "recorder"
    SENDER = "sender"
    TIMER = "timer"
    """The recorder, under a watchdog that is fed by a timer: nobody will notice."""
    RESOLVER = "resolver"
    """Names are looked up in threads that Python waits for when it ends."""


class _Switch:
    """Whether it hangs by now."""

    on = False


def _hanging(sound: Callable[..., Any]) -> Callable[..., Any]:
    """`sound` until it is told to hang."""

    async def whether(*arguments: Any) -> Any:
        if _Switch.on:
            _tell()
            await asyncio.Event().wait()
        return await sound(*arguments)

    return whether


def _tell() -> None:
    sys.stderr.write(f"{HUNG} {time.monotonic()}\n")


async def _fed_by_a_timer(_watchdog: Watchdog, _name: str, turns: Turns) -> None:
    """Ask, and wait for no answer."""
    if turns.wake:
        turns.wake()


_RECORDER = (Recorder, "_next", _hanging(Recorder._next))
_MUTATIONS: dict[Hang, list[tuple[object, str, Callable[..., Any]]]] = {
    Hang.RECORDER: [_RECORDER],
    Hang.SENDER: [(Sender, "_turn", _hanging(Sender._turn))],
    Hang.RESOLVER: [resolving()],
    Hang.TIMER: [_RECORDER, (Watchdog, "_wait_for", _fed_by_a_timer)],
}


def _apply(hang: Hang) -> None:
    for owner, name, broken in _MUTATIONS[hang]:
        setattr(owner, name, broken)

    def begin(*_: object) -> None:
        _Switch.on = True

    signal.signal(signal.SIGUSR1, begin)


if __name__ == "__main__":
    _apply(Hang(sys.argv[1]))
    sys.exit(cli.main(sys.argv[2:]))
