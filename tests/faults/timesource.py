"""What sets a box's wall clock: its time source, somebody by hand, or nobody since 1970."""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.mutants import Mutant

YEAR_S = 365 * 86_400


class TimeSource:
    """Of one box, whose program and environment it gives; at first the clock is right, and unset.

    The wall clock is libfaketime's, which leaves the monotonic one alone.
    """

    def __init__(self, directory: Path) -> None:
        self._offset = directory / "faketime"
        self._marks = directory / "timesync"
        self._mark = self._marks / "synchronized"

    def program(self, mutant: Mutant | None = None) -> Sequence[str]:
        """What to run in place of the gateway."""
        self._marks.mkdir(exist_ok=True)
        self.is_set_off_by(0)
        return "tests.faults.boxclock", str(self._marks), *(("--mutant", mutant) if mutant else ())

    @property
    def environment(self) -> Mapping[str, str]:
        """What it runs in."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_CACHE_DURATION": "1",  # seconds; without, it reads the file at every look
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def is_set_off_by(self, seconds: int) -> None:
        """Somebody sets the clock so that it differs from the true time by this."""
        half = self._offset.with_suffix(".new")
        half.write_text(f"{seconds:+d}\n")
        half.replace(self._offset)

    def starts_in(self, year: int) -> None:
        """The box starts with the clock at the beginning of `year`, and nobody knows better."""
        self._mark.unlink(missing_ok=True)
        self.is_set_off_by(round(datetime(year, 1, 1, tzinfo=UTC).timestamp() - time.time()))

    def synchronises(self) -> None:
        """The time source sets the clock right, and leaves its mark."""
        self.is_set_off_by(0)
        self._mark.touch()
        os.utime(self._mark)
