"""What the kernel tells of the box, read from real trees of files as different boxes have them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.box import Box, BoxFigures

ZONE = "sys/class/thermal/thermal_zone{}/temp"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
MEMINFO = "MemTotal:        1893784 kB\nMemFree:          98404 kB\nMemAvailable:    1213160 kB\n"


def looked(root: Path, files: Mapping[str, str]) -> BoxFigures:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Box(root, root).look()


def test_a_box_that_tells_nothing(tmp_path: Path) -> None:
    """As in a sandbox that hides /proc: nothing is known, and nothing fails."""
    found = looked(tmp_path, {})
    assert found == BoxFigures(process_cpu_s=found.process_cpu_s)
    assert found.process_cpu_s > 0


def test_the_hottest_sensor_counts_and_a_missing_one_does_not(tmp_path: Path) -> None:
    zones = {ZONE.format(0): "48312\n", ZONE.format(1): "61829\n", ZONE.format(2): "-274000\n"}
    assert looked(tmp_path, zones).celsius == 61.829
    assert looked(tmp_path, {ZONE.format(1): "", ZONE.format(0): "0\n"}).celsius is None


@pytest.mark.parametrize(
    ("told", "now", "since_boot", "throttled"),
    [
        ("0", False, False, False),
        ("50005", True, True, True),
        ("50000", False, True, False),
        ("80008", False, False, False),
    ],
)
def test_a_raspberry_pis_firmware(
    tmp_path: Path, told: str, now: bool, since_boot: bool, throttled: bool
) -> None:
    found = looked(tmp_path, {FIRMWARE: f"{told}\n"})
    assert found.undervoltage is now
    assert found.undervoltage_since_boot is since_boot
    assert found.throttled is throttled


@pytest.mark.parametrize(("alarm", "undervoltage"), [("0", False), ("1", True)])
def test_a_raspberry_pis_sensor_of_its_supply(
    tmp_path: Path, alarm: str, undervoltage: bool
) -> None:
    files = {
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": f"{alarm}\n",
    }
    found = looked(tmp_path, files)
    assert found.undervoltage is undervoltage
    assert found.throttled is None


def test_memory_load_and_the_process(tmp_path: Path) -> None:
    files = {
        "proc/meminfo": MEMINFO,
        "proc/loadavg": "0.52 0.58 0.59 1/467 12345\n",
        "proc/self/statm": "18340 13500 3000 1 0 9000 0\n",
        "proc/self/fd/0": "",
        "proc/self/fd/1": "",
    }
    found = looked(tmp_path, files)
    assert (found.memory_bytes, found.memory_available_bytes) == (1893784 << 10, 1213160 << 10)
    assert found.load == 0.52
    assert found.process_memory_bytes == 13500 * os.sysconf("SC_PAGE_SIZE")
    assert found.process_descriptors == 2


@pytest.mark.parametrize(
    ("life_time", "worn"),
    [("0x01 0x02\n", 20), ("0x0b 0x01\n", 110), ("0x00 0x00\n", None), ("junk\n", None)],
)
def test_the_disk_of_the_journal(tmp_path: Path, life_time: str, worn: int | None) -> None:
    number = tmp_path.stat().st_dev
    disk = tmp_path / "sys/devices/mmc_host/mmcblk0"
    for name, text in {
        "mmcblk0p2/partition": "2\n",
        "stat": "  1053 97 68532 412 2210 1811 95224 2330 0 1984 2742\n",
        "device/life_time": life_time,
    }.items():
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_text(text)
    link = tmp_path / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    found = looked(tmp_path, {})
    assert found.disk_written_bytes == 95224 * 512
    assert found.disk_worn_percent == worn


def test_this_machine() -> None:
    """Whatever it is, it can be asked, and a process that runs takes memory."""
    found = Box(Path("/")).look()
    assert found.process_memory_bytes is not None
    assert found.process_memory_bytes > 1 << 20
    assert found.process_descriptors is not None
    assert found.process_descriptors > 2
