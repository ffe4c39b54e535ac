"""Any infrared thermometer that speaks Modbus RTU, by a map of its registers.

A map names for the object, and where there are any for the sensor's own temperature and a status:
the function (03 or 04), the register as it goes over the line (counted from 0), what kind of number
is in it, in which order the words of a longer one stand, and what one of its steps is in °C. Bits
of the status that are set within its mask, and values outside the valid range, make a reading
*invalid*; it is reported as it is. Two profiles are built in::

                             Calex PyroUSB    Omega OS-MINIUSB
    object, unfiltered       04 at 0x13       04 at 0x0F        int16, 0.1 °C
    the sensor itself        04 at 0x14       04 at 0x10        int16, 0.1 °C
    status                   04 at 0x15       04 at 0x11        bits 0 to 4
    sensor type, checked     04 at 0x00       04 at 0x00        21 to 23; 16, 17
    hold mode, must be 0     04 at 0x0C       04 at 0x08

Unfiltered, because the filter inside would show the last person for a while in the next one. At
9600 baud, with its 20 ms to answer, such a sensor gives about eight samples a second. This driver
never writes: emissivity is set with the maker's program, and its non-volatile register wears.

These are sensors of about ±1 °C: they can count people who are warm, not tell a fever, unless a
black body stands in their sight.

A false answer needs the address, function, count and a CRC of 16 bits to be right by chance: once
in 2^40 places of random bytes.

Source: manuals of Calex PyroUSB (p. 11 and 12) and Omega OS-MINIUSB.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers.base import DeviceError, Emit, Name, OptionTable
from drivers.thermometry import Period, Thermometer, ThermometerConfig
from drivers.thermometry.conversing import Pace
from drivers.thermometry.sampling import Sample
from drivers.thermometry.soundness import Span
from drivers.wire import bus, modbus
from drivers.wire.bus import LineConfig
from drivers.wire.modbus import Function, Master, Request

Register = Annotated[int, Field(ge=0, le=0xFFFF)]
"""As it goes over the line; manuals that begin at 30001 or 40001 count one more."""

Number = Literal["int16", "uint16", "int32", "uint32", "float32"]
"""What is in a register, or in two."""

_FORMATS: Final = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


class ValueMap(OptionTable):
    """`[devices.NAME.object]` and `[devices.NAME.ambient]`: where a temperature is to be found."""

    function: Literal[3, 4] = 4
    """3 for a holding register, 4 for an input register."""
    at_register: Register
    """The register, or the first of two."""
    number: Number = "int16"
    """What is in it."""
    first_word: Literal["high", "low"] = "high"
    """Of a number in two registers, which half stands in the first."""
    step_celsius: Annotated[float, Field(gt=0, le=10)] = 0.1
    """What one step of the number is, in °C."""

    @property
    def count(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(_FORMATS[self.number]) // 2

    def celsius(self, words: Sequence[int]) -> float:
        """The temperature in these registers; not a number where a float is none."""
        ordered = words if self.first_word == "high" else list(reversed(words))
        packed = b"".join(word.to_bytes(2, "big") for word in ordered)
        (number,) = struct.unpack(_FORMATS[self.number], packed)
        # Ten digits are more than any sensor has; what binary fractions put behind them goes.
        return float(f"{number * self.step_celsius:.10g}")


class StatusMap(OptionTable):
    """`[devices.NAME.status]`: where the sensor says what is wrong with what it measures."""

    function: Literal[3, 4] = 4
    """3 for a holding register, 4 for an input register."""
    at_register: Register
    """The register."""
    mask: Annotated[int, Field(ge=1, le=0xFFFF)] = 0xFFFF
    """Which of its bits make a measurement invalid."""
    names: tuple[Name, ...] = ()
    """What bit 0, bit 1 … mean; reported as the reason. Bits without a name are numbered."""

    def fault(self, word: int) -> str | None:
        """The lowest bit that is set within the mask."""
        bits = word & self.mask
        if not bits:
            return None
        lowest = (bits & -bits).bit_length() - 1
        return self.names[lowest] if lowest < len(self.names) else f"status-bit-{lowest}"


@dataclass(frozen=True, slots=True)
class Profile:
    """A sensor whose map is built in."""

    called: str
    types: tuple[int, ...]
    """What its register 0 holds, its sensor type."""
    hold: int
    """The register of its hold mode, which must be 0."""
    object: ValueMap
    ambient: ValueMap
    status: StatusMap


def _profile(called: str, types: tuple[int, ...], *, hold: int, unfiltered: int) -> Profile:
    faults = ("measurement-error", "sensor-cold", "sensor-hot", "object-cold", "object-hot")
    return Profile(
        called,
        types,
        hold,
        object=ValueMap(at_register=unfiltered),
        ambient=ValueMap(at_register=unfiltered + 1),
        status=StatusMap(at_register=unfiltered + 2, mask=0x1F, names=faults),
    )


PROFILES: Final = {
    "calex": _profile("Calex PyroUSB", (21, 22, 23), hold=0x0C, unfiltered=0x13),
    "omega": _profile("Omega OS-MINIUSB", (16, 17), hold=0x08, unfiltered=0x0F),
}


class Config(LineConfig, ThermometerConfig):
    """An infrared thermometer on an RS-485 line, or on USB with a serial port in it."""

    driver: Literal["modbus_thermometer"]
    profile: Literal["calex", "omega"] | None = None
    """A sensor whose map is built in; any other needs the table `object`."""
    object: ValueMap | None = None
    """Where the object's temperature is."""
    ambient: ValueMap | None = None
    """Where the sensor's own temperature is, if it tells that."""
    status: StatusMap | None = None
    """Where it says what is wrong, if it does."""
    valid_celsius: tuple[float, float] = (-50.0, 1000.0)
    """What the sensor can measure; anything else is invalid."""
    address: Annotated[int, Field(ge=1, le=255)] = 1
    """The sensor's Modbus address."""
    period_ms: Period = 200
    """How often it is asked, in milliseconds."""
    answer_ms: Annotated[int, Field(ge=20, le=10_000)] = 250
    """How long an answer may take, in milliseconds."""

    @property
    def station(self) -> str:
        """See :attr:`drivers.wire.bus.LineConfig.station`."""
        return f"Modbus device {self.address}"

    @property
    def samples_per_s(self) -> float:
        """See :attr:`drivers.thermometry.ThermometerConfig.samples_per_s`."""
        return 1000 / self.period_ms

    @model_validator(mode="after")
    def _known_map(self) -> Self:
        low, high = self.valid_celsius
        if low >= high:
            raise ValueError(f"valid_celsius: {low} is not below {high}")
        if self.profile is None and self.object is None:
            raise ValueError(
                "profile is missing; without it a table object has to say where the temperature is"
            )
        if self.profile and (self.object or self.ambient or self.status):
            raise ValueError(
                "profile: it says where everything is; leave out object, ambient and status"
            )
        return self


