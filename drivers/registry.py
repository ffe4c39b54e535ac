"""Finds a driver by its name, which is its file name; imports it only when it is asked for."""

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol, cast

import drivers
from drivers.base import DeviceConfig, Driver

_OFFERED: Final = [re.compile(rf"^class {each}\(", re.MULTILINE) for each in ("Config", "Driver")]
"""What makes a module a driver; what lies beside the drivers and is shared by them has not both."""


class DriverFactory(Protocol):
    """A driver class: the device's name and its validated stanza make an idle driver."""

    def __call__(self, name: str, config: DeviceConfig) -> Driver: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What a driver module offers: its configuration model and its driver class."""

    config: type[DeviceConfig]
    driver: DriverFactory


class UnknownDriverError(LookupError):
    """No driver has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f'no driver is called "{name}"; there are {", ".join(names())}')


def names() -> list[str]:
    """Every driver's name, sorted; reads their sources and imports none of them."""
    return list(_names(tuple(drivers.__path__)))


@cache
def _names(folders: tuple[str, ...]) -> list[str]:
    modules = [each for folder in folders for each in Path(folder).glob("*.py")]
    packages = [each for folder in folders for each in Path(folder).glob("*/__init__.py")]
    sources = {each.stem: each for each in modules} | {each.parent.name: each for each in packages}
    return sorted(name for name, source in sources.items() if _is_driver(source))


def _is_driver(source: Path) -> bool:
    text = source.read_text(encoding="utf-8")
    return all(offered.search(text) for offered in _OFFERED)


def load(name: str) -> Entry:
    """Import the driver ``name``.

    Raises:
        UnknownDriverError: no driver of this name under ``drivers/``.
        ImportError: a library this driver needs is missing; the message names it.
    """
    if name not in names():
        raise UnknownDriverError(name)
    module = importlib.import_module(f"drivers.{name}")
    return Entry(config=module.Config, driver=cast(DriverFactory, module.Driver))
