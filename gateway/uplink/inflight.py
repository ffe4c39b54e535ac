"""The messages on their way: who waits for which acknowledgement, and for how long already."""

import asyncio

from gateway.errors import LinkError


class InFlight:
    """Packet ids that the broker owes an acknowledgement, in the order of sending."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._loop = asyncio.get_running_loop()
        self._oldest_since = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, mid: int) -> asyncio.Future[int]:
        """Expect the acknowledgement of `mid`; the future's result will be its reason code."""
        if not self._waiting:
            self._oldest_since = self._loop.time()
        future = self._waiting[mid] = self._loop.create_future()
        return future

    def answered(self, code: int) -> asyncio.Future[int]:
        """The answer to something that nobody will acknowledge."""
        future: asyncio.Future[int] = self._loop.create_future()
        future.set_result(code)
        return future

    def settle(self, mid: int, code: int) -> None:
        """The broker has acknowledged `mid`; an id it invented is ignored."""
        if mid not in self._waiting:
            return
        # Brokers acknowledge in order, so each message's time begins when it becomes the oldest:
        # a thin line gets its time for every message, and one forgotten message is still found.
        if mid == next(iter(self._waiting)):
            self._oldest_since = self._loop.time()
        future = self._waiting.pop(mid)
        if not future.done():  # whoever waited may have been cancelled
            future.set_result(code)

    def oldest_s(self) -> float:
        """For how many seconds the oldest message has been waiting as such; 0 if there is none."""
        return self._loop.time() - self._oldest_since if self._waiting else 0.0

    def fail(self, error: LinkError) -> None:
        """Nothing will be acknowledged any more."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # so that one nobody waits for is not reported as forgotten
        self._waiting.clear()
