"""Plain data → `Config`, each device by its own driver's model, or everything wrong with it."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, time
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from drivers import registry
from drivers.base import DeviceConfig
from gateway.config import Config, Place, UplinkConfig
from gateway.configfile import crosscheck, words
from gateway.configfile.lines import Path
from gateway.configfile.mistakes import Misspelt, Mistake, mistakes

_Model = TypeVar("_Model", bound=BaseModel)


def validate(data: dict[str, Any]) -> tuple[Config | None, list[Mistake]]:
    """The configuration in ``data``, or everything that is wrong with it."""
    devices: dict[str, DeviceConfig] = {}
    found: list[Mistake] = []
    for name, stanza in crosscheck.tables(data, "devices").items():
        device, wrong = _device(name, stanza)
        found += wrong
        if device is not None:
            devices[name] = device
    config, wrong = _validated(Config, _without_devices(data))
    found += wrong
    unsafe = {mistake.path: mistake for mistake in crosscheck.no_locks_at_homes(data)}
    # Of one danger is told once: the driver's own word on the door is about the same wire.
    doors = {path[:-1] for path in unsafe}
    found = [each for each in found if each.path not in unsafe and each.path not in doors]
    found += unsafe.values()
    found += crosscheck.across_tables(data, devices)
    with suppress(ValidationError):
        place = Place.model_validate(data.get("gateway"), strict=False)
        found += crosscheck.topics_fit(place, list(crosscheck.tables(data, "devices")))
    with suppress(ValidationError):
        found += crosscheck.service_agrees(UplinkConfig.model_validate(data.get("uplink")))
    found += _dates_besides(data, found)
    if found or config is None:
        return None, found
    return config.model_copy(update={"devices": devices}), []


def as_model(model: type[_Model], data: dict[str, Any]) -> tuple[_Model | None, list[Mistake]]:
    """``data`` as a ``model`` that stands for itself, or everything that is wrong with it."""
    made, found = _validated(model, data)
    found += _dates_besides(data, found)
    return (None if found else made), found


def _validated(
    model: type[_Model], data: dict[str, Any], at: Path = ()
) -> tuple[_Model | None, list[Mistake]]:
    """``data`` as a ``model``; by way of JSON, because pydantic is strict there in TOML's sense.

    A number in quotation marks is no number and 1 is not true, but a text may name a path.
    """
    try:
        return model.model_validate_json(to_json(data), strict=True), []
    except ValidationError as error:
        return None, list(mistakes(error, model, data, at))


def _without_devices(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` with the devices' names, but without what only their drivers understand."""
    if not isinstance(data.get("devices"), dict):
        return data
    blank = {"driver": ""}
    stanzas = data["devices"].items()
    return data | {
        "devices": {name: blank if isinstance(each, dict) else each for name, each in stanzas}
    }


def _device(name: str, stanza: dict[str, Any]) -> tuple[DeviceConfig | None, list[Mistake]]:
    at: Path = ("devices", name)
    driver = stanza.get("driver")
    wanted = f"expected {words.one_of(registry.names())}"
    if driver is None:
        return None, [Mistake((*at, "driver"), f"missing; {wanted}")]
    if not isinstance(driver, str):
        return None, [Mistake((*at, "driver"), f"found {words.found(driver)}; {wanted}")]
    try:
        entry = registry.load(driver)
    except registry.UnknownDriverError:
        misspelt = Misspelt(driver, tuple(registry.names()))
        text = f"found {words.found(driver)}; {wanted}"
        return None, [Mistake((*at, "driver"), text, misspelt=misspelt)]
    except ImportError as error:
        text = f"the driver {words.quoted(driver)} needs {error.name or error}, not installed here"
        return None, [Mistake((*at, "driver"), text)]
    return _validated(entry.config, stanza, at)


def _dates_besides(data: dict[str, Any], found: list[Mistake]) -> list[Mistake]:
    """Those that nothing has been told of yet."""
    told = {mistake.path for mistake in found}
    return [mistake for mistake in _dates(data, ()) if mistake.path not in told]


def _dates(value: object, at: Path) -> Iterator[Mistake]:
    """Nothing in a configuration is a date; in JSON one would pass for a text."""
    if isinstance(value, date | time):
        text = "found a date or time; expected another kind of value, text in quotation marks"
        yield Mistake(at, text)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _dates(each, (*at, key))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _dates(each, (*at, position))
