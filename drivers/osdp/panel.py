"""libosdp's control panel, driven by the asyncio loop: no thread, no blocking call.

libosdp is called every 20 ms, takes the bytes that have come, and leaves those to be sent::

    event CARDREAD           a card's bits, left-aligned
    event STATUS, input      one byte for each input: 0 inactive, 1 active, else a fault
    event STATUS, local      tamper, power failure
    event NOTIFICATION       here: the device is online or offline, its channel is secure or not
    command OUTPUT, code 5   on for so many tenths of a second, timed by the device

Given a key but not told to enforce it, libosdp falls back to the default key (SCBK-D), sets the
device's own key through that, and changes to it. Source: libosdp 3.2, osdp.h.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, NoReturn

from drivers.base import DeviceError
from drivers.wire.serialport import SerialPort

try:
    import osdp_sys
except ModuleNotFoundError as missing:
    raise ImportError("libosdp (pip install 'checkpoint-gateway[osdp]')") from missing

_REFRESH_S: Final = 0.02
"""libosdp wants to be called at least every 50 ms; one call takes 0.1 ms."""
_ONLINE_S: Final = 5.0
"""Greeting and handshake take 0.3 s at 9600 baud; giving a device its key another."""
_DONE_S: Final = 3.0
"""libosdp asks eight times, 0.2 s each, before a device counts as silent."""


class Control(IntEnum):
    """What to do with an output."""

    OFF = 1
    ON = 2
    ON_FOR = 5


class Report(IntEnum):
    """What a device can be asked for."""

    INPUTS = osdp_sys.STATUS_REPORT_INPUT
    LOCAL = osdp_sys.STATUS_REPORT_LOCAL


@dataclass(frozen=True, slots=True)
class Card:
    """A card was held to the reader; ``data`` are its bits, left-aligned."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The levels of all inputs: 0 inactive, 1 active, others a fault."""

    levels: bytes


@dataclass(frozen=True, slots=True)
class Local:
    """The device's own condition."""

    tamper: bool
    power_failed: bool


Event = Card | Inputs | Local


def question(report: Report) -> dict[str, Any]:
    """Have the device tell something, as an event."""
    return {"command": osdp_sys.CMD_STATUS, "type": report.value, "report": b""}


def order(output: int, control: Control, seconds: float = 0.0) -> dict[str, Any]:
    """Control an output, counted from 0."""
    return {
        "command": osdp_sys.CMD_OUTPUT,
        "output_no": output,
        "control_code": control.value,
        "timer_count": math.ceil(seconds * 10),  # 0 would be for ever
    }


class _Line:
    """The channel as libosdp wants it: what has come, and what is to be sent."""

    def __init__(self) -> None:
        self.id = 0
        self.received = bytearray()
        self.to_send = bytearray()

    def read(self, most: int) -> bytes:
        """Bytes that have come, ``most`` of them."""
        data = bytes(self.received[:most])
        del self.received[:most]
        return data

    def write(self, data: bytes) -> int:
        """Take ``data`` to be sent; how much was taken."""
        self.to_send += data
        return len(data)

    def flush(self) -> None:
        """Forget what has come."""
        self.received.clear()


class Panel:
    """The panel's end of a line with the one device at ``address``, whose key is ``key``.

    What the device tells is in ``events``. Unless ``secure`` it is let in with the default key,
    too, and given its own.
    """

    def __init__(self, port: SerialPort, address: int, key: bytes, *, secure: bool) -> None:
        self._port = port
        self._address = address
        self._line = _Line()
        self._panel = osdp_sys.ControlPanel([_device(self._line, address, key, secure=secure)])
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._online = asyncio.Event()
        self._commands: deque[asyncio.Future[bool]] = deque()
        self._trouble: str | None = None

    @property
    def has_inputs(self) -> bool:
        """Whether the device has said that it has any."""
        (level, _) = self._panel.check_capability(0, osdp_sys.CAP_CONTACT_STATUS_MONITORING)
        return bool(level)

    def close(self) -> None:
        """Let go of libosdp's side, which holds on to this one."""
        del self._panel

    async def receive(self) -> NoReturn:
        """Take what comes from the port."""
        while True:
            self._line.received += await self._port.read()

    async def refresh(self) -> NoReturn:
        """Let libosdp work, for as long as the device is there.

        Raises:
            DeviceError: it went offline, or the port is gone.
        """
        self._panel.set_event_callback(self._happened)
        self._panel.set_command_completion_callback(self._completed)
        while True:
            self._panel.refresh()
            if self._line.to_send:
                data = bytes(self._line.to_send)
                self._line.to_send.clear()
                await self._port.write(data)
            await asyncio.sleep(_REFRESH_S)
            # After the pause, in which who waits for a command hears why the device went.
            if self._trouble is not None:
                raise DeviceError(f"{self._port.name}: {self._trouble}")

    async def online(self) -> None:
        """Return once the device answers, in the way that is wanted.

        Raises:
            DeviceError: it does not; the sentence says what was found.
        """
        try:
            async with asyncio.timeout(_ONLINE_S):
                await self._online.wait()
        except TimeoutError as error:
            raise DeviceError(f"{self._port.name}: {self._why_not()}") from error

    async def tell(self, command: dict[str, Any]) -> bool:
        """Send a `question` or an `order`; whether the device takes it.

        Raises:
            TimeoutError: it does not answer.
        """
        if not self._panel.submit_command(0, command):
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._commands.append(done)
        async with asyncio.timeout(_DONE_S):
            return await done

    def _completed(self, _device: int, _command: dict[str, Any], status: int) -> None:
        # libosdp keeps the order; what it does by itself nobody waits for.
        done = self._commands.popleft() if self._commands else None
        if done is not None and not done.done():
            done.set_result(status == osdp_sys.COMPLETION_OK)

    def _happened(self, _device: int, event: dict[str, Any]) -> int:
        match event:
            case {"event": osdp_sys.EVENT_CARDREAD, "data": bytes(data)}:
                self.events.put_nowait(Card(data))
            case {"event": osdp_sys.EVENT_STATUS, "type": Report.INPUTS, "report": bytes(levels)}:
                self.events.put_nowait(Inputs(levels))
            case {"event": osdp_sys.EVENT_STATUS, "type": Report.LOCAL, "report": bytes(report)}:
                self.events.put_nowait(Local(report[:1] > b"\0", report[1:2] > b"\0"))
            case {"type": osdp_sys.EVENT_NOTIFICATION_PD_STATUS, "arg0": online}:
                self._came_or_went(online=bool(online))
        return 0

    def _came_or_went(self, *, online: bool) -> None:
        if online:
            self._online.set()
        else:
            self._trouble = self._why_not()

    def _why_not(self) -> str:
        who = f"the OSDP device at address {self._address}"
        if self._online.is_set():
            return f"{who} went offline"
        if any((self._panel.get_pd_id(0) or {}).values()):
            return f"{who} answers, but not to the key in key_file"
        return f"{who} does not answer"


def _device(line: _Line, address: int, key: bytes, *, secure: bool) -> dict[str, Any]:
    flags = osdp_sys.FLAG_ENABLE_NOTIFICATION
    if secure:
        flags |= osdp_sys.FLAG_ENFORCE_SECURE
    identity = dict.fromkeys(
        ("version", "model", "vendor_code", "serial_number", "firmware_version"), 0
    )
    return {
        "name": f"device-{address}",
        "address": address,
        "flags": flags,
        "scbk": key,
        "channel": line,
        **identity,
    }


osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)  # what matters is said by the gateway
