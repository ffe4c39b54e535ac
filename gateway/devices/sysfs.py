"""Finds devices where Linux lists them, and their names that survive a replug and a restart."""

import fcntl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHIP_INFO: Final = 0x8044B401
"""GPIO_GET_CHIPINFO_IOCTL of <linux/gpio.h>."""
_CHIP: Final = struct.Struct("32s32sI")  # name, label, lines
_NO_UART: Final = "0"  # PORT_UNKNOWN of <linux/serial_core.h>


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the system shows itself; a test builds its own."""

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    proc: Path = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usb:
    """What an adapter says about itself, ids as in `lsusb`; and the socket that it is in."""

    socket: str
    vendor: str
    product: str
    maker: str | None
    name: str | None
    serial: str | None

    @property
    def ids(self) -> str:
        """Vendor and product."""
        return f"{self.vendor}:{self.product}"


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port."""

    node: str
    by_path: str | None
    """The name of the socket that it is plugged into."""
    by_id: str | None
    """The name that the adapter has itself; see `twins`."""
    driver: str | None
    usb: Usb | None

    @property
    def best(self) -> str:
        """The name for a configuration."""
        return self.by_path or self.node


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera, by the one of its nodes that brings pictures."""

    node: str
    by_path: str | None
    name: str | None

    @property
    def best(self) -> str:
        """The name for a configuration."""
        return self.by_path or self.node


@dataclass(frozen=True, slots=True)
class Chip:
    """A GPIO chip; without the right to open it nothing but its node is known."""

    node: str
    label: str | None
    lines: int | None


def ports(roots: Roots) -> list[Port]:
    """The serial ports with hardware behind them."""
    paths, ids = (_links(roots.dev / "serial" / kind) for kind in ("by-path", "by-id"))
    return [
        Port(
            node=str(node),
            by_path=paths.get(node.resolve()),
            by_id=ids.get(node.resolve()),
            driver=_target(entry / "device" / "driver"),
            usb=_usb(entry / "device"),
        )
        for entry, node in _entries(roots, "tty")
        if (entry / "device").exists() and _text(entry / "type") != _NO_UART
    ]


def cameras(roots: Roots) -> list[Camera]:
    """The cameras; a second node of one, for its metadata, is left out."""
    paths = _links(roots.dev / "v4l" / "by-path")
    return [
        Camera(node=str(node), by_path=paths.get(node.resolve()), name=_text(entry / "name"))
        for entry, node in _entries(roots, "video4linux")
        if _text(entry / "index") in {None, "0"}
    ]


def chips(roots: Roots) -> list[Chip]:
    """The GPIO chips."""
    nodes = sorted(roots.dev.glob("gpiochip*"), key=_natural)
    return [Chip(str(node), *_chip(node)) for node in nodes]


def twins(found: list[Port]) -> list[tuple[str, list[Port]]]:
    """Adapters that say the same about themselves, and what they say.

    Linux gives such ones a single name below by-id, which leads to whichever came last.
    """
    same: dict[tuple[str, str | None], dict[str, Port]] = {}
    for port in found:
        if port.usb is not None:  # of an adapter with several ports the first stands for all
            adapters = same.setdefault((port.usb.ids, port.usb.serial), {})
            adapters.setdefault(port.usb.socket, port)
    return [
        (f"{ids}, {f'serial number {serial}' if serial else 'no serial number'}", [*alike.values()])
        for (ids, serial), alike in same.items()
        if len(alike) > 1
    ]


def _entries(roots: Roots, kind: str) -> Iterator[tuple[Path, Path]]:
    """The entries of a class, and their device nodes."""
    listed = roots.sys / "class" / kind
    for entry in sorted(listed.iterdir() if listed.is_dir() else (), key=_natural):
        yield entry, roots.dev / entry.name


def _natural(path: Path) -> tuple[str, int]:
    name = path.name.rstrip("0123456789")
    return name, int(path.name[len(name) :] or 0)


def _links(folder: Path) -> dict[Path, str]:
    """Device nodes by the links that lead to them."""
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return {link.resolve(): str(link) for link in links}


def _usb(device: Path) -> Usb | None:
    """The USB device that ``device`` is a part of."""
    real = device.resolve()
    for place in (real, *real.parents):
        if vendor := _text(place / "idVendor"):
            return Usb(
                socket=place.name,
                vendor=vendor,
                product=_text(place / "idProduct") or "",
                maker=_text(place / "manufacturer"),
                name=_text(place / "product"),
                serial=_text(place / "serial"),
            )
    return None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").strip() or None
    except OSError:
        return None


def _target(link: Path) -> str | None:
    return link.resolve().name if link.exists() else None


def _chip(node: Path) -> tuple[str | None, int | None]:
    try:
        with node.open("rb", buffering=0) as chip:
            answer = fcntl.ioctl(chip, _CHIP_INFO, bytes(_CHIP.size))
    except OSError:
        return None, None
    _, label, lines = _CHIP.unpack(answer)
    return label.rstrip(b"\0").decode(errors="replace") or None, lines
