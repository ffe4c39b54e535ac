"""A machine as Linux shows it, built of files: what is plugged in, and who has it open."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.devices.sysfs import Roots


@dataclass
class Machine:
    """A directory with ``sys``, ``dev`` and ``proc``."""

    root: Path
    _sockets: dict[str, Path] = field(default_factory=dict)

    @property
    def roots(self) -> Roots:
        """Where it shows itself."""
        return Roots(self.root / "sys", self.root / "dev", self.root / "proc")

    def adapter(self, socket: str, name: str, *, interface: int = 0, **says: str) -> Path:
        """Plug in a USB serial adapter; where its node is to be."""
        usb = self._usb(socket, {"idVendor": "1a86", "idProduct": "7523", **says})
        device = usb / f"{socket}:1.{interface}" / name
        device.mkdir(parents=True)
        driver = self.root / "sys/bus/usb-serial/drivers/ch341-uart"
        driver.mkdir(parents=True, exist_ok=True)
        (device / "driver").symlink_to(driver)
        (self._entry("tty", name) / "device").symlink_to(device)
        self._link("serial/by-path", f"platform-usb-0:{socket}:1.{interface}-port0", name)
        self._link("serial/by-id", f"usb-{says.get('serial', '1a86_USB_Serial')}-port0", name)
        return self.root / "dev" / name

    def uart(self, name: str, kind: str) -> None:
        """A port on the board itself; kind 0 is a place without a chip."""
        entry = self._entry("tty", name)
        (self.root / "sys/devices/serial8250").mkdir(parents=True, exist_ok=True)
        (entry / "device").symlink_to(self.root / "sys/devices/serial8250")
        (entry / "type").write_text(f"{kind}\n")
        (self.root / "dev" / name).touch()

    def pseudo(self, name: str) -> None:
        """A terminal with nothing behind it."""
        self._entry("tty", name)

    def camera(self, name: str, index: int) -> None:
        """A node of a camera."""
        entry = self._entry("video4linux", name)
        (entry / "name").write_text("HD Webcam\n")
        (entry / "index").write_text(f"{index}\n")
        (self.root / "dev" / name).touch()
        self._link("v4l/by-path", f"platform-usb-0:2:1.0-video-index{index}", name)

    def process(self, pid: int, command: str, *opened: Path) -> None:
        """A process that has files open."""
        process = self.root / "proc" / str(pid)
        (process / "fd").mkdir(parents=True)
        (process / "cmdline").write_bytes(command.replace(" ", "\0").encode() + b"\0")
        for number, path in enumerate(opened, 3):
            (process / "fd" / str(number)).symlink_to(path.resolve())

    def _usb(self, socket: str, says: dict[str, str]) -> Path:
        if socket not in self._sockets:
            usb = self.root / "sys/devices/usb1" / socket
            usb.mkdir(parents=True)
            for name, text in says.items():
                (usb / name).write_text(f"{text}\n")
            self._sockets[socket] = usb
        return self._sockets[socket]

    def _entry(self, kind: str, name: str) -> Path:
        entry = self.root / "sys/class" / kind / name
        entry.mkdir(parents=True)
        return entry

    def _link(self, folder: str, link: str, name: str) -> None:
        place = self.root / "dev" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / link).unlink(missing_ok=True)  # as udev does it: the last one has the name
        (place / link).symlink_to(f"../../{name}")
