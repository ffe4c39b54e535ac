"""The two ways of getting samples out of a serial thermometer: it sends, or it is asked."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from drivers.counters import Counters
from drivers.thermometry.sampling import Sample
from drivers.wire.serialport import SerialPort


class Sensor(Protocol):
    """A thermometer at the other end of an open port."""

    async def start(self) -> None:
        """Bring it into the mode in which it measures; a module forgets that without power.

        Raises:
            DeviceError: it answers, and may not be used as it is.
        """

    async def samples(self) -> Sequence[Sample]:
        """Wait for the next samples; at least one.

        Raises:
            DeviceError: the port is gone.
        """


class Codec(Protocol):
    """What makes samples of bytes."""

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""


class Pace:
    """Lets something happen once in ``period_s`` seconds, the first time at once."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_s = 0.0

    async def turn(self) -> None:
        """Wait until it is time."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._due_s - loop.time())
        self._due_s = loop.time() + self._period_s


async def heard(port: SerialPort, codec: Codec) -> list[Sample]:
    """Wait for the next samples on ``port``; at least one."""
    samples: list[Sample] = []
    while not samples:
        samples = codec.feed(await port.read())
    return samples


class Talker:
    """A thermometer that sends by itself, once it has been given its ``commands``."""

    def __init__(self, port: SerialPort, codec: Codec, commands: Sequence[bytes]) -> None:
        self._port = port
        self._codec = codec
        self._commands = commands

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        for command in self._commands:
            await self._port.write(command)

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        return await heard(self._port, self._codec)


class Asked:
    """A thermometer that answers a ``question``, which is put every ``period_s`` seconds.

    An answer that takes longer than ``answer_s`` is given up, and the question put again.
    """

    def __init__(
        self,
        port: SerialPort,
        codec: Codec,
        question: bytes,
        counters: Counters,
        *,
        period_s: float,
        answer_s: float,
        commands: Sequence[bytes] = (),
    ) -> None:
        self._port = port
        self._codec = codec
        self._question = question
        self._counters = counters
        self._pace = Pace(period_s)
        self._answer_s = answer_s
        self._commands = commands

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        for command in self._commands:
            await self._port.write(command)

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        while True:
            await self._pace.turn()
            await self._port.write(self._question)
            try:
                async with asyncio.timeout(self._answer_s):
                    return await heard(self._port, self._codec)
            except TimeoutError:
                self._counters.timeout += 1
