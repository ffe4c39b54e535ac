"""What no table can know of itself: names that must exist elsewhere, or must not occur twice."""

import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Any

from drivers.base import DeviceConfig
from gateway.config import LONGEST_TOPIC, Place, UplinkConfig
from gateway.configfile import words
from gateway.configfile.lines import Path
from gateway.configfile.mistakes import Misspelt, Mistake
from gateway.services import contradictions
from gateway.topics import Topics

_ONLY_WATCHED = "a home door is only ever watched; nothing may lock or release it"
_ACTS_ON_DOOR = re.compile(r"lock|relay|strike|release|bolt|hold|output|coil", re.IGNORECASE)


def across_tables(data: dict[str, Any], devices: Mapping[str, DeviceConfig]) -> Iterator[Mistake]:
    """Every name that is used must exist, and what only one device can have must not be shared.

    Works on the file's plain data, so that a mistake elsewhere in a stanza hides nothing here;
    ``devices`` are those without a mistake.
    """
    yield from _lanes_exist(data)
    yield from _posts_exist(data)
    yield from _doors_exist(data)
    yield from _doors_of_lanes_exist(data)
    for port, owner, device in _sharing(data, "port"):
        if problem := _not_on_one_line(devices.get(owner), devices.get(device)):
            yield _taken("port", port, owner, device, problem)
    yield from _stations_differ(devices)
    for option in ("source", "url"):
        for value, owner, device in _sharing(data, option):
            yield _taken(option, value, owner, device, f"expected a {option} of its own")
    yield from _doors_differ(data)
    yield from _sealed_to_somebody(data)


def _sealed_to_somebody(data: dict[str, Any]) -> Iterator[Mistake]:
    passes, export = (data.get(name) for name in ("passes", "export"))
    if not isinstance(passes, dict) or passes.get("keep_content") != "sealed":
        return
    if not isinstance(export, dict) or "seal_to_file" not in export:
        text = "export.seal_to_file is missing; the key that content is to be sealed to"
        yield Mistake(("passes", "keep_content"), text)


