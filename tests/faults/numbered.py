"""A thermometer whose samples can be counted, and what of them has been recorded."""

import json
from pathlib import Path

from drivers.emulators.thermometer import Thermometer
from tests.journal.journals import query


class Numbered(Thermometer):
    """Each of its samples carries its own number, as its temperature in hundredths of a degree."""

    sent = 0

    def _send_reading(self) -> None:
        self.ambient_celsius = self.sent / 100
        self.sent += 1
        super()._send_reading()


def numbers(journal: Path, device: str) -> list[int]:
    """The numbers of the samples of `device` in a journal, which may be in use, in order."""
    bodies = query(journal, "SELECT body FROM event WHERE kind='temperature' ORDER BY seq")
    found = [json.loads(body)["data"] for (body,) in bodies]
    return [round(each["ambient_celsius"] * 100) for each in found if each["device"] == device]
