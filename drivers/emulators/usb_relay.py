"""A USB relay board: a plain LCUS, which may be mute, or a clone that answers everything."""

from pathlib import Path
from typing import Literal, Self

from drivers.emulators.cable import Cable

Kind = Literal["mute", "text", "smart"]


class UsbRelay:
    """The board; use it as an asynchronous context manager, plugged in from the start.

    ``relays`` are on or off, from 0; they lose it with the power, that is, when it is unplugged.
    ``stuck`` ones do not move. ``commands`` keeps what was heard.
    """

    def __init__(self, link: Path, kind: Kind = "mute", *, relays: int = 2) -> None:
        self.relays = [False] * relays
        self.stuck: set[int] = set()
        self.commands: list[bytes] = []
        self._kind = kind
        self._cable = Cable(link, self._received)
        self._heard = b""

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Pull it out."""
        self.relays = [False] * len(self.relays)
        self._cable.unplug()

    def replug(self) -> None:
        """Plug it in again."""
        self._cable.plug()

    def _received(self, data: bytes) -> None:
        self._heard += data
        while self._heard:
            size = 4 if self._heard[0] == 0xA0 else 1
            if len(self._heard) < size:
                return
            command, self._heard = self._heard[:size], self._heard[size:]
            self.commands.append(command)
            if size == 4 and (0xA0 + command[1] + command[2]) % 256 == command[3]:
                self._obey(command[1] - 1, command[2])
            elif command == b"\xff" and self._kind == "text":
                lines = [f"CH{i + 1}: {'ON' if on else 'OFF'}" for i, on in enumerate(self.relays)]
                self._cable.send("".join(f"{line}\r\n" for line in lines).encode())

    def _obey(self, relay: int, operation: int) -> None:
        if operation > 1 and self._kind != "smart":
            return
        if operation in (0, 1, 2, 3) and relay not in self.stuck:
            self.relays[relay] = operation in (1, 3)
        if operation in (2, 3, 5):
            state = int(self.relays[relay])
            self._cable.send(bytes((0xA0, relay + 1, state, (0xA0 + relay + 1 + state) % 256)))
