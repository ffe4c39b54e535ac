"""What the gateway says of itself on `up/state`: its birth, its end, and the will."""

from importlib.metadata import version

from gateway.clock import Clock
from gateway.config import Config
from gateway.journal import Journal
from gateway.messages import Down
from gateway.statements import BirthState, EndState, encode_state
from gateway.uplink.bulletins import DeviceReports


class States:
    """Makes the messages of one session after the other."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        devices: DeviceReports,
        down: Down,
    ) -> None:
        self.news = down.news
        """Set when another birth should be said, because the last one is not true any more."""
        self._config = config
        self._journal = journal
        self._clock = clock
        self._devices = devices
        self._versions = down.versions

    def change(self, config: Config) -> None:
        """Speak of the lanes, devices and version of `config` from now on."""
        self._config = config
        self.news.set()

    def birth(self, number: int) -> bytes:
        """Session `number` has begun, or goes on and has something new to say."""
        counts = self._journal.counts()
        now = self._clock.now()
        configuration, versions = self._config.version, self._versions()
        state = BirthState(
            session=number,
            epoch=self._journal.epoch,
            first_seq=counts.first_seq,
            last_seq=counts.last_seq,
            confirmed_seq=self._journal.delivery.upto,
            software=version("checkpoint-gateway"),
            clock=now.quality,
            devices={name: each.state for name, each in self._devices().items()},
            lanes=sorted(self._config.lanes),
            documents={**({"configuration": configuration} if configuration else {}), **versions},
        )
        return encode_state(state, source=self._config.gateway.source, at_ms=now.wall_ms)

    def end(self, state: str, number: int) -> bytes:
        """Session `number` is over; `state` says how."""
        return encode_state(
            EndState(state=state, session=number, epoch=self._journal.epoch),
            source=self._config.gateway.source,
            at_ms=self._clock.now().wall_ms,
        )
