"""Tries a configuration before it is written: does each device answer, does the broker?"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from drivers.base import CodeScanned, DeviceConfig, DoorObserved, Reading, TemperatureMeasured
from gateway.config import Config
from gateway.devices.live import Seen, answered, has_read, watch
from gateway.setup.contents import moved, validated
from gateway.setup.dialogue import Dialogue
from gateway.setup.parcel import Parcel
from gateway.setup.placing import tables_of
from gateway.uplink import probe

_ANSWER_S: Final = 20.0
"""A camera on a small box takes ten until its first picture."""
_READING_S: Final = 30.0


@contextmanager
def unpacked(parcel: Parcel) -> Iterator[Config]:
    """The configuration with its secrets where only we can read them, for as long as it is tried.

    Raises:
        ConfigError: it has mistakes.
    """
    with tempfile.TemporaryDirectory(prefix="checkpoint-gateway-") as directory:
        tables, files = moved(tables_of(parcel), parcel.files, Path(directory), Path(directory))
        for path, content in files.items():
            path.touch(mode=0o600)
            path.write_bytes(content)
        yield validated(tables)


def passed(parcel: Parcel, dialogue: Dialogue, *, attended: bool) -> bool:
    """Try everything and say how it went; whether all is well.

    Somebody who ``attended`` can hold something before each device: it then has to tell of it.
    """
    with unpacked(parcel) as config:
        good = [_device(name, each, dialogue, attended) for name, each in config.devices.items()]
        report = probe.run(config)
    dialogue.say(str(report))
    return report.passed and all(good)


def _device(name: str, config: DeviceConfig, dialogue: Dialogue, attended: bool) -> bool:
    seen = asyncio.run(watch(config, answered, _ANSWER_S))
    if seen.trouble:
        _tell(dialogue, "FAIL", f"{name}: {seen.trouble}")
        return False
    if seen.online:
        _tell(dialogue, "ok", f"{name} answers")
    else:  # a plain code reader is silent until it has read something
        _tell(dialogue, "note", f"{name} can be opened, and has said nothing by itself")
    return _reads(name, config, dialogue) if attended else True


def _reads(name: str, config: DeviceConfig, dialogue: Dialogue) -> bool:
    """Whether it tells of what is held before it; not wanting to know is no failure."""
    what = "hold a hand or a code before it, or open a door"
    while dialogue.confirm(f"        see a reading of {name}? ({what})", True):
        seen = asyncio.run(watch(config, has_read, _READING_S))
        if seen.reading is not None:
            _tell(dialogue, "ok", f"{name}: {in_words(seen.reading)}")
            return True
        _tell(dialogue, "FAIL", f"{name}: {_nothing(seen)}; {what}")
    return True


def _nothing(seen: Seen) -> str:
    return seen.trouble or f"it answers, but told nothing in {_READING_S:g} s"


def in_words(reading: Reading) -> str:
    """A reading for a terminal; never a code's content."""
    match reading:
        case TemperatureMeasured():
            return f"{reading.celsius:.1f} degrees, {reading.kind}, {reading.quality}"
        case CodeScanned():
            return f"a {reading.symbology} code was read (its content is not shown)"
        case DoorObserved():
            return f"{reading.door} is {reading.position}"
        case _:
            return f"it is {reading.state}"


def _tell(dialogue: Dialogue, level: str, text: str) -> None:
    dialogue.say(f"{level:>6}  {text}")