class Driver(Thermometer[Config]):
    """Asks the sensor and reports who was measured."""

    span: ClassVar[Span] = (-math.inf, math.inf)
    frozen_s: ClassVar[float | None] = None

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self.config
        async with bus.joined(config.port, config.settings) as line:
            master = Master(
                line,
                answer_s=config.answer_ms / 1000,
                attempts=config.attempts,
                counters=self.counters,
            )
            await self.follow(_Mapped(master, config), emit, f"at address {config.address}")
        raise DeviceError(
            f"{config.port}: Modbus device {config.address} does not answer within"
            f" {config.silence_s:g} s"
        )


class _Mapped:
    """The sensor behind a Modbus line; a :class:`Sensor`."""

    def __init__(self, master: Master, config: Config) -> None:
        self._master = master
        self._config = config
        self._profile = PROFILES[config.profile] if config.profile else None
        where = self._profile or config
        self._object, self._ambient, self._status = where.object, where.ambient, where.status
        self._pace = Pace(config.period_ms / 1000)

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        if not (profile := self._profile):
            return
        place = f"{self._config.port}: Modbus device {self._config.address}"
        (kind,) = await self._read(4, 0, 1)
        if kind not in profile.types:
            raise DeviceError(f"{place} is no {profile.called}: its sensor type is {kind}")
        (hold,) = await self._read(4, profile.hold, 1)
        if hold:
            raise DeviceError(
                f"{place} holds a former temperature (register 0x{profile.hold:02X} is {hold}):"
                f" one person would be measured as another; set it to 0 with the maker's program"
            )

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        await self._pace.turn()
        celsius, ambient, fault = await self._celsius(self._object), None, None
        if self._ambient:
            ambient = await self._celsius(self._ambient)
        if self._status:
            (word,) = await self._read(self._status.function, self._status.at_register, 1)
            fault = self._status.fault(word)
        low, high = self._config.valid_celsius
        if not low <= celsius <= high:
            fault = fault or "out-of-range"
        return [Sample(celsius, ambient, fault=fault)]

    async def _celsius(self, value: ValueMap | None) -> float:
        assert value is not None  # the configuration has been validated
        words = await self._read(value.function, value.at_register, value.count)
        celsius = value.celsius(words)
        if not math.isfinite(celsius):
            raise DeviceError(
                f"{self._config.port}: Modbus device {self._config.address} has no number in"
                f" register 0x{value.at_register:04X}; is it of the kind {value.number}?"
            )
        return celsius

    async def _read(self, function: int, first: int, count: int) -> list[int]:
        request = Request(self._config.address, Function(function), first, count)
        return modbus.registers(await self._master.ask(request))
