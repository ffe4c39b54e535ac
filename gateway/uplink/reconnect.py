"""Connects again for ever: how long to wait in between, and what is said about it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.errors import LinkError
from gateway.turns import Turns
from gateway.uplink.network import Network

_log = logging.getLogger(__name__)

_STOP_S = 4.0
"""For finishing what is in flight and saying goodbye, even to a broker that has gone silent."""

_LATE_S = 5.0
"""After the end of a pause at most; the network is looked at every two seconds."""

_MANY = 3


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the link is; `reason` says why it is down, `since` is the loop's time of the last
    change, 0 if there was none."""

    online: bool
    reason: str | None
    since: float


class Waits:
    """How long to wait before the next attempt; the first one comes at once."""

    LEAST_S = 1.0
    MOST_S = 30.0
    OFFLINE_S = 300.0
    """At most, while this box itself has no network: it is noticed when that comes back."""
    STABLE_S = 60.0
    """A link that lasted this long is forgiven its end; one that flaps keeps backing off."""
    REFUSED_S = 300.0
    """Between attempts with credentials that are not accepted: at most twelve an hour."""
    RIVAL_S = 30.0
    """At least, after somebody else has connected under our name: two that take the name from
    each other at once would do so for ever."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def next_s(self, error: LinkError, *, lasted_s: float, network: bool) -> float:
        """Seconds to wait after a link that lasted `lasted_s`, 0 if it never came up.

        Full jitter: ten thousand boxes that lost the same broker must not return in step.
        """
        if error.unauthorised:
            return self.REFUSED_S + self._rng.uniform(0, self.MOST_S)
        if error.rival:
            return self.RIVAL_S + self._rng.uniform(0, self.RIVAL_S)
        if error.provoked:
            return self._rng.uniform(self.LEAST_S / 2, self.LEAST_S)
        if lasted_s >= self.STABLE_S:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            return 0.0
        most_s = self.MOST_S if network else self.OFFLINE_S
        spread_s = min(most_s - self.LEAST_S, 2.0 ** min(self._failures - 2, 20))
        return self.LEAST_S + self._rng.uniform(0, spread_s)

    def forgive(self) -> None:
        """The network is back: what failed without it says nothing."""
        self._failures = 1


class Reconnector:
    """Runs one attempt after the other; a lost link is a warning once, then only detail."""

    def __init__(
        self,
        name: str,
        waits: Waits,
        network: Network | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._name = name
        self._waits = waits
        self._network = network or Network()
        self._turns = turns or Turns()
        self._brief = 0
        self.state = LinkState(online=False, reason="not connected yet", since=0.0)

    async def run(self, attempt: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Repeat `attempt` until `stop` is set; it returns when it sees that itself."""
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self._repeat(attempt))
            await stop.wait()
            if self.state.online:  # else there is nothing to finish
                await asyncio.wait([work], timeout=_STOP_S)
            work.cancel()
        self._change(online=False, reason="stopped")

    def connected(self) -> None:
        """To be called by the attempt when its link is up."""
        _log.info("connected to %s", self._name)
        self._change(online=True, reason=None)

    async def _repeat(self, attempt: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        told = False
        while True:
            self._network.note()
            self._turns.taken()
            try:
                await attempt()
            except LinkError as error:
                online = self.state.online
                lasted_s = loop.time() - self.state.since if online else 0.0
                level = logging.DEBUG if told and not online else logging.WARNING
                _log.log(level, "no link to %s: %s", self._name, error)
                told = True
                self._explain(error, lasted_s if online else None)
                self._change(online=False, reason=str(error))
                failure = error
            else:
                return
            await self._pause(failure, lasted_s)

    def _explain(self, error: LinkError, lasted_s: float | None) -> None:
        """Many brokers end a link whose name another one has taken without a word."""
        if lasted_s is None:
            return
        brief = lasted_s < self._waits.STABLE_S and not error.provoked
        self._brief = self._brief + 1 if brief else 0
        if self._brief == _MANY:
            _log.warning(
                "%d links to %s in a row have ended soon after they were made: does another device"
                " connect with the same client id?",
                _MANY,
                self._name,
            )

    async def _pause(self, error: LinkError, lasted_s: float) -> None:
        wait_s = self._waits.next_s(error, lasted_s=lasted_s, network=self._network.up)
        self._turns.waits(wait_s + _LATE_S)
        if error.unauthorised or error.rival:
            await asyncio.sleep(wait_s)
        elif await self._network.wait(wait_s):
            self._waits.forgive()

    def _change(self, *, online: bool, reason: str | None) -> None:
        changed = online != self.state.online
        since = asyncio.get_running_loop().time() if changed else self.state.since
        self.state = LinkState(online, reason, since)
