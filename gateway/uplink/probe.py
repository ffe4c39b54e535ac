"""Tries the way to the centre once, for a technician: what works, what does not, what to do."""

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic_core import to_json

from gateway.clock import Clock
from gateway.config import Config, Confirm, Protocol
from gateway.errors import LinkError
from gateway.timefloor import TimeFloor
from gateway.topics import Topics
from gateway.uplink.client import Will
from gateway.uplink.link import Link, open_link
from gateway.uplink.options import link_options
from gateway.uplink.streams import ACCEPTED, DENIED, NOBODY_SUBSCRIBED
from gateway.uplink.tls import expiry_warning, exposed

SUFFIX = "-probe"
"""After the client id: with the same one the broker would throw the running gateway out."""

_CANARIES = 5
_ANSWER_S = 5.0
_SMALL = 4096
_SLOW_MS = 2000.0


class Level(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried, in words."""

    level: Level
    text: str


@dataclass(slots=True)
class Report:
    """All that was found; `measured` holds figures by name."""

    findings: list[Finding] = field(default_factory=list)
    measured: dict[str, float | bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing has to be put right."""
        return all(each.level is not Level.BAD for each in self.findings)

    def say(self, level: Level, text: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(level, text))

    def as_json(self) -> str:
        """As one line of JSON: `passed`, `findings`, `measured`."""
        whole = {"passed": self.passed, "findings": self.findings, "measured": self.measured}
        return to_json(whole).decode()

    def __str__(self) -> str:
        lines = [f"{each.level:>6}  {each.text}" for each in self.findings]
        last = "everything works" if self.passed else "what is marked FAIL must be put right"
        return "\n".join([*lines, f"        {last}"])


def run(config: Config) -> Report:
    """Connect, try everything, disconnect; takes some seconds."""
    return asyncio.run(Probe(config).run())


class Probe:
    """One try with the real configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._topics = Topics(config.gateway)
        self._clock = Clock(floor_ms=TimeFloor(config.gateway.state_dir / "time-floor").load())
        self._heard = asyncio.Event()
        self._report = Report()

    async def run(self) -> Report:
        """The report, whatever happens."""
        self._look_at_files()
        uplink, say = self._config.uplink, self._report.say
        try:
            options = link_options(self._config, Will("", b""), self._clock)
            options = replace(options, client_id=options.client_id + SUFFIX, will=None)
            async with open_link(options) as link:
                secured = "with TLS" if uplink.tls else "without encryption"
                say(Level.GOOD, f"connected to {uplink.host} port {uplink.port}, {secured}")
                if not uplink.tls:
                    say(Level.NOTE, "anybody on the way can read and change what is sent: use TLS")
                await self._try(link)
                await link.disconnect()
        except LinkError as error:
            say(Level.BAD, f"{error}{_advice(error)}")
        return self._report

    def _look_at_files(self) -> None:
        tls = self._config.uplink.tls
        if warning := expiry_warning(tls, self._clock.now()):
            self._report.say(Level.BAD, f"{warning}: put a new one in its place")
        if tls and tls.key_file and (warning := exposed(tls.key_file)):
            self._report.say(Level.BAD, warning)

    async def _try(self, link: Link) -> None:
        self._tell_limits(link)
        await self._listen(link)
        if await self._send_canaries(link):
            await self._await_centre()
        await self._trespass(link)

    def _tell_limits(self, link: Link) -> None:
        limits, measured = link.limits, self._report.measured
        measured["window"], measured["payload_bytes"] = limits.window, limits.payload
        measured["keepalive_s"], measured["retain"] = limits.keepalive_s, limits.retain
        text = (
            f"{limits.window} messages in flight, {limits.payload} bytes each, keep-alive"
            f" {limits.keepalive_s} s, retained messages {'yes' if limits.retain else 'no'}"
        )
        if limits.payload < _SMALL:
            self._report.say(Level.BAD, f"{text}: larger events will be set aside; raise the limit")
        else:
            self._report.say(Level.GOOD, text)

    async def _listen(self, link: Link) -> None:
        topic = self._topics.ack
        if await link.subscribe(topic, lambda _topic, _payload: self._heard.set()):
            self._report.say(Level.GOOD, f"may subscribe to {topic}")
        else:
            self._report.say(Level.BAD, f"may not subscribe to {topic}: grant the right to read it")

    async def _send_canaries(self, link: Link) -> bool:
        """Whether the broker takes messages on the gateway's own topics."""
        loop, times_ms, topic = asyncio.get_running_loop(), [], self._topics.probe
        for _ in range(_CANARIES):
            began = loop.time()
            code = await self._publish(link, topic)
            times_ms.append((loop.time() - began) * 1000)
        match code:
            case 0x00:
                self._report.say(Level.GOOD, f"published on {topic}")
            case 0x10:
                text = "nobody subscribes to it: is the centre connected, and with which filter?"
                self._report.say(Level.NOTE, f"published on {topic}, but {text}")
            case 0x87:
                text = f"may not publish on {topic}: grant the right to write …/up/#"
                self._report.say(Level.BAD, text)
            case _:
                self._report.say(Level.BAD, f"{topic} is refused with reason 0x{code:02x}")
        middle = self._report.measured["round_trip_ms"] = round(sorted(times_ms)[_CANARIES // 2], 1)
        level = Level.NOTE if middle > _SLOW_MS else Level.GOOD
        self._report.say(level, f"a message is acknowledged after {middle:g} ms")
        return code in (ACCEPTED, NOBODY_SUBSCRIBED)

    async def _await_centre(self) -> None:
        if self._config.uplink.confirm is not Confirm.CENTRE:
            return
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._heard.wait()
        except TimeoutError:
            text = (
                f'nothing came on {self._topics.ack} within {_ANSWER_S:g} s, and confirm = "centre"'
                " waits for it: is the centre running, does it know this gateway, and may the"
                " gateway read that topic?"
            )
            self._report.say(Level.NOTE, text)
        else:
            self._report.say(Level.GOOD, "the centre has answered")

    async def _trespass(self, link: Link) -> None:
        """Topics that are not this gateway's must be closed to it. Some brokers end the link."""
        for topic, whose in (
            (self._topics.foreign, "another gateway's topics"),
            (self._topics.ack, "the centre's word in its place"),
        ):
            try:
                code = await self._publish(link, topic)
            except LinkError:
                self._report.say(Level.GOOD, f"may not write {whose}: the broker ended the link")
                return
            if code == DENIED:
                self._report.say(Level.GOOD, f"may not write {whose}")
            elif self._config.uplink.protocol is Protocol.V311:
                text = f"MQTT 3.1.1 does not tell whether {whose} may be written: look at the ACL"
                self._report.say(Level.NOTE, text)
            else:
                text = f"may write {whose}: take the right to write {topic} away"
                self._report.say(Level.BAD, text)

    async def _publish(self, link: Link, topic: str) -> int:
        try:
            async with asyncio.timeout(self._config.uplink.ack_timeout_s):
                return await link.publish(topic, b'{"probe":true}')
        except TimeoutError as error:
            raise LinkError(f"a message on {topic} was not acknowledged") from error


def _advice(error: LinkError) -> str:
    if error.unauthorised:
        return "; check the user name, the password file and the certificate, at both ends"
    if "refused" in str(error).lower():
        return "; is the broker running, and is this its port?"
    return ""
