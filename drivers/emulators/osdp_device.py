"""An OSDP device on a cable; libosdp's own peripheral device is its firmware."""

import asyncio
from pathlib import Path
from typing import Any, Self

import osdp_sys

from drivers.emulators.cable import Cable

_REFRESH_S = 0.005
_IDENTITY = {
    "version": 1, "model": 1, "vendor_code": 0xCAFE, "serial_number": 7, "firmware_version": 1,
}  # fmt: skip


class OsdpDevice:
    """A reader with inputs and outputs; use it as an asynchronous context manager, plugged in.

    Without a ``key`` it is as delivered: it takes the default key, and the one that it is given,
    which it keeps. It refuses to tell its inputs: libosdp 3.2.9 passes no such answer on.
    """

    def __init__(
        self, link: Path, *, address: int = 0, key: bytes | None = None, inputs: int = 8
    ) -> None:
        self.key = key
        self.commands: list[dict[str, Any]] = []
        self.refuses_outputs = False
        self._address = address
        self._inputs = bytearray(inputs)
        self._cable = Cable(link, self._hear)
        self._line = _Line(self._cable)
        self._device: Any = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.replug()
        self._task = asyncio.create_task(self._refresh(), name="emulated OSDP device")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def unplug(self) -> None:
        """Pull the cable, and with it the power."""
        self._cable.unplug()
        self._device = None

    def replug(self) -> None:
        """Plug it in again."""
        flags = osdp_sys.FLAG_ENFORCE_SECURE if self.key else osdp_sys.FLAG_INSTALL_MODE
        capabilities = [
            {"function_code": code, "compliance_level": 1, "num_items": items}
            for code, items in (
                (osdp_sys.CAP_OUTPUT_CONTROL, 8),
                (osdp_sys.CAP_CONTACT_STATUS_MONITORING, len(self._inputs)),
                (osdp_sys.CAP_COMMUNICATION_SECURITY, 1),
            )
            if items
        ]
        description = {"name": "emulated", "address": self._address, "flags": flags}
        description |= {"scbk": self.key, "channel": self._line, **_IDENTITY}
        self._device = osdp_sys.PeripheralDevice(description, capabilities=capabilities)
        self._device.set_command_callback(self._obey)
        self._cable.plug()

    def card(self, data: bytes, bits: int) -> None:
        """A card is held to it."""
        self._device.submit_event(
            {
                "event": osdp_sys.EVENT_CARDREAD,
                "reader_no": 0,
                "direction": 0,
                "format": osdp_sys.CARD_FMT_RAW_WIEGAND,
                "length": bits,
                "data": data,
            }
        )

    def set_input(self, number: int, level: int) -> None:
        """An input changes."""
        self._inputs[number] = level
        self._report(osdp_sys.STATUS_REPORT_INPUT, bytes(self._inputs))

    def set_condition(self, *, tamper: bool, power_failed: bool = False) -> None:
        """It is opened or closed, or loses its power supply."""
        self._report(osdp_sys.STATUS_REPORT_LOCAL, bytes((tamper, power_failed)))

    def _report(self, kind: int, report: bytes) -> None:
        event = {"event": osdp_sys.EVENT_STATUS, "type": kind, "report": report}
        self._device.submit_event(event)

    def _hear(self, data: bytes) -> None:
        self._line.received += data

    def _obey(self, command: dict[str, Any]) -> tuple[int, None]:
        self.commands.append(command)
        if command["command"] == osdp_sys.CMD_KEYSET:
            self.key = command["data"]
        refuses = self.refuses_outputs and command["command"] == osdp_sys.CMD_OUTPUT
        return (-1 if refuses else 0), None

    async def _refresh(self) -> None:
        while True:
            if self._device is not None:
                self._device.refresh()
            await asyncio.sleep(_REFRESH_S)


class _Line:
    """The cable as libosdp wants it."""

    def __init__(self, cable: Cable) -> None:
        self.id = 1
        self.received = bytearray()
        self._cable = cable

    def read(self, most: int) -> bytes:
        """What has come."""
        data = bytes(self.received[:most])
        del self.received[:most]
        return data

    def write(self, data: bytes) -> int:
        """Send all of it."""
        self._cable.send(data)
        return len(data)

    def flush(self) -> None:
        """Forget what has come."""
        self.received.clear()


osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)
