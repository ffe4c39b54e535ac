"""The way to the centre by one configuration, until that changes."""

import asyncio
import logging
import random
from typing import NoReturn

from gateway.clock import Clock
from gateway.config import Config
from gateway.journal import Journal
from gateway.messages import Down
from gateway.turns import Turns
from gateway.uplink.alarms import CERTIFICATE, Alarms
from gateway.uplink.bulletins import DeviceReports, HealthReport
from gateway.uplink.network import Network
from gateway.uplink.reconnect import Reconnector, Waits
from gateway.uplink.session import Session
from gateway.uplink.streams import Pacing
from gateway.uplink.tls import expiry_warning, exposed

_log = logging.getLogger(__name__)

_LOOK_S = 600.0


class Way:
    """One session after the other, with the same broker."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        devices: DeviceReports,
        health: HealthReport | None,
        alarms: Alarms,
        pacing: Pacing,
        turns: Turns,
        down: Down,
        *,
        rng: random.Random,
        network: Network,
    ) -> None:
        uplink = config.uplink
        self._tls = uplink.tls
        self._clock = clock
        self._alarms = alarms
        self.session = Session(config, journal, clock, devices, health, alarms, pacing, turns, down)
        self.links = Reconnector(f"{uplink.host} port {uplink.port}", Waits(rng), network, turns)

    async def run(self, leave: asyncio.Event) -> None:
        """Deliver until `leave` is set; then finish within four seconds."""
        async with asyncio.TaskGroup() as tasks:
            minding = tasks.create_task(self._mind_files())
            connected = self.links.connected
            await self.links.run(lambda: self.session.run(leave, connected), leave)
            minding.cancel()

    async def _mind_files(self) -> NoReturn:
        """Tell in time that the certificate ends, and that a key lies open."""
        tls = self._tls
        if tls and tls.key_file and (warning := exposed(tls.key_file)):
            _log.warning("%s", warning)
        while True:
            if warning := expiry_warning(tls, self._clock.now()):
                self._alarms.raise_(CERTIFICATE, warning)
            else:
                self._alarms.clear(CERTIFICATE)
            await asyncio.sleep(_LOOK_S)
