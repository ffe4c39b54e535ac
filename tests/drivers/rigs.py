"""Every thermometer with an emulated one on its port, both in a hurry."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from drivers import registry
from drivers.base import Driver, Quality
from drivers.emulators.cjmcu_90614 import Cjmcu90614
from drivers.emulators.gy_614v import Gy614V
from drivers.emulators.gy_mcu90640 import GyMcu90640
from drivers.emulators.lu90614 import Lu90614
from drivers.emulators.modbus_thermometer import ModbusThermometer
from drivers.emulators.optris import Optris
from drivers.emulators.thermometer import Thermometer

HURRY = {"look_s": 0.4, "absent_s": 0.2}
ASKED = {"period_ms": 20, "measuring": HURRY}


class Emulated(Protocol):
    """What can be done with any emulated thermometer."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    def unplug(self) -> None: ...
    def replug(self) -> None: ...
    async def person(self, celsius: float, *, stays_s: float = 3.0) -> None: ...


@dataclass(frozen=True, slots=True)
class Rig:
    """A driver's name, its stanza but for the port, and what stands at the other end."""

    driver: str
    emulator: Callable[[Path], Emulated]
    stanza: dict[str, Any] = field(default_factory=lambda: {"measuring": HURRY})
    ambient_celsius: float | None = 22.0
    best: Quality = Quality.OK

    def __str__(self) -> str:
        return self.driver

    def make(self, link: Path, **options: object) -> Driver:
        """The driver, with ``options`` in its stanza besides."""
        entry = registry.load(self.driver)
        stanza = {"driver": self.driver, "port": link} | self.stanza | options
        return entry.driver("thermo", entry.config.model_validate(stanza))


RIGS = [
    Rig("gy_mcu906", lambda link: Thermometer(link, rate_hz=100)),
    Rig("gy_614v", lambda link: Gy614V(link, rate_hz=100), ASKED),
    Rig("cjmcu_90614", lambda link: Cjmcu90614(link, rate_hz=100)),
    Rig("lu90614", lambda link: Lu90614(link, rate_hz=100), ASKED, ambient_celsius=None),
    Rig("optris", lambda link: Optris(link, rate_hz=100), ASKED),
    Rig("modbus_thermometer", ModbusThermometer, ASKED | {"profile": "calex"}),
    Rig(
        "gy_mcu90640",
        lambda link: GyMcu90640(link, hurry=10),
        {"measuring": HURRY | {"window": 2, "agree": 2}},
        best=Quality.SUSPECT,
    ),
]
