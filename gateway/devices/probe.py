"""Recognises devices on serial ports: each driver that can ask is run until it is answered."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from drivers import registry
from gateway.devices.live import answered, watch

_WAIT_S: Final = 6.0
"""A thermometer is listened for at its speeds, two seconds each."""

QUESTIONS: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("gy_mcu906", {}),
    ("modbus_thermometer", {"profile": "calex"}),  # before any board: these know their own type
    ("modbus_thermometer", {"profile": "omega"}),
    # A board on a busy box may answer late once; here nobody waits for it but whoever asked.
    ("modbus_io", {"answer_ms": 1000, "doors": {"gate-1": {"input": 0, "role": "gate"}}}),
    ("gy_614v", {}),
    ("lu90614", {}),
    ("optris", {}),
    ("serial_scanner", {"trigger": "gm65"}),  # last: any line of text is a code to it
)
"""Drivers whose devices answer or speak by themselves, and what their stanza needs besides a port.
None of them changes anything in a device by coming online."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A device that has answered."""

    port: str
    driver: str
    options: dict[str, Any]


async def recognise(ports: Iterable[str]) -> list[Recognised]:
    """Ask each port in turn in every way; all ports at the same time."""
    answers = await asyncio.gather(*(_recognise(port) for port in ports))
    return [answer for answer in answers if answer is not None]


async def _recognise(port: str) -> Recognised | None:
    for name, options in QUESTIONS:
        if await _answers(port, name, options):
            return Recognised(port, name, options)
    return None


async def _answers(port: str, name: str, options: dict[str, Any]) -> bool:
    stanza = {"driver": name, "port": port, **options}
    config = registry.load(name).config.model_validate(stanza)
    return (await watch(config, answered, _WAIT_S)).online
