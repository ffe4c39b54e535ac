"""The uplink: a way to the centre for as long as the gateway runs, whatever is configured."""

import asyncio
import random
from collections.abc import Mapping

from gateway.clock import Clock
from gateway.config import Config
from gateway.journal import Journal
from gateway.messages import Down
from gateway.turns import Turns
from gateway.uplink.alarms import Alarms
from gateway.uplink.bulletins import DeviceReports, HealthReport
from gateway.uplink.network import Network
from gateway.uplink.options import check_files, pacing_of
from gateway.uplink.reconnect import LinkState
from gateway.uplink.streams import Pacing
from gateway.uplink.way import Way


class Uplink:
    """Delivers what the journal holds, through however many connections it takes."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        devices: DeviceReports,
        *,
        health: HealthReport | None = None,
        down: Down | None = None,
        rng: random.Random | None = None,
        pacing: Pacing | None = None,
        network: Network | None = None,
    ) -> None:
        self._config = config
        self._journal = journal
        self._clock = clock
        self._devices = devices
        self._health = health
        self._down = down or Down()
        self._rng = rng or random.Random()
        self._network = network or Network()
        self._alarms = Alarms(journal, clock)
        self.turns = Turns()
        """The sender's rounds; while there is no link, the attempts to make one."""
        self._way = self._way_by(config, pacing or pacing_of(config.uplink))
        self._leave = asyncio.Event()

    @property
    def link(self) -> LinkState:
        """How the link is."""
        return self._way.links.state

    @property
    def in_flight(self) -> int:
        """Events that are on their way."""
        return self._way.session.in_flight

    @property
    def set_aside(self) -> int:
        """Events that no broker would take; they are still in the journal."""
        return len(self._way.session.tally.set_aside)

    @property
    def refused(self) -> Mapping[int, int]:
        """Messages that the broker did not accept, by reason code."""
        return self._way.session.tally.refused

    @property
    def alarms(self) -> Mapping[str, str]:
        """What somebody must act on, with the reason."""
        return self._alarms.raised

    @property
    def unusable(self) -> int:
        """Messages from the centre's side that could not be used."""
        return self._way.session.receiver.refused

    def check(self, config: Config) -> None:
        """Find out whether `change` can go on by `config`.

        Raises:
            LinkError: a file that it names cannot be used.
        """
        if config.uplink != self._config.uplink:
            check_files(config.uplink, self._clock)

    def change(self, config: Config) -> bool:
        """Go on by `config`; whether that takes another connection, which `run` then makes as soon
        as it has left the present one as at a stop."""
        another = config.uplink != self._config.uplink
        if another:
            kept = self._way.session.standing.kept  # it may be the same broker
            self._way = self._way_by(config, pacing_of(config.uplink))
            self._way.session.standing.kept = kept
            self._leave.set()
        else:
            self._way.session.states.change(config)
        self._config = config
        return another

    def resend(self, epoch: str, first: int, last: int) -> str | None:
        """Send these events once more, as far as they are kept; why not, or None."""
        return self._way.session.resend(epoch, first, last)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then finish within four seconds."""
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(self._alarms.run())
            stopping = tasks.create_task(_pass_on(stop, self._leave))
            while not stop.is_set():
                self._leave.clear()
                await self._way.run(self._leave)
            for task in (recording, stopping):
                task.cancel()

    def _way_by(self, config: Config, pacing: Pacing) -> Way:
        return Way(
            config,
            self._journal,
            self._clock,
            self._devices,
            self._health,
            self._alarms,
            pacing,
            self.turns,
            self._down,
            rng=self._rng,
            network=self._network,
        )


async def _pass_on(stop: asyncio.Event, leave: asyncio.Event) -> None:
    await stop.wait()
    leave.set()
