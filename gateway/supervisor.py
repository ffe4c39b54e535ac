"""Keeps one device running: restarts its driver after every failure and says each thing once."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

from drivers.base import DeviceError, DeviceObserved, DeviceState, Driver, Reading
from gateway.clock import Clock, Stamp
from gateway.errors import GatewayError
from gateway.events import Observation, Origin
from gateway.glimpse import Glimpse, glimpse

_log = logging.getLogger(__name__)

Deliver = Callable[[Observation], Awaitable[None]]
"""Takes an observation on towards the recorder; waits while there is no room."""


@contextmanager
def contained(whose: str, meant: type[Exception] = DeviceError) -> Iterator[None]:
    """Code of drivers, `whose` in words; whatever it raises becomes a DeviceError, but for what is
    `meant` to be raised there.

    A bug in the camera's driver must not stop the lock: this is the one place where any exception
    is contained.

    Raises:
        DeviceError: the driver's own, or in place of a bug.
        GatewayError: the gateway's own, from what it calls in there.
    """
    try:
        yield
    except (DeviceError, GatewayError, meant):
        raise
    except Exception as bug:
        _log.exception("a bug in %s", whose)
        raise DeviceError(f"{whose} failed; the log has the details") from bug


class Backoff:
    """Waiting times that double from `first_s` to `most_s`, each cut by up to a half at random.

    The cut keeps a hundred boxes, or eight devices on one hub, from knocking in step.
    """

    def __init__(self, first_s: float, most_s: float, rng: random.Random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._rng = rng
        self._next_s = first_s

    def next(self) -> float:
        """Seconds to wait before the next try."""
        wait_s = self._next_s
        self._next_s = min(self._most_s, wait_s * 2)
        return wait_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """The next wait is the first again."""
        self._next_s = self._first_s


class Supervisor:
    """Runs one driver for ever and turns its readings into observations."""

    SETTLED_S = 5.0
    """A device that stayed this long starts with the shortest wait again; one that comes and goes
    faster keeps backing off, so that a loose plug does not fill the journal."""

    def __init__(
        self,
        origin: Origin,
        driver: Driver,
        deliver: Deliver,
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self.origin = origin
        self.condition: DeviceObserved | None = None
        self.since: Stamp | None = None
        """When its state became what it is."""
        self.last: Glimpse | None = None
        """The last reading, as far as it may be shown."""
        self._driver = driver
        self._deliver = deliver
        self._clock = clock
        self._backoff = backoff
        self._online_since: float | None = None
        self._handing_over: list[Observation] = []

    @property
    def counted(self) -> dict[str, int]:
        """What the driver met besides good frames so far, by name."""
        return self._driver.counters.told()

    async def run(self) -> NoReturn:
        """Run the driver until cancelled, whatever it does."""
        while True:
            reason = await self._run_until_failure()
            await self._tell_the_last(known=False)
            await self._lose(reason)
            await asyncio.sleep(self._wait_s())

    async def retire(self, *, removed: bool) -> None:
        """Tell the last of this device when `run` has been cancelled because the configuration has
        changed; `removed`: nobody will look after it any more."""
        await self._tell_the_last(known=self._is_lost)
        if removed:
            await self._emit(DeviceObserved(DeviceState.REMOVED, "no longer configured"))

    @property
    def _is_lost(self) -> bool:
        return self.condition is not None and self.condition.state is DeviceState.LOST

    async def _tell_the_last(self, *, known: bool) -> None:
        """What was on its way when the driver ended, and what is not known any more, unless that
        is `known`."""
        while self._handing_over:
            await self._deliver(self._handing_over[0])
            del self._handing_over[0]
        unknown: Sequence[Reading] = ()
        with (
            suppress(DeviceError),
            contained(f"driver {self.origin.driver}, asked what is unknown"),
        ):
            unknown = () if known else self._driver.lost()
        for reading in unknown:
            await self._emit(reading)

    async def _run_until_failure(self) -> str:
        try:
            with contained(f"driver {self.origin.driver} of {self.origin.device}"):
                await self._driver.run(self._emit)
        except DeviceError as error:
            return str(error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody wants us to end: the driver has waited for something that was cancelled.
        return f"driver {self.origin.driver} has ended by itself"

    async def _emit(self, reading: Reading, *, age_s: float = 0.0) -> None:
        stamp = self._clock.now().earlier(age_s)
        if isinstance(reading, DeviceObserved):
            if reading == self.condition:
                return
            self._note(reading, stamp)
        observation = Observation(self.origin, stamp, reading)
        self._handing_over.append(observation)
        await self._deliver(observation)
        with suppress(ValueError):  # `retire` has seen to it
            self._handing_over.remove(observation)
        self.last = glimpse(reading, stamp) or self.last

    def _note(self, condition: DeviceObserved, stamp: Stamp) -> None:
        was, self.condition = self.condition, condition
        if was is None or was.state is not condition.state:
            self.since = stamp
        if was is None or (was.state, was.reason) != (condition.state, condition.reason):
            self._log(condition, was)  # else only the figure behind it is another
        if condition.state is not DeviceState.LOST and self._online_since is None:
            self._online_since = asyncio.get_running_loop().time()

    def _log(self, condition: DeviceObserved, was: DeviceObserved | None) -> None:
        device = self.origin.device
        match condition.state:
            case DeviceState.LOST | DeviceState.DEGRADED as trouble:
                _log.warning("%s is %s: %s", device, trouble, condition.reason)
            case DeviceState.ONLINE:
                _log.info("%s is %s", device, "back" if was else "there")

    async def _lose(self, reason: str) -> None:
        if self._is_lost:
            _log.debug("%s is still lost: %s", self.origin.device, reason)
            return
        await self._emit(DeviceObserved(DeviceState.LOST, reason))

    def _wait_s(self) -> float:
        since, self._online_since = self._online_since, None
        if since is not None and asyncio.get_running_loop().time() - since >= self.SETTLED_S:
            self._backoff.reset()
        return self._backoff.next()
