"""Tries the way to the centre once, for a technician: what works, what does not, what to do."""

import asyncio
from dataclasses import replace

from gateway.clock import Clock
from gateway.config import Config, Confirm, Protocol
from gateway.errors import LinkError
from gateway.findings import Finding, Level, Report
from gateway.timefloor import TimeFloor
from gateway.topics import Topics
from gateway.uplink.client import Will
from gateway.uplink.link import Link, open_link
from gateway.uplink.options import link_options
from gateway.uplink.streams import ACCEPTED, DENIED, NOBODY_SUBSCRIBED
from gateway.uplink.tls import expiry_warning, exposed

SUFFIX = "-probe"
"""After the client id: with the same one the broker would throw the running gateway out."""

_SUBJECT = "broker"
_CANARIES = 5
_ANSWER_S = 5.0
_SMALL = 4096
_SLOW_MS = 2000.0


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
        uplink, say = self._config.uplink, self._say
        try:
            options = link_options(self._config, Will("", b""), self._clock)
            options = replace(options, client_id=options.client_id + SUFFIX, will=None)
            async with open_link(options) as link:
                secured = "with TLS" if uplink.tls else "without encryption"
                say(Level.GOOD, f"connected to {uplink.host} port {uplink.port}, {secured}")
                if not uplink.tls:
                    say(
                        Level.NOTE, "anybody on the way can read and change what is sent", "use TLS"
                    )
                await self._try(link)
                await link.disconnect()
        except LinkError as error:
            say(Level.BAD, str(error), _advice(error))
        return self._report

    def _say(self, level: Level, text: str, todo: str | None = None) -> None:
        self._report.findings.append(Finding(_SUBJECT, level, text, todo))

    def _look_at_files(self) -> None:
        tls = self._config.uplink.tls
        if warning := expiry_warning(tls, self._clock.now()):
            self._say(Level.BAD, warning, "put a new one in its place")
        if tls and tls.key_file and (warning := exposed(tls.key_file)):
            self._say(Level.BAD, warning, f"chmod 0640 {tls.key_file}")

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
            self._say(Level.BAD, f"{text}: larger events will be set aside", "raise the limit")
        else:
            self._say(Level.GOOD, text)

    async def _listen(self, link: Link) -> None:
        topic = self._topics.ack
        if await link.subscribe(topic, lambda _: self._heard.set()):
            self._say(Level.GOOD, f"may subscribe to {topic}")
        else:
            self._say(Level.BAD, f"may not subscribe to {topic}", "grant the right to read it")

    async def _send_canaries(self, link: Link) -> bool:
        """Whether the broker takes messages on the gateway's own topics."""
        loop, times_ms, topic = asyncio.get_running_loop(), [], self._topics.probe
        for _ in range(_CANARIES):
            began = loop.time()
            code = await self._publish(link, topic)
            times_ms.append((loop.time() - began) * 1000)
        match code:
            case 0x00:
                self._say(Level.GOOD, f"published on {topic}")
            case 0x10:
                todo = "is the centre connected, and with which filter?"
                self._say(Level.NOTE, f"published on {topic}, but nobody subscribes to it", todo)
            case 0x87:
                self._say(
                    Level.BAD, f"may not publish on {topic}", "grant the right to write …/up/#"
                )
            case _:
                todo = "what it means is in MQTT 5, 2.4; ask whoever runs the broker"
                self._say(Level.BAD, f"{topic} is refused with reason 0x{code:02x}", todo)
        middle = self._report.measured["round_trip_ms"] = round(sorted(times_ms)[_CANARIES // 2], 1)
        level = Level.NOTE if middle > _SLOW_MS else Level.GOOD
        self._say(level, f"a message is acknowledged after {middle:g} ms")
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
                " waits for it"
            )
            todo = (
                "is the centre running, does it know this gateway, and may the gateway read that"
                " topic?"
            )
            self._say(Level.NOTE, text, todo)
        else:
            self._say(Level.GOOD, "the centre has answered")

    async def _trespass(self, link: Link) -> None:
        """Topics that are not this gateway's must be closed to it. Some brokers end the link."""
        for topic, whose in (
            (self._topics.foreign, "another gateway's topics"),
            (self._topics.ack, "the centre's word in its place"),
        ):
            try:
                code = await self._publish(link, topic)
            except LinkError:
                self._say(Level.GOOD, f"may not write {whose}: the broker ended the link")
                return
            if code == DENIED:
                self._say(Level.GOOD, f"may not write {whose}")
            elif self._config.uplink.protocol is Protocol.V311:
                text = f"MQTT 3.1.1 does not tell whether {whose} may be written"
                self._say(Level.NOTE, text, "look at the ACL")
            else:
                todo = f"take the right to write {topic} away"
                self._say(Level.BAD, f"may write {whose}", todo)

    async def _publish(self, link: Link, topic: str) -> int:
        try:
            async with asyncio.timeout(self._config.uplink.ack_timeout_s):
                return await link.publish(topic, b'{"probe":true}')
        except TimeoutError as error:
            raise LinkError(f"a message on {topic} was not acknowledged") from error


def _advice(error: LinkError) -> str:
    words = str(error).lower()
    if error.unauthorised:
        return "check the user name, the password file and the certificate, at both ends"
    if "certificate" in words:
        return "is host the name in it, is ca_file the authority that made it, is the clock right?"
    if "no tls" in words:
        return "does the broker speak TLS on this port? 8883 is usual; without it leave tls away"
    if "refused" in words:
        return "is the broker running, and is this its port?"
    return "is the network up? try ping, and nc -vz with the broker's name and port"
