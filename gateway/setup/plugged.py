"""Asks for the devices: those that are found, and those that have to be named."""

import asyncio
import os
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from drivers import registry
from gateway.configfile import words
from gateway.devices import command
from gateway.devices.sysfs import Roots
from gateway.setup.dialogue import NONE, Back
from gateway.setup.doors import ask_doors
from gateway.setup.meaning import Tables, description, required, schema_at
from gateway.setup.secrets import TYPED, Secrets
from gateway.setup.sheet import Sheet

_WHERE: Final = ("port", "source", "url", "chip")
"""Options that say where a device is."""


class _Found(NamedTuple):
    """A device that the box has, and what it can be configured with."""

    driver: str
    where: str
    stanza: Tables


def ask_devices(sheet: Sheet, secrets: Secrets, roots: Roots) -> None:
    """Everything under ``[devices]``."""
    dialogue = sheet.dialogue
    sheet.put(sheet.get("devices") or {}, "devices")
    for name, stanza in list(sheet.get("devices").items()):
        if not dialogue.confirm(f"Keep {name}, a {stanza['driver']} at {_where(stanza)}?", True):
            sheet.put(None, "devices", name)
        elif wrong := sheet.mistakes(("devices", name)):  # its lane may be gone
            dialogue.say(*(f"  ! {each}" for each in wrong))
            _ask_until_right(sheet, secrets, name, ())
        else:
            _ask_secrets(secrets, name, [each for each in TYPED if each in stanza])
    for found in _look(sheet, roots):
        if dialogue.confirm(f"Use the {found.driver} at {found.where}?", True):
            _ask_device(sheet, secrets, found.stanza)
    drivers = registry.names()
    explain = f"A device that is not found by itself: {', '.join(drivers)}."
    while True:
        driver = dialogue.ask(
            "Another device, by its driver",
            NONE,
            explain=explain,
            check=lambda text: _known(text, [NONE, *drivers]),
        )
        if driver == NONE:
            return
        _ask_device(sheet, secrets, {"driver": driver})


def _look(sheet: Sheet, roots: Roots) -> list[_Found]:
    """What is plugged in and free, and not yet in the configuration."""
    dialogue = sheet.dialogue
    ask = dialogue.confirm(
        "Ask the free serial ports what is connected to them?",
        True,
        explain="Each is sent the questions of known devices; nothing is changed in them. Say no if"
        " something else is connected that must not be disturbed.",
    )
    if ask:
        dialogue.say("  looking; this takes up to a minute where nothing answers ...")
    inventory = asyncio.run(command.look(roots, ask=ask))
    found = [*_found(inventory)]
    silent = {each.best for each in inventory.ports} - {each.where for each in found}
    for port in sorted(silent):
        dialogue.say(f"  {port}: {'nothing known answers' if ask else 'not asked'}")
    for node, who in inventory.held.items():
        dialogue.say(f"  {node}: in use by {', '.join(each.command for each in who)}")
    used = {os.path.realpath(_where(each)) for each in sheet.get("devices").values()}
    return [each for each in found if os.path.realpath(each.where) not in used]


def _found(inventory: command.Inventory) -> Iterator[_Found]:
    for each in inventory.recognised:
        stanza = {"driver": each.driver, "port": each.port, **each.options}
        yield _Found(each.driver, each.port, stanza)
    for camera in inventory.cameras:
        yield _Found("camera", camera.best, {"driver": "camera", "source": camera.best})


def _ask_device(sheet: Sheet, secrets: Secrets, stanza: Tables) -> None:
    name = _ask_name(sheet, stanza["driver"])
    at = ("devices", name)
    sheet.put(dict(stanza), *at)
    sheet.dialogue.say(f"  {name}: {description(schema_at(sheet.tables, at))}")
    try:
        _ask_until_right(sheet, secrets, name, stanza)
    except Back:
        sheet.put(None, *at)  # half a device is none
        raise


def _ask_until_right(sheet: Sheet, secrets: Secrets, name: str, found: Collection[str]) -> None:
    def ask() -> None:
        _ask_options(sheet, secrets, name, found)

    sheet.until_right(("devices", name), ask)


def _ask_name(sheet: Sheet, driver: str) -> str:
    number = 1
    while (proposed := f"{driver}-{number}") in sheet.get("devices"):
        number += 1

    def check(text: str) -> list[str]:
        if text in sheet.get("devices"):
            return [f"there is a device {text} already"]
        sheet.put({"driver": driver}, "devices", text)
        wrong = [each for each in sheet.mistakes(("devices", text)) if "found the name" in each]
        sheet.put(None, "devices", text)
        return wrong

    explain = "Yours to choose: small letters, digits, - and _. Events carry it."
    return sheet.dialogue.ask("Its name", proposed, explain=explain, check=check)


def _ask_options(sheet: Sheet, secrets: Secrets, name: str, found: Collection[str]) -> None:
    at = ("devices", name)
    schema = schema_at(sheet.tables, at)
    properties = schema.get("properties", {})
    lanes = [*(sheet.get("lanes") or {}), NONE]
    first = NONE if "doors" in properties else lanes[0]
    sheet.choose("Which lane is it at", lanes, *at, "lane", default=first)
    for option in required(schema):
        if option not in ("doors", *TYPED, *found):
            sheet.ask(f"{name}: {option}", *at, option)
    remote = _is_remote(sheet.get(*at))
    wanted = [each for each in TYPED if each in required(schema) or (each in properties and remote)]
    _ask_secrets(secrets, name, wanted, again=True)
    if "doors" in properties:
        ask_doors(sheet, *at)


def _ask_secrets(
    secrets: Secrets, name: str, options: Iterable[str], *, again: bool = False
) -> None:
    """Ask for those that are not known; with ``again`` for all."""
    for option in options:
        at = ("devices", name, option)
        kind = "user:password" if option == "credentials_file" else "password"
        if again or not secrets.has(*at):
            secrets.ask(f"{name}: {kind}", *at, name=name)


def _is_remote(stanza: Tables) -> bool:
    return "://" in _where(stanza)


def _where(stanza: Tables) -> str:
    return next((str(stanza[each]) for each in _WHERE if each in stanza), "this box")


def _known(text: str, known: list[str]) -> list[str]:
    return [] if text in known else [f'found "{text}"; expected {words.one_of(known)}']
