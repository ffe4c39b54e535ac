"""An asyncio loop whose time is virtual: where nothing can happen before a timer, it is due now.

Real things take no virtual time: work in other threads and bytes between sockets of this process.
So the clock stands still while a thread works for the loop, which is known from the futures that
wait for one, and it gives what is under way between sockets the time to get there.
"""

import asyncio
import os
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar

import aiosqlite.core

T = TypeVar("T")

_HANG_S = 30.0
"""A thread that takes longer than this in real time will never answer."""
_PATIENCE_S = 0.001
_IDLE = ("MainThread", "asyncio_", "_connection_worker_thread")
"""In the names of threads that wait for work: what they have to do is known otherwise."""
_LOOKS = 8
"""Before the clock jumps: what was written to a socket is nearly always readable on the other one
at once, and else when the kernel has had its turn. A miss would only be a delay."""


class _VirtualSelector(selectors.DefaultSelector):
    """Waits in real time for threads and sockets only; where it would wait for a timer it jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.working = 0
        """Threads that are at work for the loop."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        given_up = monotonic() + _HANG_S
        while timeout is None or self.working or _others_work():
            if ready := super().select(_PATIENCE_S):
                return ready
            assert monotonic() < given_up, "nothing will ever happen"
        for _ in range(_LOOKS):
            os.sched_yield()
            if ready := super().select(0):
                return ready
        self.now += timeout
        return []


def _others_work() -> bool:
    """Whether there is a thread that was started for one thing, and will tell the loop."""
    return any(not any(name in thread.name for name in _IDLE) for thread in threading.enumerate())


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; `time` begins at 0."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As always; the clock stands still meanwhile."""
        return self.thread_works(super().run_in_executor(executor, func, *args))

    def thread_works(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """The clock stands still until `future` is done, which a thread will see to."""
        self._virtual.working += 1
        future.add_done_callback(self._thread_has_worked)
        return future

    def _thread_has_worked(self, _: object) -> None:
        self._virtual.working -= 1


class _WatchedQueue(SimpleQueue[Any]):
    """What an aiosqlite connection gives its thread to do: a future and the work."""

    def put_nowait(self, item: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        if item[0] is not None:
            loop.thread_works(item[0])
        super().put_nowait(item)


@contextmanager
def _threads_watched() -> Iterator[None]:
    # The only place where aiosqlite can be seen from outside handing over work.
    plain = vars(aiosqlite.core)["SimpleQueue"]
    vars(aiosqlite.core)["SimpleQueue"] = _WatchedQueue
    try:
        yield
    finally:
        vars(aiosqlite.core)["SimpleQueue"] = plain


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in virtual time."""
    with _threads_watched(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
