"""The way to the centre: keeps a session alive for as long as the gateway runs."""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import NoReturn

from gateway.clock import Clock
from gateway.config import Config
from gateway.journal import Journal
from gateway.uplink.alarms import CERTIFICATE, Alarms
from gateway.uplink.network import Network
from gateway.uplink.options import pacing_of
from gateway.uplink.reconnect import LinkState, Reconnector, Waits
from gateway.uplink.session import DeviceStates, Session
from gateway.uplink.streams import Pacing
from gateway.uplink.tls import expiry_warning, exposed

_log = logging.getLogger(__name__)

_LOOK_S = 600.0


class Uplink:
    """Delivers what the journal holds, through however many connections it takes."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        device_states: DeviceStates,
        *,
        rng: random.Random | None = None,
        pacing: Pacing | None = None,
        network: Network | None = None,
    ) -> None:
        uplink = config.uplink
        self._config = config
        self._clock = clock
        self._alarms = Alarms(journal, clock)
        self._session = Session(
            config, journal, clock, device_states, self._alarms, pacing or pacing_of(config.uplink)
        )
        self._reconnector = Reconnector(
            f"{uplink.host} port {uplink.port}", Waits(rng or random.Random()), network
        )

    @property
    def link(self) -> LinkState:
        """How the link is."""
        return self._reconnector.state

    @property
    def in_flight(self) -> int:
        """Events that are on their way."""
        return self._session.in_flight

    @property
    def set_aside(self) -> int:
        """Events that no broker would take; they are still in the journal."""
        return len(self._session.tally.set_aside)

    @property
    def refused(self) -> Mapping[int, int]:
        """Messages that the broker did not accept, by reason code."""
        return self._session.tally.refused

    @property
    def alarms(self) -> Mapping[str, str]:
        """What somebody must act on, with the reason."""
        return self._alarms.raised

    @property
    def unusable(self) -> int:
        """Messages from the centre's side that could not be used."""
        return self._session.receiver.refused

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then finish within four seconds."""
        connected = self._reconnector.connected
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(each) for each in (self._alarms.run(), self._mind_files())]
            await self._reconnector.run(lambda: self._session.run(stop, connected), stop)
            for task in beside:
                task.cancel()

    async def _mind_files(self) -> NoReturn:
        """Tell in time that the certificate ends, and that a key lies open."""
        tls = self._config.uplink.tls
        if tls and tls.key_file and (warning := exposed(tls.key_file)):
            _log.warning("%s", warning)
        while True:
            if warning := expiry_warning(tls, self._clock.now()):
                self._alarms.raise_(CERTIFICATE, warning)
            else:
                self._alarms.clear(CERTIFICATE)
            await asyncio.sleep(_LOOK_S)
