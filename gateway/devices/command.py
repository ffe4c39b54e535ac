"""Carries out `checkpoint-gateway devices`: what is there, in words or as JSON."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.devices import probe, sysfs
from gateway.devices.holders import Holder, holders
from gateway.devices.probe import Recognised
from gateway.devices.sysfs import Camera, Chip, Port, Roots


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that was found; ``recognised`` stays empty unless ports were asked."""

    ports: list[Port]
    cameras: list[Camera]
    chips: list[Chip]
    held: dict[str, list[Holder]]
    recognised: list[Recognised] = field(default_factory=list)


def run(chosen: argparse.Namespace, roots: Roots | None = None) -> int:
    """Do what was `chosen`; the exit code."""
    found = asyncio.run(look(roots or Roots(), ask=chosen.probe))
    if chosen.json:
        print(json.dumps(asdict(found) | {"twins": _twins(found)}, indent=2))
    else:
        print("\n".join(lines(found, asked=chosen.probe)))
    return 0


async def look(roots: Roots, *, ask: bool) -> Inventory:
    """Find everything; ``ask`` free ports what they are."""
    ports, cameras, chips = sysfs.ports(roots), sysfs.cameras(roots), sysfs.chips(roots)
    found: list[Port | Camera | Chip] = [*ports, *cameras, *chips]
    nodes = [each.node for each in found]
    held = {node: who for node, who in holders(roots.proc, nodes).items() if who}
    free = [port.best for port in ports if port.node not in held]
    recognised = await probe.recognise(free) if ask else []
    return Inventory(ports, cameras, chips, held, recognised)


def _twins(found: Inventory) -> list[dict[str, Any]]:
    return [
        {"identity": what, "ports": [port.node for port in alike]}
        for what, alike in sysfs.twins(found.ports)
    ]


def lines(found: Inventory, *, asked: bool) -> Iterator[str]:
    """The inventory in words, with stanzas for what was recognised."""
    yield from _section("serial ports", [_port(each, found) for each in found.ports])
    yield from _section("cameras", [_camera(each, found) for each in found.cameras])
    yield from _section("GPIO chips", [_chip(each, found) for each in found.chips])
    for what, alike in sysfs.twins(found.ports):
        names = " and ".join(port.node for port in alike)
        yield f"WARNING: {names} cannot be told apart ({what}): use their by-path names,"
        yield "and leave each in its socket."
        yield ""
    stanzas = list(_stanzas(found))
    if stanzas:
        yield "To be pasted into the configuration:"
        yield ""
        yield from stanzas
    if found.ports and not asked:
        yield "Ports can be asked what is connected: checkpoint-gateway devices --probe"


def _section(title: str, entries: list[list[str]]) -> Iterator[str]:
    yield f"{title}: {len(entries) or 'none'}"
    for first, *more in entries:
        yield f"  {first}"
        yield from (f"      {line}" for line in more)
    yield ""


def _port(port: Port, found: Inventory) -> list[str]:
    told = [port.best]
    if port.by_path:
        told.append(port.node)
    if port.usb:
        texts = (port.usb.maker, port.usb.name, port.usb.serial and f"serial {port.usb.serial}")
        told.append(" ".join(filter(None, ("USB", port.usb.ids, *texts))))
    return told + _held(port.node, found) + _recognised(port, found)


def _camera(camera: Camera, found: Inventory) -> list[str]:
    told = [camera.best, *([camera.node] if camera.by_path else [])]
    return told + ([camera.name] if camera.name else []) + _held(camera.node, found)


def _chip(chip: Chip, found: Inventory) -> list[str]:
    known = f"{chip.label or 'no label'}, {chip.lines} lines"
    return [chip.node, *([known] if chip.lines is not None else []), *_held(chip.node, found)]


def _held(node: str, found: Inventory) -> list[str]:
    return [f"in use by {each.pid}: {each.command}" for each in found.held.get(node, ())]


def _recognised(port: Port, found: Inventory) -> list[str]:
    return [f"answers as {each.driver}" for each in found.recognised if each.port == port.best]


def _stanzas(found: Inventory) -> Iterator[str]:
    for number, each in enumerate(found.recognised, 1):
        yield from _stanza(f"{each.driver}-{number}", each.driver, "port", each.port)
        yield from _table(f"devices.{each.driver}-{number}", each.options)
        yield ""
    for number, camera in enumerate(found.cameras, 1):
        yield from _stanza(f"camera-{number}", "camera", "source", camera.best)
        yield ""


def _stanza(name: str, driver: str, key: str, value: str) -> Iterator[str]:
    yield f"[devices.{name}]"
    yield f'driver = "{driver}"'
    yield f"{key} = {json.dumps(value)}"


def _table(at: str, options: dict[str, Any]) -> Iterator[str]:
    """Options as TOML: values first, then the tables in them."""
    for name, value in options.items():
        if not isinstance(value, dict):
            yield f"{name} = {json.dumps(value)}"
    for name, value in options.items():
        if isinstance(value, dict):
            if any(not isinstance(each, dict) for each in value.values()):
                yield f"[{at}.{name}]"
            yield from _table(f"{at}.{name}", value)