def tables(data: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The tables under ``[name]``, as far as they are tables."""
    group = data.get(name)
    if not isinstance(group, dict):
        return {}
    return {key: table for key, table in group.items() if isinstance(table, dict)}


def _lanes_exist(data: dict[str, Any]) -> Iterator[Mistake]:
    lanes = tuple(tables(data, "lanes"))
    for device, stanza in tables(data, "devices").items():
        path = ("devices", device, "lane")
        yield from _known(path, stanza.get("lane"), lanes, "a lane, which has a table [lanes.NAME]")


def _posts_exist(data: dict[str, Any]) -> Iterator[Mistake]:
    """Where badges are shown is a device or a lane."""
    known = (*tables(data, "devices"), *tables(data, "lanes"))
    for post, stanza in tables(tables(data, "duty"), "posts").items():
        place = stanza.get("at")
        yield from _known(("duty", "posts", post, "at"), place, known, "a device or lane")
    for number, place in _entries(data, "inspections", "places"):
        yield from _known(("inspections", "places", number), place, known, "a device or lane")


def _doors_exist(data: dict[str, Any]) -> Iterator[Mistake]:
    doors = tuple(
        name for stanza in tables(data, "devices").values() for name in tables(stanza, "doors")
    )
    for number, door in _entries(data, "doors", "egress"):
        yield from _known(("doors", "egress", number), door, doors, "a door of a device")


def _entries(data: dict[str, Any], table: str, option: str) -> list[tuple[int, Any]]:
    """What stands in a list of names, as far as it is one."""
    group = data.get(table)
    value = group.get(option) if isinstance(group, dict) else None
    return list(enumerate(value)) if isinstance(value, list) else []


def _known(path: Path, name: Any, known: tuple[str, ...], what: str) -> Iterator[Mistake]:
    if isinstance(name, str) and name not in known:
        wanted = words.one_of(known) if known else f"the name of {what}"
        text = f"found the text {words.quoted(name)}; expected {wanted}"
        yield Mistake(path, text, misspelt=Misspelt(name, known))


def _doors_of_lanes_exist(data: dict[str, Any]) -> Iterator[Mistake]:
    roles = {
        door: contacts.get("role")
        for stanza in tables(data, "devices").values()
        for door, contacts in tables(stanza, "doors").items()
    }
    gates = tuple(door for door, role in roles.items() if role == "gate")
    wanted = words.one_of(gates) if gates else 'a door of role "gate" that a device has'
    for lane, stanza in tables(data, "lanes").items():
        door = stanza.get("door")
        if not isinstance(door, str) or roles.get(door, "") not in ("", "sealed"):
            continue  # a missing or wrong role, and a home, are told elsewhere
        which = f", a door of role {words.quoted(str(roles[door]))}" if door in roles else ""
        text = f"found the text {words.quoted(door)}{which}; expected {wanted}"
        misspelt = None if door in roles else Misspelt(door, gates)
        yield Mistake(("lanes", lane, "door"), text, misspelt=misspelt)


def _sharing(data: dict[str, Any], key: str) -> Iterator[tuple[str, str, str]]:
    """Each port or source that is named again: its name, who named it first, and who does now."""
    owners: dict[str, str] = {}
    for device, stanza in tables(data, "devices").items():
        value = stanza.get(key)
        if isinstance(value, str) and value:
            owner = owners.setdefault(_place(value), device)
            if owner != device:
                yield value, owner, device


def _taken(key: str, value: str, owner: str, device: str, problem: str) -> Mistake:
    has = f"[devices.{words.shown(owner)}] has the {key} {words.quoted(value)} already"
    return Mistake(("devices", device, key), f"{has}; {problem}")


def _not_on_one_line(owner: DeviceConfig | None, device: DeviceConfig | None) -> str | None:
    uses = [each.line_use() for each in (owner, device) if each is not None]
    if not uses or None in uses:  # each would take the other's answers, or the port for itself
        return "expected a port of its own"
    wanted, *found = {each.settings: None for each in uses if each}
    return f"expected {wanted} as there, found {found[0]}" if found else None


def _stations_differ(devices: Mapping[str, DeviceConfig]) -> Iterator[Mistake]:
    stations: dict[tuple[str, str], str] = {}
    for device, config in devices.items():
        if use := config.line_use():
            other = stations.setdefault((_place(use.port), use.station), device)
            if other != device:
                text = f"as {use.station}; expected another address"
                yield _taken("port", use.port, other, device, text)


def _place(name: str) -> str:
    """The same for every name of the same port, whichever links lead to it."""
    if "://" in name:
        return name
    return os.path.realpath(name) if os.path.exists(name) else os.path.normpath(name)


def _doors_differ(data: dict[str, Any]) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    for device, stanza in tables(data, "devices").items():
        for door in tables(stanza, "doors"):
            owner = owners.setdefault(door, device)
            if owner != device:
                there = f"[devices.{words.shown(owner)}.doors.{words.shown(door)}]"
                path: Path = ("devices", device, "doors", door)
                text = f"{there} has this name already; expected a name of its own"
                yield Mistake(path, text, table=True)


def no_locks_at_homes(data: dict[str, Any]) -> Iterator[Mistake]:
    """A home door is watched and nothing else: whoever lives behind it must always get out."""
    homes: set[str] = set()
    for device, stanza in tables(data, "devices").items():
        for door, contacts in tables(stanza, "doors").items():
            if contacts.get("role") != "home":
                continue
            homes.add(door)
            for key in filter(_ACTS_ON_DOOR.search, contacts):
                yield Mistake(("devices", device, "doors", door, key), _ONLY_WATCHED)
    for lane, stanza in tables(data, "lanes").items():
        named = stanza.get("door")
        if isinstance(named, str) and named in homes:  # it would be released for whoever may pass
            yield Mistake(("lanes", lane, "door"), _ONLY_WATCHED)


def topics_fit(place: Place, devices: list[str]) -> Iterator[Mistake]:
    """No topic may be longer than all brokers take."""
    topics = Topics(place)
    if own := topics.too_long([]):
        wanted = "expected a shorter id, district, street or community"
        yield Mistake(("gateway",), f"{_too_long(max(own, key=len))}; {wanted}", table=True)
        return
    for device in devices:
        if words.shown(device) != device:
            continue  # no name at all, which is told elsewhere
        for topic in topics.too_long([device]):
            room = LONGEST_TOPIC - len(topic) + len(device)
            wanted = f"expected a device's name of at most {room} characters"
            yield Mistake(("devices", device), f"{_too_long(topic)}; {wanted}", table=True)


def service_agrees(uplink: UplinkConfig) -> Iterator[Mistake]:
    """The broker's kind must know what the other options ask of it."""
    for option, text in contradictions(uplink):
        yield Mistake(("uplink", option), text)


def _too_long(topic: str) -> str:
    return f"the topic {topic} has {len(topic)} characters and may have {LONGEST_TOPIC}"
