"""Does each device answer, at this moment? Does a camera see well? Are the names good for years?

While the gateway runs it has the devices, and is asked. Otherwise each driver is run for some
seconds, exactly as the gateway would.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from drivers.base import DeviceConfig, DeviceError, DeviceState
from drivers.camera import Config as CameraConfig
from drivers.camera.process import Eye
from drivers.eye.messages import Look
from gateway.aim.advice import brightness_word, focus_word, picture_advice
from gateway.config import Config
from gateway.devices import live, sysfs
from gateway.devices.holders import holders
from gateway.devices.sysfs import Roots
from gateway.findings import Finding, bad, good, note
from gateway.health import DeviceHealth

_TRY_S: Final = 12.0
"""A thermometer is listened for, a camera loads OpenCV, a board is asked three times."""
_LOOK_S: Final = 4.0

_PASSING: Final = ("ttyUSB", "ttyACM", "video")
_CHECK: Final = (
    "is it plugged in and powered? checkpoint-gateway devices --probe lists what answers"
)


async def examine_running(config: Config, told: Mapping[str, DeviceHealth]) -> list[Finding]:
    """What the running gateway says of each."""
    return [_told(name, told.get(name)) for name in config.devices]


def _told(name: str, health: DeviceHealth | None) -> Finding:
    subject = f"devices.{name}"
    if health is None or health.state is DeviceState.REMOVED:
        return bad(subject, "the running gateway does not know it", "checkpoint-gateway reload")
    match health.state:
        case DeviceState.ONLINE:
            return good(subject, "online")
        case DeviceState.DEGRADED:
            return bad(subject, f"degraded: {health.reason}", "put right what it says")
        case DeviceState.LOST:
            return bad(subject, f"lost: {health.reason}", _CHECK)
        case _:
            return bad(subject, "has not answered since the gateway started", _CHECK)


async def examine_idle(config: Config, roots: Roots) -> list[Finding]:
    """Runs every driver for a while; only where no gateway does."""
    found = await asyncio.gather(
        *(_tried(name, each, roots) for name, each in config.devices.items())
    )
    return [finding for some in found for finding in some]


async def _tried(name: str, config: DeviceConfig, roots: Roots) -> list[Finding]:
    subject = f"devices.{name}"
    held = await asyncio.to_thread(holders, roots.proc, nodes(config, roots))
    for node, who in held.items():
        if who:
            found = f"{node} is in use by process {who[0].pid}: {who[0].command}"
            return [bad(subject, found, "end it: no two programs can use one device")]
    if isinstance(config, CameraConfig):
        return await _seen(subject, config)
    return [await _answer(subject, config)]


async def _answer(subject: str, config: DeviceConfig) -> Finding:
    seen = await live.watch(config, live.has_spoken, _TRY_S)
    if seen.trouble is not None:
        return bad(subject, seen.trouble, _CHECK)
    if not live.has_spoken(seen):
        return bad(subject, f"has not answered within {_TRY_S:g} s", _CHECK)
    return good(subject, "answers")


async def _seen(subject: str, config: CameraConfig) -> list[Finding]:
    """A camera's pictures: are there any, and are they good?"""
    try:
        async with Eye(config.options, aiming=True) as eye:
            missing = (await eye.ready()).missing
            look = await _settled(eye)
    except DeviceError as error:
        return [bad(subject, str(error), _CHECK)]
    findings = [bad(subject, each, "install it, or read fewer codes") for each in missing]
    return [*findings, *_picture(subject, look)]


async def _settled(eye: Eye) -> Look:
    """The latest picture with measures, once the camera has set its exposure."""
    loop = asyncio.get_running_loop()
    until, measured = loop.time() + _LOOK_S, await eye.look()
    while loop.time() < until:
        look = await eye.look()
        measured = look if look.measures else measured
    return measured


def _picture(subject: str, look: Look) -> Iterator[Finding]:
    size = f"{look.width} × {look.height}"
    if look.measures is None:
        yield good(subject, f"pictures of {size} come")
        return
    words = f"brightness {brightness_word(look.measures)}, focus {focus_word(look.measures)}"
    advice = picture_advice(look.measures)
    if advice:
        todo = "; ".join(advice)
        yield bad(
            subject, f"pictures of {size} come, {words}", f"{todo}; see checkpoint-gateway aim"
        )
    else:
        yield good(subject, f"pictures of {size} come, {words}")


def examine_names(config: Config, roots: Roots) -> Iterator[Finding]:
    """Names that Linux gives out anew at each start lead to another device one day."""
    listed: list[sysfs.Port | sysfs.Camera] = [*sysfs.ports(roots), *sysfs.cameras(roots)]
    better = {each.node: each.best for each in listed}
    for name, device in config.devices.items():
        for node in nodes(device, roots):
            stable = better.get(node, node)
            if stable != node and Path(node).name.startswith(_PASSING):
                found = f"{node} may be another device after the next start"
                yield note(f"devices.{name}", found, f'write "{stable}" in its place')


def nodes(config: BaseModel, roots: Roots) -> list[str]:
    """Every device node that a stanza names."""
    values = [getattr(config, name) for name in type(config).model_fields]
    texts = [str(each) for each in values if isinstance(each, str | Path)]
    return [each for each in texts if Path(each).is_relative_to(roots.dev)]
