"""The box itself, as its kernel tells: heat, power, memory, load, the wear of its disk.

Everything is a small file under /proc and /sys. What a board does not tell, or a sandbox hides
(systemd's `ProcSubset=pid` hides /proc/meminfo and /proc/loadavg), is None and no error.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_PLAUSIBLE_CELSIUS = (-40.0, 150.0)
"""A zone without a sensor reports 0 K or the largest number it can."""
_SECTOR_BYTES = 512
"""Of /sys/block/*/stat, whatever the disk's own are; Documentation/block/stat.rst."""
_WRITTEN = 6
_UNDERVOLTAGE, _THROTTLED, _UNDERVOLTAGE_SINCE_BOOT = 1 << 0, 1 << 2, 1 << 16
"""Bits of the Raspberry Pi's firmware; raspberrypi.com/documentation, vcgencmd get_throttled."""


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """One look; None is what this box does not tell."""

    celsius: float | None = None
    """Of the hottest sensor."""
    undervoltage: bool | None = None
    """Whether the power supply is too weak at this moment, where the board tells."""
    undervoltage_since_boot: bool | None = None
    throttled: bool | None = None
    """Whether the processor is held back, for heat or for want of power."""
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None
    load: float | None = None
    """Tasks that want to run, the mean of a minute."""
    disk_written_bytes: int | None = None
    """Onto the disk of the journal since it was switched on, by everybody."""
    disk_worn_percent: int | None = None
    """Of its life, as an eMMC tells it, in steps of ten; above 100 it is over."""
    process_memory_bytes: int | None = None
    process_cpu_s: float = 0.0
    process_descriptors: int | None = None


class Box:
    """Reads it under `root`; `directory` lies on the disk whose wear is told."""

    def __init__(self, directory: Path, root: Path = Path("/")) -> None:
        self._directory = directory
        self._root = root

    def look(self) -> BoxFigures:
        """What the kernel tells now; 20 small files that are in memory, 0.3 ms."""
        throttled = self._throttled()
        memory = self._memory()
        disk = self._disk()
        undervoltage = None if throttled is None else bool(throttled & _UNDERVOLTAGE)
        return BoxFigures(
            celsius=self._celsius(),
            undervoltage=self._alarm_of_supply() if undervoltage is None else undervoltage,
            undervoltage_since_boot=_bit(throttled, _UNDERVOLTAGE_SINCE_BOOT),
            throttled=_bit(throttled, _THROTTLED),
            memory_bytes=memory.get("MemTotal"),
            memory_available_bytes=memory.get("MemAvailable"),
            load=_number(self._root / "proc/loadavg"),
            disk_written_bytes=_written(disk) if disk else None,
            disk_worn_percent=_worn_percent(disk) if disk else None,
            process_memory_bytes=self._process_memory(),
            process_cpu_s=time.process_time(),
            process_descriptors=self._descriptors(),
        )

    def _celsius(self) -> float | None:
        zones = self._root.glob("sys/class/thermal/thermal_zone*/temp")
        found = [milli / 1000 for zone in zones if (milli := _number(zone)) is not None]
        least, most = _PLAUSIBLE_CELSIUS
        return max((each for each in found if least < each < most and each), default=None)

    def _throttled(self) -> int | None:
        firmware = self._root / "sys/devices/platform/soc/soc:firmware/get_throttled"
        return next(iter(_hexadecimal(firmware)), None)

    def _alarm_of_supply(self) -> bool | None:
        """Kernels from 4.20 on tell a Pi's supply as a sensor of its own."""
        for name in self._root.glob("sys/class/hwmon/hwmon*/name"):
            if _text(name) == "rpi_volt":
                return _text(name.with_name("in0_lcrit_alarm")) == "1"
        return None

    def _memory(self) -> dict[str, int]:
        lines = _text(self._root / "proc/meminfo").splitlines()
        words = [line.split() for line in lines if line.endswith(" kB")]
        return {word[0].rstrip(":"): int(word[1]) * 1024 for word in words if len(word) == 3}

    def _process_memory(self) -> int | None:
        resident = _text(self._root / "proc/self/statm").split()[1:2]
        return int(resident[0]) * os.sysconf("SC_PAGE_SIZE") if resident else None

    def _descriptors(self) -> int | None:
        try:
            return len(os.listdir(self._root / "proc/self/fd"))
        except OSError:
            return None

    def _disk(self) -> Path | None:
        """The whole disk in /sys; a file system in memory or over a network has none."""
        try:
            number = self._directory.stat().st_dev
            device = self._root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
            found = device.resolve(strict=True)
        except OSError:
            return None
        return found.parent if (found / "partition").exists() else found


def _bit(bits: int | None, bit: int) -> bool | None:
    return None if bits is None else bool(bits & bit)


def _written(disk: Path) -> int | None:
    fields = _text(disk / "stat").split()
    return int(fields[_WRITTEN]) * _SECTOR_BYTES if len(fields) > _WRITTEN else None


def _worn_percent(disk: Path) -> int | None:
    """eMMC 5.0: two kinds of memory, each 0x01 for up to 10 %, … 0x0b for more than all."""
    return 10 * max(_hexadecimal(disk / "device/life_time"), default=0) or None


def _number(path: Path) -> float | None:
    try:
        return float(_text(path).split()[0])
    except (ValueError, IndexError):
        return None


def _hexadecimal(path: Path) -> list[int]:
    try:
        return [int(each, 16) for each in _text(path).split()]
    except ValueError:
        return []


def _text(path: Path) -> str:
    """Empty where there is nothing to be read: a sensor may also fail while it is asked."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
